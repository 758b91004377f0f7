//! The same where sockets are made and descriptors received without flags: each is put right by calls of its own. A
//! program that another thread starts in between inherits the descriptor.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::io::FdFlags;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, sockopt};

/// For every call that receives descriptors.
pub(crate) const RECEIVE: RecvFlags = RecvFlags::empty();
/// For every call that sends: sockets are told beforehand that a peer that is gone is an error, not a signal. That goes
/// with the socket, also into other processes.
pub(crate) const SEND: SendFlags = SendFlags::empty();

/// A Unix stream socket, close-on-exec.
pub(crate) fn socket() -> rustix::io::Result<OwnedFd> {
    put_right(rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?)
}

/// Two of them, connected.
pub(crate) fn socket_pair() -> rustix::io::Result<(OwnedFd, OwnedFd)> {
    let none = rustix::net::SocketFlags::empty();
    let (one, two) = rustix::net::socketpair(AddressFamily::UNIX, SocketType::STREAM, none, None)?;
    Ok((put_right(one)?, put_right(two)?))
}

/// The next one that has connected. One that is gone again may be an error.
pub(crate) fn accept(listening: &OwnedFd) -> rustix::io::Result<OwnedFd> {
    put_right(rustix::net::accept(listening)?)
}

/// What [`RECEIVE`] has left to be done for a descriptor.
pub(crate) fn received(descriptor: OwnedFd) -> OwnedFd {
    // It is open, so this does not fail.
    let _ = rustix::io::fcntl_setfd(&descriptor, FdFlags::CLOEXEC);
    descriptor
}

/// The user id of the process at the other end: here the mode of the directory alone keeps others out.
#[expect(clippy::unnecessary_wraps, reason = "on Linux the kernel is asked")]
pub(crate) fn peer_user(_: BorrowedFd<'_>) -> rustix::io::Result<u32> {
    Ok(rustix::process::getuid().as_raw())
}

/// There is no way into a directory through a descriptor of it, so a long path remains too long.
pub(crate) fn short_way_into(directory: &Path) -> io::Result<(PathBuf, OwnedFd)> {
    let reason = format!("a socket cannot have so long a path as one in {}", directory.display());
    Err(io::Error::new(io::ErrorKind::InvalidInput, reason))
}

fn put_right(socket: OwnedFd) -> rustix::io::Result<OwnedFd> {
    rustix::io::fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    sockopt::set_socket_nosigpipe(&socket, true)?;
    Ok(socket)
}

/// Whether there is such a process, which may have ended without its parent having heard of it.
pub(crate) fn is_running(pid: rustix::process::Pid) -> bool {
    rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH)
}
