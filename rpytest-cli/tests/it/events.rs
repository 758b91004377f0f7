//! `--events`: the run as JSON lines, which change nothing of the run itself.

use std::fs;

use rpytest_core::{ExitCode, ExitStatus, Outcome as TestOutcome, Phase, RunPath, TestEvent};

use crate::harness::{End, Project, Running, SessionPath, Way, wait_for};

const TESTS: &str = "\
import warnings
import pytest

def test_passes():
    print('written')

def test_fails():
    assert 0

@pytest.mark.skip(reason='not now')
def test_skipped(): pass

@pytest.mark.xfail
def test_expected():
    warnings.warn('careful')
    assert 0
";

fn events(text: &str) -> Vec<TestEvent> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// What a run of `TESTS` must have told.
#[track_caller]
fn assert_complete(events: &[TestEvent], path: RunPath) {
    let [TestEvent::RunStarted(started), .., TestEvent::RunFinished(finished)] = events else { panic!("{events:#?}") };
    assert_eq!((started.path, started.pytest.is_some()), (path, true));
    assert_eq!(finished.exit_status, ExitStatus::Code(ExitCode::new(1)));
    let reported: Vec<(String, TestOutcome)> = events
        .iter()
        .filter_map(|event| match event {
            TestEvent::TestReport(report) if report.when == Phase::Call => {
                Some((report.nodeid.to_string(), report.outcome))
            }
            _ => None,
        })
        .collect();
    let expected = [
        ("test_a.py::test_passes", TestOutcome::Passed),
        ("test_a.py::test_fails", TestOutcome::Failed),
        ("test_a.py::test_expected", TestOutcome::Xfailed),
    ];
    assert_eq!(reported, expected.map(|(name, outcome)| (name.to_owned(), outcome)), "{events:#?}");
}

#[test]
fn to_a_file() {
    let project = Project::new(&[("test_a.py", TESTS)]);
    let plain = project.run_plain(&[]).ended(End::Code(1));
    for (told, path) in [(RunPath::First, SessionPath::First), (RunPath::Warm, SessionPath::Warm)] {
        project.run(&["--events", "events.jsonl"]).went(path).assert_like(&plain, "plain pytest");
        let text = fs::read_to_string(project.path("events.jsonl")).expect("it has been written");
        assert_complete(&events(&text), told);
    }
}

#[test]
fn to_standard_output() {
    let project = Project::new(&[("test_a.py", TESTS)]);
    let plain = project.run_plain(&["-p", "no:terminal"]).ended(End::Code(1));
    let outcome = project.run(&["--events=-", "-p", "no:terminal"]).ended(plain.end);
    assert_complete(&events(&outcome.stdout), RunPath::First);
    assert_eq!(outcome.stderr, plain.stderr);
}

/// What tells events is imported by the first run that asks for it. Without it that run is a plain one, and no other is.
#[test]
fn somebody_has_cleared_the_cache() {
    let project = Project::new(&[("test_a.py", TESTS)]);
    // Such a run is forked from the process that has been there from the start.
    let arguments = ["-p", "no:cacheprovider"];
    let plain = project.run_plain(&arguments).ended(End::Code(1));
    project.run(&arguments).went(SessionPath::First);
    let cache = project.root().join("home/.cache/rpytest");
    // Bytecode may just be written there.
    wait_for("an empty place", || fs::remove_dir_all(&cache).is_ok().then_some(()));
    let asked = project.run(&["-p", "no:cacheprovider", "--events", "events.jsonl"]);
    asked.went(SessionPath::Plain).assert_like(&plain, "plain pytest");
    project.run(&arguments).went(SessionPath::Warm).assert_like(&plain, "plain pytest");
}

#[test]
fn to_a_disk_that_is_full() {
    // A thousand tests: the run must not wait for events that nobody can take.
    let project = Project::new(&[(
        "test_a.py",
        "import pytest\n\n@pytest.mark.parametrize('n', range(1000))\ndef test_a(n):\n    print('x' * 1000)\n",
    )]);
    let plain = project.run_plain(&["-q"]).ended(End::Code(0));
    for _ in 0..2 {
        let outcome = project.run(&["-q", "--events=/dev/full"]);
        let (ours, theirs): (Vec<&str>, Vec<&str>) =
            outcome.stderr.split_inclusive('\n').partition(|line| line.starts_with("rpytest: "));
        assert!(ours.concat().starts_with("rpytest: the events are incomplete: "), "{outcome}");
        crate::harness::Outcome { stderr: theirs.concat(), ..outcome.clone() }.assert_like(&plain, "plain pytest");
    }
}

#[test]
fn to_a_place_that_there_is_not() {
    let project = Project::new(&[("test_a.py", "def test_a():\n    open('ran', 'w')\n")]);
    let outcome = project.run(&["--events=no/such/file"]).ended(End::Code(4));
    assert!(outcome.stderr.starts_with("rpytest: cannot write the events: "), "{outcome}");
    assert!(!project.path("ran").exists(), "wrong usage runs nothing");
}

#[test]
fn of_a_run_that_is_killed() {
    let project = Project::new(&[(
        "test_a.py",
        "import os\n\ndef test_a(): pass\n\ndef test_b():\n    os.kill(os.getpid(), 9)\n",
    )]);
    project.run(&["-q", "--events=events.jsonl"]).ended(End::Signal(9));
    let told = events(&fs::read_to_string(project.path("events.jsonl")).expect("it has been written"));
    let [.., TestEvent::TestStarted(last), TestEvent::TestReport(setup), TestEvent::RunFinished(finished)] = &told[..]
    else {
        panic!("{told:#?}")
    };
    assert_eq!((last.nodeid.to_string().as_str(), setup.when), ("test_a.py::test_b", Phase::Setup));
    assert_eq!(finished.exit_status, ExitStatus::Signal(9));
}

#[test]
fn of_a_plain_run_are_its_beginning() {
    let project = Project::new(&[("test_a.py", TESTS)]);
    let plain = project.run_plain(&[]);
    let mut command = project.command(Way::Rpytest);
    let outcome = Running::start(command.arg("--events=events.jsonl").env("RPYTEST_FALLBACK", "1")).finish();
    outcome.assert_like(&plain, "plain pytest");
    let told = events(&fs::read_to_string(project.path("events.jsonl")).expect("it has been written"));
    let [TestEvent::RunStarted(started)] = &told[..] else { panic!("{told:#?}") };
    assert_eq!((started.path, started.reason.as_deref()), (RunPath::Fallback, Some("RPYTEST_FALLBACK is set")));
}
