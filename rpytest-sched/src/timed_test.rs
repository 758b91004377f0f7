//! A test and how long it takes.

use std::time::Duration;

use rpytest_core::NodeId;

/// What a test is taken to last when not one duration is known.
const WITHOUT_ANY_HISTORY: Duration = Duration::from_secs(1);

/// A test, and how long it is expected to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedTest {
    /// Which test.
    pub nodeid: NodeId,
    /// How long it took before; `None` for a test that has never run.
    pub duration: Option<Duration>,
}

/// What a test without a duration is taken to last: the mean of the known ones, so that new tests spread evenly and
/// weigh no more and no less than the others.
pub(crate) fn presumed_duration(tests: &[TimedTest]) -> Duration {
    let known: Vec<Duration> = tests.iter().filter_map(|test| test.duration).collect();
    let total = known.iter().fold(Duration::ZERO, |total, duration| total.saturating_add(*duration));
    u32::try_from(known.len()).ok().and_then(|count| total.checked_div(count)).unwrap_or(WITHOUT_ANY_HISTORY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn presumed(seconds: &[Option<u64>]) -> Duration {
        let test = |seconds: &Option<u64>| TimedTest { nodeid: "a".into(), duration: seconds.map(Duration::from_secs) };
        presumed_duration(&seconds.iter().map(test).collect::<Vec<_>>())
    }

    #[test]
    fn an_unknown_test_is_taken_for_an_average_one() {
        assert_eq!(presumed(&[Some(2), None, Some(4)]), Duration::from_secs(3));
        assert_eq!(presumed(&[None, None]), WITHOUT_ANY_HISTORY);
        assert_eq!(presumed(&[]), WITHOUT_ANY_HISTORY);
        assert_eq!(presumed(&[Some(0)]), Duration::ZERO);
    }
}
