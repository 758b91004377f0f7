//! How a test went once.

use std::time::Duration;

use rpytest_core::{Outcome, TestReport};

use crate::FailureFingerprint;

/// One run of one test: its phases put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastRun {
    /// The outcome that says most about the test: a failure before an error in its teardown, any of both before a skip,
    /// and that it passed only when nothing else is to be said.
    pub outcome: Outcome,
    /// Set-up, call and teardown together.
    pub duration: Duration,
    /// How it failed, when it did.
    pub failure: Option<FailureFingerprint>,
}

impl PastRun {
    /// Puts the reports of one run of one test together, in any order; `None` without a report.
    ///
    /// A phase that took less than no time, because the test moved the clock, counts as none.
    pub fn from_reports<'report>(reports: impl IntoIterator<Item = &'report TestReport>) -> Option<Self> {
        reports.into_iter().map(Self::from_phase).reduce(Self::and)
    }

    fn from_phase(report: &TestReport) -> Self {
        let duration = Duration::try_from_secs_f64(report.duration).unwrap_or_default();
        let message = report.message.as_ref().or(report.longrepr.as_ref()).filter(|_| report.outcome.is_failure());
        let failure = message.map(|message| FailureFingerprint::of(message));
        Self { outcome: report.outcome, duration, failure }
    }

    fn and(self, other: Self) -> Self {
        let most = if weight(other.outcome) > weight(self.outcome) { other } else { self };
        Self { duration: self.duration.saturating_add(other.duration), ..most }
    }
}

const fn weight(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Passed => 0,
        Outcome::Skipped => 1,
        Outcome::Xfailed => 2,
        Outcome::Xpassed => 3,
        Outcome::Error => 4,
        Outcome::Failed => 5,
    }
}

#[cfg(test)]
mod tests {
    use rpytest_core::Phase;

    use super::*;

    fn report(when: Phase, outcome: Outcome, duration: f64) -> TestReport {
        let nodeid = "t.py::a".into();
        TestReport { nodeid, when, outcome, duration, message: None, longrepr: None, sections: Vec::new() }
    }

    fn outcome_of(outcomes: [Outcome; 3]) -> Outcome {
        let phases = [Phase::Setup, Phase::Call, Phase::Teardown];
        let reports: Vec<_> =
            phases.into_iter().zip(outcomes).map(|(when, outcome)| report(when, outcome, 0.0)).collect();
        PastRun::from_reports(&reports).expect("there are reports").outcome
    }

    #[test]
    fn the_outcome_that_says_most_is_kept() {
        use Outcome::{Error, Failed, Passed, Skipped, Xfailed, Xpassed};
        assert_eq!(outcome_of([Passed, Passed, Passed]), Passed);
        assert_eq!(outcome_of([Passed, Skipped, Passed]), Skipped);
        assert_eq!(outcome_of([Passed, Xfailed, Passed]), Xfailed);
        assert_eq!(outcome_of([Passed, Xpassed, Passed]), Xpassed);
        assert_eq!(outcome_of([Passed, Passed, Error]), Error);
        assert_eq!(outcome_of([Passed, Failed, Error]), Failed);
        assert_eq!(outcome_of([Skipped, Passed, Error]), Error);
    }

    #[test]
    fn the_failure_is_that_of_the_outcome() {
        let said = |when, outcome, message: &str| TestReport {
            message: Some(message.to_owned()),
            ..report(when, outcome, 0.0)
        };
        let failed = said(Phase::Call, Outcome::Failed, "assert a");
        let reports =
            [said(Phase::Setup, Outcome::Passed, "no"), failed, said(Phase::Teardown, Outcome::Error, "closed")];
        let run = PastRun::from_reports(&reports).expect("there are reports");
        assert_eq!(run.failure, Some(FailureFingerprint::of("assert a")));
        assert_eq!(PastRun::from_reports(&reports[..1]).expect("there is one").failure, None);
    }

    #[test]
    fn the_phases_take_their_time_together() {
        let reports = [
            report(Phase::Setup, Outcome::Passed, 0.25),
            report(Phase::Call, Outcome::Passed, 0.5),
            report(Phase::Teardown, Outcome::Passed, -3600.0),
        ];
        let run = PastRun::from_reports(&reports).expect("there are reports");
        assert_eq!(run.duration, Duration::from_millis(750));
        assert_eq!(PastRun::from_reports([]), None);
    }
}
