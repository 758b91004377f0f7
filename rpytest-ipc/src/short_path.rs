//! Socket paths: an address holds 107 bytes (on macOS 103), so a longer path goes through a descriptor of its directory
//! where the system has such a way.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::net::SocketAddrUnix;

use crate::platform;

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
        let (way, directory) = platform::short_way_into(directory)?;
        Ok(Self { path: way.join(name), _directory: Some(directory) })
    }

    /// As it is to be used.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
