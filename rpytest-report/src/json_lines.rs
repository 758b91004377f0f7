//! Events as JSON, one object a line.

use std::io::{self, Write};

use rpytest_core::TestEvent;

use crate::{ReportError, Reporter};

/// Writes each event as one line of JSON, and flushes it, so that a reader at the other end of a pipe sees it at once
/// and a crash of this process loses nothing that happened before.
#[derive(Debug)]
pub struct JsonLines<W> {
    writer: W,
}

impl<W: Write> JsonLines<W> {
    /// Writes to `writer`. It is written to once per event: a buffer of its own would gain nothing.
    pub const fn new(writer: W) -> Self {
        Self { writer }
    }

    fn write_line(&mut self, event: &TestEvent) -> io::Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        self.writer.write_all(&line)?;
        self.writer.flush()
    }
}

impl<W: Write> Reporter for JsonLines<W> {
    fn receive(&mut self, event: &TestEvent) -> Result<(), ReportError> {
        self.write_line(event).map_err(|error| ReportError::new("JSON lines", error))
    }

    fn finish(self: Box<Self>) -> Result<(), ReportError> {
        Ok(())
    }
}
