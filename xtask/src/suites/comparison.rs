//! What is different between the runner's output and that of pytest, where pytest itself is steady.
//!
//! Everything compared is a sequence of texts: lines, ids of tests, outcomes, files. Two runs of plain pytest tell
//! which places of the sequence are steady. Only what differs in such a place is a difference.

use std::ops::Range;

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// The same sequence from two runs of plain pytest.
#[derive(Debug)]
pub(crate) struct Control<'a> {
    expected: &'a [String],
    /// Places of `expected` where the other run has something else. An empty one is a gap where the other has more.
    flaky: Vec<Range<usize>>,
}

/// One place where the sequences differ. Either side may be empty, not both.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) expected: Vec<String>,
    pub(crate) actual: Vec<String>,
}

impl<'a> Control<'a> {
    /// What to expect after two runs of plain pytest.
    pub(crate) fn new(first: &[String], second: &'a [String]) -> Self {
        let flaky = changes(first, second).map(|change| change.new_range()).collect();
        Self { expected: second, flaky }
    }

    /// What plain pytest itself does not repeat.
    pub(crate) fn flaky(&self) -> impl Iterator<Item = &'a [String]> {
        self.flaky.iter().map(|place| &self.expected[place.clone()])
    }

    /// Where `actual` differs, flaky places apart.
    pub(crate) fn differences(&self, actual: &[String]) -> Vec<Difference> {
        changes(self.expected, actual)
            .filter(|change| !self.excuses(&change.old_range()))
            .map(|change| Difference {
                expected: self.expected[change.old_range()].to_vec(),
                actual: actual[change.new_range()].to_vec(),
            })
            .collect()
    }

    fn excuses(&self, place: &Range<usize>) -> bool {
        self.flaky.iter().any(|flaky| flaky.start <= place.start && place.end <= flaky.end)
    }
}

fn changes(old: &[String], new: &[String]) -> impl Iterator<Item = DiffOp> {
    let all = capture_diff_slices(Algorithm::Myers, old, new);
    all.into_iter().filter(|change| !matches!(change, DiffOp::Equal { .. }))
}

#[cfg(test)]
mod tests {
    use super::{Control, Difference};

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn differences(first: &str, second: &str, actual: &str) -> Vec<Difference> {
        let second = words(second);
        Control::new(&words(first), &second).differences(&words(actual))
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
        different("a b c d", "a c d", "a b c", "d", "");
    }

    #[test]
    fn a_difference_that_reaches_beyond_a_flaky_place_is_one() {
        different("a b c", "a x c", "a y z", "x c", "y z");
    }
}
