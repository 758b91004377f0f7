//! The store keeps what it was given, whatever happens to its process and to its files.

mod damage;
mod kills;
mod records;
mod snapshots;

use std::error::Error;

use records::record;
use rpytest_inventory::{FileRecord, InventoryDirectory, Store, StoreError};
use tempfile::TempDir;

type TestResult = Result<(), Box<dyn Error>>;

fn directory() -> Result<(TempDir, InventoryDirectory), Box<dyn Error>> {
    let rootdir = TempDir::new()?;
    let directory = InventoryDirectory::create(rootdir.path(), &rootdir.path().join("elsewhere"))?;
    Ok((rootdir, directory))
}

fn all(store: &Store) -> Result<Vec<FileRecord>, StoreError> {
    store.files().collect()
}

#[test]
fn a_record_is_what_was_put_in() -> TestResult {
    let (_rootdir, directory) = directory()?;
    let records = [record("tests/a.py", 1), record("tests/b.py", 2)];
    let mut store = Store::open(&directory)?;
    store.replace(&records)?;
    assert_eq!(store.file("tests/a.py")?.as_ref(), Some(&records[0]));
    assert_eq!(store.file("tests/c.py")?, None);
    store.close()?;

    let mut store = Store::open(&directory)?;
    assert_eq!((all(&store)?, store.moved_aside()), (records.to_vec(), &[][..]));
    let newer = record("tests/a.py", 3);
    store.replace([&newer])?;
    store.remove(["tests/b.py", "tests/c.py"])?;
    assert_eq!(all(&store)?, [newer]);
    Ok(())
}

#[test]
fn a_store_is_opened_and_closed_many_times() -> TestResult {
    let (_rootdir, directory) = directory()?;
    for version in 0..30_u32 {
        let mut store = Store::open(&directory)?;
        assert_eq!(store.moved_aside(), []);
        if let Some(before) = version.checked_sub(1) {
            assert_eq!(store.file("a.py")?, Some(record("a.py", before)));
        }
        store.replace(&[record("a.py", version), record(&format!("b{version}.py"), version)])?;
        // Not to close it is what a crash does.
        if version % 3 == 0 { store.flush()? } else { store.close()? }
    }
    Ok(())
}

#[test]
fn one_process_has_it_open() -> TestResult {
    let (_rootdir, directory) = directory()?;
    let store = Store::open(&directory)?;
    assert!(matches!(Store::open(&directory), Err(StoreError::InUse(_))));
    drop(store);
    assert!(Store::open(&directory).is_ok());
    Ok(())
}

#[test]
fn a_hundred_thousand_tests_fit() -> TestResult {
    let (_rootdir, directory) = directory()?;
    let mut store = Store::open(&directory)?;
    let records: Vec<_> = (0..2000).map(|file| record(&format!("tests/test_{file}.py"), file)).collect();
    store.replace(&records)?;
    store.close()?;
    assert_eq!(Store::open(&directory)?.files().count(), records.len());
    Ok(())
}
