//! The JSON shape of events: the files in `tests/wire` are read and written as they stand.

use rpytest_core::{EVENT_FORMAT, ExitStatus, RunPath, TestEvent};

/// Every kind of event with every field, as this version writes them.
const EVENTS: &str = include_str!("wire/events.jsonl");

/// What must be readable too: fields left out, in another order, null, or unknown; whole numbers for seconds.
const ACCEPTED: &str = include_str!("wire/accepted.jsonl");

fn read(line: &str) -> TestEvent {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

#[test]
fn events_are_written_as_they_are_read() {
    for line in EVENTS.lines() {
        assert_eq!(serde_json::to_string(&read(line)).expect("an event is plain data"), line);
    }
}

#[test]
fn the_file_tells_the_format_that_the_code_has() {
    let Some(TestEvent::RunStarted(run)) = EVENTS.lines().next().map(read) else {
        panic!("run-started comes first");
    };
    assert_eq!((run.format, run.path), (EVENT_FORMAT, RunPath::Warm));
}

#[test]
fn sparse_and_strange_events_are_read() {
    let events: Vec<_> = ACCEPTED.lines().map(read).collect();
    assert!(matches!(&events[1], TestEvent::RunStarted(run) if run.reason.as_deref() == Some("coverage is on")));
    assert!(matches!(&events[5], TestEvent::TestReport(report) if report.longrepr.is_none()));
    let Some(TestEvent::RunFinished(end)) = events.last() else { panic!("run-finished comes last") };
    assert_eq!(end.exit_status, ExitStatus::Signal(9));
}

#[test]
fn what_is_no_event_is_refused() {
    let refused = [
        r#"{"event":"test-exploded","nodeid":"a"}"#,
        r#"{"nodeid":"a"}"#,
        r#"{"event":"test-report","nodeid":"a","when":"call","outcome":"great","duration":1}"#,
        r#"{"event":"run-finished","exit_status":{"code":1,"signal":2},"duration":1}"#,
    ];
    for line in refused {
        assert!(serde_json::from_str::<TestEvent>(line).is_err(), "{line}");
    }
}
