//! What pytest's arguments select, as far as an inventory of everything can tell.

use std::ffi::OsString;

use rpytest_core::{Grammar, Selection, Undecided};
use rpytest_inventory::{Collection, Defaults};

/// Flags that change nothing of what is collected: they say how to show it, or how to run it. Not those of which pytest
/// makes something that others may come upon (`-s`, `--pdb`, `--runxfail`, `--color`).
const OTHERS: [&str; 18] = [
    "--quiet",
    "--verbose",
    "--collect-only",
    "--co",
    "--exitfirst",
    "--showlocals",
    "--no-showlocals",
    "--no-header",
    "--no-summary",
    "--full-trace",
    "--setup-show",
    "--setup-plan",
    "--setup-only",
    "--setuponly",
    "--disable-warnings",
    "--disable-pytest-warnings",
    "--no-fold-skipped",
    "--xfail-tb",
];
/// Whether pytest takes a value.
type IsTaken = fn(&str) -> bool;
/// The same, with a value that follows or is behind a `=`.
const WITH_VALUE: [(&str, IsTaken); 5] = [
    ("--maxfail", is_number),
    ("--tb", |style| ["auto", "long", "short", "line", "native", "no"].contains(&style)),
    ("--durations", is_number),
    ("--verbosity", is_number),
    ("--show-capture", |streams| ["no", "stdout", "stderr", "log", "all"].contains(&streams)),
];
/// Arguments that only select.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Selecting {
    keyword: Option<String>,
    mark: Option<String>,
    deselected: Vec<String>,
    /// There are flags that say how to run or to show.
    shows: bool,
    /// Paths and node ids.
    pub(super) named: Vec<OsString>,
}

impl Selecting {
    /// Understand pytest's arguments. None: one of them does more than to select.
    pub(super) fn read(arguments: &[OsString]) -> Option<Self> {
        let mut selecting = Self::default();
        let mut words = arguments.iter().map(|word| word.to_str());
        while let Some(word) = words.next() {
            let word = word?;
            if OTHERS.contains(&word) || is_cluster(word) {
                selecting.shows = true;
                continue;
            }
            let (flag, value) = word.split_once('=').map_or((word, None), |(flag, value)| (flag, Some(value)));
            if let Some((_, is_taken)) = WITH_VALUE.iter().find(|(name, _)| flag == *name) {
                let value = value.map_or_else(|| value_of(words.next()?), |value| Some(value.to_owned()))?;
                if !is_taken(&value) {
                    return None;
                }
                selecting.shows = true;
                continue;
            }
            if let Some(value) = word.strip_prefix("--deselect") {
                selecting.deselected.push(match value.strip_prefix('=') {
                    Some(value) => value.to_owned(),
                    None if value.is_empty() => value_of(words.next()?)?,
                    None => return None,
                });
            } else if word.starts_with("-k") || word.starts_with("-m") {
                let (flag, value) = word.split_at(2);
                let value = match value.strip_prefix('=').unwrap_or(value) {
                    "" if value.is_empty() => value_of(words.next()?)?,
                    value => value.to_owned(),
                };
                let kept = if flag == "-k" { &mut selecting.keyword } else { &mut selecting.mark };
                *kept = Some(value);
            } else if word.starts_with(['-', '@']) {
                return None;
            } else {
                selecting.named.push(word.into());
            }
        }
        Some(selecting)
    }

    /// Whether it selects from what is named.
    pub(super) fn selects(&self) -> bool {
        self.keyword.is_some() || self.mark.is_some() || !self.deselected.is_empty()
    }

    /// What it selects from all that was collected of what is named; an error is why that would not be what pytest
    /// collects with these arguments.
    pub(super) fn of(&self, collection: &Collection) -> Result<Selection, Undecided> {
        let everything = !self.selects() && !self.shows && collection.defaults == Defaults::default();
        if let Some(reason) = collection.indivisible.first().filter(|_| !everything) {
            return Err(Undecided::new(reason));
        }
        if collection.strict_marks && (self.mark.is_some() || !collection.defaults.mark.is_empty()) {
            return Err(Undecided::new("marks are strict"));
        }
        let grammar = grammar(&collection.pytest)?;
        let mut selection = Selection::default()
            .with_keyword(self.keyword.as_deref().unwrap_or(&collection.defaults.keyword), grammar)
            .with_mark(self.mark.as_deref().unwrap_or(&collection.defaults.mark), grammar);
        for prefix in self.deselected.iter().chain(&collection.defaults.deselected) {
            selection = selection.with_deselected(prefix);
        }
        Ok(selection)
    }
}

/// As Python and Rust both read it.
fn is_number(value: &str) -> bool {
    !value.is_empty() && value.len() < 10 && value.bytes().all(|byte| byte.is_ascii_digit())
}

/// Not one that looks like a flag, which pytest does not take for a value, or names a file of arguments.
fn value_of(word: Option<&str>) -> Option<String> {
    word.filter(|word| !word.starts_with(['-', '@'])).map(str::to_owned)
}

/// Whether it is short flags that change nothing of what is collected, and perhaps `-r` with its value.
fn is_cluster(word: &str) -> bool {
    let Some(rest) = word.strip_prefix('-') else { return false };
    let flags = rest.split_once('r').map_or(rest, |(flags, _)| flags);
    let has_value = !rest.ends_with('r') || flags.len() + 1 < rest.len();
    !rest.is_empty() && has_value && flags.bytes().all(|byte| b"qvxl".contains(&byte))
}

fn grammar(version: &str) -> Result<Grammar, Undecided> {
    let mut numbers = version.split('.').map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => Ok(Grammar::of_pytest(major, minor)),
        _ => Err(Undecided::new(format!("pytest's version {version}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Option<Selecting> {
        Selecting::read(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn what_selects_is_told_from_what_does_more() {
        let selecting = read(&[
            "-k",
            "a b",
            "-qq",
            "-m=slow",
            "--deselect=x.py::t",
            "--deselect",
            "y.py",
            "tests",
            "-v",
            "a.py::t",
        ]);
        let expected = Selecting {
            keyword: Some("a b".into()),
            mark: Some("slow".into()),
            deselected: vec!["x.py::t".into(), "y.py".into()],
            shows: true,
            named: vec!["tests".into(), "a.py::t".into()],
        };
        assert_eq!(selecting, Some(expected));
        let running =
            ["-xq", "-rA", "-lvrfE", "--tb=short", "--tb", "short", "--maxfail=2", "--co", "--durations", "3"];
        assert_eq!(read(&running), Some(Selecting { shows: true, ..Selecting::default() }));
        assert_eq!(read(&["-kone", "-k", "two"]).and_then(|read| read.keyword).as_deref(), Some("two"));
        for more in [
            &["-n2"][..],
            &["-sv"],
            &["--pdb"],
            &["--lf"],
            &["--tb=other"],
            &["--maxfail", "x"],
            &["--sw"],
            &["-c", "x.ini"],
            &["-p", "no:x"],
            &["-k"],
            &["-k", "-x"],
            &["@f"],
            &["-k", "@f"],
            &["--deselect", "@f"],
        ] {
            assert_eq!(read(more), None, "{more:?}");
        }
    }
}
