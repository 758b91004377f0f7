//! Test events rendered as JSON lines, progress and JUnit XML.
//!
//! Read [`Reporter`] first: the contract of everything that is fed the events of a run. [`JsonLines`], [`Junit`] and
//! [`Progress`] are siblings that keep it, one output format each. [`EventReader`] reads back what [`JsonLines`]
//! wrote, [`read_junit`] what is in a JUnit file, whoever wrote it.

mod case_name;
mod cases;
mod document;
mod event_reader;
mod json_lines;
mod junit;
mod junit_reader;
mod progress;
mod reporter;
mod xml_text;

pub use event_reader::{EventReader, ReadEventError, ReadEventErrorKind};
pub use json_lines::JsonLines;
pub use junit::{Junit, JunitSuite};
pub use junit_reader::{JunitEntry, ReadJunitError, read_junit};
pub use progress::Progress;
pub use reporter::{ReportError, Reporter};

/// The example of the README, compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
