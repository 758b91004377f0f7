//! The answer for people.

use std::fmt::Write;

use rpytest_core::RunPath;

use super::record::Subject;
use super::report::{Report, Run, Verdict};

/// Differences shown of each subject, and lines of each side, unless all are asked for.
const SHOWN: usize = 1;
const LINES: usize = 12;

/// A few lines; `verbose`: with everything that differs.
pub(super) fn render(report: &Report, verbose: bool) -> String {
    let mut text = match report.verdict {
        Verdict::CouldNotRun => return format!("could not run: {}\n", report.error.as_deref().unwrap_or("?")),
        Verdict::Identical => format!("identical: {} tests\n", report.tests),
        Verdict::Different => format!("DIFFERENT: {} tests\n", report.tests),
    };
    for run in &report.runs {
        line(&mut text, &describe(run));
    }
    if report.tests == 0 {
        line(&mut text, "\nno test was run, by plain pytest either: this shows only that pytest ends in the same way");
    }
    for subject in Subject::ALL {
        let of_subject: Vec<_> = report.differences.iter().filter(|found| found.subject == subject).collect();
        if !of_subject.is_empty() {
            line(&mut text, &format!("\n{}, differences: {}", subject.word(), of_subject.len()));
        }
        for found in of_subject.iter().take(if verbose { usize::MAX } else { SHOWN }) {
            line(&mut text, &format!("  in {}", found.runs.join(", ")));
            side(&mut text, "pytest ", &found.pytest, verbose);
            side(&mut text, "rpytest", &found.rpytest, verbose);
        }
    }
    describe_flaky(&mut text, report, verbose);
    if report.verdict == Verdict::Different && !verbose {
        line(&mut text, "\nthe first difference of each kind is shown; --verify-verbose shows all");
    }
    text
}

fn describe(run: &Run) -> String {
    let path = match run.path {
        None => String::new(),
        Some(RunPath::Warm) => ", a warm session".to_owned(),
        Some(RunPath::First) => ", a first session".to_owned(),
        Some(RunPath::Fallback) => ", plain pytest".to_owned(),
    };
    let reason = run.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("  {:8} {:8.2} s, exit {}{path}{reason}", run.name, run.seconds, run.exit)
}

fn describe_flaky(text: &mut String, report: &Report, verbose: bool) {
    if report.flaky.is_empty() {
        return;
    }
    line(text, "\nflaky: two runs of plain pytest differ here, so this is not counted");
    for subject in Subject::ALL {
        let of_subject: Vec<_> = report.flaky.iter().filter(|found| found.subject == subject).collect();
        for found in of_subject.iter().take(if verbose { usize::MAX } else { SHOWN }) {
            line(text, &format!("  {}, places: {}", subject.word(), of_subject.len()));
            side(text, "one  ", &found.one, verbose);
            side(text, "other", &found.other, verbose);
        }
    }
}

fn side(text: &mut String, name: &str, entries: &[String], verbose: bool) {
    if entries.is_empty() {
        line(text, &format!("    {name}: nothing"));
    }
    let lines: Vec<&str> = entries.iter().flat_map(|entry| entry.lines()).collect();
    let shown = if verbose { lines.len() } else { LINES };
    for shown in lines.iter().take(shown) {
        line(text, &format!("    {name}: {shown}"));
    }
    if let Some(hidden @ 1..) = lines.len().checked_sub(shown) {
        line(text, &format!("    {name}: … {hidden} lines more"));
    }
}

fn line(text: &mut String, line: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{line}");
}
