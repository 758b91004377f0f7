//! One process at a time.

use std::fs::File;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::StoreError;

/// An exclusive lock, held until it is dropped or the process is dead, however it died.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    pub(super) fn take(path: &Path) -> Result<Self, StoreError> {
        let file = open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { file }),
            Err(Errno::WOULDBLOCK) => Err(StoreError::InUse(path.to_owned())),
            Err(error) => Err(StoreError::io("lock", path)(error.into())),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing would not do it: a child that another thread is just starting still has the file. What cannot be
        // unlocked is unlocked when that child goes on.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

/// Waits until nobody has this file locked. sled keeps its file locked as long as anything of it is still at work.
pub(super) fn wait_until_free(path: &Path) -> Result<(), StoreError> {
    if !path.exists() {
        return Ok(());
    }
    let file = open(path)?;
    flock(&file, FlockOperation::LockExclusive).map_err(|error| StoreError::io("lock", path)(error.into()))
}

fn open(path: &Path) -> Result<File, StoreError> {
    let file = File::options().read(true).write(true).create(true).truncate(false).open(path);
    file.map_err(StoreError::io("open", path))
}
