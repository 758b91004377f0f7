//! A test that waits for us, so that something can be done to a run in the middle of it.

use std::fs;

use crate::harness::{Project, Running, Way};

const WAITING: &str = "\
import os, pathlib, time

def test_waits():
    pathlib.Path('started').write_text(str(os.getpid()) + '\\n')
    while not pathlib.Path('go').exists():
        time.sleep(0.005)
    pathlib.Path('finished').write_text('yes')

def test_fails():
    assert pathlib.Path('go').read_text() == 'stop'
";

/// A project whose run has one test that waits for [`let_go`], and one that fails.
pub(crate) fn project() -> Project {
    Project::new(&[("test_waiting.py", WAITING)])
}

/// A run that has come to its waiting test, and the process that runs it.
#[track_caller]
pub(crate) fn start_run(project: &Project) -> (Running, i32) {
    let run = Running::start(&mut project.command(Way::Rpytest));
    let session = project.wait_for_file("started").trim().parse().expect("the test wrote its process id");
    (run, session)
}

/// Let the test go on.
pub(crate) fn let_go(project: &Project) {
    project.write("go", "go");
}

/// Whether the test has gone on to its end.
pub(crate) fn has_finished(project: &Project) -> bool {
    project.path("finished").exists()
}

/// As before the first run.
pub(crate) fn reset(project: &Project) {
    for file in ["started", "go", "finished"] {
        // It is not there if the run has not come so far.
        let _ = fs::remove_file(project.path(file));
    }
}
