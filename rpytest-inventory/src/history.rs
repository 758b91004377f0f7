//! What is remembered of one test.

use std::collections::VecDeque;
use std::time::Duration;

use rpytest_core::Outcome;

use crate::PastRun;

/// The last runs of one test, oldest first; older ones are forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    runs: VecDeque<PastRun>,
}

/// How often in a row a test went the same way, up to its last run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streak {
    /// Which way.
    pub outcome: Outcome,
    /// How often; never 0, and at most [`History::CAPACITY`].
    pub length: usize,
}

impl History {
    /// How many runs are remembered.
    pub const CAPACITY: usize = 20;

    /// How many runs a [`typical_duration`](Self::typical_duration) is taken from: few, so that it follows a test that
    /// has become slower; odd, so that one of them is the median.
    pub const TYPICAL_OF: usize = 5;

    /// Remembers one more run.
    pub fn record(&mut self, run: PastRun) {
        if self.runs.len() == Self::CAPACITY {
            self.runs.pop_front();
        }
        self.runs.push_back(run);
    }

    /// The runs, oldest first.
    pub fn runs(&self) -> impl DoubleEndedIterator<Item = &PastRun> + ExactSizeIterator {
        self.runs.iter()
    }

    /// The last run.
    pub fn last(&self) -> Option<&PastRun> {
        self.runs.back()
    }

    /// How long the test may be expected to take: the median of its last [`TYPICAL_OF`](Self::TYPICAL_OF) runs, which
    /// one run on a busy machine does not move; of an even number the longer of the middle two. `None` without a run.
    ///
    /// Skipped runs say nothing of the test's length and are left out, unless it was skipped each time.
    pub fn typical_duration(&self) -> Option<Duration> {
        let ran = |run: &&PastRun| run.outcome != Outcome::Skipped;
        median(self.latest_durations(ran)).or_else(|| median(self.latest_durations(|_| true)))
    }

    /// How often in a row the last outcome has been the outcome; `None` without a run.
    pub fn streak(&self) -> Option<Streak> {
        let outcome = self.last()?.outcome;
        let length = self.runs.iter().rev().take_while(|run| run.outcome == outcome).count();
        Some(Streak { outcome, length })
    }

    fn latest_durations(&self, counts: impl Fn(&&PastRun) -> bool) -> Vec<Duration> {
        self.runs.iter().rev().filter(counts).take(Self::TYPICAL_OF).map(|run| run.duration).collect()
    }
}

fn median(mut durations: Vec<Duration>) -> Option<Duration> {
    durations.sort_unstable();
    durations.get(durations.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn history(runs: impl IntoIterator<Item = (Outcome, u64)>) -> History {
        let mut history = History::default();
        for (outcome, seconds) in runs {
            history.record(PastRun { outcome, duration: Duration::from_secs(seconds), failure: None });
        }
        history
    }

    fn typical(runs: &[(Outcome, u64)]) -> Option<u64> {
        history(runs.iter().copied()).typical_duration().map(|duration| duration.as_secs())
    }

    #[test]
    fn one_slow_run_does_not_move_the_typical_duration() {
        use Outcome::{Failed, Passed, Skipped};
        assert_eq!(typical(&[]), None);
        assert_eq!(typical(&[(Passed, 3)]), Some(3));
        assert_eq!(typical(&[(Passed, 3), (Passed, 5)]), Some(5));
        assert_eq!(typical(&[(Passed, 3), (Passed, 900), (Failed, 4)]), Some(4));
        assert_eq!(typical(&[(Passed, 3), (Skipped, 0), (Skipped, 0)]), Some(3));
        assert_eq!(typical(&[(Skipped, 0), (Skipped, 1)]), Some(1));
    }

    #[test]
    fn the_typical_duration_follows_a_test_that_became_slower() {
        let slower = [1, 1, 1, 1, 1, 1, 9, 9, 9].map(|seconds| (Outcome::Passed, seconds));
        assert_eq!(typical(&slower), Some(9));
        assert_eq!(typical(&slower[..8]), Some(1));
    }

    #[test]
    fn a_streak_ends_where_the_outcome_was_another() {
        use Outcome::{Failed, Passed};
        let streak = |outcomes: &[Outcome]| history(outcomes.iter().map(|outcome| (*outcome, 1))).streak();
        assert_eq!(streak(&[]), None);
        assert_eq!(streak(&[Failed, Passed]), Some(Streak { outcome: Passed, length: 1 }));
        assert_eq!(streak(&[Failed, Passed, Failed, Failed]), Some(Streak { outcome: Failed, length: 2 }));
    }

    proptest! {
        /// The last runs are there in order, no other, and never too many.
        #[test]
        fn the_last_runs_are_remembered(seconds in prop::collection::vec(0..9_u64, 0..60)) {
            let history = history(seconds.iter().map(|seconds| (Outcome::Passed, *seconds)));
            let remembered: Vec<_> = history.runs().map(|run| run.duration.as_secs()).collect();
            prop_assert_eq!(remembered, &seconds[seconds.len().saturating_sub(History::CAPACITY)..]);
        }
    }
}
