//! Why a store cannot be used.

use std::fmt::{self, Display, Formatter};
use std::io;
use std::path::{Path, PathBuf};

use crate::{FormatError, SnapshotError};

/// Why a store could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it open.
    #[error("another process has {} open", .0.display())]
    InUse(PathBuf),
    /// The file system refused.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// What came of it.
        source: io::Error,
    },
    /// The database failed; what it says.
    #[error("use the database: {0}")]
    Database(String),
    /// A record cannot be read.
    #[error("read a record: {0}")]
    Record(#[from] FormatError),
    /// The snapshot could not be written.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

/// A store or a snapshot that was of no use, and is kept for whoever wants to know why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedAside {
    /// Where it is now; the next one that is moved aside takes its place.
    pub to: PathBuf,
    /// What was wrong with it.
    pub reason: String,
}

impl Display for MovedAside {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "an inventory was of no use ({}); it is now {}", self.reason, self.to.display())
    }
}

impl StoreError {
    /// For `map_err`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
