//! What is kept from one daemon to the next.

mod database;
mod error;
mod integrity;
mod lock;

pub use error::{MovedAside, StoreError};

use std::path::PathBuf;

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
/// and one with what the snapshot has takes its place, or an empty one: see [`Store::moved_aside`]. What is kept can always
/// be learnt again.
#[derive(Debug)]
pub struct Store {
    database: Database,
    snapshot: PathBuf,
    /// Of the records: counted up with the first change after a snapshot, which has the same one, and after it was opened.
    generation: u64,
    /// Whether there has been such a change.
    is_counted: bool,
    collection: Option<Collection>,
    moved_aside: Vec<MovedAside>,
    /// Given up last.
    _lock: Lock,
}

impl Store {
    /// Opens the store of a directory, or makes one.
    pub fn open(directory: &InventoryDirectory) -> Result<Self, StoreError> {
        let lock = Lock::take(&directory.lock())?;
        let (database, moved_aside) = Database::open_or_replace(&directory.database())?;
        let store = Self {
            generation: database.generation()?,
            database,
            snapshot: directory.snapshot(),
            is_counted: false,
            collection: None,
            moved_aside: moved_aside.into_iter().collect(),
            _lock: lock,
        };
        match Snapshot::open(&store.snapshot).and_then(|snapshot| Ok((snapshot.file_records()?, snapshot))) {
            Ok((records, snapshot)) => store.reconcile(&records, &snapshot),
            Err(error) => {
                let mut store = store;
                // What cannot be moved is replaced all the same, or that fails.
                store.moved_aside.extend(directory.move_snapshot_aside(&error).ok().flatten());
                Ok(store)
            }
        }
    }

    /// A snapshot is written after the records that it has. So where it is newer, or has others of the same generation, the
    /// database has lost something that the snapshot still has. Where it is older, nobody knows what its collection is worth.
    fn reconcile(mut self, records: &[FileRecord], snapshot: &Snapshot) -> Result<Self, StoreError> {
        if self.generation > snapshot.generation() {
            return Ok(self);
        }
        if self.generation < snapshot.generation() || !self.has_just(records)? {
            if self.database.values().next().is_some() {
                let (database, moved) = self.database.replace("it lacks what the snapshot has".to_owned())?;
                self.database = database;
                self.moved_aside.push(moved);
            }
            self.generation = snapshot.generation();
            self.put(records)?;
        }
        self.collection = snapshot.collection().cloned();
        Ok(self)
    }

    fn has_just(&self, records: &[FileRecord]) -> Result<bool, StoreError> {
        for record in records {
            if self.database.get(&record.path)?.is_none_or(|bytes| bytes != seal::<FileShape>(&record.into())) {
                return Ok(false);
            }
        }
        Ok(self.database.values().count() == records.len())
    }

    /// What had to be moved aside when this store was opened, and why.
    pub fn moved_aside(&self) -> &[MovedAside] {
        &self.moved_aside
    }

    /// Where all records came from when this store was opened; `None` where they are not known to be all that a collection
    /// would find.
    pub const fn collection(&self) -> Option<&Collection> {
        self.collection.as_ref()
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
    pub fn replace<'record>(
        &mut self,
        records: impl IntoIterator<Item = &'record FileRecord>,
    ) -> Result<(), StoreError> {
        let mut records = records.into_iter().peekable();
        if records.peek().is_some() {
            self.count();
        }
        self.put(records)
    }

    fn put<'record>(&self, records: impl IntoIterator<Item = &'record FileRecord>) -> Result<(), StoreError> {
        let mut records =
            records.into_iter().map(|record| (record.path.as_str(), Some(seal::<FileShape>(&record.into()))));
        loop {
            let batch: Vec<_> = records.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                return Ok(());
            }
            self.database.write(self.generation, batch)?;
        }
    }

    /// Forgets files.
    pub fn remove<'path>(&mut self, paths: impl IntoIterator<Item = &'path str>) -> Result<(), StoreError> {
        self.count();
        self.database.write(self.generation, paths.into_iter().map(|path| (path, None)))
    }

    /// The records are about to be others than those of the snapshot.
    fn count(&mut self) {
        if !std::mem::replace(&mut self.is_counted, true) {
            self.generation += 1;
        }
    }

    /// Writes all records as the directory's [`Snapshot`], in the order in which pytest collects their files, and waits
    /// until all is on disk. `collection` is where they came from, as in [`Snapshot::write`].
    pub fn write_snapshot(&mut self, collection: Option<&Collection>) -> Result<(), StoreError> {
        self.flush()?;
        let mut records = self.files().collect::<Result<Vec<_>, _>>()?;
        records.sort_by(FileRecord::compare_collected);
        Snapshot::write_generation(&self.snapshot, self.generation, collection, records)?;
        self.is_counted = false;
        Ok(())
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
