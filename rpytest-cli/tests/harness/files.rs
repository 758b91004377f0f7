//! The files that a run leaves, as far as two runs must leave the same ones.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::outcome::{text, timeless};

/// What is below some directories: names, kinds, permissions, contents.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Files(BTreeMap<String, String>);

impl Files {
    /// As they are now. `passed_over` are paths that do not count, with all that is below.
    pub(crate) fn below(roots: &[&Path], passed_over: &[&Path]) -> Self {
        let mut files = Self::default();
        for root in roots {
            files.add(root, passed_over);
        }
        files
    }

    fn add(&mut self, path: &Path, passed_over: &[&Path]) {
        if passed_over.contains(&path) {
            return;
        }
        let metadata = path.symlink_metadata().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mode = metadata.permissions().mode();
        let what = if metadata.is_symlink() {
            format!("-> {}", fs::read_link(path).expect("it is a link").display())
        } else if metadata.is_file() {
            format!("{mode:o} {}", contents(path))
        } else {
            format!("{mode:o}")
        };
        self.0.insert(path.display().to_string(), what);
        if metadata.is_dir() {
            for entry in fs::read_dir(path).into_iter().flatten().flatten() {
                self.add(&entry.path(), passed_over);
            }
        }
    }

    /// Fail the test unless they are the same.
    #[track_caller]
    pub(crate) fn assert_like(&self, other: &Self, whose: &str) {
        let only = |one: &Self, two: &Self| -> String {
            let differs = one.0.iter().filter(|(path, what)| two.0.get(*path) != Some(what));
            let lines: Vec<String> = differs.map(|(path, what)| format!("{path} {what}\n")).collect();
            lines.concat()
        };
        assert!(self == other, "files left:\n{}--- {whose}:\n{}", only(self, other), only(other, self));
    }
}

fn contents(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    if path.extension().is_some_and(|ending| ending == "pyc") {
        // It holds the time of its source, and marks each constant that anything else in the process refers to.
        return format!("{} bytes", bytes.len());
    }
    // The cache of `--stepwise` tells when it was made.
    timeless(&text(&bytes)).split_inclusive('\n').filter(|line| !line.contains("\"last_cache_date_str\"")).collect()
}

/// No less than what rpytest takes to be the grain of time stamps: a warm process whose files have changed more recently
/// cannot tell whether it has seen the change, and its first run is a plain one.
const GRAIN: Duration = Duration::from_millis(25);

/// Write a file, and make its directory, and wait until its time stamp lies in the past without doubt.
#[track_caller]
pub(crate) fn write_settled(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("it is below a directory")).expect("the directory can be made");
    fs::write(path, text).expect("the file can be written");
    let written = SystemTime::now();
    super::wait_for("the clock to go on", || (written.elapsed().ok()? > GRAIN).then_some(()));
}
