//! Under a shell with jobs: Ctrl-Z, `fg`, `bg`, and the window that is closed.

use nix::sys::signal::Signal;

use crate::harness::{End, Project, Terminal, Way, is_gone, is_stopped, wait_for};

/// Says that it is ready, and waits for the file `go`.
const WAITS: &str = "\
import os, time

def test_a():
    with open('pid.new', 'w') as file:
        file.write(str(os.getpid()))
    os.rename('pid.new', 'pid')
    print('ready', flush=True)
    while not os.path.exists('go'):
        time.sleep(0.005)
    print('gone on')
";

/// An interactive shell in which `RUN` runs the tests.
fn shell(project: &Project, way: Way) -> Terminal {
    let run: Vec<String> = Project::program(way).iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let mut command = project.clean("bash");
    command.args(["--norc", "--noprofile", "--noediting", "-i"]);
    command.env("RUN", run.join(" ")).env("PS1", "$ ").env_remove("RPYTEST_LOG");
    let mut terminal = Terminal::start(&mut command);
    terminal.expect("$ ");
    terminal
}

fn pid(project: &Project) -> i32 {
    let pid = project.wait_for_file("pid").parse().expect("the test has written a number");
    std::fs::remove_file(project.path("pid")).expect("it is there");
    pid
}

#[test]
fn control_z_stops_and_fg_continues() {
    for way in [Way::Plain, Way::Rpytest, Way::Rpytest] {
        let project = Project::new(&[("test_a.py", WAITS)]);
        let mut terminal = shell(&project, way);
        terminal.type_keys("$RUN -s\n");
        terminal.expect("ready");
        let pid = pid(&project);
        terminal.type_keys("\u{1a}");
        terminal.expect("Stopped");
        assert!(is_stopped(pid), "{}", terminal.screen());
        terminal.type_keys("fg\n");
        wait_for("the session to go on", || (!is_stopped(pid)).then_some(()));
        project.write("go", "");
        terminal.expect("gone on");
        terminal.expect("1 passed");
        terminal.type_keys("echo status=$?\n");
        terminal.expect("status=0");
        terminal.type_keys("exit\n");
        assert_eq!(terminal.finish().0, End::Code(0));
    }
}

#[test]
fn a_stopped_run_goes_on_in_the_background() {
    for way in [Way::Plain, Way::Rpytest] {
        let project = Project::new(&[("test_a.py", WAITS)]);
        let mut terminal = shell(&project, way);
        terminal.type_keys("$RUN -s\n");
        terminal.expect("ready");
        let pid = pid(&project);
        terminal.type_keys("\u{1a}");
        terminal.expect("Stopped");
        terminal.type_keys("bg\n");
        wait_for("the session to go on", || (!is_stopped(pid)).then_some(()));
        project.write("go", "");
        terminal.type_keys("wait %1; echo status=$?\n");
        terminal.expect("1 passed");
        terminal.expect("status=0");
        terminal.type_keys("exit\n");
        terminal.finish();
    }
}

#[test]
fn a_stopped_run_can_be_killed() {
    for way in [Way::Plain, Way::Rpytest] {
        let project = Project::new(&[("test_a.py", WAITS)]);
        let mut terminal = shell(&project, way);
        terminal.type_keys("$RUN -s\n");
        terminal.expect("ready");
        let pid = pid(&project);
        terminal.type_keys("\u{1a}");
        terminal.expect("Stopped");
        terminal.type_keys("kill %1\n");
        wait_for("the end of the session", || is_gone(pid).then_some(()));
        terminal.type_keys("fg; exit\n");
        terminal.finish();
    }
}

#[test]
fn a_session_that_stops_itself_stops_the_command() {
    let test = "import os, signal\n\ndef test_a():\n    os.kill(os.getpid(), signal.SIGSTOP)\n";
    for way in [Way::Plain, Way::Rpytest] {
        let project = Project::new(&[("test_a.py", test)]);
        let mut terminal = shell(&project, way);
        terminal.type_keys("$RUN\n");
        terminal.expect("Stopped");
        terminal.type_keys("fg\n");
        terminal.expect("1 passed");
        terminal.type_keys("exit\n");
        terminal.finish();
    }
}

#[test]
fn a_closed_window_ends_the_run() {
    for way in [Way::Plain, Way::Rpytest, Way::Rpytest] {
        let project = Project::new(&[("test_a.py", WAITS)]);
        let mut terminal = Terminal::start(project.command(way).arg("-s"));
        terminal.expect("ready");
        let pid = pid(&project);
        assert_eq!(terminal.hang_up(), End::Signal(Signal::SIGHUP as i32));
        wait_for("the end of the session", || is_gone(pid).then_some(()));
    }
}
