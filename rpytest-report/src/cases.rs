//! The test cases of a JUnit file, folded from the events of a run.

use std::collections::HashMap;

use rpytest_core::{ExitCode, ExitStatus, NodeId, Outcome, Phase, TestEvent, TestReport};

use crate::case_name::CaseName;

/// One `<testcase>`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Case {
    pub(crate) name: CaseName,
    pub(crate) seconds: f64,
    pub(crate) result: CaseResult,
}

/// What stands in a `<testcase>`. At most one thing: a second one gets a `<testcase>` of its own, as in pytest for a
/// test that fails and then has an error in its teardown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CaseResult {
    Passed,
    Skipped { kind: &'static str, message: String, text: Option<String> },
    Failure { message: String, text: String },
    Error { message: String, text: String },
}

/// The cases so far.
#[derive(Debug, Default)]
pub(crate) struct Cases {
    all: Vec<Case>,
    /// The tests whose teardown is still to come, and where their case is. In a parallel run there are several.
    open: HashMap<NodeId, usize>,
    end: Option<ExitStatus>,
    seconds: Option<f64>,
}

impl Cases {
    pub(crate) fn receive(&mut self, event: &TestEvent) {
        match event {
            TestEvent::RunStarted(_) | TestEvent::CollectionFinished(_) | TestEvent::Warning(_) => {}
            TestEvent::TestStarted(test) => {
                self.open(&test.nodeid);
            }
            TestEvent::TestReport(report) => self.receive_report(report),
            TestEvent::CollectError(error) => {
                let index = self.add(&error.nodeid);
                let text = error.longrepr.clone();
                self.all[index].result = CaseResult::Error { message: "collection failure".into(), text };
            }
            TestEvent::RunFinished(finished) => {
                self.end = Some(finished.exit_status);
                self.seconds = Some(finished.duration);
            }
        }
    }

    /// All cases in the order in which their tests began, and how long the run took, if it told.
    ///
    /// A test that has no end yet becomes an error.
    pub(crate) fn finish(mut self) -> (Vec<Case>, Option<f64>) {
        let mut unfinished: Vec<_> = std::mem::take(&mut self.open).into_iter().collect();
        unfinished.sort_by_key(|(_, index)| *index);
        for (nodeid, index) in unfinished {
            self.put(&nodeid, index, crashed(self.end));
        }
        (self.all, self.seconds)
    }

    /// As in pytest (`LogXML.pytest_runtest_logreport`), the seconds of a phase go to the case that holds its result.
    fn receive_report(&mut self, report: &TestReport) {
        let mut index = self.open(&report.nodeid);
        if let Some(result) = result_of(report) {
            index = self.put(&report.nodeid, index, result);
        }
        self.all[index].seconds += report.duration;
        if report.when == Phase::Teardown {
            self.open.remove(&report.nodeid);
        }
    }

    /// Puts a result into the case at `index`, or into a new one when there is something in it already.
    fn put(&mut self, nodeid: &NodeId, index: usize, result: CaseResult) -> usize {
        let index = if self.all[index].result == CaseResult::Passed { index } else { self.add(nodeid) };
        self.all[index].result = result;
        index
    }

    fn open(&mut self, nodeid: &NodeId) -> usize {
        if let Some(index) = self.open.get(nodeid) {
            return *index;
        }
        let index = self.add(nodeid);
        self.open.insert(nodeid.clone(), index);
        index
    }

    fn add(&mut self, nodeid: &NodeId) -> usize {
        self.all.push(Case { name: CaseName::of(nodeid), seconds: 0.0, result: CaseResult::Passed });
        self.all.len() - 1
    }
}

/// What pytest puts into the `<testcase>` for a report; nothing for a phase that passed.
fn result_of(report: &TestReport) -> Option<CaseResult> {
    let text = report.longrepr.clone();
    let message = report.message.clone().or_else(|| text.clone()).unwrap_or_default();
    match report.outcome {
        Outcome::Passed | Outcome::Xpassed => None,
        Outcome::Skipped => Some(CaseResult::Skipped { kind: "pytest.skip", message, text }),
        Outcome::Xfailed => Some(CaseResult::Skipped { kind: "pytest.xfail", message, text: None }),
        Outcome::Failed => Some(CaseResult::Failure { message, text: text.unwrap_or_default() }),
        Outcome::Error => {
            let message = format!("failed on {} with \"{message}\"", report.when);
            Some(CaseResult::Error { message, text: text.unwrap_or_default() })
        }
    }
}

/// What stands for a test that has started and not finished. pytest never writes this: it writes no file then.
fn crashed(end: Option<ExitStatus>) -> CaseResult {
    let (message, how) = match end {
        Some(ExitStatus::Code(ExitCode::INTERRUPTED)) => ("interrupted", "the run was interrupted".to_owned()),
        Some(end) => ("crashed", format!("the run ended with {end}")),
        None => ("crashed", "the run ended without a word".to_owned()),
    };
    CaseResult::Error { message: message.into(), text: format!("{how} while this test was running") }
}
