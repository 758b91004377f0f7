//! The test files of a snapshot, one after the other.

use rkyv::rend::u32_le;

use super::interner::count;
use super::layout::{ArchivedFilesShape, FilesShape};

/// What the head of a snapshot says of a test file.
#[derive(Clone, Copy)]
pub(super) struct FileHead<'head> {
    pub(super) path: &'head str,
    /// Positions in the head's origins.
    pub(super) origins: &'head [u32_le],
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
}

impl ArchivedFilesShape {
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = FileHead<'_>> {
        (0..self.tests.len()).map(|number| {
            let tests = self.tests[number].to_native();
            let number = u32_le::from_native(count(number));
            FileHead { path: self.paths.get(number), origins: self.origins.get(number), tests }
        })
    }
}
