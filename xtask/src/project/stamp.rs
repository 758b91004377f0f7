//! A file that says that a directory was made ready, and from what.

use std::fs;
use std::path::{Path, PathBuf};

use super::{ProjectError, file};

/// Written last, so that a preparation that was interrupted has none.
#[derive(Debug)]
pub(crate) struct Stamp {
    path: PathBuf,
    wanted: String,
}

impl Stamp {
    /// The stamp of a directory that was made with this interpreter from this text.
    pub(crate) fn new(directory: &Path, python: &Path, text: &str) -> Self {
        Self { path: directory.join("complete"), wanted: format!("{}\n{text}", python.display()) }
    }

    /// Whether the directory was made ready from the same.
    pub(crate) fn is_there(&self) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|found| found == self.wanted)
    }

    pub(crate) fn write(&self) -> Result<(), ProjectError> {
        fs::write(&self.path, &self.wanted).map_err(|source| file(&self.path, source))
    }
}
