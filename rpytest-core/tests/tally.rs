//! The exit code of a run follows from its events by pytest's rules.

use rpytest_core::{
    CollectError, CollectionFinished, ExitCode, ExitStatus, NodeId, Outcome, Phase, RunFinished, RunTally, TestEvent,
    TestReport, TestStarted,
};

fn collected(count: usize) -> TestEvent {
    let items = (0..count).map(test).collect();
    TestEvent::CollectionFinished(CollectionFinished { items, deselected: 0 })
}

fn test(number: usize) -> NodeId {
    NodeId::new(format!("test_a.py::test_{number}"))
}

fn started(number: usize) -> TestEvent {
    TestEvent::TestStarted(TestStarted { nodeid: test(number) })
}

fn report(number: usize, when: Phase, outcome: Outcome) -> TestEvent {
    TestEvent::TestReport(TestReport {
        nodeid: test(number),
        when,
        outcome,
        duration: 0.5,
        message: None,
        longrepr: None,
        sections: Vec::new(),
    })
}

/// A test that ran to the end of its teardown, with this outcome of its call.
fn ran(number: usize, outcome: Outcome) -> Vec<TestEvent> {
    vec![
        started(number),
        report(number, Phase::Setup, Outcome::Passed),
        report(number, Phase::Call, outcome),
        report(number, Phase::Teardown, Outcome::Passed),
    ]
}

fn collect_error() -> TestEvent {
    TestEvent::CollectError(CollectError { nodeid: "test_b.py".into(), longrepr: "ImportError".into() })
}

fn ended(exit_status: ExitStatus) -> TestEvent {
    TestEvent::RunFinished(RunFinished { exit_status, duration: 1.0 })
}

fn tally(events: &[Vec<TestEvent>]) -> RunTally {
    let mut tally = RunTally::default();
    events.iter().flatten().for_each(|event| tally.receive(event));
    tally
}

#[test]
fn a_stream_without_an_end_is_judged_by_pytests_rules() {
    use Outcome::{Error, Failed, Passed, Skipped, Xfailed, Xpassed};
    let teardown_error = [vec![started(0)], vec![report(0, Phase::Teardown, Error)]].concat();
    let cases: Vec<(&str, Vec<Vec<TestEvent>>, ExitCode)> = vec![
        ("all passed", vec![vec![collected(2)], ran(0, Passed), ran(1, Passed)], ExitCode::OK),
        ("all skipped", vec![vec![collected(1)], ran(0, Skipped)], ExitCode::OK),
        ("xfail and xpass", vec![vec![collected(2)], ran(0, Xfailed), ran(1, Xpassed)], ExitCode::OK),
        ("one failed", vec![vec![collected(2)], ran(0, Failed), ran(1, Passed)], ExitCode::TESTS_FAILED),
        ("stopped at a failure", vec![vec![collected(9)], ran(0, Failed)], ExitCode::TESTS_FAILED),
        ("teardown error", vec![vec![collected(1)], teardown_error], ExitCode::TESTS_FAILED),
        ("nothing collected", vec![vec![collected(0)]], ExitCode::NO_TESTS_COLLECTED),
        ("collection error", vec![vec![collect_error(), collected(1)]], ExitCode::INTERRUPTED),
        (
            "collection error, tests ran all the same",
            vec![vec![collect_error(), collected(1)], ran(0, Passed)],
            ExitCode::TESTS_FAILED,
        ),
        ("died in a test", vec![vec![collected(2)], ran(0, Failed), vec![started(1)]], ExitCode::INTERRUPTED),
        ("died between tests", vec![vec![collected(2)], ran(0, Passed)], ExitCode::INTERRUPTED),
        ("died before collection", vec![], ExitCode::INTERRUPTED),
        ("killed", vec![vec![collected(1)], ran(0, Passed), vec![ended(ExitStatus::Signal(9))]], ExitCode::INTERRUPTED),
    ];
    for (name, events, expected) in cases {
        assert_eq!(tally(&events).exit_code(), expected, "{name}");
    }
}

#[test]
fn a_run_that_told_its_exit_code_is_taken_at_its_word() {
    for code in [ExitCode::OK, ExitCode::INTERNAL_ERROR, ExitCode::MAX_WARNINGS_ERROR, ExitCode::new(77)] {
        let run = tally(&[vec![collected(1)], ran(0, Outcome::Failed), vec![ended(ExitStatus::Code(code))]]);
        assert_eq!(run.exit_code(), code);
    }
}

#[test]
fn several_runs_are_judged_together() {
    let run = tally(&[vec![collected(1)], ran(0, Outcome::Passed), vec![collected(1)], ran(1, Outcome::Failed)]);
    assert_eq!(run.collected(), Some(2));
    assert_eq!(run.exit_code(), ExitCode::TESTS_FAILED);
}

#[test]
fn counts_are_those_of_pytests_last_line() {
    let run = tally(&[
        vec![collected(2)],
        ran(0, Outcome::Passed),
        vec![started(1), report(1, Phase::Setup, Outcome::Passed), report(1, Phase::Call, Outcome::Passed)],
        vec![report(1, Phase::Teardown, Outcome::Error)],
    ]);
    assert_eq!((run.count(Outcome::Passed), run.count(Outcome::Error), run.finished()), (2, 1, 2));
}

#[test]
fn a_test_runs_until_its_teardown_is_reported() {
    let run = tally(&[vec![started(0), report(0, Phase::Call, Outcome::Failed)], ran(1, Outcome::Passed)]);
    assert_eq!(run.running().collect::<Vec<_>>(), [&test(0)]);
}
