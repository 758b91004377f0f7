//! The test files of a snapshot, one after the other.

use super::interner::count;
use super::layout::FilesShape;

/// What the head of a snapshot says of a test file.
#[derive(Clone, Copy)]
pub(super) struct FileHead<'head> {
    pub(super) path: &'head str,
    /// Positions in the head's origins.
    pub(super) origins: &'head [u32],
    /// How many it has.
    pub(super) tests: u32,
}

impl FilesShape {
    pub(super) fn add(&mut self, path: &str, origins: impl IntoIterator<Item = u32>, tests: u32) {
        self.paths.text.push_str(path);
        self.paths.ends.push(count(self.paths.text.len()));
        self.origins.members.extend(origins);
        self.origins.ends.push(count(self.origins.members.len()));
        self.tests.push(tests);
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = FileHead<'_>> {
        (0..self.tests.len()).map(|number| FileHead {
            path: self.paths.text.get(range(&self.paths.ends, number)).unwrap_or_default(),
            origins: self.origins.members.get(range(&self.origins.ends, number)).unwrap_or_default(),
            tests: self.tests[number],
        })
    }
}

fn range(ends: &[u32], number: usize) -> std::ops::Range<usize> {
    let end = |number: usize| ends.get(number).map_or(0, |end| *end as usize);
    number.checked_sub(1).map_or(0, end)..end(number)
}
