//! The path by which this process was executed.

use std::path::PathBuf;

/// The path that the parent handed to `execve`, symbolic links unresolved, perhaps relative to the working directory at
/// start. `None` when the system does not tell.
///
/// `std::env::current_exe` resolves links on Linux. An `rpytest` linked into `~/.local/bin` by a tool installer would
/// then seem to be run from that tool's private environment, whose `python` is not the user's.
#[cfg(target_os = "linux")]
pub(crate) fn own_path() -> Option<PathBuf> {
    use std::os::unix::ffi::OsStrExt;

    let bytes = rustix::param::linux_execfn().to_bytes();
    (!bytes.is_empty()).then(|| PathBuf::from(std::ffi::OsStr::from_bytes(bytes)))
}

/// The path by which this process was executed: outside Linux the standard library does not resolve it.
#[cfg(not(target_os = "linux"))]
pub(crate) fn own_path() -> Option<PathBuf> {
    std::env::current_exe().ok()
}
