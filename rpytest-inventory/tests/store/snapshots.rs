//! A store and its snapshot: what one has lost comes from the other.

use std::fs;

use proptest::prelude::*;
use proptest::sample::Index;
use rpytest_inventory::{Collection, FileRecord, InventoryDirectory, Snapshot, Store};
use tempfile::TempDir;

use crate::damage::{config, damage, files, inflict, reasons};
use crate::records::record;
use crate::{TestResult, all, directory};

fn records() -> Vec<FileRecord> {
    vec![record("a.py", 5), record("b.py", 13), record("c.py", 0)]
}

fn collection() -> Collection {
    Collection { pytest: "9.0".to_owned(), ..Collection::default() }
}

/// A store that has written a snapshot.
fn written(closed: bool) -> (TempDir, InventoryDirectory) {
    let (rootdir, directory) = directory().expect("a temporary directory");
    let mut store = Store::open(&directory).expect("nothing is damaged");
    store.replace(&[record("a.py", 1), record("gone.py", 1)]).expect("nothing is damaged");
    store.write_snapshot(None).expect("nothing is damaged");
    store.replace(&records()).expect("nothing is damaged");
    store.remove(["gone.py"]).expect("nothing is damaged");
    store.write_snapshot(Some(&collection())).expect("nothing is damaged");
    if closed {
        store.close().expect("nothing is damaged");
    }
    (rootdir, directory)
}

#[track_caller]
fn assert_all_is_there(directory: &InventoryDirectory) {
    let mut store = Store::open(directory).expect("it can be opened");
    assert_eq!(all(&store).expect("it can be read"), records());
    assert_eq!(store.collection(), Some(&collection()));
    // And it goes on from there.
    store.replace(&[record("d.py", 2)]).expect("it works");
    store.write_snapshot(None).expect("it works");
    store.close().expect("it works");
    let store = Store::open(directory).expect("it can be opened");
    assert_eq!((store.moved_aside(), store.collection()), (&[][..], None));
    assert_eq!(all(&store).expect("it can be read").len(), 4);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_a_damaged_store_has_lost_is_in_the_snapshot(
        closed: bool, damages in prop::collection::vec((any::<Index>(), damage()), 0..4)
    ) {
        let (_rootdir, directory) = written(closed);
        for (which, damage) in &damages {
            let mut files = files(&directory.database());
            files.push(directory.path().join("db.closed"));
            let file = &files[which.index(files.len())];
            if file.exists() {
                inflict(damage, file);
            }
        }
        assert_all_is_there(&directory);
    }
}

#[test]
fn a_store_that_is_gone() -> TestResult {
    for names in [&["db"][..], &["db", "db.closed"], &["db", "db.closed", "lock"], &["db.closed"]] {
        let (_rootdir, directory) = written(true);
        for name in names {
            let path = directory.path().join(name);
            if path.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
        }
        assert_all_is_there(&directory);
    }
    Ok(())
}

/// Its files are what was closed, and yet it has been damaged: before it was closed.
#[test]
fn an_older_store() -> TestResult {
    let (_rootdir, directory) = written(true);
    let older = directory.path().join("older");
    fs::create_dir(&older)?;
    for name in ["db", "db.closed"] {
        fs::rename(directory.path().join(name), older.join(name))?;
    }
    let mut store = Store::open(&directory)?;
    store.replace(&[record("d.py", 1)])?;
    store.write_snapshot(Some(&collection()))?;
    store.close()?;
    fs::remove_dir_all(directory.database())?;
    for name in ["db", "db.closed"] {
        fs::rename(older.join(name), directory.path().join(name))?;
    }
    let store = Store::open(&directory)?;
    assert_eq!(reasons(&store), ["it lacks what the snapshot has"]);
    assert_eq!(all(&store)?.len(), 4);
    Ok(())
}

/// It was killed before it could write one, or could not.
#[test]
fn a_store_that_is_newer_than_its_snapshot() -> TestResult {
    let (_rootdir, directory) = written(true);
    let mut store = Store::open(&directory)?;
    store.replace(&[record("a.py", 6)])?;
    store.close()?;
    let mut store = Store::open(&directory)?;
    assert_eq!((store.moved_aside(), store.collection()), (&[][..], None));
    assert_eq!(store.file("a.py")?, Some(record("a.py", 6)));
    store.write_snapshot(Some(&collection()))?;
    store.close()?;
    assert_eq!(Store::open(&directory)?.collection(), Some(&collection()));
    Ok(())
}

/// The records that it then gets are others than those of the snapshot that comes back.
#[test]
fn an_older_snapshot_that_comes_back() -> TestResult {
    let (_rootdir, directory) = written(true);
    let away = directory.path().join("away");
    fs::rename(directory.snapshot(), &away)?;
    let mut store = Store::open(&directory)?;
    store.replace([&record("a.py", 6)])?;
    store.write_snapshot(Some(&collection()))?;
    store.close()?;
    fs::rename(&away, directory.snapshot())?;
    let store = Store::open(&directory)?;
    assert_eq!((store.moved_aside(), store.collection()), (&[][..], None));
    assert_eq!(store.file("a.py")?, Some(record("a.py", 6)));
    Ok(())
}

#[test]
fn nothing_is_no_change() -> TestResult {
    let (_rootdir, directory) = written(true);
    let mut store = Store::open(&directory)?;
    store.replace([])?;
    store.write_snapshot(Some(&collection()))?;
    store.close()?;
    assert_all_is_there(&directory);
    Ok(())
}

#[test]
fn files_of_another_inventory_are_moved_aside() -> TestResult {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    for (closed, moved) in
        [(true, names(&["db", "db.closed"])), (true, names(&["inventory.rkyv"])), (false, names(&["db"]))]
    {
        let cache = TempDir::new()?;
        let [shop, other] = ["shop", "other"].map(|name| InventoryDirectory::at(cache.path().join(name)));
        for (directory, version) in [(&shop, 1), (&other, 2)] {
            directory.ensure()?;
            let mut store = Store::open(directory)?;
            store.replace([&record("a.py", version)])?;
            store.write_snapshot(Some(&collection()))?;
            if closed { store.close() } else { store.flush() }?;
        }
        for name in &moved {
            let path = shop.path().join(name);
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed?;
            fs::rename(other.path().join(name), path)?;
        }
        let is_snapshot = moved == ["inventory.rkyv"];
        assert_eq!(Snapshot::open(&shop.snapshot()).is_err(), is_snapshot);
        let store = Store::open(&shop)?;
        let [reason] = &reasons(&store)[..] else { panic!("{moved:?}: {:?}", store.moved_aside()) };
        assert!(reason.ends_with("it is of another inventory"), "{reason}");
        assert_eq!(all(&store)?, [record("a.py", 1)]);
        assert_eq!(store.collection().is_none(), is_snapshot);
    }
    Ok(())
}

#[test]
fn a_damaged_snapshot_is_moved_aside() -> TestResult {
    let (_rootdir, directory) = written(true);
    fs::write(directory.snapshot(), "")?;
    let mut store = Store::open(&directory)?;
    let reason = format!("read {}: it is damaged", directory.snapshot().display());
    assert_eq!((reasons(&store), store.collection()), (vec![reason.as_str()], None));
    assert_eq!(all(&store)?, records());
    store.write_snapshot(None)?;
    assert_eq!(Snapshot::open(&directory.snapshot())?.file_records()?, records());
    Ok(())
}
