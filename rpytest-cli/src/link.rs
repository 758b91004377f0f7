//! The way to the daemon: connect, or start one. A lock decides who of many starts it. See `docs/design/run.md`.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use command_fds::{CommandFdExt, FdMapping};
use rpytest_ipc::{Connection, ConnectionError, DaemonToClient, Hello, Lock, PROTOCOL, RuntimeDir, RuntimeDirError};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::daemon::state_dir;
use crate::descriptors::Inherited;

/// Where the daemon finds its lock, and the pipe that it closes when it listens.
pub(crate) const LOCK: i32 = 3;
pub(crate) const READY: i32 = 4;

/// After so long without a daemon, a run goes the plain way.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(2);

/// Why there is no way to a daemon.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    /// There is no place to meet.
    #[error(transparent)]
    RuntimeDir(#[from] RuntimeDirError),
    /// The system says so.
    #[error("no daemon can be reached or started: {0}")]
    Io(#[from] io::Error),
    /// The daemon breaks off.
    #[error("the daemon does not answer: {0}")]
    Connection(#[from] ConnectionError),
    /// It has told its log why.
    #[error("the daemon could not start: {} says why", .0.display())]
    Stillborn(PathBuf),
    /// Time is up.
    #[error("no daemon within {} seconds", DEADLINE.as_secs())]
    Deadline,
    /// It is not for an older command to send a newer daemon away.
    #[error("the daemon is of the newer version {0}")]
    Newer(String),
}

/// What this build says of itself.
pub(crate) fn hello() -> Hello {
    Hello { protocol: PROTOCOL, version: env!("CARGO_PKG_VERSION").to_owned(), build: rpytest_py::build().to_owned() }
}

/// Where commands and daemon meet.
pub(crate) fn runtime_dir() -> Result<RuntimeDir, RuntimeDirError> {
    RuntimeDir::find(|name| std::env::var_os(name))
}

/// Connect to the daemon that runs. None: there is none.
pub(crate) fn connect(directory: &RuntimeDir) -> Result<Option<Connection>, LinkError> {
    match Connection::connect(&directory.socket()) {
        Ok(connection) => Ok(Some(connection)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Connect to the daemon; start one if there is none.
pub(crate) fn connect_or_start(directory: &RuntimeDir, inherited: &Inherited) -> Result<Connection, LinkError> {
    let deadline = Instant::now() + DEADLINE;
    while Instant::now() < deadline {
        if let Some(connection) = connect(directory)? {
            return Ok(connection);
        }
        match Lock::try_take(&directory.lock())? {
            // Somebody else is starting it, or has just left it.
            None => std::thread::sleep(PAUSE),
            Some(lock) => {
                start(directory, &lock, inherited, deadline)?;
                return connect(directory)?
                    .ok_or_else(|| LinkError::Stillborn(rpytest_py::daemon::log_in(&state_dir(directory))));
            }
        }
    }
    Err(LinkError::Deadline)
}

/// What to do about a daemon of another version.
pub(crate) fn settle(directory: &RuntimeDir, theirs: &Hello) -> Result<(), LinkError> {
    if is_newer(theirs, &hello()) {
        return Err(LinkError::Newer(theirs.version.clone()));
    }
    let Some(connection) = connect(directory)? else { return Ok(()) };
    connection.set_timeouts(Some(DEADLINE))?;
    connection.say(&rpytest_ipc::ClientToDaemon::Hello(hello()))?;
    connection.say(&rpytest_ipc::ClientToDaemon::Retire)?;
    match connection.receive()?.frame.message().map_err(ConnectionError::from)? {
        DaemonToClient::Done { .. } => Ok(()),
        _ => Err(ConnectionError::Closed.into()),
    }
}

fn is_newer(theirs: &Hello, ours: &Hello) -> bool {
    let numbers = |hello: &Hello| -> (u32, Vec<u32>) {
        (hello.protocol, hello.version.split('.').filter_map(|number| number.parse().ok()).collect())
    };
    numbers(theirs) > numbers(ours)
}

/// Start the daemon and wait until it listens.
fn start(directory: &RuntimeDir, lock: &Lock, inherited: &Inherited, deadline: Instant) -> Result<(), LinkError> {
    let (ready, theirs) = io::pipe()?;
    #[cfg(target_os = "linux")]
    let mut command = Command::new(OWN_PROGRAM);
    #[cfg(not(target_os = "linux"))]
    let mut command = Command::new(std::env::current_exe()?);
    // It makes a session of its own, which a process that leads a group cannot: so none is made for it here.
    command.arg("--rpytest-daemon").current_dir("/");
    command.env("RPYTEST_RUNTIME_DIR", directory.path()); // it may have been given relative to this directory
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let lock: OwnedFd = lock.as_fd().try_clone_to_owned()?;
    command
        .fd_mappings(vec![
            FdMapping { parent_fd: lock, child_fd: LOCK },
            FdMapping { parent_fd: theirs.into(), child_fd: READY },
        ])
        .map_err(|collision| io::Error::other(collision.to_string()))?;
    inherited.keep_to_ourselves(true);
    let started = command.spawn();
    inherited.keep_to_ourselves(false);
    drop(command); // and with it our copy of the pipe's other end
    started?;
    let left = Timespec::try_from(deadline.saturating_duration_since(Instant::now())).map_err(io::Error::other)?;
    // Closed when it listens, and when it has failed: the next connection tells which.
    poll(&mut [PollFd::new(&ready, PollFlags::IN)], Some(&left)).map_err(io::Error::from)?;
    Ok(())
}

/// Even if it has been replaced on disk: the daemon is to be of this very build.
#[cfg(target_os = "linux")]
const OWN_PROGRAM: &str = "/proc/self/exe";
