//! What one run has left, in the form in which it is compared.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use rpytest_core::{RunPath, TestEvent};
use rpytest_ipc::End;
use rpytest_report::{EventReader, read_junit};
use serde::Serialize;

use super::attendant::Attended;
use super::normalise::{Mask, normalise};
use super::testimony::Testimony;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Subject {
    /// How the run ended.
    Exit,
    /// Which tests are collected, in order.
    Collected,
    /// The outcome of each phase of each test.
    Outcomes,
    /// What the tests' reports say, and what was captured.
    Details,
    /// What the `JUnit` file says.
    Junit,
    Warnings,
    Stdout,
    Stderr,
    /// The files that were written, changed or removed.
    Files,
}

impl Subject {
    pub(super) const ALL: [Self; 9] = [
        Self::Exit,
        Self::Collected,
        Self::Outcomes,
        Self::Details,
        Self::Junit,
        Self::Warnings,
        Self::Stdout,
        Self::Stderr,
        Self::Files,
    ];

    /// Whether each entry is a test or of a test.
    pub(super) const fn is_of_tests(self) -> bool {
        matches!(self, Self::Collected | Self::Outcomes | Self::Details | Self::Junit | Self::Warnings)
    }

    /// In words.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Exit => "exit status",
            Self::Collected => "collected tests",
            Self::Outcomes => "outcomes",
            Self::Details => "reports of tests",
            Self::Junit => "JUnit file",
            Self::Warnings => "warnings",
            Self::Stdout => "standard output",
            Self::Stderr => "standard error",
            Self::Files => "files left",
        }
    }
}

/// What one run has left, normalised.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) name: &'static str,
    pub(super) attended: Attended,
    /// Which way the run took; None for plain pytest, and for a runner that has no daemon.
    pub(super) path: Option<RunPath>,
    /// Why it was not the warm one.
    pub(super) reason: Option<String>,
    /// Whether the plugin was in it.
    pub(super) witnessed: bool,
    subjects: BTreeMap<Subject, Vec<String>>,
}

impl Record {
    /// Of the run `name` whose output is in `outputs`; beside that it has left `files`.
    pub(super) fn read(
        name: &'static str,
        attended: Attended,
        outputs: &Path,
        files: Vec<String>,
        masks: &[Mask],
    ) -> io::Result<Self> {
        let events = outputs.join(EVENTS);
        let witnessed = events.exists();
        let testimony = if witnessed {
            Testimony::of(events_in(&events)?.map(|event| without_masked_captures(event, masks)))
        } else {
            Testimony::default()
        };
        let entries = |texts: Vec<String>| texts.iter().map(|text| normalise(text, masks)).collect::<Vec<_>>();
        let lines = |file: &str| -> io::Result<Vec<String>> {
            let text = text_of(&outputs.join(file))?;
            // With their ends, so that a missing newline at the very end shows.
            Ok(normalise(&text, masks).split_inclusive('\n').map(str::to_owned).collect())
        };
        let subjects = BTreeMap::from([
            (Subject::Exit, vec![exit_of(attended)]),
            (Subject::Collected, entries(testimony.collected)),
            (Subject::Outcomes, entries(testimony.outcomes)),
            (Subject::Details, entries(testimony.details)),
            (Subject::Junit, entries(junit_in(&outputs.join(JUNIT)))),
            (Subject::Warnings, entries(testimony.warnings)),
            (Subject::Stdout, lines(STDOUT)?),
            (Subject::Stderr, lines(STDERR)?),
            (Subject::Files, entries(files)),
        ]);
        Ok(Self { name, attended, path: None, reason: None, witnessed, subjects })
    }

    /// One of the sequences.
    pub(super) fn of(&self, subject: Subject) -> &[String] {
        self.subjects.get(&subject).map_or(&[], Vec::as_slice)
    }

    /// How many tests it has run.
    pub(super) fn tests(&self) -> usize {
        self.of(Subject::Outcomes).len()
    }
}

/// The files of a run.
pub(super) const EVENTS: &str = "events.jsonl";
pub(super) const JUNIT: &str = "junit.xml";
pub(super) const STDOUT: &str = "stdout";
pub(super) const STDERR: &str = "stderr";

fn exit_of(attended: Attended) -> String {
    match (attended.hung, attended.end) {
        (true, _) => "none: it hung".to_owned(),
        (false, End::Code(code)) => code.to_string(),
        (false, End::Signal(signal)) => format!("signal {signal}"),
    }
}

/// Up to the first that is cut off.
fn events_in(path: &PathBuf) -> io::Result<impl Iterator<Item = TestEvent>> {
    Ok(EventReader::new(BufReader::new(File::open(path)?)).map_while(Result::ok))
}

/// The event, without what was captured where all of it is masked: that anything was captured is then chance too.
fn without_masked_captures(mut event: TestEvent, masks: &[Mask]) -> TestEvent {
    if let TestEvent::TestReport(report) = &mut event {
        report.sections.retain(|section| !normalise(&section.content, masks).is_empty());
    }
    event
}

/// What the file says. One that is missing or broken says that.
fn junit_in(path: &Path) -> Vec<String> {
    let Ok(text) = text_of(path) else { return vec!["no file".to_owned()] };
    match read_junit(&text) {
        Ok(entries) => entries.into_iter().map(|entry| format!("{}\n{}", entry.id, entry.text)).collect(),
        Err(error) => vec![format!("a broken file: {error}")],
    }
}

fn text_of(path: &Path) -> io::Result<String> {
    Ok(String::from_utf8_lossy(&fs::read(path)?).into_owned())
}
