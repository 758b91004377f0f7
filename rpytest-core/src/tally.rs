//! The fold from events to counts and an exit code.

use std::collections::{BTreeMap, BTreeSet};

use crate::{ExitCode, ExitStatus, NodeId, Outcome, Phase, TestEvent, TestReport};

/// What is known of a run after the events so far.
///
/// Feed it every event in order; ask it at any time. A stream that was cut by a crash, or put together from several
/// runs, gives an answer too.
#[derive(Clone, Debug, Default)]
pub struct RunTally {
    collected: Option<usize>,
    collect_errors: usize,
    running: BTreeSet<NodeId>,
    finished: usize,
    outcomes: BTreeMap<Outcome, usize>,
    warnings: usize,
    end: Option<ExitStatus>,
}

/// How a run went, before it is put into a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything that was collected ran, and nothing failed.
    Passed,
    /// At least one test failed or had an error.
    TestsFailed,
    /// The run stopped before its end, or errors during collection kept it from starting.
    Interrupted,
    /// There was nothing to run.
    NothingCollected,
    /// The run told its exit code itself; a plugin may have chosen it.
    Declared(ExitCode),
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Passed => Self::OK,
            Verdict::TestsFailed => Self::TESTS_FAILED,
            Verdict::Interrupted => Self::INTERRUPTED,
            Verdict::NothingCollected => Self::NO_TESTS_COLLECTED,
            Verdict::Declared(code) => code,
        }
    }
}

impl RunTally {
    /// Takes the next event into account.
    pub fn receive(&mut self, event: &TestEvent) {
        match event {
            TestEvent::RunStarted(_) => {}
            TestEvent::CollectionFinished(collection) => {
                *self.collected.get_or_insert_default() += collection.items.len();
            }
            TestEvent::TestStarted(test) => {
                self.running.insert(test.nodeid.clone());
            }
            TestEvent::TestReport(report) => self.receive_report(report),
            TestEvent::Warning(_) => self.warnings += 1,
            TestEvent::CollectError(_) => self.collect_errors += 1,
            TestEvent::RunFinished(finished) => self.end = Some(finished.exit_status),
        }
    }

    fn receive_report(&mut self, report: &TestReport) {
        if report.when == Phase::Call || report.outcome != Outcome::Passed {
            *self.outcomes.entry(report.outcome).or_default() += 1;
        }
        if report.when == Phase::Teardown {
            self.running.remove(&report.nodeid);
            self.finished += 1;
        }
    }

    /// How many tests were selected to run; `None` until that is known.
    pub const fn collected(&self) -> Option<usize> {
        self.collected
    }

    /// How many tests have come to the end of their teardown.
    pub const fn finished(&self) -> usize {
        self.finished
    }

    /// How many reports had this outcome, as pytest's last line counts them: a set-up or teardown that passed is not
    /// counted, and a test that passes and then has an error in its teardown counts in both.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.outcomes.get(&outcome).copied().unwrap_or(0)
    }

    /// How many files or classes could not be collected.
    pub const fn collect_errors(&self) -> usize {
        self.collect_errors
    }

    /// How many warnings were raised.
    pub const fn warnings(&self) -> usize {
        self.warnings
    }

    /// The tests that have started and not finished, ordered by id; after the last event, those that the run died in.
    pub fn running(&self) -> impl Iterator<Item = &NodeId> {
        self.running.iter()
    }

    /// What the run said of its own end.
    pub const fn end(&self) -> Option<ExitStatus> {
        self.end
    }

    /// How the run went, if no more events come.
    ///
    /// A run that told its exit code is taken at its word. For any other, pytest's rules (`_pytest/main.py`:
    /// `wrap_session` and `_main`): an interruption goes before a failure, a failure before an empty collection. Errors
    /// during collection interrupt, unless tests ran all the same (`--continue-on-collection-errors`). A stream that
    /// ends before every collected test has finished is never a success.
    pub fn verdict(&self) -> Verdict {
        if let Some(ExitStatus::Code(code)) = self.end {
            return Verdict::Declared(code);
        }
        if self.was_interrupted() {
            Verdict::Interrupted
        } else if self.has_failures() {
            Verdict::TestsFailed
        } else {
            self.verdict_without_failures()
        }
    }

    /// The exit code of the [`verdict`](Self::verdict).
    pub fn exit_code(&self) -> ExitCode {
        self.verdict().into()
    }

    fn was_interrupted(&self) -> bool {
        let killed = matches!(self.end, Some(ExitStatus::Signal(_)));
        let nothing_ran = self.finished == 0;
        killed || !self.running.is_empty() || (self.collect_errors > 0 && nothing_ran)
    }

    fn has_failures(&self) -> bool {
        self.collect_errors > 0 || self.outcomes.keys().any(|outcome| outcome.is_failure())
    }

    fn verdict_without_failures(&self) -> Verdict {
        match self.collected {
            Some(0) => Verdict::NothingCollected,
            Some(collected) if self.finished >= collected => Verdict::Passed,
            Some(_) | None => Verdict::Interrupted,
        }
    }
}
