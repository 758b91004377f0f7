//! What runs on a terminal: looks, dialogues, keys and windows.

use std::process::Command;

use crate::harness::{End, Project, Terminal, Way, timeless};

/// In one line, as the place of an interruption is shown.
const SLEEPS: &str = "import time\n\ndef test_a():\n    print('ready', flush=True); time.sleep(600)\n";

/// A command as a user types it: without what tests have it say.
fn typed(project: &Project, way: Way, arguments: &[&str]) -> Command {
    let mut command = project.command(way);
    command.args(arguments).env_remove("RPYTEST_LOG");
    command
}

/// Have the same dialogue with plain pytest, with the first and with a warm session of rpytest: it must look alike.
#[track_caller]
fn assert_same_dialogue(project: &Project, arguments: &[&str], talk: impl Fn(&mut Terminal)) -> (End, String) {
    let have = |way| {
        let mut terminal = Terminal::start(&mut typed(project, way, arguments));
        talk(&mut terminal);
        let (end, screen) = terminal.finish();
        (end, timeless(&screen))
    };
    let plain = have(Way::Plain);
    for attempt in ["first", "warm"] {
        let (end, screen) = have(Way::Rpytest);
        assert_eq!(screen, plain.1, "{attempt}\n{screen}\n--- plain:\n{}", plain.1);
        assert_eq!(end, plain.0, "{attempt}: {screen}");
    }
    plain
}

#[test]
fn colours_are_shown_and_the_width_is_used() {
    let tests = "import pytest\n\n@pytest.mark.parametrize('n', range(150))\ndef test_a(n):\n    assert n != 3\n";
    let project = Project::new(&[("test_a.py", tests)]);
    let (end, screen) = assert_same_dialogue(&project, &[], |terminal| terminal.resize(40, 100));
    assert_eq!(end, End::Code(1));
    assert!(screen.contains("\u{1b}[31m"), "no red in {screen}");
    assert_same_dialogue(&project, &["--color=no", "-v"], |_| ());
}

#[test]
fn the_debugger_answers() {
    let project = Project::new(&[("test_a.py", "def test_a():\n    x = 41\n    assert x == 42\n")]);
    let (end, _) = assert_same_dialogue(&project, &["--pdb"], |terminal| {
        terminal.expect("(Pdb) ");
        terminal.type_keys("p x + 1000\n");
        terminal.expect("1041");
        terminal.expect("(Pdb) ");
        terminal.type_keys("q\n");
    });
    assert_eq!(end, End::Code(2));
}

#[test]
fn a_breakpoint_continues() {
    let project = Project::new(&[("test_a.py", "def test_a():\n    x = 1\n    breakpoint()\n    assert x == 2\n")]);
    let (end, _) = assert_same_dialogue(&project, &["--color=no"], |terminal| {
        terminal.expect("(Pdb) ");
        terminal.type_keys("x = 2\n");
        terminal.expect("(Pdb) ");
        terminal.type_keys("c\n");
    });
    assert_eq!(end, End::Code(0));
}

#[test]
fn input_is_read() {
    let test = "\
import sys

def test_a():
    assert input('who? ') == 'me'
    print('and then?', flush=True)
    assert sys.stdin.readline() == ''
";
    let project = Project::new(&[("test_a.py", test)]);
    let (end, _) = assert_same_dialogue(&project, &["-s"], |terminal| {
        terminal.expect("who? ");
        terminal.type_keys("me\n");
        terminal.expect("and then?");
        terminal.type_keys("\u{4}");
    });
    assert_eq!(end, End::Code(0));
}

#[test]
fn control_c_interrupts() {
    let project = Project::new(&[("test_a.py", SLEEPS)]);
    let (end, _) = assert_same_dialogue(&project, &["-s"], |terminal| {
        terminal.expect("ready");
        terminal.type_keys("\u{3}");
    });
    assert_eq!(end, End::Code(2));
}

#[test]
fn control_c_reaches_the_children_of_a_test() {
    let test = "\
import subprocess, sys

CHILD = '''
import time
input()
try:
    print('child', flush=True)
    while True:
        time.sleep(0.01)  # a signal that comes just before a sleep does not end it
except KeyboardInterrupt:
    print('caught')
'''

def test_a():
    child = subprocess.Popen([sys.executable, '-c', CHILD], stdin=subprocess.PIPE)
    try:
        child.communicate(b'go')
    except KeyboardInterrupt:
        child.wait()
";
    let project = Project::new(&[("test_a.py", test)]);
    let (end, screen) = assert_same_dialogue(&project, &["-s"], |terminal| {
        terminal.expect("child");
        terminal.type_keys("\u{3}");
    });
    assert_eq!(end, End::Code(0));
    assert!(screen.contains("caught"), "{screen}");
}

#[test]
fn control_backslash_kills() {
    let project = Project::new(&[("test_a.py", SLEEPS)]);
    let (end, _) = assert_same_dialogue(&project, &["-s"], |terminal| {
        terminal.expect("ready");
        terminal.type_keys("\u{1c}");
    });
    assert_eq!(end, End::Signal(3));
}

#[test]
fn a_new_size_of_the_window_is_told() {
    let test = "\
import os, signal, time

def test_a():
    changes = []
    signal.signal(signal.SIGWINCH, lambda *_: changes.append(1))
    print('ready', flush=True)
    while not changes:
        time.sleep(0.005)
    print(os.get_terminal_size())
";
    let project = Project::new(&[("test_a.py", test)]);
    let (end, screen) = assert_same_dialogue(&project, &["-s"], |terminal| {
        terminal.expect("ready");
        terminal.resize(30, 111);
    });
    assert_eq!(end, End::Code(0));
    assert!(screen.contains("columns=111, lines=30"), "{screen}");
}

#[test]
fn the_modes_of_the_terminal_can_be_changed() {
    let test = "\
import getpass, sys, termios

def test_a():
    before = termios.tcgetattr(0)
    print(getpass.getpass('secret? ', stream=sys.stdout) == 'x', termios.tcgetattr(0) == before)
";
    let project = Project::new(&[("test_a.py", test)]);
    let (end, screen) = assert_same_dialogue(&project, &["-s"], |terminal| {
        terminal.expect("secret? ");
        terminal.type_keys("x\n");
    });
    assert_eq!(end, End::Code(0));
    assert!(screen.contains("True True"), "{screen}");
}
