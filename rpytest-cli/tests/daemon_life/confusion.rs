//! Runs that wait for the same zygote are served by it only as far as it is like them.

use crate::daemon::{self, Holdings};
use crate::harness::{End, Project, Running, SessionPath, Way, wait_for};

/// Its start reads a variable that is in no context's key, and takes its time: by a road on which nobody sees that it
/// looks for a file.
const SLOW_START: &str = "\
import ctypes, os, sys
sys.stage = os.environ['STAGE']
libc = ctypes.CDLL(None)
while libc.access(b'go', 0) != 0:
    libc.usleep(5000)
";
const SEES_ITS_STAGE: &str = "import os, sys\ndef test_stage():\n    assert sys.stage == os.environ['STAGE']\n";

#[test]
fn a_variable_that_start_up_code_reads_is_right_for_each() {
    let project = Project::new(&[("start/sitecustomize.py", SLOW_START), ("test_stage.py", SEES_ITS_STAGE)]);
    let command = |stage: &str| {
        let mut command = project.command(Way::Rpytest);
        command.env("PYTHONPATH", project.path("start")).env("STAGE", stage);
        command
    };
    let first = Running::start(&mut command("one"));
    let daemon = wait_for("the daemon to start a process", || {
        let status = daemon::status(&project)?;
        status.contexts.iter().any(|context| context.state == "starting").then_some(status.pid)
    });
    let daemon = i32::try_from(daemon).expect("a process id is an i32");
    let before = Holdings::at_rest(daemon);
    let second = Running::start(&mut command("two"));
    let received = || Holdings::of(daemon).descriptors() >= before.descriptors() + 4;
    wait_for("the daemon to have the second run, with its descriptors", || received().then_some(()));
    project.write("go", "go");
    first.finish().ended(End::Code(0)).went(SessionPath::First);
    let second = second.finish().ended(End::Code(0)).went(SessionPath::Plain);
    assert!(second.notes[0].contains("$STAGE has changed"), "{second}");
}
