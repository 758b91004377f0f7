//! The directory of an inventory shows nowhere.

use std::error::Error;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use rpytest_inventory::{InventoryDirectory, Store};
use tempfile::TempDir;

type TestResult = Result<(), Box<dyn Error>>;

#[test]
fn version_control_and_backups_leave_it_out() -> TestResult {
    let rootdir = TempDir::new()?;
    let git = |arguments: &[&str]| Command::new("git").args(arguments).current_dir(rootdir.path()).output();
    git(&["init"])?;
    let directory = InventoryDirectory::create(rootdir.path(), &rootdir.path().join("elsewhere"))?;
    assert_eq!(directory.path(), rootdir.path().join(".rpytest"));
    fs::write(directory.snapshot(), "x")?;
    let status = git(&["status", "--porcelain", "--untracked-files=all"])?;
    assert_eq!((status.status.success(), status.stdout), (true, Vec::new()));
    let tag = fs::read_to_string(directory.path().join("CACHEDIR.TAG"))?;
    assert!(tag.starts_with("Signature: 8a477f597d28d172789f06886806bc55\n"));
    Ok(())
}

#[test]
fn what_the_user_wrote_there_stays() -> TestResult {
    let rootdir = TempDir::new()?;
    let directory = InventoryDirectory::create(rootdir.path(), rootdir.path())?;
    fs::write(directory.path().join(".gitignore"), "!inventory.rkyv\n")?;
    InventoryDirectory::create(rootdir.path(), rootdir.path())?;
    assert_eq!(fs::read_to_string(directory.path().join(".gitignore"))?, "!inventory.rkyv\n");
    Ok(())
}

#[test]
fn where_the_rootdir_cannot_be_written_it_is_elsewhere() -> TestResult {
    let cache = TempDir::new()?;
    let elsewhere = cache.path().join("rpytest/shop");
    // Nobody can make a directory there, not even root.
    let directory = InventoryDirectory::create("/sys".as_ref(), &elsewhere)?;
    assert_eq!(directory.path(), elsewhere);
    assert!(directory.path().join(".gitignore").exists());
    Ok(())
}

#[test]
fn what_is_in_the_way_is_moved_aside() -> TestResult {
    let cache = TempDir::new()?;
    let directory = InventoryDirectory::at(cache.path().join("shop"));
    assert_eq!(directory.ensure()?, None);
    let snapshot = directory.snapshot();
    for round in ["one", "two"] {
        fs::remove_dir_all(directory.path())?;
        fs::write(directory.path(), round)?;
        let moved = directory.ensure()?.ok_or("a file was in the way")?;
        assert_eq!(fs::read_to_string(&moved.to)?, round);
        for name in ["inventory.rkyv", "lock", "db.closed", "db.opening"] {
            fs::create_dir(directory.path().join(name))?;
        }
        fs::write(directory.path().join("db"), round)?;
        let moved = directory.ensure()?.ok_or("directories were in the way")?;
        assert!(moved.to.exists());
        assert!(!snapshot.exists());
        let mut store = Store::open(&directory)?;
        store.write_snapshot(None)?;
        store.close()?;
        assert_eq!(directory.ensure()?, None);
    }
    Ok(())
}

#[test]
fn what_leads_nowhere_is_in_the_way_too() -> TestResult {
    let cache = TempDir::new()?;
    let inventories = cache.path().join("inventories");
    let directory = InventoryDirectory::at(inventories.join("shop"));
    let all = directory.path();
    let files = ["inventory.rkyv", "lock", "db", "db.closed", "db.opening"].map(|name| all.join(name));
    for path in [inventories.clone(), all.to_owned()].into_iter().chain(files) {
        directory.ensure()?;
        if path.is_dir() {
            fs::remove_dir_all(&path)?;
        } else {
            drop(fs::remove_file(&path));
        }
        symlink("nowhere", &path)?;
        assert!(directory.ensure()?.is_some_and(|moved| moved.reason == "it leads nowhere"), "{}", path.display());
        assert_eq!(directory.ensure()?, None);
        assert!(Store::open(&directory).is_ok(), "{}", path.display());
    }
    fs::remove_dir_all(&inventories)?;
    fs::write(&inventories, "")?;
    assert!(directory.ensure()?.is_some(), "a file where the directory of all belongs");
    Ok(())
}

type Way = dyn Fn(&Path) -> std::io::Result<()>;

#[test]
fn what_is_remembered_replaces_what_is_in_the_way() -> TestResult {
    let cache = TempDir::new()?;
    let directory = InventoryDirectory::at(cache.path().join("shop"));
    directory.ensure()?;
    let path = directory.path().join("seen");
    let pipe = |path: &Path| Command::new("mkfifo").arg(path).status().map(drop);
    let ways: [&Way; 5] = [
        &pipe,
        &|path| symlink("nowhere", path),
        &|path| fs::create_dir(path),
        &|path| fs::write(path, "before"),
        &|_| Ok(()),
    ];
    for (number, way) in ways.into_iter().enumerate() {
        way(&path)?;
        assert_eq!(directory.recall("seen"), (number == 3).then(|| "before".to_owned()));
        directory.remember("seen", "now")?;
        assert_eq!(directory.recall("seen").as_deref(), Some("now"));
        fs::remove_file(&path)?;
    }
    Ok(())
}

/// To open a pipe would wait for who writes into it.
#[test]
fn what_is_no_file_is_not_opened() -> TestResult {
    let cache = TempDir::new()?;
    let directory = InventoryDirectory::at(cache.path().join("shop"));
    directory.ensure()?;
    let mut store = Store::open(&directory)?;
    let pipe = |path: &Path| Command::new("mkfifo").arg(path).status();
    pipe(&directory.path().join("inventory.new"))?;
    store.write_snapshot(None)?;
    fs::create_dir(directory.path().join("inventory.new"))?;
    store.write_snapshot(None)?;
    store.close()?;
    for closed in [true, false] {
        if !closed {
            fs::remove_file(directory.path().join("db.closed"))?;
        }
        pipe(&directory.database().join("pipe"))?;
        let store = Store::open(&directory)?;
        assert_eq!(store.moved_aside()[0].reason, "something in it is no file");
        store.close()?;
    }
    Ok(())
}
