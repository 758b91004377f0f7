//! Runtime directories that cannot be used, that are hard to use, and that vanish.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use crate::daemon;
use crate::harness::{End, Outcome, Project, Running, SessionPath, Way, processes_of};

fn project() -> Project {
    Project::new(&[("test_a.py", "def test_a():\n    pass\n\ndef test_b():\n    assert False\n")])
}

fn run_with(project: &Project, runtime_dir: &Path) -> Outcome {
    let mut command = project.command(Way::Rpytest);
    Running::start(command.env("RPYTEST_RUNTIME_DIR", runtime_dir)).finish()
}

/// The run is a plain one, for this reason, and starts no daemon.
#[track_caller]
fn is_plain(project: &Project, runtime_dir: &Path, because: &str) {
    let outcome = run_with(project, runtime_dir).went(SessionPath::Plain);
    outcome.assert_like(&project.run_plain(&[]), "plain pytest");
    assert!(outcome.notes[0].contains(because), "{outcome}");
    assert!(processes_of(project.root()).is_empty());
}

#[test]
fn one_that_lets_others_in_is_not_used() {
    let project = project();
    fs::create_dir(project.runtime_dir()).expect("the name is free");
    fs::set_permissions(project.runtime_dir(), Permissions::from_mode(0o755)).expect("it is ours");
    is_plain(&project, &project.runtime_dir(), "its mode is 755, which lets others in");
}

#[test]
fn one_of_another_user_is_not_used() {
    let project = project();
    if rustix::process::getuid().is_root() {
        fs::create_dir(project.runtime_dir()).expect("the name is free");
        chown(project.runtime_dir(), Some(12345), None).expect("root may");
        is_plain(&project, &project.runtime_dir(), "it belongs to user 12345");
    } else {
        is_plain(&project, Path::new("/usr"), "it belongs to user 0");
    }
}

#[test]
fn one_that_cannot_be_made_is_not_used() {
    let project = project();
    is_plain(&project, &project.path("test_a.py").join("run"), "runtime directory");
}

#[test]
fn one_with_a_long_path_is_as_good_as_any() {
    let project = project();
    let directory = project.root().join("d".repeat(250)).join("e".repeat(250));
    let plain = project.run_plain(&[]);
    run_with(&project, &directory).went(SessionPath::First).assert_like(&plain, "plain pytest");
    run_with(&project, &directory).went(SessionPath::Warm).assert_like(&plain, "plain pytest");
    let mut command = project.command(Way::Rpytest);
    let status = daemon::status_by(command.env("RPYTEST_RUNTIME_DIR", &directory)).expect("there is a daemon");
    assert_eq!(status.contexts[0].runs_served, 2);
    let mut command = project.command(Way::Rpytest);
    let stop = command.env("RPYTEST_RUNTIME_DIR", &directory).arg("--daemon-stop");
    Running::start(stop).finish().ended(End::Code(0));
    assert_eq!(fs::read_dir(&directory).expect("it is there").count(), 0);
}

#[test]
fn one_that_is_given_relative_to_the_working_directory() {
    let project = project();
    let plain = project.run_plain(&[]);
    run_with(&project, Path::new("../beside")).went(SessionPath::First).assert_like(&plain, "plain pytest");
    run_with(&project, Path::new("../beside")).went(SessionPath::Warm).assert_like(&plain, "plain pytest");
    let mut command = project.command(Way::Rpytest);
    let stop = command.env("RPYTEST_RUNTIME_DIR", project.root().join("beside")).arg("--daemon-stop");
    Running::start(stop).finish().ended(End::Code(0));
}

#[test]
fn when_it_vanishes_the_daemon_leaves() {
    let project = project();
    let plain = project.run_plain(&[]);
    project.run(&[]).went(SessionPath::First);
    let daemon = daemon::pid(&project);
    fs::remove_dir_all(project.runtime_dir()).expect("it is there");
    daemon::wait_until_gone(daemon);
    project.run(&[]).went(SessionPath::First).assert_like(&plain, "plain pytest");
}

#[test]
fn when_it_vanishes_and_is_made_anew_the_old_daemon_leaves_and_the_new_one_stays() {
    let project = project();
    project.run(&[]).went(SessionPath::First);
    let old = daemon::pid(&project);
    fs::remove_dir_all(project.runtime_dir()).expect("it is there");
    project.run(&[]).went(SessionPath::First);
    let new = daemon::pid(&project);
    assert_ne!(new, old);
    daemon::wait_until_gone(old);
    project.run(&[]).went(SessionPath::Warm);
    assert_eq!(daemon::pid(&project), new);
}
