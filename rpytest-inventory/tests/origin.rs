//! Every change of what a record came from makes it invalid, and nothing else does.

use std::error::Error;
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use rpytest_inventory::{FileRecord, InventoryDirectory, Origin, Seen};
use tempfile::TempDir;

type TestResult = Result<(), Box<dyn Error>>;

fn project() -> Result<TempDir, Box<dyn Error>> {
    let rootdir = TempDir::new()?;
    fs::write(rootdir.path().join("test_a.py"), "")?;
    Ok(rootdir)
}

#[test]
fn names_in_a_directory_count_and_what_runs_leave_does_not() -> TestResult {
    let rootdir = project()?;
    let origin = Origin::observe_names(rootdir.path())?;
    fs::create_dir(rootdir.path().join("__pycache__"))?;
    InventoryDirectory::create(rootdir.path(), Path::new("/nowhere"))?;
    fs::write(rootdir.path().join("test_a.py"), "a = 1")?;
    assert!(origin.is_current()?);
    fs::rename(rootdir.path().join("test_a.py"), rootdir.path().join("test_b.py"))?;
    assert!(!origin.is_current()?);

    let renamed = Origin::observe_names(rootdir.path())?;
    fs::write(rootdir.path().join("conftest.py"), "")?;
    assert!(!renamed.is_current()?);
    let absent = Origin::observe_names(rootdir.path().join("sub"))?;
    assert_eq!((absent.seen, absent.is_current()?), (Seen::Names(None), true));
    fs::create_dir(rootdir.path().join("sub"))?;
    assert!(!absent.is_current()?);
    Ok(())
}

#[test]
fn of_a_kind_counts_where_a_link_leads_and_not_what_is_there() -> TestResult {
    let rootdir = project()?;
    let (directory, link) = (rootdir.path().join("data"), rootdir.path().join("link"));
    fs::create_dir(&directory)?;
    std::os::unix::fs::symlink("data", &link)?;
    assert_eq!(Origin::observe_kind(&directory), Origin::of_kind(&directory, b"d"));
    let origin = Origin::observe_kind(&link);
    assert_eq!(origin, Origin::of_kind(&link, b"ldata\0d"));
    fs::write(directory.join("more"), "")?;
    assert!(origin.is_current()?);
    fs::remove_dir_all(&directory)?;
    assert!(!origin.is_current()?);
    assert_eq!(Origin::observe_kind(&directory), Origin::of_kind(&directory, b"-"));
    Ok(())
}

#[test]
fn a_file_that_was_just_written_is_never_current() -> TestResult {
    let rootdir = project()?;
    let origin = Origin::observe_file(rootdir.path().join("test_a.py"))?;
    assert_eq!((origin.seen, origin.is_current()?), (Seen::Unsettled, false));
    Ok(())
}

#[test]
fn a_record_names_the_first_change() -> TestResult {
    let rootdir = project()?;
    let conftest = rootdir.path().join("conftest.py");
    let origins = vec![Origin::observe_names("/")?, Origin::observe_file(&conftest)?];
    let record = FileRecord { path: "test_a.py".into(), origins, tests: Vec::new() };
    assert_eq!(record.first_change()?, None);
    File::create(&conftest)?.set_modified(SystemTime::now() - Duration::from_secs(3600))?;
    assert_eq!(record.first_change()?.map(|origin| &origin.path), Some(&conftest));
    Ok(())
}
