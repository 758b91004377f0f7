//! One run: find the interpreter, hand everything over, wait for the end. See `docs/design/run.md`.

use std::ffi::OsString;
use std::path::Path;

use rpytest_ipc::{ClientToDaemon, Connection, ConnectionError, DaemonToClient, End};

use crate::arguments::RunArguments;
use crate::descriptors::Inherited;
use crate::ending::{INTERNAL_ERROR, USAGE_ERROR};
use crate::handover::Handover;
use crate::interpreter::{Interpreter, Surroundings, own_path};
use crate::process_facts::Status;
use crate::signals::{Forwarding, stop_ourselves};
use crate::{asking, link, note, plain};

/// How an attempt to be served went.
enum Attempt {
    /// There was a session, and this is how it ended.
    Ended(End),
    /// There was none, for this reason: plain pytest it is.
    Plain(String),
    /// The interpreter has no pytest.
    NoPytest,
    /// The daemon is of another version, and has been told so; try again.
    Again,
}

/// Do what `python -m pytest ARGS` does.
pub(crate) fn run(arguments: &RunArguments, inherited: &Inherited) -> End {
    let status = Status::read();
    let environment: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    let directory = std::env::current_dir().unwrap_or_default();
    let own_path = own_path();
    let surroundings = Surroundings {
        python: arguments.python.as_deref(),
        own_path: own_path.as_deref(),
        directory: &directory,
        environment: &environment,
    };
    let interpreter = match Interpreter::find(&surroundings) {
        Ok(interpreter) => interpreter,
        Err(not_found) => {
            note::say(not_found);
            return USAGE_ERROR;
        }
    };
    let reason = if surroundings.variable("RPYTEST_FALLBACK").is_some_and(|value| value == "1") {
        "RPYTEST_FALLBACK is set".to_owned()
    } else {
        match served(&interpreter, arguments, &directory, inherited, &status) {
            Attempt::Ended(end) => return end,
            Attempt::NoPytest => return no_pytest(&interpreter),
            Attempt::Plain(reason) => reason,
            Attempt::Again => "the daemon was of another version twice".to_owned(),
        }
    };
    plain::exec(&interpreter.path, &arguments.pytest, &reason)
}

fn no_pytest(interpreter: &Interpreter) -> End {
    note::say(format_args!(
        "no pytest in {} ({}): looked for the module `pytest` on its sys.path; `{0} -m pip install pytest` installs it",
        interpreter.path.display(),
        interpreter.origin,
    ));
    USAGE_ERROR
}

fn served(
    interpreter: &Interpreter,
    arguments: &RunArguments,
    directory: &Path,
    inherited: &Inherited,
    status: &Status,
) -> Attempt {
    let attempt = || attempt(interpreter, arguments, directory, inherited, status);
    match attempt() {
        Attempt::Again => attempt(),
        settled => settled,
    }
}

fn attempt(
    interpreter: &Interpreter,
    arguments: &RunArguments,
    directory: &Path,
    inherited: &Inherited,
    status: &Status,
) -> Attempt {
    let handover = match Handover::gather(interpreter, &arguments.pytest, directory, inherited, status) {
        Ok(handover) => handover,
        Err(reason) => return Attempt::Plain(reason),
    };
    let runtime_dir = match link::runtime_dir() {
        Ok(runtime_dir) => runtime_dir,
        Err(error) => return Attempt::Plain(error.to_string()),
    };
    let connection = match link::connect_or_start(&runtime_dir, inherited) {
        Ok(connection) => connection,
        Err(error) => return Attempt::Plain(error.to_string()),
    };
    if let Some(timeout) = arguments.idle_timeout {
        if let Err(error) = set_idle_timeout(&runtime_dir, timeout) {
            note::say(format_args!("the idle timeout was not set: {error}"));
        }
    }
    match ask(&connection, handover, status) {
        Ok(Answer::Attempt(attempt)) => attempt,
        Ok(Answer::Other(theirs)) => match link::settle(&runtime_dir, &theirs) {
            Ok(()) => Attempt::Again,
            Err(error) => Attempt::Plain(error.to_string()),
        },
        Err(error) => Attempt::Plain(format!("the daemon broke off: {error}")),
    }
}

fn set_idle_timeout(
    runtime_dir: &rpytest_ipc::RuntimeDir,
    timeout: std::time::Duration,
) -> Result<(), link::LinkError> {
    match link::connect(runtime_dir)? {
        Some(connection) => Ok(asking::set_idle_timeout(&connection, timeout)?),
        None => Err(link::LinkError::Deadline),
    }
}

enum Answer {
    Attempt(Attempt),
    Other(rpytest_ipc::Hello),
}

/// Ask for a session and stay with it. An error means that there never was one.
fn ask(connection: &Connection, handover: Handover<'_>, status: &Status) -> Result<Answer, ConnectionError> {
    let forwarding = Forwarding::begin(status, connection.try_clone()?)?;
    let sent = connection.say(&ClientToDaemon::Hello(link::hello())).and_then(|()| handover.send(connection));
    // A daemon of another version may have hung up on the request; its own Hello is there to be read all the same.
    if !matches!(sent, Ok(()) | Err(ConnectionError::Closed)) {
        sent?;
    }
    loop {
        match connection.receive()?.frame.message()? {
            DaemonToClient::Hello(theirs) => return Ok(Answer::Other(theirs)),
            DaemonToClient::Refused { missing: true, .. } => return Ok(Answer::Attempt(Attempt::NoPytest)),
            DaemonToClient::Refused { reason, .. } => return Ok(Answer::Attempt(Attempt::Plain(reason))),
            DaemonToClient::Started { pid, path, reason } => {
                forwarding.session_started();
                let because = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
                note::log(format_args!("{path:?} session, process {pid}{because}"));
                return Ok(Answer::Attempt(stay_with(connection, pid)));
            }
            DaemonToClient::Ended { end } => return Ok(Answer::Attempt(Attempt::Ended(end))),
            DaemonToClient::Stopped { .. } | DaemonToClient::Channel { .. } | DaemonToClient::Done { .. } => {}
        }
    }
}

/// From the session's start to its end.
fn stay_with(connection: &Connection, pid: i32) -> Attempt {
    loop {
        let message = connection.receive().and_then(|received| Ok(received.frame.message()?));
        match message {
            Ok(DaemonToClient::Ended { end }) => return Attempt::Ended(end),
            Ok(DaemonToClient::Refused { reason, .. }) => return Attempt::Plain(reason),
            Ok(DaemonToClient::Stopped { signal }) => stop_ourselves(signal),
            Ok(_) => {}
            Err(error) => return Attempt::Ended(abandoned(pid, &error)),
        }
    }
}

/// The session's parent was killed: nobody will ever know how it ends, so it must not go on.
fn abandoned(pid: i32, error: &ConnectionError) -> End {
    let group = nix::unistd::Pid::from_raw(pid);
    // It may have ended just before.
    let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
    note::say(format_args!("the warm process of this run was killed ({error}); the run has been ended"));
    INTERNAL_ERROR
}
