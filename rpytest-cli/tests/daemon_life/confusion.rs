//! Runs that wait for the same zygote are served by it only as far as it is like them.

use crate::daemon::{self, Holdings};
use crate::harness::{End, Project, Running, SessionPath, Way, wait_for};

/// Its start reads a variable that is in no context's key, and takes its time.
const SLOW_START: &str = "\
import os, pathlib, sys, time
sys.stage = os.environ['STAGE']
pathlib.Path('starting').write_text('yes')
while not pathlib.Path('go').exists():
    time.sleep(0.005)
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
    project.wait_for_file("starting");
    let daemon = daemon::pid(&project);
    let before = Holdings::at_rest(daemon);
    let second = Running::start(&mut command("two"));
    let received = || Holdings::of(daemon).descriptors() >= before.descriptors() + 4;
    wait_for("the daemon to have the second run, with its descriptors", || received().then_some(()));
    project.write("go", "go");
    first.finish().ended(End::Code(0)).went(SessionPath::First);
    let second = second.finish().ended(End::Code(0)).went(SessionPath::Plain);
    assert!(second.notes[0].contains("$STAGE has changed"), "{second}");
}
