//! A run as a JUnit file.

use std::io::{self, Write};
use std::time::SystemTime;

use rpytest_core::TestEvent;

use crate::cases::Cases;
use crate::document;
use crate::{ReportError, Reporter};

/// Writes the JUnit file (`xunit2`) that `pytest --junitxml` would have written, also for a run that was killed: a test
/// that started and never finished becomes an error `crashed`, or `interrupted` when the run was.
///
/// What events do not carry is missing: properties (`record_property`), and captured output, which pytest leaves out by
/// default too (`junit_logging = no`).
#[derive(Debug)]
pub struct Junit<W> {
    writer: W,
    suite: JunitSuite,
    cases: Cases,
}

/// What a JUnit file says of a run beside its tests.
#[derive(Clone, Debug)]
pub struct JunitSuite {
    /// The name of the suite; pytest: `junit_suite_name`.
    pub name: String,
    /// The machine.
    pub hostname: String,
    /// When the run started.
    pub started: SystemTime,
}

impl JunitSuite {
    /// The suite `pytest`, as pytest calls it when nothing else is asked for, of a run that started now.
    pub fn starting_now(hostname: impl Into<String>) -> Self {
        Self { name: "pytest".into(), hostname: hostname.into(), started: SystemTime::now() }
    }
}

impl<W: Write> Junit<W> {
    /// Writes to `writer`, all at once when the run is finished.
    pub fn new(writer: W, suite: JunitSuite) -> Self {
        Self { writer, suite, cases: Cases::default() }
    }

    fn write(self) -> io::Result<()> {
        let Self { mut writer, suite, cases } = self;
        let (cases, seconds) = cases.finish();
        writer.write_all(&document::render(&suite, cases, seconds)?)?;
        writer.flush()
    }
}

impl<W: Write> Reporter for Junit<W> {
    fn receive(&mut self, event: &TestEvent) -> Result<(), ReportError> {
        self.cases.receive(event);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), ReportError> {
        self.write().map_err(|error| ReportError::new("JUnit", error))
    }
}
