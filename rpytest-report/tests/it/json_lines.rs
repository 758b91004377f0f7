//! The event stream.

use rpytest_core::TestEvent;
use rpytest_report::{EventReader, JsonLines, Reporter};

use crate::shapes;

#[test]
fn what_is_written_is_read_back() {
    let events = shapes::events();
    let mut written = Vec::new();
    let mut reporter = Box::new(JsonLines::new(&mut written));
    for event in &events {
        reporter.receive(event).expect("memory takes everything");
    }
    reporter.finish().expect("memory takes everything");
    let read: Vec<TestEvent> = EventReader::new(&written[..]).collect::<Result<_, _>>().expect("events were written");
    assert_eq!(read, events);
    assert_eq!(written.split(|byte| *byte == b'\n').count(), events.len() + 1, "one line for each, and an end");
}
