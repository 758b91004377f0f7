//! The answer to `--daemon-status`: gathered in the loop, given over a channel by a thread.
//!
//! See `docs/design/handshake.md`.

use std::time::{Duration, Instant};

use rpytest_ipc::{
    ChannelError, ChannelListener, Connection, ConnectionError, ContextStatus, DaemonStatus, DaemonToClient, RuntimeDir,
};
use rustix::process::Pid;

use super::dispatcher::{Dispatcher, Overview};
use super::hands::Hands;
use super::server::DaemonOptions;
use crate::process::{proportional, resident};

/// How long the command that asked may take to fetch the answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why an answer was not given.
#[derive(Debug, thiserror::Error)]
pub(super) enum StatusError {
    #[error(transparent)]
    Channel(#[from] ChannelError),
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    #[error("not to be put into words: {0}")]
    Words(#[from] serde_json::Error),
    #[error("no thread to answer in: {0}")]
    Thread(#[from] std::io::Error),
}

/// The state of everything, now.
pub(super) fn gather(
    options: &DaemonOptions,
    started: Instant,
    dispatcher: &Dispatcher,
    hands: &Hands,
) -> DaemonStatus {
    let now = Instant::now();
    DaemonStatus {
        version: options.hello.version.clone(),
        pid: std::process::id(),
        uptime: now.duration_since(started).as_secs_f64(),
        idle_timeout: options.idle_timeout.as_secs(),
        memory: resident(),
        log: hands.log.path().display().to_string(),
        contexts: dispatcher.overview().iter().map(|overview| context(overview, hands, now)).collect(),
        runs: hands.recent(now),
    }
}

fn context(overview: &Overview<'_>, hands: &Hands, now: Instant) -> ContextStatus {
    let kept = overview.zygote.and_then(|zygote| hands.zygotes.get(&zygote));
    let facts = kept.and_then(|kept| kept.facts.as_ref()).map(crate::process::Facts::session);
    let pid = kept.and_then(|kept| kept.zygote.as_ref()).and_then(|zygote| i32::try_from(zygote.pid).ok());
    ContextStatus {
        repository: overview.key.directory_name.display().to_string(),
        interpreter: overview.key.interpreter.display().to_string(),
        python: facts.map(|facts| facts.python.clone()),
        pytest: facts.map(|facts| facts.pytest.clone()),
        state: overview.state.to_owned(),
        reason: overview.reason.map(str::to_owned),
        pid,
        age: kept.map_or(0.0, |kept| now.duration_since(kept.since).as_secs_f64()),
        idle: now.duration_since(overview.last_use).as_secs_f64(),
        runs_served: overview.runs,
        memory: pid.and_then(Pid::from_raw).map_or(0, proportional),
    }
}

/// Tell the command where its answer waits, and give it there. `answered` is called when that is over, if it began.
pub(super) fn offer(
    directory: &RuntimeDir,
    connection: &Connection,
    status: &DaemonStatus,
    answered: impl FnOnce() + Send + 'static,
) -> Result<(), StatusError> {
    let payload = serde_json::to_vec(status)?;
    let mut listener = ChannelListener::open(directory, PATIENCE)?;
    connection.say(&DaemonToClient::Channel { address: listener.address() })?;
    std::thread::Builder::new().name("status".to_owned()).spawn(move || {
        let channel = listener.channel();
        // A command that has lost interest is not missed.
        let _ = channel.send(&payload).and_then(|()| channel.finish());
        drop(listener);
        answered();
    })?;
    Ok(())
}
