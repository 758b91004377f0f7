//! The lock that makes a daemon the only one: held from before it exists until it is gone. See `docs/design/daemon.md`.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// An exclusive `flock` on a file. It belongs to the open file, so a child that inherits the descriptor holds it too.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Take the lock if nobody has it. `None`: somebody has.
    pub fn try_take(path: &Path) -> io::Result<Option<Self>> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        }
        let lock = Self { file, path: path.to_owned() };
        // The previous holder may have removed the file after it was opened here: then this lock guards nothing.
        Ok(lock.is_at_its_path().then_some(lock))
    }

    /// The lock that a parent has taken and passed on.
    pub fn inherited(descriptor: OwnedFd, path: &Path) -> Self {
        Self { file: File::from(descriptor), path: path.to_owned() }
    }

    /// Whether the file at the path is still the locked one.
    pub fn is_at_its_path(&self) -> bool {
        let here = self.file.metadata().map(|metadata| (metadata.dev(), metadata.ino()));
        let there = std::fs::metadata(&self.path).map(|metadata| (metadata.dev(), metadata.ino()));
        matches!((here, there), (Ok(here), Ok(there)) if here == there)
    }

    /// Remove the file: whoever comes next takes a lock of its own.
    pub fn remove(&self) -> io::Result<()> {
        if self.is_at_its_path() { std::fs::remove_file(&self.path) } else { Ok(()) }
    }
}

impl AsFd for Lock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}
