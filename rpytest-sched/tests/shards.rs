//! Nothing is lost, nothing runs twice, everyone agrees, and no shard is much longer than it must be.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use proptest::prelude::*;
use rpytest_core::NodeId;
use rpytest_sched::{KeepTogether, Shard, TimedTest, shards};

fn count(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).expect("tests ask for at least one shard")
}

fn timed(nodeid: &str, seconds: u64) -> TimedTest {
    TimedTest { nodeid: nodeid.into(), duration: Some(Duration::from_secs(seconds)) }
}

/// A few files with tests of any length, some unknown, in any order; ids are unique.
fn any_tests() -> impl Strategy<Value = Vec<TimedTest>> {
    let test = (0..5_u8, prop::option::weighted(0.8, 0..20_000_u64));
    prop::collection::vec(test, 0..60).prop_map(|tests| {
        let timed = |(index, (file, millis)): (usize, (u8, Option<u64>))| TimedTest {
            nodeid: NodeId::new(format!("test_{file}.py::test_{index}")),
            duration: millis.map(Duration::from_millis),
        };
        tests.into_iter().enumerate().map(timed).collect()
    })
}

fn any_keep() -> impl Strategy<Value = KeepTogether> {
    prop_oneof![Just(KeepTogether::Nothing), Just(KeepTogether::Files)]
}

fn longest(shards: &[Shard]) -> Duration {
    shards.iter().map(|shard| shard.duration).max().unwrap_or_default()
}

/// Each shard's tests as a set.
fn members(shards: &[Shard]) -> Vec<Vec<NodeId>> {
    let sorted = |shard: &Shard| {
        let mut tests = shard.tests.clone();
        tests.sort();
        tests
    };
    shards.iter().map(sorted).collect()
}

/// The longest shard of the best division, found by trying all of them.
fn best(durations: &[u64], loads: &mut [u64]) -> u64 {
    let Some((first, rest)) = durations.split_first() else {
        return loads.iter().copied().max().unwrap_or_default();
    };
    let mut shortest = u64::MAX;
    for shard in 0..loads.len() {
        loads[shard] += first;
        shortest = shortest.min(best(rest, loads));
        loads[shard] -= first;
    }
    shortest
}

proptest! {
    #[test]
    fn nothing_is_lost_and_nothing_is_there_twice(tests in any_tests(), n in 1..9_usize, keep in any_keep()) {
        let mut given: Vec<_> = tests.iter().map(|test| test.nodeid.clone()).collect();
        let shards = shards(tests, count(n), keep);
        prop_assert_eq!(shards.len(), n);
        let mut divided: Vec<_> = shards.into_iter().flat_map(|shard| shard.tests).collect();
        given.sort();
        divided.sort();
        prop_assert_eq!(divided, given);
    }

    #[test]
    fn the_order_within_a_shard_is_kept(tests in any_tests(), n in 1..9_usize, keep in any_keep()) {
        let places: BTreeMap<_, _> =
            tests.iter().enumerate().map(|(place, test)| (test.nodeid.clone(), place)).collect();
        for shard in shards(tests, count(n), keep) {
            prop_assert!(shard.tests.is_sorted_by_key(|nodeid| places[nodeid]));
        }
    }

    #[test]
    fn machines_that_collect_in_another_order_agree(
        (tests, shuffled) in any_tests().prop_flat_map(|tests| (Just(tests.clone()), Just(tests).prop_shuffle())),
        n in 1..9_usize,
        keep in any_keep(),
    ) {
        prop_assert_eq!(members(&shards(tests, count(n), keep)), members(&shards(shuffled, count(n), keep)));
    }

    #[test]
    fn files_stay_together_when_asked_to(tests in any_tests(), n in 1..9_usize) {
        let mut homes = BTreeMap::new();
        for (number, shard) in shards(tests, count(n), KeepTogether::Files).iter().enumerate() {
            for nodeid in &shard.tests {
                prop_assert_eq!(*homes.entry(nodeid.file().to_owned()).or_insert(number), number);
            }
        }
    }

    /// Graham's bound for longest processing time first: (4/3 - 1/(3n)) of the best division.
    #[test]
    fn the_longest_shard_is_within_four_thirds_of_the_best(
        seconds in prop::collection::vec(0..50_u64, 1..8),
        n in 1..4_usize,
    ) {
        let tests = seconds.iter().enumerate().map(|(index, seconds)| timed(&format!("t.py::{index}"), *seconds));
        let longest = longest(&shards(tests.collect(), count(n), KeepTogether::Nothing)).as_secs();
        let (n, best) = (n as u64, best(&seconds, &mut vec![0; n]));
        prop_assert!(3 * n * longest <= (4 * n - 1) * best, "{longest} where {best} is possible");
    }

    /// What holds for any number of tests: no shard is longer than an even share and one more test.
    #[test]
    fn the_longest_shard_is_an_even_share_and_a_test_at_most(tests in any_tests(), n in 1..9_u32) {
        let longest_test = tests.iter().filter_map(|test| test.duration).max().unwrap_or(Duration::from_secs(1));
        let shards = shards(tests, count(n as usize), KeepTogether::Nothing);
        let total: Duration = shards.iter().map(|shard| shard.duration).sum();
        prop_assert!(longest(&shards) <= total / n + longest_test + Duration::from_nanos(1));
    }
}

#[test]
fn the_longest_goes_first_to_the_emptiest() {
    let tests = [("a", 1), ("b", 7), ("c", 4), ("d", 5), ("e", 3)].map(|(name, seconds)| timed(name, seconds));
    let shards = shards(tests.to_vec(), count(2), KeepTogether::Nothing);
    assert_eq!(shards[0].tests, ["b", "e"].map(NodeId::from));
    assert_eq!(shards[1].tests, ["a", "c", "d"].map(NodeId::from));
    assert_eq!([&shards[0], &shards[1]].map(|shard| shard.duration.as_secs()), [10, 10]);
}

#[test]
fn tests_that_take_no_time_are_spread_too() {
    let tests = (0..6).map(|index| timed(&format!("t.py::{index}"), 0)).collect();
    let sizes: Vec<_> = shards(tests, count(3), KeepTogether::Nothing).iter().map(|shard| shard.tests.len()).collect();
    assert_eq!(sizes, [2, 2, 2]);
}

#[test]
fn a_test_that_was_collected_twice_runs_twice() {
    let tests = vec![timed("t.py::a", 1), timed("t.py::a", 1)];
    let shards = shards(tests, count(2), KeepTogether::Nothing);
    assert_eq!(members(&shards), [["t.py::a".into()], ["t.py::a".into()]]);
}

#[test]
fn no_duration_is_too_long_to_add() {
    let test = TimedTest { nodeid: "t.py::a".into(), duration: Some(Duration::MAX) };
    let shards = shards(vec![test.clone(), test], count(1), KeepTogether::Files);
    assert_eq!(longest(&shards), Duration::MAX);
}
