//! The contract of everything that renders a run.

use std::io;

use rpytest_core::TestEvent;

/// Renders the events of one run.
///
/// It is fed every event in order and then finished. It never calls back, never asks for more, and does not rely on an
/// event that a killed run may not have sent: [`finish`](Self::finish) after any prefix of a run gives a whole document.
pub trait Reporter {
    /// Takes the next event.
    fn receive(&mut self, event: &TestEvent) -> Result<(), ReportError>;

    /// No more events will come: writes what is left to write.
    fn finish(self: Box<Self>) -> Result<(), ReportError>;
}

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
#[error("write the {format} report")]
pub struct ReportError {
    format: &'static str,
    source: io::Error,
}

impl ReportError {
    pub(crate) fn new(format: &'static str, source: io::Error) -> Self {
        Self { format, source }
    }

    /// Which report: `JSON lines` or `JUnit`.
    pub const fn format(&self) -> &'static str {
        self.format
    }
}
