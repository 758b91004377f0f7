//! How long it takes to make a JUnit file of the events of 10,000 tests.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use rpytest_report::{EventReader, Junit, JunitSuite, Reporter};

fn events() -> String {
    let phases = ["setup", "call", "teardown"];
    let of_test = |number: usize| {
        let nodeid = format!("tests/test_module_{}.py::test_feature_{number}", number / 25);
        let report = |when: &str| {
            format!(
                r#"{{"event":"test-report","nodeid":"{nodeid}","when":"{when}","outcome":"passed","duration":0.001}}"#
            )
        };
        [vec![format!(r#"{{"event":"test-started","nodeid":"{nodeid}"}}"#)], phases.map(report).to_vec()].concat()
    };
    let end = r#"{"event":"run-finished","exit_status":{"code":0},"duration":30.0}"#.to_owned();
    (0..10_000).flat_map(of_test).chain([end]).map(|line| line + "\n").collect()
}

fn write(criterion: &mut Criterion) {
    let events = events();
    criterion.bench_function("events to JUnit", |bencher| {
        bencher.iter(|| {
            let mut document = Vec::new();
            let mut junit = Box::new(Junit::new(&mut document, JunitSuite::starting_now("localhost")));
            for event in EventReader::new(events.as_bytes()) {
                junit.receive(&event.expect("the line is an event")).expect("memory takes everything");
            }
            junit.finish().expect("memory takes everything");
            black_box(document)
        });
    });
}

criterion_group!(benches, write);
criterion_main!(benches);
