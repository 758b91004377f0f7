//! Sockets and descriptors as Linux has them: close-on-exec from the beginning, and no signal by a flag.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, sockopt};
use rustix::process::Pid;

/// For every call that receives descriptors.
pub(crate) const RECEIVE: RecvFlags = RecvFlags::CMSG_CLOEXEC;
/// For every call that sends: a peer that is gone is an error, not a signal.
pub(crate) const SEND: SendFlags = SendFlags::NOSIGNAL;

/// A Unix stream socket, close-on-exec.
pub(crate) fn socket() -> rustix::io::Result<OwnedFd> {
    rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
}

/// Two of them, connected.
pub(crate) fn socket_pair() -> rustix::io::Result<(OwnedFd, OwnedFd)> {
    rustix::net::socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
}

/// The next one that has connected.
pub(crate) fn accept(listening: &OwnedFd) -> rustix::io::Result<OwnedFd> {
    rustix::net::accept_with(listening, SocketFlags::CLOEXEC)
}

/// What [`RECEIVE`] has left to be done for a descriptor: nothing.
pub(crate) fn received(descriptor: OwnedFd) -> OwnedFd {
    descriptor
}

/// The user id of the process at the other end, as the kernel knows it.
pub(crate) fn peer_user(socket: BorrowedFd<'_>) -> rustix::io::Result<u32> {
    Ok(sockopt::socket_peercred(socket)?.uid.as_raw())
}

/// A path of a few bytes that leads into a directory for as long as the descriptor beside it is open.
pub(crate) fn short_way_into(directory: &Path) -> io::Result<(PathBuf, OwnedFd)> {
    let directory = rustix::fs::open(directory, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    Ok((PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd())), directory))
}

/// Whether there is such a process, other than one that only waits for its parent to hear of its end. See `proc(5)`.
pub(crate) fn is_running(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    let state = stat.as_deref().ok().and_then(|stat| stat.rsplit_once(") ")?.1.chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}
