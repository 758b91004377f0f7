//! Masks what differs between any two runs of pytest: times, addresses, temporary paths. Nothing else.

use std::str::FromStr;
use std::sync::LazyLock;

use regex_lite::{Captures, Regex};

/// What a pattern needs to be in a line at all, the pattern, its replacement, and why the text may differ.
const RULES: &[(&str, &str, &str, &str)] = &[
    ("in ", r"\bin \d+\.\d\ds(?: \(\d+:\d\d:\d\d\))?", "in <TIME>", "run time in the closing line"),
    ("s ", r"^\d+\.\d\ds (?:call|setup|teardown) .*\n", "", "rows of --durations: the clock chooses and orders them"),
    ("s hidden", r"\(\d+ durations? < [\d.]+s hidden", "(<N> durations hidden", "the same"),
    ("0x", r"\b0x[0-9a-f]{6,16}\b", "0x<ADDRESS>", "addresses of objects"),
    ("1", r"\b1[34]\d{13}\b", "<ID>", "addresses as `id` tells them, and of threads"),
    (
        "pytest-of-",
        r"\bpytest-of-([^/\s]+)/pytest-\d+\b",
        "pytest-of-$1/pytest-<N>",
        "numbering of the temporary directories of pytest",
    ),
    ("/tmp", r"/tmp[a-z0-9_]{8}\b", "/tmp<RANDOM>", "names made by tempfile"),
    ("/pymp-", r"/pymp-[a-z0-9_]{8}\b", "/pymp-<RANDOM>", "names made by multiprocessing"),
    (
        ":",
        r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.,]\d+(?:[+-]\d\d:\d\d|Z)?",
        "<TIMESTAMP>",
        "moments, as logging writes them",
    ),
];

struct Rule {
    needs: &'static str,
    pattern: Regex,
    by: &'static str,
}

static COMPILED: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    RULES.iter().map(|&(needs, pattern, by, _)| Rule { needs, pattern: compile(pattern), by }).collect()
});

/// A bar of `=` or `-` around text that was masked: the fill depends on the width of what was there.
static BAR: LazyLock<Regex> =
    LazyLock::new(|| compile(r"^((?:\x1b\[[\d;]*m)*)[=-]+((?:\x1b\[[\d;]*m)*) (.*<TIME>.*?)((?:\x1b\[[\d;]*m)*)[=-]+"));

/// Text that differs by chance, as the user knows it.
#[derive(Debug, Clone)]
pub(crate) struct Mask {
    pattern: Regex,
    replacement: String,
}

impl FromStr for Mask {
    type Err = regex_lite::Error;

    /// `PATTERN`, which is left out, or `PATTERN => REPLACEMENT`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (pattern, replacement) = text.rsplit_once(" => ").unwrap_or((text, ""));
        Ok(Self { pattern: Regex::new(pattern)?, replacement: replacement.to_owned() })
    }
}

/// `text` with times, addresses and temporary names masked, after the user's own `masks`.
pub(super) fn normalise(text: &str, masks: &[Mask]) -> String {
    let mut text = text.to_owned();
    for mask in masks {
        text = mask.pattern.replace_all(&text, mask.replacement.as_str()).into_owned();
    }
    text.split_inclusive('\n').map(normalise_line).collect()
}

fn normalise_line(line: &str) -> String {
    let mut line = line.to_owned();
    for rule in COMPILED.iter().filter(|rule| line.contains(rule.needs)).collect::<Vec<_>>() {
        line = rule.pattern.replace_all(&line, rule.by).into_owned();
    }
    if !line.contains("<TIME>") {
        return line;
    }
    let bar = |found: &Captures<'_>| format!("{}={} {}{}=", &found[1], &found[2], &found[3], &found[4]);
    BAR.replace_all(&line, bar).into_owned()
}

fn compile(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the patterns of this file are right, as its tests show")
}

#[cfg(test)]
mod tests {
    use super::normalise;

    #[track_caller]
    fn same(one: &str, other: &str) {
        assert_eq!(normalise(one, &[]), normalise(other, &[]));
    }

    #[track_caller]
    fn different(one: &str, other: &str) {
        assert_ne!(normalise(one, &[]), normalise(other, &[]));
    }

    #[test]
    fn closing_lines_may_have_taken_longer() {
        same("===== 2 passed in 1.00s =====", "==== 2 passed in 61.02s (0:01:01) ====");
        same("2 passed in 1.00s", "2 passed in 11.00s");
        same(
            "\x1b[32m=== \x1b[32m\x1b[1m2 passed\x1b[0m\x1b[32m in 0.01s\x1b[0m\x1b[32m ===\x1b[0m",
            "\x1b[32m== \x1b[32m\x1b[1m2 passed\x1b[0m\x1b[32m in 10.01s\x1b[0m\x1b[32m ==\x1b[0m",
        );
    }

    #[test]
    fn closing_lines_count_the_same_tests() {
        different("=== 2 passed in 1.00s ===", "=== 3 passed in 1.00s ===");
    }

    #[test]
    fn objects_live_elsewhere() {
        same("<A object at 0x7f9c1a2b3c4d>", "<A object at 0x7fe2c2166410>");
        different("<A object at 0x7f9c1a2b3c4d>", "<B object at 0x7f9c1a2b3c4d>");
        different("0xff", "0xfe");
        different("pid 7", "pid 8");
    }

    #[test]
    fn temporary_directories_are_numbered_on() {
        same("/tmp/pytest-of-me/pytest-9/test_a0/x", "/tmp/pytest-of-me/pytest-10/test_a0/x");
        different("/tmp/pytest-of-me/pytest-9/test_a0/x", "/tmp/pytest-of-me/pytest-9/test_a1/x");
        same("/tmp/tmpab3_9xyz/x", "/tmp/tmp00000000/x");
    }

    #[test]
    fn rows_of_durations_are_left_out() {
        same(
            "== slowest 2 durations ==\n0.12s call     test_a.py::test_b\n\n(1 durations < 0.005s hidden.)\n",
            "== slowest 2 durations ==\n0.10s setup    test_a.py::test_c\n\n(2 durations < 0.005s hidden.)\n",
        );
    }

    #[test]
    fn moments_differ() {
        same("[2026-01-02 03:04:05,678] WARNING", "[2026-01-02 03:04:06,001] WARNING");
        different("2026-01-02", "2026-01-03");
    }

    #[test]
    fn what_else_differs_stays() {
        different("test_a.py ..F", "test_a.py ...");
        different("a", "a ");
        different("1 passed in total", "2 passed in total");
    }

    #[test]
    fn users_have_masks_of_their_own() {
        let masks = [r"noise\n", r"(?m)^port \d+$ => port <N>"].map(|text| text.parse().expect("it is right"));
        assert_eq!(normalise(".noise\n.\nport 80\nport 8x", &masks), "..\nport <N>\nport 8x");
    }
}
