//! `kill -9` of a zygote: the next run has another; a run in the middle is ended.

use crate::daemon;
use crate::harness::{End, Project, SessionPath, is_gone};
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
