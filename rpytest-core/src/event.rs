//! What a run says, one event after the other.

use serde::{Deserialize, Serialize};

use crate::{ExitStatus, NodeId, TestReport};

/// The version of the event stream, told by `run-started`. It changes when an event or a field that readers rely on
/// changes its meaning or goes; new fields come without a new version.
pub const EVENT_FORMAT: u32 = 1;

/// One thing that happened in a run; in JSON one object with its kind in `event`.
///
/// The order in a run: `run-started`, then `collect-error`s and `collection-finished`, then for each test
/// `test-started` and its reports up to the one of the teardown, then `run-finished`. Warnings come in between. In a
/// parallel run the events of several tests interleave; the events of one test keep their order. A run that was killed
/// stops anywhere.
///
/// Fields that a reader does not know are to be ignored, as decoding here does; an event of unknown kind is an error.
/// Text is valid Unicode: who writes JSON replaces lone surrogates (Python: `backslashreplace`), which no JSON reader
/// outside Python and JavaScript accepts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum TestEvent {
    /// A session begins. Always first.
    RunStarted(RunStarted),
    /// It is known which tests will run. At most once; left out when collection was interrupted.
    CollectionFinished(CollectionFinished),
    /// A test begins: nothing of it has run yet.
    TestStarted(TestStarted),
    /// A phase of a test has ended.
    TestReport(TestReport),
    /// A warning that pytest would list in its summary.
    Warning(Warning),
    /// A file or a class could not be collected.
    CollectError(CollectError),
    /// The session's process is at its end. Always last.
    RunFinished(RunFinished),
}

/// How a run came about, and with what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStarted {
    /// The version of this stream: [`EVENT_FORMAT`]; 1 when it is not told.
    #[serde(default = "first_format")]
    pub format: u32,
    /// Which path the run took.
    pub path: RunPath,
    /// Why it was not a faster one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The version of Python, such as `3.13.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<String>,
    /// The version of pytest, such as `9.0.2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pytest: Option<String>,
    /// pytest's rootdir, which node ids are relative to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rootdir: Option<String>,
}

const fn first_format() -> u32 {
    1
}

/// The ways that a run can take, fastest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunPath {
    /// Forked from a process that was warm already.
    Warm,
    /// The first run of its context, served by the process that it started.
    First,
    /// Plain `python -m pytest`.
    Fallback,
}

/// Which tests will run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionFinished {
    /// The selected tests in the order in which they will run (pytest: `session.items`). An id can stand here twice.
    pub items: Vec<NodeId>,
    /// How many tests were deselected.
    #[serde(default)]
    pub deselected: usize,
}

/// A test begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestStarted {
    /// Which test.
    pub nodeid: NodeId,
}

/// A warning (pytest: `pytest_warning_recorded`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// The text of the warning.
    pub message: String,
    /// The name of its class, such as `DeprecationWarning`.
    pub category: String,
    /// The line that it is attributed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// The test or the collected node in which it was raised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodeid: Option<NodeId>,
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// The file, as Python names it.
    pub path: String,
    /// The line, counted from 1.
    pub line: u32,
}

/// Something could not be collected (pytest: a failed `CollectReport`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectError {
    /// The file or class.
    pub nodeid: NodeId,
    /// The explanation, as pytest prints it, without colours.
    pub longrepr: String,
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunFinished {
    /// How the process ended.
    pub exit_status: ExitStatus,
    /// Seconds from the start of the session to its end.
    pub duration: f64,
}
