//! A snapshot, and whether it still holds.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rpytest_core::{Selection, SelectionError};
use rpytest_inventory::{
    Collection, Fingerprint, InventoryDirectory, ObserveError, Origin, Seen, SelectedTest, Snapshot, SnapshotError,
    TestRecord,
};

/// What is known.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) snapshot: Snapshot,
    pub(super) directory: InventoryDirectory,
}

/// Why nothing is known.
#[derive(Debug, thiserror::Error)]
pub(super) enum Nothing {
    /// Nothing has been learnt.
    #[error("nothing is known of the tests here yet")]
    Yet,
    /// There is something, which cannot be read.
    #[error("{0}")]
    Unreadable(String),
}

/// Why what is known cannot be told.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unread {
    /// Nothing can be selected.
    #[error(transparent)]
    Selection(SelectionError),
    /// It could not be read after all, and is no longer in the way: nothing is known now, for this reason.
    #[error("{0}")]
    SetAside(String),
}

impl Known {
    /// What the inventory in a directory knows.
    pub(super) fn look(directory: &Path) -> Result<Self, SnapshotError> {
        let directory = InventoryDirectory::at(directory);
        Ok(Self { snapshot: Snapshot::open(&directory.snapshot())?, directory })
    }

    /// The same; what is there but damaged is moved aside.
    pub(super) fn open(directory: &Path) -> Result<Self, Nothing> {
        Self::look(directory).map_err(|error| match error {
            error if is_absent(&error) => Nothing::Yet,
            damaged => Nothing::Unreadable(set_aside(&InventoryDirectory::at(directory), &damaged)),
        })
    }

    /// All that is known of these tests.
    pub(super) fn records(&self, tests: &[SelectedTest]) -> Result<Vec<TestRecord>, Unread> {
        self.snapshot.records(tests).map_err(|error| self.unread(error))
    }

    /// For `map_err` of what was read from the snapshot.
    pub(super) fn unread(&self, error: SnapshotError) -> Unread {
        match error {
            SnapshotError::Selection(error) => Unread::Selection(error),
            damaged => Unread::SetAside(set_aside(&self.directory, &damaged)),
        }
    }

    /// The collection that it came from.
    pub(super) fn collection(&self) -> Option<&Collection> {
        self.snapshot.collection()
    }

    /// Why the next collection may find something else, the doubts of the last one first; nothing if it would find the same.
    pub(super) fn staleness(&self) -> Result<Vec<String>, ObserveError> {
        let Some(collection) = self.collection() else { return Ok(vec!["not all is known".to_owned()]) };
        let mut reasons = collection.doubts.clone();
        if let Some(name) = collection.environment.first_change(&environment()) {
            reasons.push(format!("the environment variable {name} has changed"));
        }
        reasons.extend(self.changed()?.iter().map(told));
        Ok(reasons)
    }

    /// What has changed, as it is now: the same text for as long as nothing else changes.
    pub(super) fn changes(&self) -> Result<String, ObserveError> {
        let now = environment();
        let variable = self.collection().and_then(|collection| collection.environment.first_change(&now));
        let mut changes = variable.map_or_else(String::new, |name| format!("{name} {:?}\n", now.get(&name)));
        for origin in self.changed()? {
            let _ = writeln!(changes, "{} {:?}", origin.path.display(), Fingerprint::observe(&origin.path)?);
        }
        Ok(changes)
    }

    fn changed(&self) -> Result<Vec<Origin>, ObserveError> {
        let mut staleness = self.snapshot.staleness()?;
        staleness.collection.extend(staleness.files.into_iter().map(|file| file.changed));
        Ok(staleness.collection)
    }

    /// Whether it was collected with the variables that there are here: another command may have collected meanwhile.
    pub(super) fn is_of_here(&self) -> bool {
        self.collection().is_some_and(|collection| collection.environment.first_change(&environment()).is_none())
    }

    /// The tests that a selection selects, in pytest's order.
    pub(super) fn select(&self, selection: &Selection) -> Result<Vec<SelectedTest>, Unread> {
        let tests = self.snapshot.select(selection).map_err(|error| self.unread(error))?;
        let order = self.collection().map_or(&[][..], |collection| &collection.order);
        if order.is_empty() {
            return Ok(tests);
        }
        let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        order.iter().enumerate().rev().for_each(|(place, nodeid)| places.entry(nodeid).or_default().push(place));
        let place = |nodeid: String| places.get_mut(nodeid.as_str()).and_then(Vec::pop);
        let nodeids = self.snapshot.nodeids(&tests).map_err(|error| self.unread(error))?;
        let mut ordered: Vec<_> = nodeids.into_iter().map(place).zip(tests).collect();
        ordered.sort_by_key(|(place, _)| *place);
        Ok(ordered.into_iter().map(|(_, test)| test).collect())
    }
}

/// Whether there is nothing to read.
pub(super) fn is_absent(error: &SnapshotError) -> bool {
    matches!(error, SnapshotError::Io { source, .. } if source.kind() == ErrorKind::NotFound)
}

fn set_aside(directory: &InventoryDirectory, error: &SnapshotError) -> String {
    match directory.move_snapshot_aside(error) {
        Ok(Some(moved)) => moved.to_string(),
        Ok(None) => error.to_string(),
        Err(refused) => format!("{error}; it cannot be moved aside: {refused}"),
    }
}

fn told(origin: &Origin) -> String {
    let path = origin.path.display();
    match origin.seen {
        Seen::Unsettled => format!("{path} had just been written"),
        Seen::Names(_) => format!("{path} has other files"),
        Seen::Kind(_) => format!("{path} is something else"),
        Seen::File(then) => match (then, origin.path.exists()) {
            (Fingerprint::Absent, _) => format!("{path} is new"),
            (_, true) => format!("{path} has changed"),
            (_, false) => format!("{path} is gone"),
        },
    }
}

/// As Python tells it: what is no UTF-8 by its escapes.
fn environment() -> BTreeMap<String, String> {
    std::env::vars_os().map(|(name, value)| (text(&name), text(&value))).collect()
}

fn text(word: &OsStr) -> String {
    word.as_bytes().utf8_chunks().fold(String::new(), |text, chunk| {
        let escapes: Vec<_> = chunk.invalid().iter().map(|byte| format!("\\udc{byte:02x}")).collect();
        text + chunk.valid() + &escapes.concat()
    })
}
