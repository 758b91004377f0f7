//! Reads the events of a run, one JSON object a line, from stdin, and writes its JUnit file to stdout.
//!
//! `cargo run --example events_to_junit < rpytest-report/tests/data/shapes.jsonl`

use std::error::Error;
use std::io;

use rpytest_report::{EventReader, Junit, JunitSuite, ReadEventErrorKind, Reporter};

fn main() -> Result<(), Box<dyn Error>> {
    let mut junit = Box::new(Junit::new(io::stdout().lock(), JunitSuite::starting_now("localhost")));
    for event in EventReader::new(io::stdin().lock()) {
        match event {
            Ok(event) => junit.receive(&event)?,
            // The run was killed while it wrote: what came before is still worth a report.
            Err(error) if matches!(error.kind, ReadEventErrorKind::CutOff) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(junit.finish()?)
}
