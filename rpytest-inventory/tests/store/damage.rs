//! Bytes that are not what was written.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::Index;
use rpytest_inventory::{InventoryDirectory, Store};
use tempfile::TempDir;

use crate::TestResult;
use crate::records::record;

#[derive(Clone, Debug)]
pub(crate) enum Damage {
    /// Other bytes at this place.
    Overwrite(Index, Vec<u8>),
    /// The end is missing.
    Truncate(Index),
    /// The file is missing.
    Remove,
}

pub(crate) fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        4 => (any::<Index>(), prop::collection::vec(any::<u8>(), 1..40)).prop_map(|(at, bytes)| Damage::Overwrite(at, bytes)),
        1 => any::<Index>().prop_map(Damage::Truncate),
        1 => Just(Damage::Remove),
    ]
}

pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).expect("it is there") {
        let path = entry.expect("it is there").path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

pub(crate) fn inflict(damage: &Damage, path: &Path) {
    let mut content = fs::read(path).expect("it is there");
    match damage {
        Damage::Remove => return fs::remove_file(path).expect("it is there"),
        Damage::Truncate(length) => content.truncate(length.index(content.len().max(1))),
        Damage::Overwrite(at, bytes) => {
            let at = at.index(content.len().max(1));
            let end = content.len().min(at + bytes.len());
            content[at..end].copy_from_slice(&bytes[..end - at]);
        }
    }
    fs::write(path, content).expect("it is there");
}

/// A store with two files, written twice, so that its log has old and new entries.
fn written(closed: bool) -> (TempDir, InventoryDirectory) {
    let rootdir = TempDir::new().expect("a temporary directory");
    let directory = InventoryDirectory::create(rootdir.path(), rootdir.path()).expect("it is writable");
    for version in 5..7 {
        let mut store = Store::open(&directory).expect("nothing is damaged");
        store.replace(&[record("a.py", version), record("b.py", version)]).expect("nothing is damaged");
        if closed { store.close().expect("nothing is damaged") } else { store.flush().expect("nothing is damaged") }
    }
    (rootdir, directory)
}

/// What is there is what was written, in one of its versions; and the store works.
fn check(directory: &InventoryDirectory, closed: bool) -> Result<(), TestCaseError> {
    let mut store = Store::open(directory).expect("it can be opened");
    for found in store.files() {
        let found = found.expect("it can be read");
        let versions = if closed { 6..7 } else { 5..7 };
        prop_assert!(versions.into_iter().any(|version| found == record(&found.path, version)));
    }
    store.replace(&[record("c.py", 1)]).expect("it works");
    store.close().expect("it works");
    let store = Store::open(directory).expect("it works");
    prop_assert_eq!(store.file("c.py").expect("it works"), Some(record("c.py", 1)));
    Ok(())
}

pub(crate) fn config() -> ProptestConfig {
    let cases = std::env::var("RPYTEST_TEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(300);
    ProptestConfig { cases: (cases / 10).max(20), failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_damaged_store_is_never_believed(closed: bool, which: Index, damages in prop::collection::vec(damage(), 1..4)) {
        let (_rootdir, directory) = written(closed);
        for damage in &damages {
            let files = files(&directory.path().join("db"));
            if !files.is_empty() {
                inflict(damage, &files[which.index(files.len())]);
            }
        }
        check(&directory, closed)?;
    }
}

#[test]
fn what_is_moved_aside_is_kept_and_told() -> TestResult {
    let (_rootdir, directory) = written(true);
    fs::write(directory.path().join("db/db"), "")?;
    let store = Store::open(&directory)?;
    let moved = store.moved_aside().first().ok_or("it was not noticed")?;
    assert_eq!(moved.reason, "it is not what was closed");
    assert!(moved.to.join("db").exists());
    assert_eq!(store.files().count(), 0);
    Ok(())
}

#[test]
fn a_store_of_another_format_is_moved_aside() -> TestResult {
    let (_rootdir, directory) = written(false);
    // As another version would have: a value with another header.
    let store = Store::open(&directory)?;
    drop(store);
    let sled = sled_of(&directory)?;
    sled.insert("d.py", b"rpyI\0\0\0\0\0\0\0\0\0\0\0\0".as_slice())?;
    sled.flush()?;
    drop(sled);
    let store = Store::open(&directory)?;
    assert_eq!(reasons(&store), ["it has another format"]);
    Ok(())
}

#[test]
fn a_store_that_ends_its_processes_is_given_up() -> TestResult {
    let (_rootdir, directory) = written(true);
    fs::write(directory.path().join("db.opening"), "...")?;
    let store = Store::open(&directory)?;
    assert_eq!(reasons(&store), ["each process that opened it ended"]);
    Ok(())
}

pub(crate) fn reasons(store: &Store) -> Vec<&str> {
    store.moved_aside().iter().map(|moved| moved.reason.as_str()).collect()
}

fn sled_of(directory: &InventoryDirectory) -> Result<sled::Db, sled::Error> {
    sled::open(directory.path().join("db"))
}
