//! `--daemon-stop`: with patience, and by force.

use nix::sys::signal::Signal;

use crate::daemon::{self, wait_until_nothing_is_left};
use crate::harness::{End, Project, Running, SessionPath, Way, wait_for};
use crate::waiting_test::{self, has_finished, let_go, start_run};

const HUNG_UP: End = End::Signal(Signal::SIGHUP as i32);

#[test]
fn it_leaves_nothing_behind() {
    let project = Project::new(&[]);
    project.run(&[]).ended(End::Code(5));
    let stopped = project.run(&["--daemon-stop"]).ended(End::Code(0));
    assert_eq!(stopped.stdout, "");
    wait_until_nothing_is_left(&project);
}

#[test]
fn it_waits_for_a_run() {
    let project = waiting_test::project();
    let (run, _) = start_run(&project);
    let stop = Running::start(project.command(Way::Rpytest).arg("--daemon-stop"));
    wait_for("the front door to close", || (!project.runtime_dir().join("daemon.sock").exists()).then_some(()));
    assert!(daemon::status(&project).is_none());
    let_go(&project);
    stop.finish().ended(End::Code(0));
    assert!(has_finished(&project), "it came back before the run was over");
    run.finish().ended(End::Code(1));
    wait_until_nothing_is_left(&project);
}

#[test]
fn meanwhile_a_new_daemon_serves_new_runs() {
    let project = waiting_test::project();
    let (run, _) = start_run(&project);
    let old = daemon::pid(&project);
    let stop = Running::start(project.command(Way::Rpytest).arg("--daemon-stop"));
    wait_for("the front door to close", || (!project.runtime_dir().join("daemon.sock").exists()).then_some(()));
    project.run(&["--collect-only"]).ended(End::Code(0)).went(SessionPath::First);
    let new = daemon::pid(&project);
    assert_ne!(new, old);
    let_go(&project);
    run.finish().ended(End::Code(1));
    stop.finish().ended(End::Code(0));
    daemon::wait_until_gone(old);
    project.run(&["--collect-only"]).went(SessionPath::Warm);
    assert_eq!(daemon::pid(&project), new, "the old one has left it alone");
}

#[test]
fn by_force_it_ends_the_run() {
    let project = waiting_test::project();
    let (run, session) = start_run(&project);
    project.run(&["--daemon-stop", "--force"]).ended(End::Code(0));
    daemon::wait_until_gone(session);
    run.finish().ended(HUNG_UP);
    assert!(!has_finished(&project));
    wait_until_nothing_is_left(&project);
}

#[test]
fn by_force_it_ends_the_run_of_a_zygote_that_has_been_replaced() {
    let project = waiting_test::project();
    project.write("start/sitecustomize.py", "first = True\n");
    let with_start = |arguments: &[&str]| {
        let mut command = project.command(Way::Rpytest);
        command.env("PYTHONPATH", project.path("start")).args(arguments);
        Running::start(&mut command)
    };
    let run = with_start(&[]);
    let session: i32 = project.wait_for_file("started").trim().parse().expect("the test wrote its process id");
    project.write("start/sitecustomize.py", "second = True, 'and of another size'\n");
    with_start(&["--collect-only"]).finish().ended(End::Code(0));
    project.run(&["--daemon-stop", "--force"]).ended(End::Code(0));
    daemon::wait_until_gone(session);
    run.finish().ended(HUNG_UP);
    wait_until_nothing_is_left(&project);
}

#[test]
fn by_force_it_does_not_wait_for_a_zygote_that_starts() {
    let project = Project::new(&[(
        "start/sitecustomize.py",
        "import time\nopen('starting', 'w').write('yes')\ntime.sleep(600)\n",
    )]);
    let mut command = project.command(Way::Rpytest);
    // Plain pytest, which the run comes to, would start in the same way.
    let run = Running::start(command.env("PYTHONPATH", project.path("start")));
    project.wait_for_file("starting");
    project.run(&["--daemon-stop", "--force"]).ended(End::Code(0));
    drop(run);
    wait_until_nothing_is_left(&project);
}
