//! The search of `PATH` as `execvp` does it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::Surroundings;

/// What `execvp` of the C library searches when `PATH` is not set.
const SYSTEM_PATH: &str = "/bin:/usr/bin";

/// The value of `PATH`, or the system's default when it is not set. An empty value stays: it means the working directory.
pub(super) fn search_path<'a>(surroundings: &Surroundings<'a>) -> &'a OsStr {
    surroundings.variable("PATH").unwrap_or(OsStr::new(SYSTEM_PATH))
}

/// The directories of `PATH`, in order and absolute. An empty element is the working directory.
pub(super) fn directories<'a>(surroundings: &'a Surroundings<'_>) -> impl Iterator<Item = PathBuf> + 'a {
    split(surroundings, search_path(surroundings))
}

/// The absolute directories of a list that is separated by colons.
pub(super) fn split<'a>(surroundings: &'a Surroundings<'_>, list: &'a OsStr) -> impl Iterator<Item = PathBuf> + 'a {
    list.as_bytes().split(|&byte| byte == b':').map(|element| match element {
        b"" => surroundings.directory.to_path_buf(),
        element => surroundings.absolute(OsStr::from_bytes(element)),
    })
}

/// The absolute path of the file that `execvp(name)` would execute: `name` itself when it has a slash, otherwise the first
/// executable regular file of that name on `PATH`. `None` when there is none, or when the name is empty.
pub(super) fn find(surroundings: &Surroundings<'_>, name: &OsStr) -> Option<PathBuf> {
    if name.is_empty() {
        return None;
    }
    if name.as_bytes().contains(&b'/') {
        return Some(surroundings.absolute(name)).filter(|path| is_executable(path));
    }
    directories(surroundings).map(|directory| directory.join(name)).find(|path| is_executable(path))
}

/// Whether `path` is, through symbolic links, a regular file that this user may execute.
pub(super) fn is_executable(path: &Path) -> bool {
    // `access` comes first: it is the one system call that a directory without the name costs.
    access(path, Access::EXEC_OK).is_ok() && path.is_file()
}
