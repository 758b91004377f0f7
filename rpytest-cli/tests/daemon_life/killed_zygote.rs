//! `kill -9` of a zygote: the next run has another; a run in the middle is ended.

use crate::daemon;
use crate::harness::{End, Outcome, Project, Running, SessionPath, Way, is_gone};
use crate::waiting_test::{self, start_run};

#[test]
fn an_idle_one_is_replaced_at_the_next_run() {
    let project = Project::new(&[("test_a.py", "def test_a():\n    pass\n")]);
    let plain = project.run_plain(&[]);
    project.run(&[]).ended(End::Code(0));
    let zygote = daemon::zygote(&project);
    daemon::kill_hard(zygote);
    // The daemon may or may not have heard of it: then the run is a plain one.
    let next = project.run(&[]);
    next.assert_like(&plain, "plain pytest");
    assert_ne!(next.path(), Some(SessionPath::Warm), "{next}");
    project.run(&[]).assert_like(&plain, "plain pytest");
    project.run(&[]).went(SessionPath::Warm).assert_like(&plain, "plain pytest");
    assert_ne!(daemon::zygote(&project), zygote);
}

#[test]
fn a_dead_one_is_not_in_the_status() {
    let project = Project::new(&[]);
    project.run(&[]).ended(End::Code(5));
    daemon::kill_hard(daemon::zygote(&project));
    crate::harness::wait_for("the daemon to hear of it", || {
        daemon::status(&project).expect("there is a daemon").contexts.is_empty().then_some(())
    });
}

#[test]
fn one_with_a_session_takes_the_run_along() {
    let project = waiting_test::project();
    let (run, session) = start_run(&project);
    let daemon = daemon::pid(&project);
    daemon::kill_hard(daemon::zygote(&project));
    let outcome = run.finish().ended(End::Code(3));
    assert!(outcome.stderr.contains("the warm process of this run was killed"), "{outcome}");
    daemon::wait_until_gone(session);
    assert!(!waiting_test::has_finished(&project));
    waiting_test::let_go(&project);
    project.run(&[]).ended(End::Code(1));
    assert!(!is_gone(daemon), "it is the same daemon");
    assert_eq!(daemon::pid(&project), daemon);
}

/// The process that a session was forked from.
fn parent_of(session: i32) -> i32 {
    let status = std::fs::read_to_string(format!("/proc/{session}/status")).expect("it is alive");
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).expect("see proc(5)");
    parent.trim().parse().expect("it is a process id")
}

#[test]
fn what_has_gone_ahead_of_it_takes_its_runs_along() {
    let project = waiting_test::project();
    project.run(&["--collect-only"]).ended(End::Code(0)); // after it, a child of the zygote goes ahead
    let (run, session) = start_run(&project);
    let (zygote, ahead) = (daemon::zygote(&project), parent_of(session));
    assert_ne!(ahead, zygote);
    daemon::kill_hard(ahead);
    let outcome = run.finish().ended(End::Code(3));
    assert!(outcome.stderr.contains("the warm process of this run was killed"), "{outcome}");
    daemon::wait_until_gone(session);
    assert!(!waiting_test::has_finished(&project));
    assert!(daemon::status_at_rest(&project).runs.iter().all(|run| run.end.is_some()));
    waiting_test::let_go(&project);
    project.run(&[]).went(SessionPath::Warm).ended(End::Code(1));
    assert_eq!(daemon::zygote(&project), zygote, "who stayed behind goes on alone");
}

const RAN: &str =
    "import os\n\ndef test_a():\n    with open('ran', 'a') as file:\n        print(os.getpid(), file=file)\n";

/// A run whose zygote is killed by what stands in start-up code of its own.
fn run_with_a_zygote_that_is_killed(project: &Project, start: &str) -> Outcome {
    project.write("start/sitecustomize.py", start);
    let mut command = project.command(Way::Rpytest);
    Running::start(command.env("PYTHONPATH", project.path("start"))).finish()
}

#[test]
fn one_that_has_just_forked_leaves_no_session_behind() {
    let project = Project::new(&[("test_a.py", RAN)]);
    let start = "\
import os
original = os.fork

def fork():
    zygote = os.getpid()
    if original() > 0:
        os.kill(zygote, 9)
    while os.getppid() == zygote:
        pass
    return 0

os.fork = fork
";
    run_with_a_zygote_that_is_killed(&project, start).went(SessionPath::Plain).ended(End::Code(0));
    daemon::wait_until_no_session_is_left(&project);
    assert_eq!(project.wait_for_file("ran").lines().count(), 1, "the tests ran once");
}

#[test]
fn one_that_a_session_has_just_seen_alive_takes_it_along() {
    // The session looks whose child it is before it begins, and begins, but is nobody's child any more.
    let project = Project::new(&[("test_a.py", RAN)]);
    let start = "\
import os, sys
original = os.getppid

def getppid():
    zygote = original()
    if sys._getframe(1).f_globals['__name__'] == 'rpytest_zygote.session':
        os.kill(zygote, 9)
        while original() == zygote:
            pass
    return zygote

os.getppid = getppid
";
    let outcome = run_with_a_zygote_that_is_killed(&project, start).ended(End::Code(3));
    assert!(outcome.stderr.contains("the warm process of this run was killed"), "{outcome}");
    daemon::wait_until_no_session_is_left(&project);
    assert_ne!(outcome.path(), Some(SessionPath::Plain), "the tests may have run already: {outcome}");
}
