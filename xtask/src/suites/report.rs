//! What is told of a suite: one paragraph each on standard output; what is going on, on standard error.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::io::{Write as _, stdout};
use std::path::Path;

use super::suite::Suite;
use super::verdict::Verdict;
use super::verification::{Different, Run, Verification};
use crate::error::Chain;

/// Differences shown per subject.
const SHOWN: usize = 5;
/// Lines shown per side of a difference.
const LINES: usize = 12;

/// All that is to be said of one suite.
#[derive(Debug)]
pub(crate) struct Report {
    text: String,
    verdict: Verdict,
}

impl Report {
    /// Puts into words what was found in `suite`.
    pub(crate) fn new(suite: &Suite, found: &Verification) -> Self {
        let verdict = if found.differences.is_empty() { Verdict::Identical } else { Verdict::Different };
        let mut text = headline(suite, found, verdict);
        for run in found.runs.iter().filter(|run| run.path.as_deref() == Some("fallback")) {
            add(&mut text, format_args!("  {}: plain pytest, {}\n", run.name, run.reason.as_deref().unwrap_or("?")));
        }
        for place in &found.flaky {
            add(&mut text, format_args!("  masked, as two plain runs differ: {}:\n", place.subject));
            add_side(&mut text, "one   ", &place.one);
            add_side(&mut text, "other ", &place.other);
        }
        for subject in subjects(&found.differences) {
            let of_subject: Vec<_> = found.differences.iter().filter(|found| found.subject == subject).collect();
            add(&mut text, format_args!("  {subject}, differences: {}\n", of_subject.len()));
            for difference in of_subject.into_iter().take(SHOWN) {
                add_difference(&mut text, difference);
            }
        }
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
pub(crate) fn could_not_run(suite: &Suite, why: &dyn Error) -> Verdict {
    // As above.
    let _ = write!(stdout(), "{}: could not run\n{}", suite.title(), Chain(why));
    Verdict::CouldNotRun
}

/// Says that a suite was not meant to be run, and why.
pub(crate) fn skipped(suite: &Suite, why: &str) -> Verdict {
    // As above.
    let _ = writeln!(stdout(), "{}: skipped, {why}", suite.title());
    Verdict::Skipped
}

/// Counts what came out.
pub(crate) fn summary(verdicts: &[Verdict]) {
    let count = |verdict| verdicts.iter().filter(|told| **told == verdict).count();
    let (identical, different) = (count(Verdict::Identical), count(Verdict::Different));
    let (not, skipped) = (count(Verdict::CouldNotRun), count(Verdict::Skipped));
    // As above.
    let _ = writeln!(
        stdout(),
        "{} compared: {identical} identical, {different} different, {not} could not run; {skipped} skipped",
        verdicts.len() - skipped,
    );
}

fn headline(suite: &Suite, found: &Verification, verdict: Verdict) -> String {
    let (plain, rpytest): (Vec<&Run>, Vec<&Run>) = found.runs.iter().partition(|run| run.name.starts_with("plain"));
    let fastest = plain.iter().map(|run| run.seconds).fold(f64::INFINITY, f64::min);
    let ratios: Vec<String> = rpytest.iter().map(|run| format!("{} {:.2}", run.name, run.seconds / fastest)).collect();
    format!(
        "{}: {} tests, {} | pytest {fastest:.2} s | ratio {}\n",
        suite.title(),
        found.tests,
        verdict,
        ratios.join(", "),
    )
}

/// Each once, in the order in which they come.
fn subjects(differences: &[Different]) -> Vec<&str> {
    let mut subjects: Vec<&str> = differences.iter().map(|found| found.subject.as_str()).collect();
    subjects.dedup();
    subjects
}

fn add_difference(text: &mut String, difference: &Different) {
    add(text, format_args!("    in {}\n", difference.runs.join(", ")));
    add_side(text, "pytest", &difference.pytest);
    add_side(text, "runner", &difference.rpytest);
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
