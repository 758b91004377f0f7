//! Changes are noticed, and nothing else is.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rpytest_inventory::Watcher;
use tempfile::TempDir;

type TestResult = Result<(), Box<dyn Error>>;

/// Long enough for the busiest machine: nobody waits for it unless an event is missing.
const LOST: Duration = Duration::from_secs(60);

const QUIET: Duration = Duration::from_millis(10);

struct Watched {
    root: PathBuf,
    watcher: Watcher,
    _directory: TempDir,
}

fn watched(directories: &[&str]) -> Result<Watched, Box<dyn Error>> {
    let directory = TempDir::new()?;
    let root = directory.path().canonicalize()?;
    for name in directories {
        fs::create_dir_all(root.join(name))?;
    }
    let mut watched = Watched { root, watcher: Watcher::new(QUIET)?, _directory: directory };
    watched.start_again()?;
    Ok(watched)
}

impl Watched {
    /// Watches with a new watcher, to which nothing has changed yet.
    fn start_again(&mut self) -> TestResult {
        self.watcher = Watcher::new(QUIET)?;
        Ok(self.watcher.watch(&self.root)?)
    }

    fn write(&self, path: &str) -> TestResult {
        Ok(fs::write(self.root.join(path), "x = 1")?)
    }

    /// All that is told until this path is: batches may end anywhere.
    fn told_until(&mut self, last: &str) -> BTreeSet<String> {
        let mut told = BTreeSet::new();
        while !told.contains(last) {
            let changes = self.watcher.wait(LOST).unwrap_or_else(|| panic!("{last} was not noticed, only {told:?}"));
            assert!(!changes.missed);
            told.extend(changes.paths.iter().filter_map(|path| relative(path, &self.root)));
        }
        told
    }
}

fn relative(path: &Path, root: &Path) -> Option<String> {
    Some(path.strip_prefix(root).ok()?.to_str()?.to_owned())
}

fn names<const COUNT: usize>(names: [&str; COUNT]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

#[test]
fn writing_is_a_change_and_reading_is_none() -> TestResult {
    let mut watched = watched(&["sub"])?;
    watched.write("sub/test_a.py")?;
    watched.told_until("sub/test_a.py");
    watched.start_again()?;
    fs::read(watched.root.join("sub/test_a.py"))?;
    fs::read_dir(watched.root.join("sub"))?.count();
    watched.write("last")?;
    assert_eq!(watched.told_until("last"), names(["last"]));
    Ok(())
}

#[test]
fn what_is_made_at_once_in_a_new_directory_is_noticed() -> TestResult {
    let mut watched = watched(&[])?;
    fs::create_dir_all(watched.root.join("new/deep"))?;
    watched.write("new/deep/test_a.py")?;
    watched.told_until("new/deep/test_a.py");
    watched.write("new/deep/test_b.py")?;
    watched.told_until("new/deep/test_b.py");
    Ok(())
}

#[test]
fn a_renamed_directory_is_watched_by_its_new_name() -> TestResult {
    let mut watched = watched(&["old/deep"])?;
    watched.write("old/deep/test_a.py")?;
    watched.told_until("old/deep/test_a.py");
    fs::rename(watched.root.join("old"), watched.root.join("new"))?;
    let told = watched.told_until("new/deep/test_a.py");
    assert!(told.contains("old") && told.contains("new"));
    watched.write("new/deep/test_a.py")?;
    assert!(!watched.told_until("new/deep/test_a.py").iter().any(|path| path.starts_with("old/")));
    Ok(())
}

#[test]
fn a_directory_that_was_removed_is_watched_when_it_is_made_again() -> TestResult {
    let mut watched = watched(&["sub"])?;
    fs::remove_dir(watched.root.join("sub"))?;
    watched.told_until("sub");
    fs::create_dir(watched.root.join("sub"))?;
    watched.told_until("sub");
    watched.write("sub/test_a.py")?;
    watched.told_until("sub/test_a.py");
    Ok(())
}

#[test]
fn version_control_caches_and_environments_are_skipped() -> TestResult {
    let mut watched = watched(&[".git", "sub/__pycache__", "env/lib"])?;
    fs::write(watched.root.join("env/pyvenv.cfg"), "")?;
    watched.told_until("env/pyvenv.cfg");
    watched.start_again()?;

    for path in [".git/index", "sub/__pycache__/a.pyc", "env/lib/site.py"] {
        watched.write(path)?;
    }
    fs::create_dir(watched.root.join("__pycache__"))?;
    watched.write("last")?;
    assert_eq!(watched.told_until("last"), names(["last"]));
    Ok(())
}

#[test]
fn one_watcher_watches_several_trees() -> TestResult {
    let mut watched = watched(&["one", "two/in"])?;
    watched.watcher = Watcher::new(QUIET)?;
    for name in ["one", "two", "two/in"] {
        watched.watcher.watch(&watched.root.join(name))?;
    }
    watched.write("one/a")?;
    watched.told_until("one/a");
    watched.watcher.unwatch(&watched.root.join("two"));
    watched.write("two/a")?;
    watched.write("two/in/a")?;
    assert!(!watched.told_until("two/in/a").contains("two/a"));
    assert!(watched.watcher.watch(&watched.root.join("absent")).is_err());
    Ok(())
}
