//! The stores, and what lessons change in them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;

use rpytest_core::{NodeId, TestItem};
use rpytest_inventory::{
    Collection, FileRecord, History, InventoryDirectory, MovedAside, PastRun, Snapshot, Store, StoreError, TestRecord,
};

use super::lesson::{Lesson, LessonError};
use super::selections;

/// So many runs are remembered at most before they are written: a lesson is not small.
const MOST_PENDING: usize = 20;
/// So many sets of arguments have what they select remembered: each is a snapshot of its own.
const MOST_SELECTIONS: usize = 200;

/// Keeps one store open: the one that was last used, until there is nothing more to learn. How runs went is written later than it is learnt.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    open: Option<Inventory>,
    pending: BTreeMap<PathBuf, Vec<PastRuns>>,
    moved: Vec<MovedAside>,
    failed: Vec<LessonError>,
}

/// The tests of one run.
#[derive(Debug)]
pub(super) struct PastRuns {
    pub(super) rootdir: PathBuf,
    pub(super) tests: BTreeMap<String, PastRun>,
}

#[derive(Debug)]
struct Inventory {
    directory: InventoryDirectory,
    store: Store,
    collection: Option<Collection>,
}

impl Keeper {
    /// Learn. All but how a run went is on disk then.
    pub(super) fn learn(&mut self, directory: PathBuf, lesson: Lesson) -> Result<(), LessonError> {
        if !matches!(lesson, Lesson::Run(_)) {
            self.keep();
        }
        match lesson {
            Lesson::All(collection, records) => {
                self.change(directory, |inventory| inventory.collected(*collection, records))
            }
            Lesson::Run(runs) => {
                self.pending.entry(directory).or_default().push(runs);
                if self.pending.values().map(Vec::len).sum::<usize>() >= MOST_PENDING {
                    self.keep();
                }
                Ok(())
            }
            Lesson::Part(collection, mut records) => {
                let directory = InventoryDirectory::at(directory);
                self.moved.extend(directory.ensure()?);
                records.sort_by(FileRecord::compare_collected);
                Snapshot::write(&directory.snapshot(), Some(&collection), records)?;
                if let Some(all) = directory.path().parent() {
                    // What cannot be removed is only in the way.
                    let _ = selections::remove_most(all, MOST_SELECTIONS);
                }
                Ok(())
            }
            Lesson::Nothing => {
                let inventory = InventoryDirectory::at(directory.as_path());
                // A command has found the snapshot damaged.
                if inventory.database().exists() && !inventory.snapshot().exists() {
                    self.change(directory, Inventory::keep)?;
                }
                Ok(())
            }
        }
    }

    /// Write what is learnt. What cannot be written is forgotten.
    fn keep(&mut self) {
        for (directory, runs) in std::mem::take(&mut self.pending) {
            let kept = self.change(directory, |inventory| {
                runs.into_iter().try_for_each(|runs| inventory.ran(runs))?;
                inventory.keep()
            });
            self.failed.extend(kept.err());
        }
    }

    /// Write what is learnt, and close what is open.
    pub(super) fn close(&mut self) {
        self.keep();
        self.close_store();
    }

    fn close_store(&mut self) {
        let closed = self.open.take().map_or(Ok(()), |inventory| inventory.store.close());
        self.failed.extend(closed.err().map(LessonError::from));
    }

    /// What could not be learnt since this was asked last.
    pub(super) fn take_failed(&mut self) -> Vec<LessonError> {
        std::mem::take(&mut self.failed)
    }

    /// What had to be moved aside since this was asked last.
    pub(super) fn take_moved(&mut self) -> Vec<MovedAside> {
        std::mem::take(&mut self.moved)
    }

    /// Change an inventory. If that fails, it is not kept open.
    fn change(
        &mut self,
        directory: PathBuf,
        change: impl FnOnce(&mut Inventory) -> Result<(), LessonError>,
    ) -> Result<(), LessonError> {
        if self.open.as_ref().is_some_and(|open| open.directory.path() != directory || !directory.exists()) {
            self.close_store();
        }
        let mut inventory = match self.open.take() {
            Some(open) => open,
            None => Inventory::open(directory, &mut self.moved)?,
        };
        change(&mut inventory)?;
        self.open = Some(inventory);
        Ok(())
    }
}

impl Inventory {
    /// Open it; what has to be moved aside for that is told.
    fn open(directory: PathBuf, moved: &mut Vec<MovedAside>) -> Result<Self, LessonError> {
        let directory = InventoryDirectory::at(directory);
        moved.extend(directory.ensure()?);
        let store = Store::open(&directory)?;
        moved.extend_from_slice(store.moved_aside());
        let collection = store.collection().cloned();
        Ok(Self { directory, store, collection })
    }

    /// Everything was collected: what is not among it is gone. What is remembered of tests stays.
    fn collected(&mut self, collection: Collection, mut records: Vec<FileRecord>) -> Result<(), LessonError> {
        let known = self.store.files().collect::<Result<Vec<_>, _>>()?;
        let there: HashSet<&str> = records.iter().map(|record| record.path.as_str()).collect();
        let gone: Vec<String> =
            known.iter().filter(|file| !there.contains(file.path.as_str())).map(|file| file.path.clone()).collect();
        let mut histories: HashMap<NodeId, History> =
            known.into_iter().flat_map(|file| file.tests).map(|test| (test.item.nodeid, test.history)).collect();
        for test in records.iter_mut().flat_map(|record| &mut record.tests) {
            test.history = histories.remove(&test.item.nodeid).unwrap_or_default();
        }
        self.store.replace(&records)?;
        self.store.remove(gone.iter().map(String::as_str))?;
        self.collection = Some(collection);
        self.keep()
    }

    /// Tests were run. Names that no collection has found are only known to have been there in that run: where what was
    /// collected of their file has changed since, or nothing was, that is the end of the collection.
    fn ran(&mut self, PastRuns { rootdir, tests }: PastRuns) -> Result<(), LessonError> {
        if self.collection.as_ref().is_some_and(|collection| collection.rootdir != rootdir) {
            return Ok(());
        }
        let mut files: BTreeMap<String, Vec<(String, PastRun)>> = BTreeMap::new();
        for (nodeid, run) in tests {
            let file = NodeId::new(nodeid.as_str()).file().to_owned();
            files.entry(file).or_default().push((nodeid, run));
        }
        let mut changed = Vec::new();
        let elsewhere = self.named_after_others()?;
        for (path, tests) in files {
            let known = self.store.file(&path)?;
            let mut record = known.clone().unwrap_or_else(|| FileRecord { path, ..FileRecord::default() });
            let unknown = add(&mut record, tests);
            if unknown.iter().any(|test| !elsewhere.contains(&test.item.nodeid)) {
                let is_current = if let Some(known) = &known {
                    self.collection.is_some() && known.first_change()?.is_none()
                } else {
                    false
                };
                if !is_current {
                    self.collection = None;
                    record.tests.extend(unknown);
                }
            }
            changed.push(record);
        }
        Ok(self.store.replace(changed.iter().filter(|record| !record.path.is_empty()))?)
    }

    /// Tests whose node ids do not begin with their file.
    fn named_after_others(&self) -> Result<HashSet<NodeId>, StoreError> {
        let mut named = HashSet::new();
        for file in self.store.files() {
            let FileRecord { path, tests, .. } = file?;
            named.extend(tests.into_iter().map(|test| test.item.nodeid).filter(|nodeid| nodeid.file() != path));
        }
        Ok(named)
    }

    fn keep(&mut self) -> Result<(), LessonError> {
        Ok(self.store.write_snapshot(self.collection.as_ref())?)
    }
}

/// Remembers how the known tests of a file went; returns the others.
fn add(record: &mut FileRecord, tests: Vec<(String, PastRun)>) -> Vec<TestRecord> {
    let mut known: HashMap<String, &mut TestRecord> =
        record.tests.iter_mut().map(|test| (test.item.nodeid.as_str().to_owned(), test)).collect();
    let mut unknown = Vec::new();
    for (nodeid, run) in tests {
        if let Some(test) = known.get_mut(&nodeid) {
            test.history.record(run);
        } else {
            let mut test = TestRecord { item: TestItem::from_nodeid(NodeId::new(nodeid)), ..TestRecord::default() };
            test.history.record(run);
            unknown.push(test);
        }
    }
    unknown
}
