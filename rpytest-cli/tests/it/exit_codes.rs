//! A command ends as its session: same exit status, or same signal.

use crate::harness::{End, Project, assert_same};

/// A project whose one test does this.
fn doing(statement: &str) -> Project {
    Project::new(&[(
        "test_a.py",
        &format!("import os, signal, sys\nimport pytest\n\ndef test_a():\n    {statement}\n"),
    )])
}

#[test]
fn passed_tests_are_0() {
    doing("pass").assert_same(&[]).ended(End::Code(0));
}

#[test]
fn failed_tests_are_1() {
    doing("assert sorted([2, 1]) == [2, 1]").assert_same(&["-v"]).ended(End::Code(1));
}

#[test]
fn an_interruption_is_2() {
    doing("raise KeyboardInterrupt").assert_same(&[]).ended(End::Code(2));
}

#[test]
fn an_error_of_collection_is_2() {
    let project = Project::new(&[("test_a.py", "import no_such_module\n")]);
    project.assert_same(&[]).ended(End::Code(2));
}

#[test]
fn an_internal_error_is_3() {
    let conftest = "def pytest_collection_modifyitems():\n    raise RuntimeError('of a hook')\n";
    let project = Project::new(&[("conftest.py", conftest), ("test_a.py", "def test_a(): pass\n")]);
    project.assert_same(&[]).ended(End::Code(3));
}

#[test]
fn wrong_usage_is_4() {
    doing("pass").assert_same(&["--no-such-flag"]).ended(End::Code(4));
}

#[test]
fn no_tests_are_5() {
    Project::new(&[("test_a.py", "")]).assert_same(&[]).ended(End::Code(5));
}

#[test]
fn what_a_program_chooses_is_its_exit_status() {
    doing("pytest.exit('enough', returncode=9)").assert_same(&[]).ended(End::Code(9));
    doing("os._exit(11)").assert_same(&["-q"]).ended(End::Code(11));
    doing("sys.exit(7)").assert_same(&["-q"]).ended(End::Code(1));
}

#[test]
fn what_conftest_and_atexit_choose_is_the_exit_status() {
    let test = ("test_a.py", "def test_a(): pass\n");
    Project::new(&[("conftest.py", "import sys\nsys.exit(13)\n"), test]).assert_same(&[]).ended(End::Code(13));
    let conftest = "import atexit, os\natexit.register(os._exit, 300)\n";
    Project::new(&[("conftest.py", conftest), test]).assert_same(&["-q"]).ended(End::Code(300 % 256));
}

#[test]
fn a_session_that_kills_itself_ends_the_command_alike() {
    for (name, number) in [("SIGSEGV", 11), ("SIGKILL", 9), ("SIGABRT", 6), ("SIGTERM", 15), ("SIGRTMIN", 34)] {
        let project = doing(&format!("os.kill(os.getpid(), signal.{name})"));
        project.assert_same(&["-p", "no:faulthandler"]).ended(End::Signal(number));
    }
}

#[test]
fn a_signal_that_is_blocked_for_the_command_can_still_be_its_end() {
    let project = doing("signal.pthread_sigmask(signal.SIG_UNBLOCK, [15]); os.kill(os.getpid(), 15)");
    let script =
        "import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, [15]); os.execv(sys.argv[1], sys.argv[1:])";
    let outcome = assert_same(|way| {
        let mut command = project.clean("python");
        command.args(["-c", script]).args(Project::program(way));
        command
    });
    outcome.ended(End::Signal(15));
}

#[test]
fn a_crash_leaves_no_second_core() {
    let project = doing("os.kill(os.getpid(), signal.SIGSEGV)");
    let command = |way| project.shell(way, "ulimit -c $(ulimit -H -c); exec \"$@\" -p no:faulthandler");
    let outcome = assert_same(command).ended(End::Signal(11));
    assert!(!outcome.dumped_core, "the session's core is enough: {outcome}");
}

#[test]
fn a_crash_is_reported_by_faulthandler() {
    let project = doing("os.kill(os.getpid(), signal.SIGSEGV)");
    let outcome = project.run(&[]).ended(End::Signal(11));
    assert!(outcome.stderr.contains("Fatal Python error: Segmentation fault"), "{outcome}");
    assert!(outcome.stderr.contains("line 5 in test_a"), "{outcome}");
}
