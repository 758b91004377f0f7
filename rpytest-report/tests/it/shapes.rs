//! A run with a test of every shape: `tests/data/test_shapes.py` beside a file that cannot be imported.

use rpytest_core::{ExitStatus, NodeId, RunFinished, TestEvent, TestStarted};
use rpytest_report::EventReader;

/// The events of the run.
pub(crate) const JSON_LINES: &str = include_str!("../data/shapes.jsonl");

/// The JUnit file that pytest 9.2 wrote of the same run.
pub(crate) const JUNIT: &str = include_str!("../data/shapes.xml");

/// The events of the run, decoded.
pub(crate) fn events() -> Vec<TestEvent> {
    EventReader::new(JSON_LINES.as_bytes()).collect::<Result<_, _>>().expect("the file holds events only")
}

pub(crate) fn started(nodeid: &str) -> TestEvent {
    TestEvent::TestStarted(TestStarted { nodeid: NodeId::new(nodeid) })
}

pub(crate) fn ended(exit_status: ExitStatus) -> TestEvent {
    TestEvent::RunFinished(RunFinished { exit_status, duration: 1.5 })
}
