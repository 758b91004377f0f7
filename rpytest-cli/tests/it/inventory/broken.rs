//! Collections that break, or that nobody waits for any more.

use nix::sys::signal::Signal;

use super::assert_lists;
use crate::harness::{End, Project, Running, Way, is_gone, wait_for};

#[test]
fn a_list_that_is_killed_has_its_collection_end() {
    let text = "import os, pathlib\n\npathlib.Path('pid').write_text(str(os.getpid()))\nopen('pipe').read()\n\n\
                def test_a(): pass\n";
    let project = Project::new(&[("test_a.py", text)]);
    nix::unistd::mkfifo(&project.path("pipe"), nix::sys::stat::Mode::S_IRWXU).expect("the project is ours");
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        let running = Running::start(project.command(Way::Rpytest).arg("--list"));
        let pid: i32 = wait_for("the collection", || std::fs::read_to_string(project.path("pid")).ok()?.parse().ok());
        running.signal(signal);
        running.finish();
        wait_for("its end", || is_gone(pid).then_some(()));
        std::fs::remove_file(project.path("pid")).expect("it is there");
    }
}

#[test]
fn a_collection_that_dies_by_a_signal() {
    let project = Project::new(&[("test_a.py", "import os\n\nos.kill(os.getpid(), 11)\n")]);
    assert_eq!(project.run(&["--list"]).end, End::Signal(11));
}

/// What it says has nothing of ours.
#[test]
fn an_internal_error() {
    let project = Project::new(&[
        ("conftest.py", "def pytest_make_collect_report():\n    raise ValueError('no')\n"),
        ("test_a.py", "def test_a(): pass\n"),
    ]);
    assert_lists(&project, &[]);
    assert_lists(&project, &["-k", "a"]);
}
