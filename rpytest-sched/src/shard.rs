//! Tests divided among machines that do not talk to each other.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::num::NonZeroUsize;
use std::time::Duration;

use rpytest_core::NodeId;

use crate::timed_test::{TimedTest, presumed_duration};

/// What must not be torn apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepTogether {
    /// Every test may go anywhere: the best balance.
    Nothing,
    /// The tests of a file stay in one shard, so that its module fixtures are made once.
    Files,
}

/// What one machine runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shard {
    /// Its tests, in the order in which they were given.
    pub tests: Vec<NodeId>,
    /// How long they take one after the other, as far as that is known.
    pub duration: Duration,
}

/// Divides `tests` into exactly `count` shards; some are empty when there is too little to divide.
///
/// Longest processing time first: what takes longest goes first to the shard that has least to do, so that the longest
/// shard takes at most 4/3 of what the best division would (Graham 1969). A test that has never run is taken for an
/// average one.
///
/// Every test goes to exactly one shard. Who goes where depends on the names and durations alone, not on the order of
/// `tests`: two machines that collected the same tests in another order agree. (Tests that have one id and different
/// durations are told apart by their order.)
pub fn shards(tests: Vec<TimedTest>, count: NonZeroUsize, keep: KeepTogether) -> Vec<Shard> {
    let presumed = presumed_duration(&tests);
    let mut assigned: Vec<(usize, usize)> = Vec::with_capacity(tests.len());
    let mut loads = Loads::new(count);
    for group in longest_first(groups(&tests, presumed, keep)) {
        let shard = loads.add_to_least(group.duration, group.tests.len());
        assigned.extend(group.tests.into_iter().map(|test| (test, shard)));
    }
    assigned.sort_unstable();

    let mut shards = vec![Shard::default(); count.get()];
    for (test, (_, shard)) in tests.into_iter().zip(assigned) {
        let shard = &mut shards[shard];
        shard.duration = shard.duration.saturating_add(test.duration.unwrap_or(presumed));
        shard.tests.push(test.nodeid);
    }
    shards
}

/// Tests that go to the same shard.
struct Group<'tests> {
    name: &'tests str,
    duration: Duration,
    /// Where they stand among all tests.
    tests: Vec<usize>,
}

fn groups(tests: &[TimedTest], presumed: Duration, keep: KeepTogether) -> Vec<Group<'_>> {
    let mut groups = Vec::new();
    let mut places = BTreeMap::new();
    for (index, test) in tests.iter().enumerate() {
        let (name, place) = match keep {
            KeepTogether::Nothing => (test.nodeid.as_str(), groups.len()),
            KeepTogether::Files => (test.nodeid.file(), *places.entry(test.nodeid.file()).or_insert(groups.len())),
        };
        if place == groups.len() {
            groups.push(Group { name, duration: Duration::ZERO, tests: Vec::new() });
        }
        let group = &mut groups[place];
        group.duration = group.duration.saturating_add(test.duration.unwrap_or(presumed));
        group.tests.push(index);
    }
    groups
}

fn longest_first(mut groups: Vec<Group<'_>>) -> Vec<Group<'_>> {
    groups.sort_by(|one, other| (Reverse(one.duration), one.name).cmp(&(Reverse(other.duration), other.name)));
    groups
}

/// What each shard has to do so far, least first; among equals the one with the fewest tests, then the first.
struct Loads(BinaryHeap<Reverse<(Duration, usize, usize)>>);

impl Loads {
    fn new(count: NonZeroUsize) -> Self {
        Self((0..count.get()).map(|shard| Reverse((Duration::ZERO, 0, shard))).collect())
    }

    fn add_to_least(&mut self, duration: Duration, tests: usize) -> usize {
        let mut least = self.0.peek_mut().expect("there is at least one shard");
        let Reverse((load, held, shard)) = &mut *least;
        *load = load.saturating_add(duration);
        *held += tests;
        *shard
    }
}
