//! The same where a directory can be reached by its name alone and every file has one at first.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, RawMode};

/// A file that nobody else sees, close-on-exec.
pub(crate) fn nameless_file() -> io::Result<File> {
    tempfile::tempfile()
}

/// Device and inode of what a descriptor refers to.
pub(crate) fn identity(descriptor: &OwnedFd) -> io::Result<(u64, u64)> {
    let found = File::from(descriptor.try_clone()?).metadata()?;
    Ok((found.dev(), found.ino()))
}

/// The path by which the command knows the directory. It may be empty, or lead nowhere: then no warm process starts
/// there, and the run is a plain one.
pub(crate) fn path_of(_directory: &OwnedFd, name: &Path) -> PathBuf {
    name.to_owned()
}

/// A file mode creation mask.
pub(crate) fn mask(bits: u32) -> Mode {
    // A mode has no more bits than these.
    Mode::from_raw_mode(RawMode::try_from(bits & 0o7777).unwrap_or_default())
}
