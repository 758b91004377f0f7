//! The lock that makes a daemon the only one.

use std::fs;
use std::os::fd::AsFd;
use std::path::Path;

use rpytest_ipc::Lock;

fn take(path: &Path) -> Option<Lock> {
    Lock::try_take(path).expect("the directory takes files")
}

#[test]
fn one_has_it_until_it_lets_go() {
    let directory = tempfile::tempdir().expect("it can be made");
    let path = directory.path().join("lock");
    let lock = take(&path).expect("nobody has it");
    assert!(take(&path).is_none());
    drop(lock);
    assert!(take(&path).is_some());
}

#[test]
fn of_many_who_want_it_one_gets_it() {
    let directory = tempfile::tempdir().expect("it can be made");
    let path = directory.path().join("lock");
    let taken: Vec<Option<Lock>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(|| take(&path))).collect();
        threads.into_iter().map(|thread| thread.join().expect("it does not panic")).collect()
    });
    assert_eq!(taken.iter().flatten().count(), 1);
}

#[test]
fn who_inherits_it_has_it_after_the_giver_has_gone() {
    let directory = tempfile::tempdir().expect("it can be made");
    let path = directory.path().join("lock");
    let lock = take(&path).expect("nobody has it");
    let passed_on = lock.as_fd().try_clone_to_owned().expect("a descriptor can be copied");
    drop(lock);
    assert!(take(&path).is_none());
    let inherited = Lock::inherited(passed_on, &path);
    assert!(inherited.is_at_its_path());
    drop(inherited);
    assert!(take(&path).is_some());
}

#[test]
fn a_removed_file_guards_nothing() {
    let directory = tempfile::tempdir().expect("it can be made");
    let path = directory.path().join("lock");
    let old = take(&path).expect("nobody has it");
    old.remove().expect("the file is ours");
    assert!(!path.exists());
    assert!(!old.is_at_its_path());
    let new = take(&path).expect("nobody has the new file's");
    assert!(new.is_at_its_path());
    old.remove().expect("there is nothing to do");
    assert!(path.exists(), "it was the next one's");
    assert!(take(&path).is_none());
}

#[test]
fn a_file_that_was_put_in_its_place_is_another() {
    let directory = tempfile::tempdir().expect("it can be made");
    let path = directory.path().join("lock");
    let lock = take(&path).expect("nobody has it");
    fs::write(directory.path().join("other"), "").expect("the name is free");
    fs::rename(directory.path().join("other"), &path).expect("a file may be replaced");
    assert!(!lock.is_at_its_path());
}
