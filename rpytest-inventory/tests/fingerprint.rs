//! Every way in which a file becomes another shows in its fingerprint.

use std::error::Error;
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use rpytest_inventory::{COARSEST_STAMP, Fingerprint};
use tempfile::TempDir;

type TestResult = Result<(), Box<dyn Error>>;

/// A directory with the file `test_a.py`, an hour old.
fn old_file() -> Result<TempDir, Box<dyn Error>> {
    let directory = TempDir::new()?;
    write_an_hour_ago(&directory.path().join("test_a.py"), "a = 1")?;
    Ok(directory)
}

fn write_an_hour_ago(path: &Path, content: &str) -> TestResult {
    fs::write(path, content)?;
    File::options().write(true).open(path)?.set_modified(an_hour_ago())?;
    Ok(())
}

/// A fixed time, so that two files can have it to the nanosecond.
fn an_hour_ago() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

#[test]
fn an_untouched_file_is_current() -> TestResult {
    let directory = old_file()?;
    let path = directory.path().join("test_a.py");
    let fingerprint = Fingerprint::observe(&path)?;
    fs::read(&path)?;
    fs::write(directory.path().join("test_b.py"), "")?;
    assert!(fingerprint.is_current(&path)?);
    Ok(())
}

#[test]
fn every_change_shows() -> TestResult {
    type Change = fn(&Path) -> TestResult;
    let changes: [(&str, Change); 6] = [
        ("longer", |path| write_an_hour_ago(path, "a = 1000")),
        ("written later", |path| Ok(File::options().write(true).open(path)?.set_modified(SystemTime::now())?)),
        ("replaced by one of the same size and time", |path| {
            let other = path.with_extension("new");
            write_an_hour_ago(&other, "a = 2")?;
            Ok(fs::rename(other, path)?)
        }),
        ("removed", |path| Ok(fs::remove_file(path)?)),
        ("now a directory", |path| {
            fs::remove_file(path)?;
            Ok(fs::create_dir(path)?)
        }),
        ("now a link", |path| {
            let other = path.with_extension("moved");
            write_an_hour_ago(&other, "a = 2")?;
            fs::remove_file(path)?;
            Ok(symlink(other, path)?)
        }),
    ];
    for (name, change) in changes {
        let directory = old_file()?;
        let path = directory.path().join("test_a.py");
        let fingerprint = Fingerprint::observe(&path)?;
        change(&path)?;
        assert!(!fingerprint.is_current(&path)?, "{name}");
    }
    Ok(())
}

#[test]
fn an_edit_that_puts_size_and_time_back_shows() -> TestResult {
    let directory = old_file()?;
    let path = directory.path().join("test_a.py");
    let before = Fingerprint::observe(&path)?;
    // The clock of change times may stand still for a tick: edit until it has moved on.
    while before.is_current(&path)? {
        write_an_hour_ago(&path, "a = 2")?;
    }
    let (Fingerprint::Present(before), Fingerprint::Present(after)) = (before, Fingerprint::observe(&path)?) else {
        panic!("the file is there");
    };
    assert_eq!((before.modified_ns, before.size, before.inode), (after.modified_ns, after.size, after.inode));
    assert!(before.changed_ns < after.changed_ns);
    Ok(())
}

#[test]
fn nothing_is_absent_until_it_is_there() -> TestResult {
    let directory = old_file()?;
    let dangling = directory.path().join("dangling.py");
    symlink("nowhere", &dangling)?;
    let inside_a_file = directory.path().join("test_a.py/conftest.py");
    let missing = directory.path().join("no/such/conftest.py");
    for path in [&dangling, &inside_a_file, &missing] {
        assert_eq!(Fingerprint::observe(path)?, Fingerprint::Absent);
    }
    fs::write(directory.path().join("nowhere"), "")?;
    assert!(!Fingerprint::Absent.is_current(&dangling)?);
    Ok(())
}

#[test]
fn where_nothing_can_be_nothing_is() -> TestResult {
    let directory = TempDir::new()?;
    let looping = directory.path().join("looping.py");
    symlink(&looping, &looping)?;
    for path in [looping.clone(), directory.path().join("x".repeat(400)), directory.path().join("x\0y")] {
        assert_eq!(Fingerprint::observe(&path)?, Fingerprint::Absent, "{path:?}");
    }
    fs::remove_file(&looping)?;
    fs::write(&looping, "text")?;
    assert!(!Fingerprint::Absent.is_current(&looping)?);
    Ok(())
}

#[test]
fn a_fingerprint_is_settled_once_the_file_has_rested() -> TestResult {
    let directory = old_file()?;
    let path = directory.path().join("test_a.py");
    // Its change time is now, and nobody can set it back.
    let fingerprint = Fingerprint::observe(&path)?;
    assert!(!fingerprint.is_settled_at(SystemTime::now(), COARSEST_STAMP));
    assert!(fingerprint.is_settled_at(SystemTime::now() + Duration::from_secs(10), COARSEST_STAMP));
    File::options().write(true).open(&path)?.set_modified(SystemTime::now() + Duration::from_secs(3600))?;
    assert!(!Fingerprint::observe(&path)?.is_settled_at(SystemTime::now() + Duration::from_secs(10), COARSEST_STAMP));
    assert!(Fingerprint::Absent.is_settled_at(SystemTime::now(), COARSEST_STAMP));
    Ok(())
}

#[test]
fn a_changed_mode_shows_too() -> TestResult {
    let directory = old_file()?;
    let path = directory.path().join("test_a.py");
    let fingerprint = Fingerprint::observe(&path)?;
    let mut mode = 0o600;
    // As above: until the clock of change times has moved on.
    while fingerprint.is_current(&path)? {
        mode ^= 0o040;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}
