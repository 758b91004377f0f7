//! Streams and bulk answers: NNG's pair protocol, an address for each channel, and an end that both sides have seen.
//!
//! NNG 1.4 wedges a listener for good when a peer connects and closes at once (its issue 1518), and loses what is in
//! flight when a socket is closed. Hence: an address is made for one peer, told to it over the front door, and unlinked
//! afterwards; send buffers are empty, and the sender of a stream waits until its end has been acknowledged.
//! See `docs/design/handshake.md`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_nng::AsyncSocket;
use futures_lite::future::block_on;
use nng::options::{Options, ReconnectMaxTime, ReconnectMinTime, RecvBufferSize, RecvMaxSize, SendBufferSize};
use nng::{Protocol, Socket};
use rustix::process::Pid;

use crate::platform;
use crate::runtime_dir::RuntimeDir;
use crate::short_path::ShortPath;

const SCHEME: &str = "ipc://";
/// Of the files of channels; then the listening process, a dash and a number.
const PREFIX: &str = "channel-";
const LARGEST: usize = 256 << 20;
const DATA: u8 = 0;
const END: u8 = 1;
const ACKNOWLEDGED: u8 = 2;

/// Why a channel is of no more use.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// NNG says so; a peer that does not answer in time is `TimedOut`.
    #[error("channel: {0}")]
    Nng(#[from] nng::Error),
    /// The peer does not keep to the order of data, end, acknowledgement.
    #[error("channel: the peer sent something unexpected")]
    Unexpected,
    /// The address is none.
    #[error("channel: {0} is no address")]
    Address(String),
    /// The directory of the address cannot be reached.
    #[error("channel: {0}")]
    Io(#[from] std::io::Error),
}

impl ChannelError {
    /// Whether the peer has only been slow: the operation can be tried again.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Nng(nng::Error::TimedOut))
    }
}

/// One end of a channel. Every operation gives up after the patience it was made with.
#[derive(Debug)]
pub struct Channel {
    socket: AsyncSocket,
    patience: Duration,
    /// NNG connects, and connects again, in its own time.
    _address: ShortPath,
}

/// The end that waits for its one peer, and the file that its address is.
#[derive(Debug)]
pub struct ChannelListener {
    channel: Channel,
    path: PathBuf,
}

impl ChannelListener {
    /// Listen at an address that nobody has used before.
    pub fn open(directory: &RuntimeDir, patience: Duration) -> Result<Self, ChannelError> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = directory.path().join(format!("{PREFIX}{}-{number}", std::process::id()));
        let socket = configured()?;
        let short = ShortPath::of(&path)?;
        socket.listen(&url(short.path()))?;
        Ok(Self { channel: Channel::over(socket, patience, short)?, path })
    }

    /// What the peer must dial.
    pub fn address(&self) -> String {
        url(&self.path)
    }

    /// The channel; the peer need not be there yet.
    pub fn channel(&mut self) -> &mut Channel {
        &mut self.channel
    }
}

/// Remove the files of channels whose listening process was killed before it could. Only a process that holds the
/// directory's lock may call this: nobody else of this process's number can then be listening.
pub fn remove_abandoned_channels(directory: &RuntimeDir) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory.path())? {
        let entry = entry?;
        if listener_of(&entry.file_name()).is_some_and(|pid| !is_another_alive(pid)) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The process that made the file of a channel; None: the file is none of ours.
fn listener_of(name: &OsStr) -> Option<Pid> {
    let (pid, _) = name.to_str()?.strip_prefix(PREFIX)?.split_once('-')?;
    Pid::from_raw(pid.parse().ok()?)
}

fn is_another_alive(pid: Pid) -> bool {
    pid != rustix::process::getpid() && platform::is_running(pid)
}

impl Drop for ChannelListener {
    fn drop(&mut self) {
        // NNG removes it too when the listener is closed; whoever comes first.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Channel {
    /// Go to the address that the daemon told.
    pub fn dial(address: &str, patience: Duration) -> Result<Self, ChannelError> {
        let path = address.strip_prefix(SCHEME).ok_or_else(|| ChannelError::Address(address.to_owned()))?;
        let short = ShortPath::of(Path::new(path))?;
        let socket = configured()?;
        // The blocking dial would wait for ten seconds; whether anybody is there shows when something is received.
        socket.dial_async(&url(short.path()))?;
        Self::over(socket, patience, short)
    }

    /// Send one message.
    pub fn send(&mut self, payload: &[u8]) -> Result<(), ChannelError> {
        self.send_tagged(DATA, payload)
    }

    /// Say that there is no more, and wait until the peer has seen it.
    pub fn finish(&mut self) -> Result<(), ChannelError> {
        self.send_tagged(END, &[])?;
        match self.receive_tagged()?.first() {
            Some(&ACKNOWLEDGED) => Ok(()),
            _ => Err(ChannelError::Unexpected),
        }
    }

    /// The next message; None once the peer has finished.
    pub fn receive(&mut self) -> Result<Option<Vec<u8>>, ChannelError> {
        let message = self.receive_tagged()?;
        match message.split_first() {
            Some((&DATA, payload)) => Ok(Some(payload.to_vec())),
            Some((&END, _)) => {
                self.send_tagged(ACKNOWLEDGED, &[])?;
                Ok(None)
            }
            _ => Err(ChannelError::Unexpected),
        }
    }

    fn over(socket: Socket, patience: Duration, address: ShortPath) -> Result<Self, ChannelError> {
        Ok(Self { socket: AsyncSocket::try_from(socket)?, patience, _address: address })
    }

    fn send_tagged(&mut self, tag: u8, payload: &[u8]) -> Result<(), ChannelError> {
        let mut message = nng::Message::with_capacity(1 + payload.len());
        message.push_back(&[tag]);
        message.push_back(payload);
        block_on(self.socket.send(message, Some(self.patience))).map_err(|(_, error)| error.into())
    }

    fn receive_tagged(&mut self) -> Result<nng::Message, ChannelError> {
        Ok(block_on(self.socket.receive(Some(self.patience)))?)
    }
}

fn configured() -> Result<Socket, ChannelError> {
    let socket = Socket::new(Protocol::Pair0)?;
    socket.set_opt::<SendBufferSize>(0)?;
    socket.set_opt::<RecvBufferSize>(1)?;
    socket.set_opt::<RecvMaxSize>(LARGEST)?;
    socket.set_opt::<ReconnectMinTime>(Some(Duration::from_millis(5)))?;
    socket.set_opt::<ReconnectMaxTime>(Some(Duration::from_millis(50)))?;
    Ok(socket)
}

fn url(path: &Path) -> String {
    format!("{SCHEME}{}", path.display())
}
