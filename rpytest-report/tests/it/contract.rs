//! What every reporter promises, checked of each of them with the same scripts.

use std::io::{self, Write};

use rpytest_core::{ExitStatus, TestEvent};
use rpytest_report::{EventReader, JsonLines, Junit, JunitSuite, Progress, Reporter};

use crate::{shapes, xml};

/// A reporter that writes into the given buffer, and whether what it wrote is a whole document.
struct Subject {
    name: &'static str,
    make: fn(Output) -> Box<dyn Reporter>,
    is_whole: fn(&[u8]) -> bool,
}

/// Where a reporter writes; a full disk when there is no buffer.
type Output = Box<dyn Write>;

const SUBJECTS: [Subject; 3] = [
    Subject {
        name: "JSON lines",
        make: |output| Box::new(JsonLines::new(output)),
        is_whole: |written| EventReader::new(written).all(|event| event.is_ok()),
    },
    Subject {
        name: "JUnit",
        make: |output| Box::new(Junit::new(output, JunitSuite::starting_now("localhost"))),
        is_whole: |written| xml::parse(written).name == "testsuites",
    },
    Subject { name: "progress", make: |_| Box::new(Progress::hidden()), is_whole: <[u8]>::is_empty },
];

/// The run in full, one killed in its first test, one whose reports come without a start, one of several sessions.
fn scripts() -> Vec<Vec<TestEvent>> {
    let shapes = shapes::events();
    let killed = vec![shapes::started("test_a.py::test_b"), shapes::ended(ExitStatus::Signal(11))];
    let is_start = |event: &TestEvent| matches!(event, TestEvent::TestStarted(_));
    let without_starts = shapes.iter().filter(|event| !is_start(event)).cloned().collect();
    let twice = [shapes.clone(), shapes.clone()].concat();
    vec![shapes, killed, without_starts, twice]
}

#[test]
fn a_run_that_stops_anywhere_gives_a_whole_document() {
    for subject in SUBJECTS {
        for script in scripts() {
            for length in 0..=script.len() {
                let written = report(&subject, &script[..length]);
                assert!((subject.is_whole)(&written), "{} after {length} events", subject.name);
            }
        }
    }
}

#[test]
fn the_same_events_give_the_same_document() {
    for subject in SUBJECTS {
        let [first, second] = [(); 2].map(|()| without_time(&report(&subject, &shapes::events())));
        assert_eq!(first, second, "{}", subject.name);
    }
}

#[test]
fn a_full_disk_is_told_by_those_that_write() {
    for subject in SUBJECTS {
        let mut reporter = (subject.make)(Box::new(FullDisk));
        let received: Result<Vec<()>, _> = shapes::events().iter().map(|event| reporter.receive(event)).collect();
        let result = received.and_then(|_| reporter.finish());
        match subject.name {
            "progress" => assert!(result.is_ok()),
            name => assert_eq!(result.expect_err("nothing can be written").format(), name),
        }
    }
}

fn report(subject: &Subject, events: &[TestEvent]) -> Vec<u8> {
    let written = Shared::default();
    let mut reporter = (subject.make)(Box::new(written.clone()));
    for event in events {
        reporter.receive(event).expect("memory takes everything");
    }
    reporter.finish().expect("memory takes everything");
    written.0.take()
}

/// The moment at which a document was made stands in it.
fn without_time(document: &[u8]) -> String {
    let document = String::from_utf8(document.to_vec()).expect("documents are UTF-8");
    document.split(' ').filter(|word| !word.starts_with("timestamp=")).collect()
}

/// A buffer that can be looked into after the reporter is gone.
#[derive(Clone, Default)]
struct Shared(std::rc::Rc<std::cell::RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct FullDisk;

impl Write for FullDisk {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::StorageFull.into())
    }
}
