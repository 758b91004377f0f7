//! The front door and the zygote's control socket: frames and descriptors over a Unix stream socket.
//!
//! See `docs/design/handshake.md`.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SocketAddrUnix,
    sockopt,
};
use serde::Serialize;

use crate::frame::{Frame, FrameError, MAX_PASSED, PREFIX};
use crate::platform::{self, RECEIVE, SEND};
use crate::short_path::ShortPath;

const BACKLOG: i32 = 128;
/// Room for control data that holds `MAX_PASSED` descriptors, with its header and padding.
const ANCILLARY: usize = 32 + 4 * MAX_PASSED;

/// Why nothing came through a connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// The peer has closed its end, or is gone.
    #[error("the peer is gone")]
    Closed,
    /// The peer does not keep to the protocol.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The socket fails.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<rustix::io::Errno> for ConnectionError {
    fn from(errno: rustix::io::Errno) -> Self {
        match errno {
            rustix::io::Errno::PIPE | rustix::io::Errno::CONNRESET => Self::Closed,
            other => Self::Io(other.into()),
        }
    }
}

/// A frame, and the descriptors that came with it.
#[derive(Debug)]
pub struct Received {
    /// What was said.
    pub frame: Frame,
    /// In the order in which they were passed; close-on-exec here.
    pub descriptors: Vec<OwnedFd>,
}

/// One end of a connected Unix stream socket that carries frames. Reads never take bytes beyond the frame they return,
/// so that the descriptor can be handed to another process between two frames.
#[derive(Debug)]
pub struct Connection {
    socket: OwnedFd,
}

impl Connection {
    /// Connect to a listening socket. A path longer than a socket address can hold is reached through its directory.
    pub fn connect(path: &Path) -> io::Result<Self> {
        let socket = new_socket()?;
        with_address(path, |address| Ok(rustix::net::connect(&socket, address)?))?;
        Ok(Self { socket })
    }

    /// Two connected ends.
    pub fn pair() -> io::Result<(Self, Self)> {
        let (one, two) = platform::socket_pair()?;
        Ok((Self { socket: one }, Self { socket: two }))
    }

    /// Limit how long one receive or send may block; `None` for ever.
    pub fn set_timeouts(&self, timeout: Option<Duration>) -> io::Result<()> {
        sockopt::set_socket_timeout(&self.socket, sockopt::Timeout::Recv, timeout)?;
        Ok(sockopt::set_socket_timeout(&self.socket, sockopt::Timeout::Send, timeout)?)
    }

    /// The user id of the process at the other end, as the kernel knows it. Outside Linux it is taken to be this user's:
    /// there the mode of the directory alone keeps others out.
    pub fn peer_user(&self) -> io::Result<u32> {
        Ok(platform::peer_user(self.socket.as_fd())?)
    }

    /// Another descriptor of the same connection.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { socket: rustix::io::fcntl_dupfd_cloexec(&self.socket, 3)? })
    }

    /// Say that nothing more will be sent, whoever else holds this end. What the peer says still arrives.
    pub fn finish_sending(&self) {
        // A peer that is gone already needs no telling.
        let _ = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Write);
    }

    /// Take nothing more: what has arrived can still be received, then the peer seems to be gone.
    pub fn finish_receiving(&self) {
        // As above.
        let _ = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Read);
    }

    /// Wait for bytes of any kind, where the peer sends no frames. Empty: it is gone.
    pub fn receive_bytes(&self, most: usize) -> Result<Vec<u8>, ConnectionError> {
        let mut bytes = vec![0; most];
        let got = retry(|| rustix::net::recv(&self.socket, &mut bytes[..], RecvFlags::empty()))?;
        bytes.truncate(got.0);
        Ok(bytes)
    }

    /// Send a message that needs no body and no descriptors.
    pub fn say<M: Serialize>(&self, message: &M) -> Result<(), ConnectionError> {
        self.send(&Frame::new(message)?, &[])
    }

    /// Send a frame, and descriptors with its first byte.
    pub fn send(&self, frame: &Frame, descriptors: &[BorrowedFd<'_>]) -> Result<(), ConnectionError> {
        let bytes = frame.encode();
        let mut space = [MaybeUninit::uninit(); ANCILLARY];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "too many descriptors to pass").into());
        }
        let mut sent = retry(|| rustix::net::sendmsg(&self.socket, &[IoSlice::new(&bytes)], &mut ancillary, SEND))?;
        while sent < bytes.len() {
            sent += retry(|| rustix::net::send(&self.socket, &bytes[sent..], SEND))?;
        }
        Ok(())
    }

    /// Wait for a frame.
    pub fn receive(&self) -> Result<Received, ConnectionError> {
        let mut descriptors = Vec::new();
        let mut prefix = [0; PREFIX];
        self.fill(&mut prefix, &mut descriptors)?;
        let (head_length, body_length) = Frame::lengths(prefix)?;
        let mut head = vec![0; head_length];
        self.fill(&mut head, &mut descriptors)?;
        let mut body = vec![0; body_length];
        self.fill(&mut body, &mut descriptors)?;
        Ok(Received { frame: Frame { head, body }, descriptors })
    }

    fn fill(&self, buffer: &mut [u8], descriptors: &mut Vec<OwnedFd>) -> Result<(), ConnectionError> {
        let mut filled = 0;
        while filled < buffer.len() {
            let mut space = [MaybeUninit::uninit(); ANCILLARY];
            let mut ancillary = RecvAncillaryBuffer::new(&mut space);
            let rest = &mut buffer[filled..];
            let got =
                retry(|| rustix::net::recvmsg(&self.socket, &mut [IoSliceMut::new(rest)], &mut ancillary, RECEIVE))?;
            for message in ancillary.drain() {
                if let RecvAncillaryMessage::ScmRights(passed) = message {
                    descriptors.extend(passed.map(platform::received));
                }
            }
            if got.bytes == 0 {
                return Err(ConnectionError::Closed);
            }
            filled += got.bytes;
        }
        Ok(())
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl From<Connection> for OwnedFd {
    fn from(connection: Connection) -> Self {
        connection.socket
    }
}

/// The front door: a listening socket.
#[derive(Debug)]
pub struct Listener {
    socket: OwnedFd,
}

impl Listener {
    /// Listen at `path`, which must be free.
    pub fn bind(path: &Path) -> io::Result<Self> {
        let socket = new_socket()?;
        with_address(path, |address| Ok(rustix::net::bind(&socket, address)?))?;
        rustix::net::listen(&socket, BACKLOG)?;
        Ok(Self { socket })
    }

    /// Wait for the next peer.
    pub fn accept(&self) -> io::Result<Connection> {
        let socket = retry(|| platform::accept(&self.socket))?;
        Ok(Connection { socket })
    }
}

fn retry<T>(mut call: impl FnMut() -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    rustix::io::retry_on_intr(&mut call)
}

/// A socket at a number above the standard ones, which may be closed in a caller and must stay so.
fn new_socket() -> io::Result<OwnedFd> {
    Ok(rustix::io::fcntl_dupfd_cloexec(platform::socket()?, 3)?)
}

fn with_address<T>(path: &Path, call: impl FnOnce(&SocketAddrUnix) -> io::Result<T>) -> io::Result<T> {
    let short = ShortPath::of(path)?;
    call(&SocketAddrUnix::new(short.path())?)
}
