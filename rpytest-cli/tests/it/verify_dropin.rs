//! `--verify-dropin`: it says identical where rpytest is, finds what is planted, and leaves nothing behind.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::harness::{End, Outcome, Project, Running, Way, interpreter, processes_of, wait_for};

const TESTS: &str = "\
import warnings

import pytest

def test_passes(tmp_path):
    print('at', tmp_path, object())

def test_fails():
    warnings.warn('look')
    assert 1 == 2

@pytest.mark.parametrize('value', ['a', 'b'])
def test_value(value, record_property):
    record_property('value', value)
    if value == 'b':
        pytest.skip('not b')

@pytest.fixture
def broken():
    yield
    raise RuntimeError('in the teardown')

def test_with_fixture(broken):
    pass
";

/// A test that a known difference makes fail: the command line is that of the warm process.
const SEES_ITS_COMMAND_LINE: &str = "\
import pathlib

def test_command_line():
    assert b'-q' in pathlib.Path('/proc/self/cmdline').read_bytes().split(b'\\0')
";

/// Counts runs outside the working directory, where no run finds what another left.
const COUNTS: &str = "\
import os, pathlib

def count():
    runs = pathlib.Path(os.environ['XDG_STATE_HOME'], 'runs')
    number = int(runs.read_text()) if runs.exists() else 0
    runs.write_text(str(number + 1))
    return number
";

fn verify(project: &Project, arguments: &[&str]) -> Outcome {
    let mut command = project.command(Way::Rpytest);
    command.arg("--verify-dropin").args(arguments);
    Running::start(&mut command).finish()
}

/// What is told as JSON.
#[track_caller]
fn told(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {outcome}"))
}

fn strings<'a>(list: &'a Value, field: &str) -> Vec<&'a str> {
    let list = list.as_array().expect("it is a list");
    list.iter().map(|entry| entry[field].as_str().unwrap_or("-")).collect()
}

/// A command that runs a line of `sh` as if it were rpytest.
fn runner(project: &Project, script: &str) -> String {
    let path = project.root().join("runner");
    let python = interpreter().display();
    fs::write(&path, format!("#!/bin/sh\npytest() {{ {python} -m pytest \"$@\"; }}\n{script}\n"))
        .expect("it can be written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it can be made executable");
    path.to_str().expect("it is text").to_owned()
}

fn leftovers(project: &Project) -> Vec<String> {
    let entries = fs::read_dir(project.root().join("tmp")).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("verify"))
        .collect()
}

#[test]
fn what_is_the_same_is_identical() {
    let project = Project::new(&[("test_a.py", TESTS)]);
    let outcome = verify(&project, &["--json", "-v"]).ended(End::Code(0));
    let told = told(&outcome);
    assert_eq!((&told["verdict"], &told["tests"]), (&json!("identical"), &json!(5)), "{outcome}");
    assert_eq!(strings(&told["runs"], "name"), ["plain 1", "plain 2", "cold", "warm 1", "warm 2"], "{outcome}");
    assert_eq!(strings(&told["runs"], "path"), ["-", "-", "first", "warm", "warm"], "{outcome}");
    assert_eq!(strings(&told["runs"], "exit"), ["1"; 5], "{outcome}");
    assert_eq!(told["flaky"], json!([]), "{outcome}");
}

#[test]
fn nothing_is_left_and_the_cache_is_as_it_was() {
    let project = Project::new(&[("test_a.py", TESTS)]);
    project.run_plain(&["-q", "-k", "fails or fixture"]);
    let cache = || fs::read_to_string(project.path(".pytest_cache/v/cache/nodeids")).expect("pytest has written it");
    let before = cache();
    let outcome = verify(&project, &["--lf", "-q"]).ended(End::Code(0));
    assert!(outcome.stdout.starts_with("identical: 2 tests\n"), "{outcome}");
    assert_eq!(cache(), before);
    assert_eq!(leftovers(&project), [""; 0]);
    // Its own daemon is gone; the user's was never started.
    wait_for("the end of its processes", || processes_of(project.root()).is_empty().then_some(()));
}

#[test]
fn a_cache_that_was_not_there_is_not_there_afterwards() {
    let project = Project::new(&[("sub/test_a.py", TESTS), ("pytest.ini", "[pytest]\ncache_dir = sub/kept\n")]);
    verify(&project, &["-q"]).ended(End::Code(0));
    assert!(!project.path("sub/kept").exists());
    assert!(!project.path(".pytest_cache").exists());
}

#[test]
fn the_run_does_not_see_that_it_is_watched() {
    let shows = "\
import os, sys

def test_a():
    ours = [entry for entry in sys.path if 'verify' in entry]
    seen = [os.environ.get(name) for name in ('PYTHONPATH', 'PYTEST_PLUGINS', 'RPYTEST_WITNESS')]
    assert (sys.argv[1:], ours, seen) == (['-q'], [], ['/nowhere', 'pytester', None])
";
    let project = Project::new(&[("test_a.py", shows)]);
    let mut command = project.command(Way::Rpytest);
    command.args(["--verify-dropin", "--json", "-q"]);
    command.env("PYTHONPATH", "/nowhere").env("PYTEST_PLUGINS", "pytester");
    let outcome = Running::start(&mut command).finish().ended(End::Code(0));
    assert_eq!(strings(&told(&outcome)["runs"], "exit"), ["0"; 5], "{outcome}");
}

#[test]
fn a_difference_is_found_in_all_that_shows_it() {
    let project = Project::new(&[("test_a.py", SEES_ITS_COMMAND_LINE)]);
    let outcome = verify(&project, &["--json", "-q"]).ended(End::Code(1));
    let told = told(&outcome);
    assert_eq!(told["verdict"], "different", "{outcome}");
    let outcomes: Vec<&Value> =
        told["differences"].as_array().expect("a list").iter().filter(|found| found["subject"] == "outcomes").collect();
    let id = "test_a.py::test_command_line: setup passed, call";
    assert_eq!(
        outcomes,
        [&json!({
            "subject": "outcomes",
            "runs": ["cold", "warm 1", "warm 2"],
            "pytest": [format!("{id} passed, teardown passed")],
            "rpytest": [format!("{id} failed, teardown passed")],
        })]
    );
    let mut subjects = strings(&told["differences"], "subject");
    subjects.dedup();
    assert_eq!(subjects, ["exit", "outcomes", "details", "junit", "stdout", "files"], "{outcome}");
}

#[test]
fn both_sides_of_a_difference_are_shown() {
    let project = Project::new(&[("test_a.py", "def test_a(): pass\ndef test_b(): pass\n")]);
    let drops_a_flag = runner(&project, "shift; pytest \"$@\"");
    let outcome = verify(&project, &["--verify-runner", &drops_a_flag, "-v", "-q"]).ended(End::Code(1));
    let shown = "standard output, differences: 1\n  in cold, warm 1, warm 2\n    pytest : ============";
    assert!(outcome.stdout.starts_with("DIFFERENT: 2 tests\n"), "{outcome}");
    assert!(outcome.stdout.contains(shown), "{outcome}");
    assert!(outcome.stdout.contains("    rpytest: .."), "{outcome}");
    let runs_nothing = runner(&project, "exit 0");
    verify(&project, &["--verify-runner", &runs_nothing]).ended(End::Code(1));
}

#[test]
fn a_test_that_plain_pytest_does_not_repeat_is_flaky() {
    let test = format!("{COUNTS}\ndef test_flaky():\n    assert count() % 2 == 0\n\ndef test_steady(): pass\n");
    let project = Project::new(&[("test_a.py", &test)]);
    let outcome = verify(&project, &["-q"]).ended(End::Code(0));
    assert!(outcome.stdout.starts_with("identical: 2 tests\n"), "{outcome}");
    let flaky = "  outcomes, places: 1\n    one  : test_a.py::test_flaky: setup passed, call ";
    assert!(outcome.stdout.contains(flaky), "{outcome}");
}

#[test]
fn text_that_changes_by_chance_can_be_masked() {
    // The third run, which is rpytest's first, says something else.
    let conftest = format!("{COUNTS}\ndef pytest_report_header():\n    return f'chance {{count() // 2}}'\n");
    let project = Project::new(&[("conftest.py", &conftest), ("test_a.py", "def test_a(): pass\n")]);
    let environment = [("PYTHONDONTWRITEBYTECODE", "1")];
    let run = |arguments: &[&str]| {
        let mut command = project.command(Way::Rpytest);
        command.arg("--verify-dropin").args(arguments).envs(environment);
        Running::start(&mut command).finish()
    };
    run(&["--verify-mask", "chance [0-9]+ => chance N"]).ended(End::Code(0));
    fs::remove_file(project.root().join("state/runs")).expect("it was counted");
    let outcome = run(&["--json"]);
    assert_eq!(strings(&told(&outcome)["flaky"], "subject"), ["stdout"], "plain pytest was asked once more: {outcome}");
}

#[test]
fn whether_masked_text_is_captured_does_not_count() {
    // Said by pytest's own runs, and not by rpytest's.
    let test = format!("{COUNTS}\ndef test_a():\n    if count() < 2:\n        print('server: chance')\n");
    let project = Project::new(&[("test_a.py", &test)]);
    let mut command = project.command(Way::Rpytest);
    command.args(["--verify-dropin", "--json", r"--verify-mask=server: .*\n"]).env("PYTHONDONTWRITEBYTECODE", "1");
    let outcome = Running::start(&mut command).finish().ended(End::Code(0));
    assert_eq!(told(&outcome)["runs"].as_array().map(Vec::len), Some(5), "nothing was different at first: {outcome}");
}

#[test]
fn what_runs_leave_can_be_put_back() {
    let test = "\
import pathlib

def test_a():
    left = pathlib.Path('left')
    assert not left.exists()
    left.write_text('1')
";
    let project = Project::new(&[("test_a.py", test)]);
    let outcome = verify(&project, &["--json", "--verify-restore=left"]).ended(End::Code(0));
    assert_eq!(strings(&told(&outcome)["runs"], "exit"), ["0"; 5], "{outcome}");
    assert!(!project.path("left").exists());
}

#[test]
fn the_output_of_each_run_can_be_kept() {
    let project = Project::new(&[("test_a.py", "def test_a(): pass\n")]);
    let output = project.root().join("output");
    verify(&project, &["--verify-output", output.to_str().expect("it is text")]).ended(End::Code(0));
    for run in ["plain-1", "plain-2", "cold", "warm-1", "warm-2"] {
        for file in ["stdout", "stderr", "events.jsonl", "junit.xml"] {
            assert!(output.join(run).join(file).exists(), "{run}/{file}");
        }
    }
}

#[test]
fn arguments_that_pytest_refuses_are_refused_alike() {
    let project = Project::new(&[("test_a.py", "def test_a(): pass\n")]);
    for arguments in [&["--no-such-flag"][..], &["-p", "no_such_plugin"], &["no_such_file.py"]] {
        let outcome = verify(&project, &[&["--json"], arguments].concat()).ended(End::Code(0));
        assert_eq!(strings(&told(&outcome)["runs"], "exit"), ["4"; 5], "{outcome}");
    }
}

#[test]
fn without_pytest_nothing_can_be_run() {
    let project = Project::new(&[("test_a.py", "def test_a(): pass\n")]);
    let environment = project.root().join("empty");
    let made = Running::start(project.clean(interpreter()).args(["-m", "venv", "--without-pip"]).arg(&environment));
    made.finish().ended(End::Code(0));
    let python = environment.join("bin/python");
    let outcome = verify(&project, &["--python", python.to_str().expect("it is text")]).ended(End::Code(3));
    assert_eq!(outcome.stdout, "", "{outcome}");
    let message = format!("rpytest: could not run: no pytest in {}\n", python.display());
    assert!(outcome.stderr.ends_with(&message), "{outcome}");
}

#[test]
fn a_signal_ends_everything() {
    let hangs = "\
import pathlib, time

def test_a():
    pathlib.Path('hangs').write_text('now')
    time.sleep(600)
";
    let project = Project::new(&[("test_a.py", hangs)]);
    let mut command = project.command(Way::Rpytest);
    let running = Running::start(command.args(["--verify-dropin", "-q"]));
    project.wait_for_file("hangs");
    running.signal(Signal::SIGTERM);
    running.finish().ended(End::Signal(15));
    assert_eq!(leftovers(&project), [""; 0]);
    wait_for("the end of its processes", || processes_of(project.root()).is_empty().then_some(()));
}

/// The answer with all times made the same.
fn timeless_answer(mut told: Value) -> Value {
    for run in told["runs"].as_array_mut().expect("a list") {
        run["seconds"] = json!(0.0);
    }
    told
}

#[track_caller]
fn assert_answer(outcome: &Outcome, file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/verify_dropin").join(file);
    let expected: Value = serde_json::from_slice(&fs::read(&path).expect("it is there")).expect("it is JSON");
    assert_eq!(timeless_answer(told(outcome)), expected, "{}", path.display());
}

#[test]
fn the_answer_as_json_has_this_shape() {
    let conftest = format!("{COUNTS}\ndef pytest_unconfigure():\n    print('run', count())\n");
    let project = Project::new(&[("conftest.py", &conftest), ("test_a.py", "def test_a(): pass\n")]);
    let ends_otherwise = runner(&project, "pytest \"$@\"; exit 7");
    let mut command = project.command(Way::Rpytest);
    command.args(["--verify-dropin", "--json", "-q", "--verify-runner", &ends_otherwise]);
    // Otherwise there is a run more, which is not compared.
    let outcome = Running::start(command.env("PYTHONDONTWRITEBYTECODE", "1")).finish().ended(End::Code(1));
    assert_answer(&outcome, "different.json");
    let outcome = verify(&project, &["--json", "--python", "/no/such/python"]).ended(End::Code(3));
    assert_answer(&outcome, "could_not_run.json");
}
