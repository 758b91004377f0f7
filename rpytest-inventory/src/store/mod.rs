//! What is kept from one daemon to the next.

mod database;
mod error;
mod integrity;
mod lock;

pub use error::{MovedAside, StoreError};

use std::path::Path;

use database::Database;
use lock::Lock;

use crate::archive::FileShape;
use crate::envelope::{seal, unseal};
use crate::{Collection, FileRecord, InventoryDirectory, Snapshot};

/// How many files are written at once; one batch is written whole or not at all.
const BATCH: usize = 256;

/// The records of all test files, one entry for each file, on disk. One process has it open at a time: the daemon.
///
/// What was [flushed](Self::flush) is there after a crash. A store that is damaged, or of another format, is moved aside,
/// and an empty one takes its place: see [`Store::moved_aside`]. What is kept can always be learnt again.
#[derive(Debug)]
pub struct Store {
    database: Database,
    moved_aside: Option<MovedAside>,
    /// Given up last.
    _lock: Lock,
}

impl Store {
    /// Opens the store of a directory, or makes one.
    pub fn open(directory: &InventoryDirectory) -> Result<Self, StoreError> {
        let lock = Lock::take(&directory.lock())?;
        let (database, moved_aside) = Database::open_or_replace(&directory.database())?;
        Ok(Self { database, moved_aside, _lock: lock })
    }

    /// What had to be moved aside when this store was opened, and why.
    pub const fn moved_aside(&self) -> Option<&MovedAside> {
        self.moved_aside.as_ref()
    }

    /// The record of a file, by its path from the rootdir.
    pub fn file(&self, path: &str) -> Result<Option<FileRecord>, StoreError> {
        match self.database.get(path)? {
            Some(bytes) => Ok(Some(unseal::<FileShape>(&bytes)?.into())),
            None => Ok(None),
        }
    }

    /// All records, by path.
    pub fn files(&self) -> impl Iterator<Item = Result<FileRecord, StoreError>> {
        self.database.values().map(|value| Ok(unseal::<FileShape>(&value?)?.into()))
    }

    /// Puts records in the place of those of the same files. Not on disk for sure until [`flush`](Self::flush).
    pub fn replace<'record>(&self, records: impl IntoIterator<Item = &'record FileRecord>) -> Result<(), StoreError> {
        let mut records =
            records.into_iter().map(|record| (record.path.as_str(), Some(seal::<FileShape>(&record.into()))));
        loop {
            let batch: Vec<_> = records.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                return Ok(());
            }
            self.database.write(batch)?;
        }
    }

    /// Forgets files.
    pub fn remove<'path>(&self, paths: impl IntoIterator<Item = &'path str>) -> Result<(), StoreError> {
        self.database.write(paths.into_iter().map(|path| (path, None)))
    }

    /// Writes all records as a [`Snapshot`] to `path`, in the order in which pytest collects their files.
    /// `collection` is where they came from, as in [`Snapshot::write`].
    pub fn write_snapshot(&self, path: &Path, collection: Option<&Collection>) -> Result<(), StoreError> {
        let mut records = self.files().collect::<Result<Vec<_>, _>>()?;
        records.sort_by(FileRecord::compare_collected);
        Ok(Snapshot::write(path, collection, records)?)
    }

    /// Waits until everything so far is on disk.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.database.flush()
    }

    /// Flushes and closes. A store that was closed is known to be whole when it is opened again, which saves reading it.
    pub fn close(self) -> Result<(), StoreError> {
        self.database.close()
    }
}
