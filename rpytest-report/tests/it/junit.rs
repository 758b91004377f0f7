//! The JUnit file.

use proptest::prelude::*;
use rpytest_core::{ExitCode, ExitStatus, NodeId, Outcome, Phase, TestEvent, TestReport};
use rpytest_report::{Junit, JunitSuite, Reporter};

use crate::shapes;
use crate::xml::{self, Element};

fn junit(events: &[TestEvent]) -> Element {
    let mut written = Vec::new();
    let mut reporter = Box::new(Junit::new(&mut written, JunitSuite::starting_now("localhost")));
    for event in events {
        reporter.receive(event).expect("cases are only kept");
    }
    reporter.finish().expect("memory takes everything");
    xml::parse(&written)
}

/// Each case as `classname name: element message`, the name of the only child and its message.
fn cases(root: &Element) -> Vec<String> {
    let case = |case: &Element| {
        let results: Vec<_> =
            case.children.iter().map(|result| format!("{} {}", result.name, result.attribute("message"))).collect();
        format!("{} {}: {}", case.attribute("classname"), case.attribute("name"), results.join("; "))
    };
    root.children[0].children.iter().map(case).collect()
}

fn report(nodeid: &str, when: Phase, outcome: Outcome) -> TestEvent {
    TestEvent::TestReport(TestReport {
        nodeid: NodeId::new(nodeid),
        when,
        outcome,
        duration: 0.25,
        message: None,
        longrepr: None,
        sections: Vec::new(),
    })
}

#[test]
fn it_is_the_file_that_pytest_writes() {
    let varies = ["time", "timestamp"];
    let ours = junit(&shapes::events()).without(&varies);
    let pytests = xml::parse(shapes::JUNIT.as_bytes()).without(&varies);
    assert_eq!(ours, pytests);
}

#[test]
fn times_have_at_most_three_decimals() {
    let run = junit(&[
        report("t.py::a", Phase::Setup, Outcome::Passed),
        report("t.py::a", Phase::Call, Outcome::Passed),
        shapes::ended(ExitStatus::Code(ExitCode::OK)),
    ]);
    assert_eq!(run.children[0].attribute("time"), "1.500");
    assert_eq!(run.children[0].children[0].attribute("time"), "0.5");
}

#[test]
fn a_test_without_an_end_is_an_error() {
    let events = [
        shapes::started("t.py::done"),
        report("t.py::done", Phase::Call, Outcome::Passed),
        report("t.py::done", Phase::Teardown, Outcome::Passed),
        shapes::started("t.py::failed"),
        report("t.py::failed", Phase::Call, Outcome::Failed),
        shapes::started("t.py::other_worker"),
    ];
    let how = |end: Option<ExitStatus>| {
        let events: Vec<_> = events.iter().cloned().chain(end.map(shapes::ended)).collect();
        let root = junit(&events);
        let suite = &root.children[0];
        assert_eq!((suite.attribute("tests"), suite.attribute("errors")), ("4", "2"));
        let word = suite.children.last().map(|case| case.children[0].clone()).unwrap_or_default();
        let ends = ["failed", "other_worker"].map(|name| format!("t {name}: error {}", word.attribute("message")));
        let mut seen = cases(&root);
        seen.sort();
        let mut expected = vec!["t done: ".to_owned(), "t failed: failure ".to_owned()];
        expected.extend(ends);
        expected.sort();
        assert_eq!(seen, expected);
        format!("{}: {}", word.attribute("message"), word.text)
    };
    let running = "while this test was running";
    assert_eq!(how(None), format!("crashed: the run ended without a word {running}"));
    assert_eq!(how(Some(ExitStatus::Signal(9))), format!("crashed: the run ended with signal 9 {running}"));
    let code = |code| Some(ExitStatus::Code(code));
    assert_eq!(how(code(ExitCode::new(77))), format!("crashed: the run ended with exit code 77 {running}"));
    assert_eq!(how(code(ExitCode::INTERRUPTED)), format!("interrupted: the run was interrupted {running}"));
}

#[test]
fn a_test_that_runs_again_is_a_case_again() {
    let once = [Phase::Setup, Phase::Call, Phase::Teardown].map(|when| report("t.py::a", when, Outcome::Passed));
    assert_eq!(cases(&junit(&[once.clone(), once].concat())), ["t a: ", "t a: "]);
}

proptest! {
    /// Whatever text a test brings, it comes back as pytest's rule for control characters says.
    #[test]
    fn any_text_survives(text in "(\\PC|[\\x00-\\x1f\\x7f\u{fffe}]|]]>|&|<){0,12}") {
        let failed = TestEvent::TestReport(TestReport {
            nodeid: NodeId::new(format!("t.py::a[{text}]")),
            when: Phase::Call,
            outcome: Outcome::Failed,
            duration: 0.0,
            message: Some(text.clone()),
            longrepr: Some(text.clone()),
            sections: Vec::new(),
        });
        let root = junit(&[failed]);
        let case = &root.children[0].children[0];
        let failure = &case.children[0];
        let expected = as_pytest_shows(&text);
        prop_assert_eq!(case.attribute("name"), format!("a[{expected}]"));
        prop_assert_eq!(failure.attribute("message"), expected.clone());
        prop_assert_eq!(&failure.text, &expected);
    }
}

fn as_pytest_shows(text: &str) -> String {
    let show = |character: char| match character {
        '\t' | '\n' | '\r' => character.to_string(),
        '\0'..='\u{1f}' | '\u{7f}' | '\u{fffe}' | '\u{ffff}' => {
            format!("#x{:02X}", u32::from(character))
        }
        _ => character.to_string(),
    };
    text.chars().map(show).collect()
}
