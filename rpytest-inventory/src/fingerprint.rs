//! What a file looks like from outside.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Enough to tell that a file or directory has changed, without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fingerprint {
    /// There is nothing of that name, or nothing that can be looked at.
    Absent,
    /// There is.
    Present {
        /// Device.
        device: u64,
        /// Inode.
        inode: u64,
        /// Size in bytes.
        size: u64,
        /// Last modification, in nanoseconds since 1970.
        modified: i128,
    },
}

impl Fingerprint {
    /// Look at what `path` names now, through symbolic links.
    pub fn observe(path: &Path) -> Self {
        std::fs::metadata(path).map_or(Self::Absent, |found| Self::Present {
            device: found.dev(),
            inode: found.ino(),
            size: found.size(),
            modified: i128::from(found.mtime()) * 1_000_000_000 + i128::from(found.mtime_nsec()),
        })
    }

    /// When it was last modified. None: it is absent, or older than 1970.
    pub fn modified(&self) -> Option<SystemTime> {
        match self {
            Self::Absent => None,
            Self::Present { modified, .. } => Some(UNIX_EPOCH + Duration::from_nanos(u64::try_from(*modified).ok()?)),
        }
    }
}
