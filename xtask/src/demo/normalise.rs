//! What two runs must have in common: everything but measured times.

use std::fmt::Write;

use crate::timed::Timed;

/// What stands for a measured time.
const TIME: &str = "<time>";

/// Where the second run differs from the first, in words for the reader; `None` when they are the same.
pub(super) fn difference(pytest: &Timed, rpytest: &Timed) -> Option<String> {
    if pytest.status != rpytest.status {
        return Some(format!("{} instead of {}", rpytest.status, pytest.status));
    }
    first_line_apart("standard output", &pytest.stdout, &rpytest.stdout)
        .or_else(|| first_line_apart("standard error", &pytest.stderr, &rpytest.stderr))
}

fn first_line_apart(stream: &str, pytest: &str, rpytest: &str) -> Option<String> {
    let (pytest, rpytest) = (without_times(pytest), without_times(rpytest));
    if pytest == rpytest {
        return None;
    }
    // `split` and not `lines`: a missing end of line is a difference too.
    let (mut expected, mut actual) = (pytest.split('\n'), rpytest.split('\n'));
    let mut number = 1;
    loop {
        let lines = (expected.next(), actual.next());
        if lines.0 != lines.1 {
            let mut text = format!("{stream}, line {number}");
            for (name, line) in [("python -m pytest", lines.0), ("rpytest", lines.1)] {
                let line = line.map_or_else(|| "(no more lines)".to_owned(), |line| format!("{line:?}"));
                // Writing to a string cannot fail.
                let _ = write!(text, "\n    {name:16}  {line}");
            }
            return Some(text);
        }
        number += 1;
    }
}

/// The text with [`TIME`] for every `1.23s` and `(0:01:02)`, and without the rule around a line that has one: its
/// length depends on the digits of the time.
fn without_times(text: &str) -> String {
    text.split_inclusive('\n').map(line_without_times).collect()
}

fn line_without_times(line: &str) -> String {
    let words: Vec<_> = line.split(' ').collect();
    if !words.iter().any(|word| is_seconds(word)) {
        return line.to_owned();
    }
    let kept = words.iter().filter(|word| !is_rule(word) && !is_clock(word));
    kept.map(|word| if is_seconds(word) { TIME } else { word }).collect::<Vec<_>>().join(" ")
}

/// `0.12s`, perhaps at the end of the line.
fn is_seconds(word: &str) -> bool {
    word.trim_end()
        .strip_suffix('s')
        .and_then(|number| number.split_once('.'))
        .is_some_and(|(whole, fraction)| is_number(whole) && is_number(fraction))
}

/// `(0:01:02)`: pytest adds it to times of a minute and more.
fn is_clock(word: &str) -> bool {
    let inside = word.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    inside.is_some_and(|clock| clock.split(':').count() == 3 && clock.split(':').all(is_number))
}

/// `=====`, perhaps at the end of the line.
fn is_rule(word: &str) -> bool {
    let word = word.trim_end();
    !word.is_empty() && word.bytes().all(|byte| byte == b'=')
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::{first_line_apart, without_times};

    #[test]
    fn the_summary_is_the_same_whatever_its_time() {
        let short = without_times("collected 3 items\n======= 3 passed in 0.02s =======\n");
        let long = without_times("collected 3 items\n== 3 passed in 61.20s (0:01:01) ==\n");
        assert_eq!(short, long);
        assert_eq!(short, "collected 3 items\n3 passed in <time>");
    }

    #[test]
    fn quiet_summaries_have_times_too() {
        assert_eq!(without_times("3 passed in 0.02s\n"), "3 passed in <time>");
    }

    #[test]
    fn nothing_else_is_touched() {
        let text = "=== test session starts ===\nplatform linux -- Python 3.11.7, pytest-9.0.0\ntests  [ 50%]\n1.5 s";
        assert_eq!(without_times(text), text);
    }

    #[test]
    fn the_first_line_apart_is_shown_from_both_sides() {
        let difference = first_line_apart("standard output", "a\nb\n1 passed in 0.01s\n", "a\nc\n1 passed in 0.02s\n");
        let expected = "standard output, line 2\n    python -m pytest  \"b\"\n    rpytest           \"c\"";
        assert_eq!(difference.as_deref(), Some(expected));
    }

    #[test]
    fn missing_lines_are_a_difference() {
        let difference = first_line_apart("standard output", "a\nb", "a").expect("b is missing");
        assert!(difference.ends_with("(no more lines)"), "{difference}");
    }
}
