//! The events of one run on their way from its session to its command: in by a socket, out by a channel, in batches.
//!
//! See `docs/design/handshake.md`.

use std::time::Duration;

use rpytest_ipc::{ChannelError, ChannelListener, Connection, ConnectionError, DaemonToClient, RuntimeDir};

/// So much is sent at once, in bytes, if it is there.
const BATCH: usize = 64 << 10;
/// How long a command may leave events lying: its reader may be a person.
const PATIENCE: Duration = Duration::from_secs(600);

/// Why events cannot be streamed.
#[derive(Debug, thiserror::Error)]
pub(super) enum StreamError {
    #[error(transparent)]
    Channel(#[from] ChannelError),
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// A stream that has begun.
#[derive(Debug)]
pub(super) struct Stream {
    /// For the session to write to.
    pub(super) theirs: Connection,
    /// To be closed when the session has ended.
    pub(super) ours: Connection,
}

/// Tell the command where its events come, and begin to send them there.
/// `passed_on` is called at the end of it.
pub(super) fn open(
    directory: &RuntimeDir,
    command: &Connection,
    passed_on: impl FnOnce() + Send + 'static,
) -> Result<Stream, StreamError> {
    let (ours, theirs) = Connection::pair()?;
    let mut listener = ChannelListener::open(directory, PATIENCE)?;
    command.say(&DaemonToClient::Channel { address: listener.address() })?;
    let source = ours.try_clone()?;
    std::thread::Builder::new().name("events".to_owned()).spawn(move || {
        if pass_on(&source, &mut listener).is_err() {
            // The command is gone, or reads no more: the session must not wait for it.
            source.finish_receiving();
        }
        passed_on();
    })?;
    Ok(Stream { theirs, ours })
}

fn pass_on(source: &Connection, listener: &mut ChannelListener) -> Result<(), StreamError> {
    let channel = listener.channel();
    loop {
        let batch = source.receive_bytes(BATCH)?;
        if batch.is_empty() {
            return Ok(channel.finish()?);
        }
        channel.send(&batch)?;
    }
}
