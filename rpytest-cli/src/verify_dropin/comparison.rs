//! What differs between rpytest and plain pytest, where plain pytest itself is steady.
//!
//! Everything compared is a sequence of texts: lines, tests with their outcomes, files. Several runs of plain pytest tell
//! which places of the sequence are steady. Only what differs in such a place is a difference.

use std::ops::Range;
use std::time::{Duration, Instant};

use similar::{Algorithm, DiffOp, capture_diff_slices_deadline};

/// After this the differences between two long sequences may be told in larger pieces than need be.
const PATIENCE: Duration = Duration::from_secs(10);

/// The same sequence from several runs of plain pytest.
#[derive(Debug)]
pub(super) struct Control<'a> {
    plain: Vec<&'a [String]>,
    order: Order<'a>,
}

/// What plain pytest keeps of a sequence.
#[derive(Debug)]
enum Order<'a> {
    /// Most places. Those of the first run where another run has something else are listed; an empty one is a gap where
    /// the other has more.
    Steady(Vec<Place<'a>>),
    /// What is in it, in another order each time, as with tests that run in parallel.
    Any,
}

/// Where plain pytest does not repeat itself.
#[derive(Debug)]
struct Place<'a> {
    range: Range<usize>,
    other: &'a [String],
}

/// One place where two sequences differ. Either side may be empty, not both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) expected: Vec<String>,
    pub(super) actual: Vec<String>,
}

impl<'a> Control<'a> {
    /// What to expect after these runs of plain pytest, at least one. Where `any_order` may be, entries stand for tests,
    /// which can run in parallel; lines of output that change places are as flaky as other lines.
    pub(super) fn new(plain: &[&'a [String]], any_order: bool) -> Self {
        let (first, others) = plain.split_first().expect("plain pytest is run before anything is compared");
        let places = others.iter().flat_map(|other| {
            changes(first, other).map(|(range, new)| Place { range, other: &other[new] }).collect::<Vec<_>>()
        });
        let sorted_first = sorted(first);
        let shuffled = any_order
            && others.iter().any(|other| other != first)
            && others.iter().all(|other| sorted(other) == sorted_first);
        let order = if shuffled { Order::Any } else { Order::Steady(places.collect()) };
        Self { plain: plain.to_vec(), order }
    }

    /// What plain pytest itself does not repeat, from both runs.
    pub(super) fn flaky(&self) -> Vec<Difference> {
        match &self.order {
            Order::Any => {
                let told = |text: &str| vec![text.to_owned()];
                vec![Difference { expected: told("(an order)"), actual: told("(the same in another order)") }]
            }
            Order::Steady(places) => places
                .iter()
                .map(|place| Difference {
                    expected: self.plain[0][place.range.clone()].to_vec(),
                    actual: place.other.to_vec(),
                })
                .collect(),
        }
    }

    /// Where `actual` differs, flaky places apart.
    pub(super) fn differences(&self, actual: &[String]) -> Vec<Difference> {
        if self.plain.contains(&actual) {
            return Vec::new();
        }
        match &self.order {
            Order::Any => between(&sorted(self.plain[0]), &sorted(actual), &[]),
            Order::Steady(places) => between(self.plain[0], actual, places),
        }
    }
}

/// Where the two differ, excused places apart. Neighbours are told as one.
fn between(expected: &[String], actual: &[String], flaky: &[Place<'_>]) -> Vec<Difference> {
    let excused = |range: &Range<usize>| {
        flaky.iter().any(|place| place.range.start <= range.start && range.end <= place.range.end)
    };
    let mut found: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    for (old, new) in changes(expected, actual).filter(|(old, _)| !excused(old)) {
        match found.last_mut() {
            Some((before, actual)) if before.end == old.start && actual.end == new.start => {
                (before.end, actual.end) = (old.end, new.end);
            }
            _ => found.push((old, new)),
        }
    }
    let texts = |(old, new): (Range<usize>, Range<usize>)| Difference {
        expected: expected[old].to_vec(),
        actual: actual[new].to_vec(),
    };
    found.into_iter().map(texts).collect()
}

fn sorted(sequence: &[String]) -> Vec<String> {
    let mut sequence = sequence.to_vec();
    sequence.sort_unstable();
    sequence
}

/// The places that differ, in both. Where as many entries stand as before, each is a place of its own: a test that fails
/// and its neighbour which is flaky are two.
fn changes(old: &[String], new: &[String]) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
    let deadline = Instant::now() + PATIENCE;
    let all = capture_diff_slices_deadline(Algorithm::Myers, old, new, Some(deadline));
    all.into_iter().filter(|change| !matches!(change, DiffOp::Equal { .. })).flat_map(|change| {
        let (old, new) = (change.old_range(), change.new_range());
        if old.len() == new.len() {
            old.zip(new).map(|(old, new)| (old..old + 1, new..new + 1)).collect()
        } else {
            vec![(old, new)]
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{Control, Difference};

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn differences(first: &str, second: &str, actual: &str) -> Vec<Difference> {
        let (first, second) = (words(first), words(second));
        Control::new(&[&first, &second], true).differences(&words(actual))
    }

    #[track_caller]
    fn same(first: &str, second: &str, actual: &str) {
        assert_eq!(differences(first, second, actual), []);
    }

    #[track_caller]
    fn different(first: &str, second: &str, actual: &str, expected: &str, instead: &str) {
        assert_eq!(
            differences(first, second, actual),
            [Difference { expected: words(expected), actual: words(instead) }]
        );
    }

    #[test]
    fn the_same_is_no_difference() {
        same("a b c", "a b c", "a b c");
        same("", "", "");
    }

    #[test]
    fn what_is_lost_added_changed_or_moved_is_a_difference() {
        different("a b c", "a b c", "a c", "b", "");
        different("a b c", "a b c", "a b b c", "", "b");
        different("a b c", "a b c", "a x c", "b", "x");
        assert!(!differences("a b c", "a b c", "a c b").is_empty());
    }

    #[test]
    fn where_plain_runs_differ_anything_goes() {
        same("a b c", "a x c", "a x c");
        same("a b c", "a x c", "a b c");
        same("a b c", "a x c", "a y z c");
        same("a c", "a b c", "a c");
        same("a b c", "a c", "a b c");
    }

    #[test]
    fn flaky_places_excuse_no_others() {
        different("a b c d", "a x c d", "a y c e", "d", "e");
        different("a b c d", "a c d", "a c", "d", "");
    }

    #[test]
    fn what_stands_beside_a_flaky_place_is_told_alone() {
        different("a b c", "a x c", "a y z", "c", "z");
    }

    #[test]
    fn a_difference_that_reaches_beyond_a_flaky_place_is_one() {
        different("a b c", "a x c", "a y", "b c", "y");
    }

    #[test]
    fn neighbours_are_told_together() {
        different("a b c d", "a b c d", "a x y d", "b c", "x y");
    }

    #[test]
    fn an_order_that_plain_runs_do_not_keep_is_not_compared() {
        same("a b c", "b c a", "c b a");
        different("a b c", "b c a", "c a", "b", "");
    }

    #[test]
    fn lines_that_change_places_leave_the_others_their_order() {
        let [first, second] = ["a b c d", "b a c d"].map(words);
        let differences = |actual: &str| Control::new(&[&first, &second], false).differences(&words(actual));
        assert_eq!(differences("b a c d"), []);
        assert_ne!(differences("a b d c"), []);
    }

    #[test]
    fn each_plain_run_more_can_excuse() {
        let [first, second, third] = ["a b c", "a b c", "a x c"].map(words);
        let actual = words("a y c");
        assert_ne!(Control::new(&[&first, &second], true).differences(&actual), []);
        assert_eq!(Control::new(&[&first, &second, &third], true).differences(&actual), []);
    }

    #[test]
    fn what_is_flaky_is_told_from_both_sides() {
        let (first, second) = (words("a b c"), words("a x c"));
        let flaky = Control::new(&[&first, &second], true).flaky();
        assert_eq!(flaky, [Difference { expected: words("b"), actual: words("x") }]);
    }
}
