//! What pytest itself says of a run, as the plugin in it has written it down.

use std::collections::HashMap;
use std::fmt::Write;

use rpytest_core::{NodeId, TestEvent, TestReport, Warning};

/// The sequences in what pytest says.
#[derive(Debug, Default)]
pub(super) struct Testimony {
    /// The tests that were selected, in order; then how many were not; before them, what could not be collected.
    pub(super) collected: Vec<String>,
    /// Each test in the order in which they began, with its phases and their outcomes.
    pub(super) outcomes: Vec<String>,
    /// For each test that has something to say: its explanations and what was captured.
    pub(super) details: Vec<String>,
    pub(super) warnings: Vec<String>,
}

/// What is known of one test.
#[derive(Debug, Default)]
struct Test {
    phases: Vec<String>,
    explanations: String,
    captured: String,
}

impl Testimony {
    /// From the events of a run.
    pub(super) fn of(events: impl Iterator<Item = TestEvent>) -> Self {
        let mut testimony = Self::default();
        let mut tests = Tests::default();
        for event in events {
            match event {
                TestEvent::CollectError(error) => {
                    testimony.collected.push(format!("error in {}\n{}", error.nodeid, error.longrepr));
                }
                TestEvent::CollectionFinished(collection) => {
                    testimony.collected.extend(collection.items.iter().map(ToString::to_string));
                    testimony.collected.push(format!("deselected: {}", collection.deselected));
                }
                TestEvent::TestStarted(started) => tests.begin(started.nodeid),
                TestEvent::TestReport(report) => tests.receive(&report),
                TestEvent::Warning(warning) => testimony.warnings.push(line_of(&warning)),
                TestEvent::RunStarted(_) | TestEvent::RunFinished(_) => {}
            }
        }
        for (nodeid, test) in tests.all {
            let said = format!("{}{}", test.explanations, test.captured);
            if !said.is_empty() {
                testimony.details.push(format!("{nodeid}\n{said}"));
            }
            testimony.outcomes.push(format!("{nodeid}: {}", test.phases.join(", ")));
        }
        testimony
    }
}

/// The tests that have begun. An id can begin again, as when it was named twice.
#[derive(Debug, Default)]
struct Tests {
    all: Vec<(NodeId, Test)>,
    latest: HashMap<NodeId, usize>,
}

impl Tests {
    fn begin(&mut self, nodeid: NodeId) {
        self.latest.insert(nodeid.clone(), self.all.len());
        self.all.push((nodeid, Test::default()));
    }

    fn receive(&mut self, report: &TestReport) {
        if !self.latest.contains_key(&report.nodeid) {
            self.begin(report.nodeid.clone());
        }
        let (_, test) = &mut self.all[self.latest[&report.nodeid]];
        test.phases.push(format!("{} {}", report.when, report.outcome));
        for text in report.message.iter().chain(&report.longrepr) {
            // Writing to a string does not fail.
            let _ = writeln!(test.explanations, "[{}]\n{text}", report.when);
        }
        // Each report repeats what the one before it had.
        test.captured.clear();
        for section in &report.sections {
            let _ = writeln!(test.captured, "[{}]\n{}", section.title, section.content);
        }
    }
}

fn line_of(warning: &Warning) -> String {
    let at = warning.location.as_ref().map(|location| format!("{}:{}: ", location.path, location.line));
    let of = warning.nodeid.as_ref().map(|nodeid| format!(" ({nodeid})"));
    format!("{}{}: {}{}", at.unwrap_or_default(), warning.category, warning.message, of.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use rpytest_report::EventReader;

    use super::Testimony;

    fn read(lines: &str) -> Testimony {
        Testimony::of(EventReader::new(lines.as_bytes()).map(|event| event.expect("the line is an event")))
    }

    fn report(nodeid: &str, when: &str, outcome: &str, more: &str) -> String {
        format!(
            r#"{{"event":"test-report","nodeid":"{nodeid}","when":"{when}","outcome":"{outcome}","duration":0.1{more}}}"#
        ) + "\n"
    }

    #[test]
    fn what_was_collected_has_its_order_and_its_errors() {
        let testimony = read(
            r#"{"event":"collect-error","nodeid":"c.py","longrepr":"E x"}
{"event":"collection-finished","items":["b","a"],"deselected":2}"#,
        );
        assert_eq!(testimony.collected, ["error in c.py\nE x", "b", "a", "deselected: 2"]);
    }

    #[test]
    fn a_test_has_an_outcome_for_each_phase() {
        let started = r#"{"event":"test-started","nodeid":"a"}"#;
        let lines = [report("a", "setup", "passed", ""), report("a", "call", "failed", r#","message":"m""#)].concat();
        let captured = r#","sections":[["Captured stdout call","hello"]]"#;
        let testimony = read(&format!("{started}\n{lines}{}", report("a", "teardown", "passed", captured)));
        assert_eq!(testimony.outcomes, ["a: setup passed, call failed, teardown passed"]);
        assert_eq!(testimony.details, ["a\n[call]\nm\n[Captured stdout call]\nhello\n"]);
    }

    #[test]
    fn a_test_that_begins_again_is_another_entry() {
        let started = "{\"event\":\"test-started\",\"nodeid\":\"a\"}\n";
        let once = format!("{started}{}", report("a", "setup", "passed", ""));
        assert_eq!(read(&once.repeat(2)).outcomes, ["a: setup passed", "a: setup passed"]);
    }
}
