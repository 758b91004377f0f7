//! Socket paths: an address holds 107 bytes, so a longer path goes through a descriptor of its directory.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::net::SocketAddrUnix;

/// A path that fits, for as long as this lives.
#[derive(Debug)]
pub(crate) struct ShortPath {
    path: PathBuf,
    /// Open while the path leads through it.
    _directory: Option<OwnedFd>,
}

impl ShortPath {
    /// The path itself where it fits.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        if SocketAddrUnix::new(path).is_ok() {
            return Ok(Self { path: path.to_owned(), _directory: None });
        }
        let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let directory = rustix::fs::open(directory, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd())).join(name);
        Ok(Self { path, _directory: Some(directory) })
    }

    /// As it is to be used.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
