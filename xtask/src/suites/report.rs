//! What is told of a suite: one paragraph each on standard output; what is going on, on standard error.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::io::{Write as _, stdout};
use std::path::Path;

use super::comparison::{Control, Difference};
use super::runs::{RunResult, RunResults};
use super::suite::Suite;
use super::verdict::Verdict;
use crate::error::Chain;

/// Differences shown per run and subject.
const SHOWN: usize = 5;
/// Lines shown per side of a difference.
const LINES: usize = 12;

/// What is compared, besides the exit status.
const SUBJECTS: &[Subject] = &[
    Subject { name: "tests", of: |run| &run.tests },
    Subject { name: "outcomes", of: |run| &run.outcomes },
    Subject { name: "stdout", of: |run| &run.stdout },
    Subject { name: "stderr", of: |run| &run.stderr },
    Subject { name: "files", of: |run| &run.files },
];

/// One sequence of a run.
struct Subject {
    name: &'static str,
    of: fn(&RunResult) -> &[String],
}

/// All that is to be said of one suite.
#[derive(Debug)]
pub(crate) struct Report {
    text: String,
    verdict: Verdict,
}

impl Report {
    /// Compares the runs of `suite`.
    pub(crate) fn new(suite: &Suite, results: &RunResults) -> Self {
        let mut differences = String::new();
        let mut flaky = String::new();
        compare_statuses(results, &mut differences, &mut flaky);
        for subject in SUBJECTS {
            compare_subject(subject, results, &mut differences, &mut flaky);
        }
        let verdict = if differences.is_empty() { Verdict::Identical } else { Verdict::Different };
        let text = format!("{}\n{flaky}{differences}", headline(suite, results, verdict));
        Self { text, verdict }
    }

    pub(crate) fn verdict(&self) -> Verdict {
        self.verdict
    }

    pub(crate) fn print(&self) {
        // The exit code tells those who have closed the pipe.
        let _ = stdout().write_all(self.text.as_bytes());
    }
}

/// Says where the output of a suite's runs is.
pub(crate) fn outputs(directory: &Path) {
    // The exit code tells those who have closed the pipe.
    let _ = writeln!(stdout(), "  output of each run: {}", directory.display());
}

/// Says that a suite could not be run, and why.
pub(crate) fn could_not_run(suite: &Suite, why: &dyn Error) {
    // As above.
    let _ = write!(stdout(), "{} {}: could not run\n{}", suite.name, suite.data.version, Chain(why));
}

fn headline(suite: &Suite, results: &RunResults, verdict: Verdict) -> String {
    let [first, second] = &results.plain;
    let plain = first.wall.min(second.wall).as_secs_f64();
    let [cold, warm, again] = results.runner.each_ref().map(|run| run.wall.as_secs_f64() / plain);
    format!(
        "{} {}: {} tests, {} | pytest {plain:.2} s | ratio cold {cold:.2}, warm {warm:.2} {again:.2}",
        suite.name,
        suite.data.version,
        second.tests.len(),
        match verdict {
            Verdict::Identical => "identical",
            Verdict::Different => "DIFFERENT",
            Verdict::CouldNotRun => "could not run",
        },
    )
}

fn compare_statuses(results: &RunResults, differences: &mut String, flaky: &mut String) {
    let [first, second] = &results.plain;
    if first.status != second.status {
        add(flaky, format_args!("  masked: plain pytest ends with {}, or {}\n", first.status, second.status));
        return;
    }
    for run in &results.runner {
        if run.status != second.status {
            add(
                differences,
                format_args!(
                    "  {}: exit status\n    pytest: {}\n    runner: {}\n",
                    run.name, second.status, run.status
                ),
            );
        }
    }
}

fn compare_subject(subject: &Subject, results: &RunResults, differences: &mut String, flaky: &mut String) {
    let [first, second] = &results.plain;
    let control = Control::new((subject.of)(first), (subject.of)(second));
    for place in control.flaky() {
        add(flaky, format_args!("  masked, as two plain runs differ: {}:\n", subject.name));
        add_side(flaky, "plain ", place);
    }
    let found = results.runner.iter().map(|run| (run.name, control.differences((subject.of)(run)))).collect();
    for (names, found) in grouped(found) {
        let count = found.len();
        add(differences, format_args!("  {names}: {}, differences: {count}\n", subject.name));
        for difference in found.iter().take(SHOWN) {
            add_difference(differences, difference);
        }
    }
}

/// The runs that differ, those with the same differences together.
fn grouped(found: Vec<(&str, Vec<Difference>)>) -> Vec<(String, Vec<Difference>)> {
    let mut groups: Vec<(String, Vec<Difference>)> = Vec::new();
    for (name, differences) in found {
        if differences.is_empty() {
            continue;
        }
        match groups.iter_mut().find(|(_, known)| *known == differences) {
            Some((names, _)) => add(names, format_args!(", {name}")),
            None => groups.push((name.to_owned(), differences)),
        }
    }
    groups
}

fn add_difference(text: &mut String, difference: &Difference) {
    add_side(text, "pytest", &difference.expected);
    add_side(text, "runner", &difference.actual);
    add(text, format_args!("\n"));
}

fn add_side(text: &mut String, side: &str, lines: &[String]) {
    if lines.is_empty() {
        add(text, format_args!("    {side}: nothing\n"));
    }
    let lines = lines.iter().flat_map(|entry| entry.lines());
    let shown: Vec<_> = lines.clone().take(LINES).collect();
    for line in &shown {
        add(text, format_args!("    {side}: {line}\n"));
    }
    let hidden = lines.count() - shown.len();
    if hidden > 0 {
        add(text, format_args!("    {side}: … {hidden} lines more\n"));
    }
}

fn add(text: &mut String, more: fmt::Arguments<'_>) {
    // Writing into memory does not fail.
    let _ = text.write_fmt(more);
}

#[cfg(test)]
mod tests {
    use super::{Difference, grouped};

    fn difference(text: &str) -> Difference {
        Difference { expected: vec![text.into()], actual: Vec::new() }
    }

    #[test]
    fn runs_with_the_same_differences_are_told_together() {
        let found = vec![("cold", vec![difference("a")]), ("warm 1", Vec::new()), ("warm 2", vec![difference("a")])];
        assert_eq!(grouped(found), [("cold, warm 2".to_owned(), vec![difference("a")])]);
    }
}
