//! Events back from their JSON lines.

use std::io::{self, BufRead};

use rpytest_core::TestEvent;

/// Reads the events that [`JsonLines`](crate::JsonLines) wrote, in order; empty lines are passed over.
///
/// After a line that is no event it goes on with the next line; after a failed read it ends.
#[derive(Debug)]
pub struct EventReader<R> {
    reader: R,
    line: usize,
    ended: bool,
}

/// Why a line did not give an event.
#[derive(Debug, thiserror::Error)]
#[error("read line {line} of the events")]
pub struct ReadEventError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is the matter with it.
    #[source]
    pub kind: ReadEventErrorKind,
}

/// What can be the matter with a line.
#[derive(Debug, thiserror::Error)]
pub enum ReadEventErrorKind {
    /// It could not be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// It is not the JSON of an event.
    #[error(transparent)]
    NotAnEvent(serde_json::Error),
    /// It is the last one and has no end: its writer was killed while it wrote.
    #[error("cut off")]
    CutOff,
}

impl<R: BufRead> EventReader<R> {
    /// Reads from `reader` until its end.
    pub const fn new(reader: R) -> Self {
        Self { reader, line: 0, ended: false }
    }

    /// The next line with its line feed; empty at the end.
    fn next_line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        self.reader.read_until(b'\n', &mut line)?;
        self.line += 1;
        Ok(line)
    }

    fn error(&self, kind: impl Into<ReadEventErrorKind>) -> ReadEventError {
        ReadEventError { line: self.line, kind: kind.into() }
    }
}

impl<R: BufRead> Iterator for EventReader<R> {
    type Item = Result<TestEvent, ReadEventError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            match self.next_line() {
                Ok(line) if line.is_empty() => self.ended = true,
                Ok(line) if line.trim_ascii().is_empty() => {}
                Ok(line) => return Some(decode(&line).map_err(|kind| self.error(kind))),
                Err(error) => {
                    self.ended = true;
                    return Some(Err(self.error(error)));
                }
            }
        }
        None
    }
}

/// An object without its line feed is whole when it decodes: no prefix of a JSON object is one.
fn decode(line: &[u8]) -> Result<TestEvent, ReadEventErrorKind> {
    serde_json::from_slice(line).map_err(|error| {
        if error.is_eof() && !line.ends_with(b"\n") {
            ReadEventErrorKind::CutOff
        } else {
            ReadEventErrorKind::NotAnEvent(error)
        }
    })
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    const STARTED: &str = r#"{"event":"test-started","nodeid":"a"}"#;

    fn read(text: &str) -> Vec<String> {
        let describe = |event: Result<TestEvent, ReadEventError>| match event {
            Ok(_) => "event".to_owned(),
            Err(ReadEventError { line, kind: ReadEventErrorKind::CutOff }) => format!("{line} cut off"),
            Err(ReadEventError { line, kind: ReadEventErrorKind::NotAnEvent(_) }) => format!("{line} no event"),
            Err(ReadEventError { line, kind: ReadEventErrorKind::Read(_) }) => format!("{line} unreadable"),
        };
        EventReader::new(text.as_bytes()).map(describe).collect()
    }

    #[test]
    fn each_line_gives_an_event_or_says_why_not() {
        let text = format!("{STARTED}\n\n{{}}\n{{\"event\"\n{STARTED}\r\n{STARTED}");
        assert_eq!(read(&text), ["event", "3 no event", "4 no event", "event", "event"]);
    }

    #[test]
    fn a_line_that_a_kill_cut_off_is_told_from_a_wrong_one() {
        for end in 1..STARTED.len() {
            assert_eq!(read(&STARTED[..end]), ["1 cut off"], "{}", &STARTED[..end]);
        }
    }

    #[test]
    fn a_failing_read_is_the_end() {
        struct Broken;
        impl io::Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::ConnectionReset.into())
            }
        }
        let events: Vec<_> = EventReader::new(BufReader::new(Broken)).collect();
        assert!(matches!(&events[..], [Err(ReadEventError { line: 0, kind: ReadEventErrorKind::Read(_) })]));
    }
}
