//! Why something cannot be watched.

use std::error::Error;
use std::path::{Path, PathBuf};

/// Why a directory cannot be watched: it is not there, or the system has no watches left.
#[derive(Debug, thiserror::Error)]
#[error("watch {}: {source}", path.display())]
pub struct WatchError {
    /// Which directory; empty when nothing can be watched at all.
    pub path: PathBuf,
    source: Box<dyn Error + Send + Sync>,
}

impl WatchError {
    pub(super) fn new(path: &Path, error: notify::Error) -> Self {
        Self { path: path.to_owned(), source: error.into() }
    }
}
