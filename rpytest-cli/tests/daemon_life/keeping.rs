//! What is kept, and for how long: contexts, caches, and the daemon itself.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::daemon::{self, wait_until_gone, wait_until_nothing_is_left};
use crate::harness::{End, Project, Running, SessionPath, Way, wait_for};
use crate::waiting_test::{self, let_go, start_run};

/// A project of empty working directories.
fn places(names: &[&str]) -> Project {
    let project = Project::new(&[]);
    for name in names {
        fs::create_dir(project.path(name)).expect("the name is free");
    }
    project
}

/// rpytest, to be run in one of them.
fn rpytest_in(project: &Project, place: &str) -> Command {
    let mut command = project.command(Way::Rpytest);
    command.current_dir(project.path(place));
    command
}

fn run_in(project: &Project, place: &str) -> SessionPath {
    let outcome = Running::start(&mut rpytest_in(project, place)).finish().ended(End::Code(5));
    outcome.path().expect("it says which way it went")
}

/// Name and process of every context, the most recently used first.
fn contexts(project: &Project) -> Vec<(String, i32)> {
    let of = |context: rpytest_ipc::ContextStatus| {
        let name = context.repository.rsplit('/').next().expect("there is always one").to_owned();
        (name, context.pid.expect("it has a process"))
    };
    daemon::status_at_rest(project).contexts.into_iter().map(of).collect()
}

fn names(contexts: &[(String, i32)]) -> Vec<&str> {
    contexts.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn the_least_recently_used_context_makes_room() {
    let project = places(&["a", "b", "c"]);
    let run_in = |place| {
        let mut command = rpytest_in(&project, place);
        Running::start(command.env("RPYTEST_MAX_CONTEXTS", "2")).finish().ended(End::Code(5)).path()
    };
    for place in ["a", "b"] {
        assert_eq!(run_in(place), Some(SessionPath::First));
    }
    assert_eq!(run_in("a"), Some(SessionPath::Warm));
    let before = contexts(&project);
    assert_eq!(names(&before), ["a", "b"]);
    assert_eq!(run_in("c"), Some(SessionPath::First));
    let after = contexts(&project);
    assert_eq!(names(&after), ["c", "a"]);
    assert_eq!(after[1], before[0], "what is kept is the same process");
    wait_until_gone(before[1].1);
}

#[test]
fn contexts_that_have_grown_make_room_until_memory_suffices() {
    const LIMIT_MIB: u64 = 450;
    let project = places(&["a", "b", "c"]);
    let run_in = |place| {
        let mut command = rpytest_in(&project, place);
        Running::start(command.env("RPYTEST_MAX_MEMORY_MIB", LIMIT_MIB.to_string())).finish().ended(End::Code(0));
    };
    for place in ["a", "b", "c"] {
        project.write(&format!("{place}/conftest.py"), "HELD = b'x' * (150 << 20)\n");
        project.write(&format!("{place}/test_held.py"), "def test_held(): pass\n");
        run_in(place);
    }
    for place in ["a", "b", "c"] {
        wait_for("a process that has read the conftest file", || {
            run_in(place);
            let context =
                daemon::status(&project)?.contexts.into_iter().find(|each| each.repository.ends_with(place))?;
            (context.memory > 150 << 20).then_some(())
        });
    }
    let status = wait_for("memory to suffice", || {
        let status = daemon::status(&project).expect("there is a daemon");
        let used = status.memory + status.contexts.iter().map(|context| context.memory).sum::<u64>();
        (used <= LIMIT_MIB << 20).then_some(status)
    });
    let left: Vec<_> = status.contexts.iter().map(|context| context.repository.rsplit('/').next()).collect();
    // How much each takes depends on how many of its processes have read it by then.
    assert!(matches!(left[..], [Some("c")] | [Some("c"), Some("b")]), "the least recently used went first: {left:?}");
}

#[test]
fn cleanup_gives_up_contexts_that_have_not_been_used_for_so_long() {
    let project = places(&["a", "b"]);
    run_in(&project, "a");
    run_in(&project, "b");
    let before = contexts(&project);
    let outcome = project.run(&["--cleanup", "--cleanup-max-age", "1h"]).ended(End::Code(0));
    assert_eq!(outcome.stdout, "removed 0 contexts and 0 stale cache directories\n");
    assert_eq!(contexts(&project), before);
    let outcome = project.run(&["--cleanup", "--cleanup-max-age=0s"]).ended(End::Code(0));
    assert_eq!(outcome.stdout, "removed 2 contexts and 0 stale cache directories\n");
    assert_eq!(contexts(&project), []);
    for (_, zygote) in before {
        wait_until_gone(zygote);
    }
    assert_eq!(run_in(&project, "a"), SessionPath::First);
}

#[test]
fn cleanup_leaves_a_run_alone() {
    let project = waiting_test::project();
    let (run, _) = start_run(&project);
    let outcome = project.run(&["--cleanup", "--cleanup-max-age", "0"]).ended(End::Code(0));
    assert_eq!(outcome.stdout, "removed 0 contexts and 0 stale cache directories\n");
    let_go(&project);
    run.finish().ended(End::Code(1));
}

#[test]
fn cleanup_removes_the_caches_of_other_versions_that_have_not_been_used_for_so_long() {
    let project = places(&[]);
    project.run(&[]).ended(End::Code(5));
    let cache = project.root().join("home/.cache/rpytest");
    let listed = || -> Vec<PathBuf> {
        let mut names: Vec<_> =
            fs::read_dir(&cache).expect("it is there").map(|entry| entry.expect("it is listed").path()).collect();
        names.sort();
        names
    };
    let ours = listed();
    let two_hours_ago = SystemTime::now() - Duration::from_secs(2 * 60 * 60);
    for (name, used) in [("python-0.0.1-old", two_hours_ago), ("python-0.0.2-new", SystemTime::now())] {
        fs::create_dir(cache.join(name)).expect("the name is free");
        File::open(cache.join(name)).expect("it is there").set_modified(used).expect("it is ours");
    }
    let outcome = project.run(&["--cleanup"]).ended(End::Code(0));
    assert_eq!(outcome.stdout, "removed 0 contexts and 1 stale cache directories\n");
    let mut expected = ours;
    expected.push(cache.join("python-0.0.2-new"));
    expected.sort();
    assert_eq!(listed(), expected);
}

#[test]
fn a_daemon_that_is_idle_for_long_enough_leaves() {
    let project = places(&[]);
    project.run(&["--daemon-idle-timeout", "1s"]).ended(End::Code(5));
    wait_until_nothing_is_left(&project);
    assert!(daemon::status(&project).is_none());
    project.run(&[]).ended(End::Code(5)).went(SessionPath::First);
}

#[test]
fn a_daemon_is_not_idle_while_a_run_goes_on() {
    let project = waiting_test::project();
    let (run, _) = start_run(&project);
    project.run(&["--daemon-idle-timeout=0s", "--collect-only"]).ended(End::Code(0)).went(SessionPath::Warm);
    let begun = daemon::status(&project).expect("there is a daemon");
    assert_eq!(begun.idle_timeout, 0);
    wait_for("the daemon to have looked at the time", || {
        let now = daemon::status(&project).expect("a run goes on");
        (now.uptime > begun.uptime + 2.5).then_some(())
    });
    let_go(&project);
    run.finish().ended(End::Code(1));
    wait_until_nothing_is_left(&project);
}
