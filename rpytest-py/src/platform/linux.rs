//! Directories and files as Linux has them: reached by descriptor, whatever has become of their names.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{MemfdFlags, Mode};

/// A file that nobody else sees, close-on-exec.
pub(crate) fn nameless_file() -> io::Result<File> {
    Ok(File::from(rustix::fs::memfd_create("rpytest-zygote", MemfdFlags::CLOEXEC)?))
}

/// Device and inode of what a descriptor refers to.
pub(crate) fn identity(descriptor: &OwnedFd) -> io::Result<(u64, u64)> {
    let found = rustix::fs::fstat(descriptor.as_fd())?;
    Ok((found.st_dev, found.st_ino))
}

/// A path to an open directory that works even where its name does not.
pub(crate) fn path_of(directory: &OwnedFd, _name: &Path) -> PathBuf {
    Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string())
}

/// A file mode creation mask.
pub(crate) fn mask(bits: u32) -> Mode {
    Mode::from_raw_mode(bits)
}
