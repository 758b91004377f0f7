//! Signals sent to the command alone, and the end of a command that nobody could announce.

use std::os::unix::process::CommandExt;

use nix::sys::signal::Signal;

use crate::harness::{End, Outcome, Project, Running, SessionPath, Way, is_gone, processes_of, wait_for};

/// A project whose one test does this, then says its process and waits: in one line, as the place of an interruption is
/// shown.
fn waiting_after(preparation: &str) -> Project {
    let test = format!(
        "import os, signal, subprocess, sys, time\n\n\
         def test_a():\n    {preparation}\n    \
         open('new', 'w').write(str(os.getpid()))\n    os.rename('new', 'pid'); time.sleep(600)\n"
    );
    Project::new(&[("test_a.py", &test)])
}

/// Start the tests and wait until they wait; the command, and the process in which the tests run.
#[track_caller]
fn start(project: &Project, way: Way) -> (Running, i32) {
    let running = Running::start(project.command(way).args(["--tb=short"]));
    let pid = project.wait_for_file("pid").parse().expect("the test has written a number");
    std::fs::remove_file(project.path("pid")).expect("it is there");
    if way == Way::Rpytest {
        running.wait_for_note();
    }
    (running, pid)
}

/// Send a signal to the command of plain pytest, of the first and of a warm session: it must have the same effect.
#[track_caller]
fn assert_same_effect(project: &Project, signal: Signal) -> Outcome {
    let send = |way| {
        let (running, pid) = start(project, way);
        running.signal(signal);
        let outcome = running.finish();
        wait_for("the end of the session", || is_gone(pid).then_some(()));
        outcome
    };
    let plain = send(Way::Plain);
    send(Way::Rpytest).assert_like(&plain, "plain pytest");
    let warm = send(Way::Rpytest).went(SessionPath::Warm);
    warm.assert_like(&plain, "plain pytest");
    warm
}

#[test]
fn an_interrupt_is_a_keyboard_interrupt() {
    let outcome = assert_same_effect(&waiting_after("pass"), Signal::SIGINT).ended(End::Code(2));
    assert!(outcome.stdout.contains("KeyboardInterrupt"), "{outcome}");
}

#[test]
fn what_kills_a_program_kills_session_and_command() {
    let project = waiting_after("pass");
    for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGUSR1, Signal::SIGUSR2] {
        assert_same_effect(&project, signal).ended(End::Signal(signal as i32));
    }
}

#[test]
fn handlers_of_the_program_run() {
    for signal in [Signal::SIGTERM, Signal::SIGUSR1, Signal::SIGHUP, Signal::SIGWINCH] {
        let handler = "signal.signal(int(open('number').read()), lambda number, _: os._exit(100 + number))";
        let project = waiting_after(handler);
        project.write("number", &(signal as i32).to_string());
        assert_same_effect(&project, signal).ended(End::Code(100 + signal as i32));
    }
}

#[test]
fn a_signal_to_the_command_is_not_for_the_children_of_the_session() {
    let preparation = "\
child = subprocess.Popen(['sleep', '600'])
    signal.signal(signal.SIGTERM, lambda *_: os._exit(50 if child.poll() is None else 51))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)";
    let project = waiting_after(preparation);
    for way in [Way::Plain, Way::Rpytest] {
        let mut command = project.command(way);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let running = Running::start_as_is(&mut command);
        project.wait_for_file("pid");
        std::fs::remove_file(project.path("pid")).expect("it is there");
        running.signal(Signal::SIGTERM);
        running.finish().ended(End::Code(50));
        end_all(&project, "sleep 600");
    }
}

#[test]
fn a_signal_to_the_group_of_the_command_is_for_the_children_of_the_session_too() {
    let project = waiting_after("subprocess.Popen(['sleep', '600'])");
    for way in [Way::Plain, Way::Rpytest, Way::Rpytest] {
        let mut command = project.command(way);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let running = Running::start_as_is(command.process_group(0));
        project.wait_for_file("pid");
        std::fs::remove_file(project.path("pid")).expect("it is there");
        let group = nix::unistd::Pid::from_raw(running.pid());
        nix::sys::signal::killpg(group, Signal::SIGTERM).expect("it is there");
        running.finish().ended(End::Signal(Signal::SIGTERM as i32));
        let all_ended = || processes_of(project.root()).iter().all(|(_, command)| command != "sleep 600");
        wait_for("the end of its children", || all_ended().then_some(()));
    }
}

/// Kill what a test has left on purpose.
fn end_all(project: &Project, command: &str) {
    for (pid, _) in processes_of(project.root()).into_iter().filter(|(_, found)| found == command) {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), Signal::SIGKILL).expect("nobody else ends it");
    }
}

#[test]
fn nothing_is_left_of_a_run_whose_command_was_killed() {
    let project = waiting_after("subprocess.Popen(['sleep', '600'])");
    project.run(&["--version"]);
    for _ in 0..2 {
        let (running, pid) = start(&project, Way::Rpytest);
        assert!(!is_gone(pid));
        running.signal(Signal::SIGKILL);
        wait_for("the end of the session", || is_gone(pid).then_some(()));
        let all_ended = || processes_of(project.root()).iter().all(|(_, command)| command != "sleep 600");
        wait_for("the end of its children", || all_ended().then_some(()));
    }
    project.write("test_a.py", "def test_a(): pass\n");
    project.run(&[]).went(SessionPath::Warm).ended(End::Code(0));
}

#[test]
fn a_session_that_does_not_hang_up_is_killed() {
    let project = waiting_after("signal.signal(signal.SIGHUP, signal.SIG_IGN)");
    let (running, pid) = start(&project, Way::Rpytest);
    running.signal(Signal::SIGKILL);
    wait_for("the end of the session", || is_gone(pid).then_some(()));
}

#[test]
fn the_session_was_killed_from_outside() {
    let project = waiting_after("pass");
    for way in [Way::Plain, Way::Rpytest, Way::Rpytest] {
        let (running, pid) = start(&project, way);
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), Signal::SIGKILL).expect("it waits");
        running.finish().ended(End::Signal(9));
    }
}
