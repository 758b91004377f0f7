//! What the inventory knows.

use std::cmp::Ordering;

use rpytest_core::TestItem;

use crate::{History, ObserveError, Origin};

/// All that is known of one test file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileRecord {
    /// The file, relative to the rootdir and with `/`; not empty.
    pub path: String,
    /// What the tests of this file were made from.
    pub origins: Vec<Origin>,
    /// Its tests, in the order in which they are collected.
    pub tests: Vec<TestRecord>,
}

/// All that is known of one test.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TestRecord {
    /// The test as it was collected.
    pub item: TestItem,
    /// How it went.
    pub history: History,
}

impl FileRecord {
    /// Which file pytest collects first when it collects the rootdir: directories and files alike by name, but the
    /// `__init__.py` of a package before the rest of it (pytest 8 and newer).
    pub fn compare_collected(&self, other: &Self) -> Ordering {
        names(&self.path).cmp(names(&other.path))
    }

    /// The first origin that has changed; `None` while the record is valid. Looks at the disk.
    pub fn first_change(&self) -> Result<Option<&Origin>, ObserveError> {
        for origin in &self.origins {
            if !origin.is_current()? {
                return Ok(Some(origin));
            }
        }
        Ok(None)
    }
}

fn names(path: &str) -> impl Iterator<Item = (bool, &str)> {
    path.split('/').map(|name| (name != "__init__.py", name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_ordered_as_pytest_collects_them() {
        let order = ["B.py", "a/__init__.py", "a/Test.py", "a/b/test.py", "a/b.py", "a.py", "b.py"];
        let record = |path: &str| FileRecord { path: path.to_owned(), ..FileRecord::default() };
        let mut records: Vec<_> = order.iter().rev().map(|path| record(path)).collect();
        records.sort_by(FileRecord::compare_collected);
        assert!(records.iter().map(|record| &record.path).eq(order));
    }
}
