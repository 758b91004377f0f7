//! Commands to a daemon that is there: status, stop, clean-up.

use std::path::Path;
use std::time::Duration;

use rpytest_ipc::{
    Channel, ChannelError, ClientToDaemon, Connection, ConnectionError, DaemonStatus, DaemonToClient, End, RuntimeDir,
};

use crate::arguments::DaemonRequest;
use crate::command::print;
use crate::ending::{INTERNAL_ERROR, OK};
use crate::link::{self, LinkError};
use crate::{note, status_text};

const PATIENCE: Duration = Duration::from_secs(10);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    RuntimeDir(#[from] rpytest_ipc::RuntimeDirError),
    #[error("the daemon broke off: {0}")]
    Connection(#[from] ConnectionError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("the daemon's answer did not come: {0}")]
    Channel(#[from] ChannelError),
    #[error("the daemon's answer makes no sense: {0}")]
    Nonsense(#[from] serde_json::Error),
    #[error("the daemon is of another build of version {0}; --daemon-stop stops it, and the next run replaces it")]
    Other(String),
    #[error("the daemon's answer is of another kind than the question")]
    Unexpected,
}

/// Ask, and show the answer.
pub(crate) fn ask(request: &DaemonRequest) -> End {
    match answer(request) {
        Ok(text) if text.is_empty() => OK,
        Ok(text) => print(format!("{text}\n")),
        Err(error) => {
            note::say(error);
            INTERNAL_ERROR
        }
    }
}

/// The status of the daemon that meets its commands there. None: there is no daemon.
pub(crate) fn status(runtime_dir: &RuntimeDir) -> Result<Option<DaemonStatus>, AskError> {
    let Some(connection) = link::connect(runtime_dir)? else { return Ok(None) };
    match exchange(&connection, &ClientToDaemon::Status)? {
        DaemonToClient::Channel { address } => fetch(&address).map(Some),
        _ => Err(AskError::Unexpected),
    }
}

/// End the daemon that meets its commands there, and the runs that it has; return when it is gone.
pub(crate) fn stop(runtime_dir: &RuntimeDir) -> Result<(), AskError> {
    let Some(connection) = link::connect(runtime_dir)? else { return Ok(()) };
    exchange(&connection, &ClientToDaemon::Stop { force: true })?;
    match connection.receive() {
        Err(ConnectionError::Closed) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Err(AskError::Unexpected),
    }
}

fn answer(request: &DaemonRequest) -> Result<String, AskError> {
    let runtime_dir = link::runtime_dir()?;
    let Some(connection) = link::connect(&runtime_dir)? else {
        return Ok(match request {
            DaemonRequest::Status { json: true } => "null".to_owned(),
            _ => "no daemon is running".to_owned(),
        });
    };
    let (message, json) = match request {
        DaemonRequest::Status { json } => (ClientToDaemon::Status, *json),
        DaemonRequest::Stop { force } => (ClientToDaemon::Stop { force: *force }, false),
        DaemonRequest::Cleanup { max_age } => (ClientToDaemon::Cleanup { max_age: max_age.as_secs() }, false),
    };
    match exchange(&connection, &message)? {
        DaemonToClient::Done { text } => Ok(text),
        DaemonToClient::Channel { address } => {
            let status = fetch(&address)?;
            Ok(if json { serde_json::to_string_pretty(&status)? } else { status_text::render(&status) })
        }
        DaemonToClient::Hello(theirs) if matches!(request, DaemonRequest::Stop { .. }) => {
            link::settle(&runtime_dir, &theirs)?;
            Ok(format!("the daemon of version {} leaves once its runs are done", theirs.version))
        }
        DaemonToClient::Hello(theirs) => Err(AskError::Other(theirs.version)),
        _ => Err(AskError::Unexpected),
    }
}

/// Have the daemon leave after being idle for so long.
pub(crate) fn set_idle_timeout(connection: &Connection, timeout: Duration) -> Result<(), ConnectionError> {
    exchange(connection, &ClientToDaemon::SetIdleTimeout { seconds: timeout.as_secs() }).map(drop)
}

/// Have the daemon write what runs have taught so far, if there is a daemon. Whether it could makes no difference.
pub(crate) fn catch_up(directory: &Path) {
    let told = || -> Result<(), AskError> {
        let Some(connection) = link::connect(&link::runtime_dir()?)? else { return Ok(()) };
        let directory = directory.to_string_lossy().into_owned();
        connection.set_timeouts(Some(PATIENCE))?;
        connection.say(&ClientToDaemon::Hello(link::hello()))?;
        connection.say(&ClientToDaemon::Learn { directory })?;
        connection.finish_sending();
        connection.receive()?;
        Ok(())
    };
    let _ = told();
}

fn exchange(connection: &Connection, message: &ClientToDaemon) -> Result<DaemonToClient, ConnectionError> {
    if !matches!(message, ClientToDaemon::Stop { .. }) {
        connection.set_timeouts(Some(PATIENCE))?; // only to stop may take as long as the longest run
    }
    connection.say(&ClientToDaemon::Hello(link::hello()))?;
    connection.say(message)?;
    Ok(connection.receive()?.frame.message()?)
}

fn fetch(address: &str) -> Result<DaemonStatus, AskError> {
    let mut channel = Channel::dial(address, PATIENCE)?;
    let mut bytes = Vec::new();
    while let Some(part) = channel.receive()? {
        bytes.extend(part);
    }
    Ok(serde_json::from_slice(&bytes)?)
}
