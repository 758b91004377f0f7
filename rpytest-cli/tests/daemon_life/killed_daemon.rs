//! `kill -9` of the daemon: no run notices.

use crate::daemon;
use crate::harness::{End, Project, SessionPath};
use crate::waiting_test::{self, let_go, start_run};

#[test]
fn before_a_run_which_starts_another() {
    let project = Project::new(&[("test_a.py", "def test_a():\n    pass\n")]);
    project.run(&[]).ended(End::Code(0));
    let (old, zygote) = (daemon::pid(&project), daemon::zygote(&project));
    daemon::kill_hard(old);
    assert!(project.runtime_dir().join("daemon.sock").exists(), "it has had no time to clear up");
    assert!(daemon::status(&project).is_none());
    let plain = project.run_plain(&[]);
    project.run(&[]).went(SessionPath::First).assert_like(&plain, "plain pytest");
    project.run(&[]).went(SessionPath::Warm).assert_like(&plain, "plain pytest");
    assert_ne!(daemon::pid(&project), old);
    daemon::wait_until_gone(zygote);
}

#[test]
fn during_a_run_which_ends_as_it_would() {
    let project = waiting_test::project();
    let_go(&project);
    let plain = project.run_plain(&[]).ended(End::Code(1));
    waiting_test::reset(&project);
    project.run(&["--collect-only"]).went(SessionPath::First);
    let (daemon, zygote) = (daemon::pid(&project), daemon::zygote(&project));
    let (run, session) = start_run(&project);
    daemon::kill_hard(daemon);
    let_go(&project);
    run.finish().went(SessionPath::Warm).assert_like(&plain, "plain pytest");
    daemon::wait_until_gone(session);
    daemon::wait_until_gone(zygote);
    project.run(&["--collect-only"]).ended(End::Code(0)).went(SessionPath::First);
}

#[test]
fn during_a_run_beside_which_another_daemon_starts() {
    let project = waiting_test::project();
    let (run, _) = start_run(&project);
    daemon::kill_hard(daemon::pid(&project));
    project.run(&["--collect-only"]).ended(End::Code(0)).went(SessionPath::First);
    let_go(&project);
    run.finish().ended(End::Code(1));
    project.run(&["--collect-only"]).ended(End::Code(0)).went(SessionPath::Warm);
}
