//! The daemon's log: a file in the user's state directory, a line for each thing worth knowing, cut when it grows.

use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// When a daemon that starts finds a longer log than this, in bytes, it moves it aside.
const LONGEST: u64 = 1 << 20;

/// A log that can be written to. Where it cannot be, its lines are lost: a run is worth more than a line.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: Option<File>,
}

impl Log {
    /// Go on with the log in `directory`.
    pub(super) fn open(directory: &Path) -> Self {
        let path = log_in(directory);
        Self { file: open(directory, &path).ok(), path }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Add a line.
    pub(super) fn line(&mut self, text: impl Display) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        if let Some(file) = &mut self.file {
            // See above: nobody could be told.
            let _ = writeln!(file, "{}.{:03} [{}] {text}", since.as_secs(), since.subsec_millis(), std::process::id());
        }
    }
}

/// The log of a daemon that has `directory` for its state.
#[must_use]
pub fn log_in(directory: &Path) -> PathBuf {
    directory.join("daemon.log")
}

fn open(directory: &Path, path: &Path) -> io::Result<File> {
    std::fs::create_dir_all(directory)?;
    if std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > LONGEST) {
        std::fs::rename(path, path.with_extension("log.old"))?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}
