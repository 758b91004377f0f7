//! The answer: what `--json` prints, and what the text for people is made from.

use rpytest_core::RunPath;
use serde::Serialize;

use super::VerifyError;
use super::comparison::{Control, Difference};
use super::record::{Record, Subject};

/// The version of the JSON. It changes when a field that readers rely on changes its meaning or goes.
const FORMAT: u32 = 1;

/// Everything that came out. `tests/it/verify_dropin/*.json` are examples.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    format: u32,
    pub(super) verdict: Verdict,
    /// Why it could not run.
    pub(super) error: Option<String>,
    /// How many tests the first run of plain pytest has run.
    pub(super) tests: usize,
    pub(super) runs: Vec<Run>,
    pub(super) differences: Vec<Different>,
    /// What differs between the runs of plain pytest, and so is not counted.
    pub(super) flaky: Vec<Flaky>,
}

/// What came out, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Verdict {
    /// rpytest gave what plain pytest gave.
    Identical,
    /// It gave something else.
    Different,
    /// There was nothing to compare.
    CouldNotRun,
}

/// One run.
#[derive(Debug, Serialize)]
pub(super) struct Run {
    pub(super) name: &'static str,
    /// How it ended: a number, or `signal N`.
    pub(super) exit: String,
    pub(super) seconds: f64,
    /// Which way a run of rpytest took; null where it did not come to a daemon.
    pub(super) path: Option<RunPath>,
    /// Why it was not a faster one.
    pub(super) reason: Option<String>,
}

/// One place where runs of rpytest differ from those of plain pytest.
#[derive(Debug, Serialize)]
pub(super) struct Different {
    pub(super) subject: Subject,
    /// The runs that have it.
    pub(super) runs: Vec<&'static str>,
    pub(super) pytest: Vec<String>,
    pub(super) rpytest: Vec<String>,
}

/// One place where two runs of plain pytest differ.
#[derive(Debug, Serialize)]
pub(super) struct Flaky {
    pub(super) subject: Subject,
    pub(super) one: Vec<String>,
    pub(super) other: Vec<String>,
}

impl Report {
    /// Compare the runs.
    pub(super) fn new(plain: &[Record], rpytest: &[Record]) -> Self {
        let (mut differences, mut flaky) = (Vec::new(), Vec::new());
        for subject in Subject::ALL {
            let sequences: Vec<&[String]> = plain.iter().map(|run| run.of(subject)).collect();
            let control = Control::new(&sequences, subject.is_of_tests());
            for Difference { expected, actual } in control.flaky() {
                flaky.push(Flaky { subject, one: expected, other: actual });
            }
            for run in rpytest {
                for difference in control.differences(run.of(subject)) {
                    add(&mut differences, subject, run.name, difference);
                }
            }
        }
        Self {
            format: FORMAT,
            verdict: if differences.is_empty() { Verdict::Identical } else { Verdict::Different },
            error: None,
            tests: plain.first().map_or(0, Record::tests),
            runs: plain.iter().chain(rpytest).map(Run::of).collect(),
            differences,
            flaky,
        }
    }

    /// Nothing could be compared.
    pub(super) fn could_not_run(error: &VerifyError) -> Self {
        Self {
            format: FORMAT,
            verdict: Verdict::CouldNotRun,
            error: Some(error.to_string()),
            tests: 0,
            runs: Vec::new(),
            differences: Vec::new(),
            flaky: Vec::new(),
        }
    }

    pub(super) fn is_different(&self) -> bool {
        self.verdict == Verdict::Different
    }

    /// As JSON, with a line's end.
    pub(super) fn as_json(&self) -> String {
        let json = serde_json::to_string_pretty(self);
        json.expect("strings, numbers and lists of them can be written as JSON") + "\n"
    }
}

impl Run {
    fn of(record: &Record) -> Self {
        Self {
            name: record.name,
            exit: record.of(Subject::Exit).concat(),
            seconds: record.attended.wall.as_secs_f64(),
            path: record.path,
            reason: record.reason.clone(),
        }
    }
}

/// To the same difference of another run, if there is one.
fn add(all: &mut Vec<Different>, subject: Subject, run: &'static str, difference: Difference) {
    let Difference { expected, actual } = difference;
    let same = |known: &&mut Different| {
        known.subject == subject && known.pytest == expected && known.rpytest == actual && !known.runs.contains(&run)
    };
    match all.iter_mut().find(same) {
        Some(known) => known.runs.push(run),
        None => all.push(Different { subject, runs: vec![run], pytest: expected, rpytest: actual }),
    }
}
