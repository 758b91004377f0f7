//! The stores, and what lessons change in them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use rpytest_core::{NodeId, TestItem};
use rpytest_inventory::{
    Collection, FileRecord, History, InventoryDirectory, MovedAside, PastRun, Snapshot, Store, StoreError, TestRecord,
};

use super::lesson::{Lesson, LessonError};

/// Keeps one store open: the one that was last used.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    open: Option<Inventory>,
}

#[derive(Debug)]
struct Inventory {
    directory: InventoryDirectory,
    store: Store,
    collection: Option<Collection>,
}

impl Keeper {
    /// Learn. What comes back had to be moved aside.
    pub(super) fn learn(&mut self, directory: PathBuf, lesson: Lesson) -> Result<Option<MovedAside>, LessonError> {
        match lesson {
            Lesson::All(collection, records) => {
                let (inventory, moved) = self.turn_to(directory)?;
                inventory.collected(*collection, records)?;
                Ok(moved)
            }
            Lesson::Run { rootdir, tests } => {
                let (inventory, moved) = self.turn_to(directory)?;
                inventory.ran(&rootdir, tests)?;
                Ok(moved)
            }
            Lesson::Exact(collection, mut records) => {
                let directory = InventoryDirectory::at(directory);
                directory.ensure()?;
                records.sort_by(FileRecord::compare_collected);
                Snapshot::write(&directory.snapshot(), Some(&collection), records)?;
                Ok(None)
            }
            Lesson::Nothing => Ok(None),
        }
    }

    /// Close what is open.
    pub(super) fn close(&mut self) -> Result<(), StoreError> {
        self.open.take().map_or(Ok(()), |inventory| inventory.store.close())
    }

    fn turn_to(&mut self, directory: PathBuf) -> Result<(&mut Inventory, Option<MovedAside>), LessonError> {
        if self.open.as_ref().is_some_and(|open| open.directory.path() != directory || !directory.exists()) {
            self.close()?;
        }
        let mut moved = None;
        let inventory = if let Some(open) = self.open.take() {
            open
        } else {
            let opened = Inventory::open(directory)?;
            moved = opened.store.moved_aside().cloned();
            opened
        };
        Ok((self.open.insert(inventory), moved))
    }
}

impl Inventory {
    fn open(directory: PathBuf) -> Result<Self, LessonError> {
        let directory = InventoryDirectory::at(directory);
        directory.ensure()?;
        let store = Store::open(&directory)?;
        // Without a snapshot, all has to be collected anew.
        let collection = Snapshot::open(&directory.snapshot()).ok().and_then(|before| before.collection().cloned());
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
    fn ran(&mut self, rootdir: &Path, tests: BTreeMap<String, PastRun>) -> Result<(), LessonError> {
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
        self.store.replace(changed.iter().filter(|record| !record.path.is_empty()))?;
        self.keep()
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

    fn keep(&self) -> Result<(), LessonError> {
        self.store.flush()?;
        Ok(self.store.write_snapshot(&self.directory.snapshot(), self.collection.as_ref())?)
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
