//! One run: find the interpreter, hand everything over, wait for the end. See `docs/design/run.md`.

use std::io;
use std::path::Path;

use rpytest_ipc::{ClientToDaemon, Connection, ConnectionError, DaemonToClient, End, Hello, Lesson, RuntimeDir, Turbo};

use crate::arguments::RunArguments;
use crate::descriptors::Inherited;
use crate::ending::{INTERNAL_ERROR, USAGE_ERROR};
use crate::events::Events;
use crate::explain::Explanation;
use crate::handover::{Extras, Handover};
use crate::interpreter::Interpreter;
use crate::inventory::{self, place};
use crate::link::LinkError;
use crate::process_facts::Status;
use crate::settings::Settings;
use crate::signals::{Forwarding, stop_ourselves};
use crate::{asking, link, note, plain, platform};

/// Do what `python -m pytest ARGS` does.
pub(crate) fn run(arguments: &RunArguments, inherited: &Inherited) -> End {
    if arguments.collect.is_some() {
        platform::end_with_parent(); // which has asked for it
    }
    let directory = std::env::current_dir().unwrap_or_default();
    let interpreter = match Interpreter::find_here(arguments.python.as_deref(), &directory) {
        Ok(interpreter) => interpreter,
        Err(not_found) => {
            note::say(not_found);
            return USAGE_ERROR;
        }
    };
    let mut events = match arguments.events.as_deref().map(Events::to).transpose() {
        Ok(events) => events,
        Err(error) => {
            note::say(format_args!("cannot write the events: {error}"));
            return USAGE_ERROR;
        }
    };
    let settings = match Settings::read(&directory) {
        Ok(settings) => settings,
        Err(error) => {
            note::say(error);
            return USAGE_ERROR;
        }
    };
    let mut explanation = arguments.explain.then(Explanation::begin);
    let turbo = match arguments.turbo.then(|| inventory::plan(arguments, &interpreter, &directory)).transpose() {
        Ok(turbo) => turbo,
        Err(reason) => {
            if let Some(explanation) = &mut explanation {
                explanation.collects(reason);
            }
            None
        }
    };
    let status = Status::read();
    let wish = Wish { interpreter: &interpreter, arguments, directory: &directory, inherited, status, turbo, settings };
    match wish.be_served(&mut events, &mut explanation) {
        Ok(end) => {
            if wish.turbo.is_some() && end == USAGE_ERROR {
                inventory::distrust(arguments, &interpreter, &directory);
            }
            if let Some(explanation) = explanation {
                explanation.say();
            }
            if let Some(events) = events {
                events.ended(end);
            }
            end
        }
        Err(Unserved::NoPytest) => no_pytest(&interpreter),
        Err(Unserved::Plain(reason)) => {
            if let Some(events) = events {
                events.plain(&reason);
            }
            drop(explanation); // and its file: nothing of ours is left after this
            if arguments.explain {
                note::say(format_args!("this is a plain run of pytest: {reason}"));
            }
            plain::exec(&interpreter.path, &arguments.pytest, &reason)
        }
    }
}

fn no_pytest(interpreter: &Interpreter) -> End {
    note::say(format_args!(
        "no pytest in {} ({}): looked for the module `pytest` on its sys.path; `{0} -m pip install pytest` installs it",
        interpreter.path.display(),
        interpreter.origin,
    ));
    USAGE_ERROR
}

/// Why there was no session.
enum Unserved {
    /// For this reason the run must be a plain one.
    Plain(String),
    /// The interpreter has no pytest.
    NoPytest,
}

impl From<LinkError> for Unserved {
    fn from(error: LinkError) -> Self {
        Self::Plain(error.to_string())
    }
}

impl From<ConnectionError> for Unserved {
    fn from(error: ConnectionError) -> Self {
        Self::Plain(match error {
            ConnectionError::Io(error) if error.kind() == io::ErrorKind::WouldBlock => {
                "the daemon does not answer".to_owned()
            }
            error => format!("the daemon broke off: {error}"),
        })
    }
}

/// What the daemon has answered.
enum Answer {
    Session { pid: i32 },
    OtherVersion(Hello),
}

/// A run that is to be served.
struct Wish<'a> {
    interpreter: &'a Interpreter,
    arguments: &'a RunArguments,
    directory: &'a Path,
    inherited: &'a Inherited,
    status: Status,
    turbo: Option<Turbo>,
    settings: Settings,
}

impl Wish<'_> {
    /// Have a session, and stay with it to its end.
    fn be_served(&self, events: &mut Option<Events>, explanation: &mut Option<Explanation>) -> Result<End, Unserved> {
        if std::env::var_os("RPYTEST_FALLBACK").is_some_and(|value| value == "1") {
            return Err(Unserved::Plain("RPYTEST_FALLBACK is set".to_owned()));
        }
        let runtime_dir = link::runtime_dir().map_err(LinkError::from)?;
        let forwarding = Forwarding::begin(&self.status).map_err(LinkError::from)?;
        for _ in 0..2 {
            let connection = link::connect_or_start(&runtime_dir, self.inherited)?;
            if let Some(timeout) = self.arguments.idle_timeout {
                let second = link::connect_or_start(&runtime_dir, self.inherited)?;
                asking::set_idle_timeout(&second, timeout)?;
            }
            // Now: once there is a session, nothing may fail any more.
            let for_signals = connection.try_clone().map_err(LinkError::from)?;
            match self.ask(&connection, &runtime_dir, events, explanation) {
                Ok(Answer::Session { pid }) => {
                    forwarding.begin_session(for_signals);
                    return Ok(stay_with(&connection, pid));
                }
                Ok(Answer::OtherVersion(theirs)) => link::settle(&runtime_dir, &theirs)?,
                Err(unserved) => return begun_after_all(&connection).ok_or(unserved),
            }
        }
        Err(Unserved::Plain("the daemon was of another version twice".to_owned()))
    }

    fn ask(
        &self,
        connection: &Connection,
        runtime_dir: &RuntimeDir,
        events: &mut Option<Events>,
        explanation: &mut Option<Explanation>,
    ) -> Result<Answer, Unserved> {
        let explain = explanation.as_mut().and_then(|explanation| explanation.listen(runtime_dir));
        let handover = self.gather(events.is_some(), explain, runtime_dir).map_err(Unserved::Plain)?;
        connection.set_timeouts(Some(link::DEADLINE)).map_err(LinkError::from)?;
        let sent = connection.say(&ClientToDaemon::Hello(link::hello())).and_then(|()| handover.send(connection));
        // A daemon of another version may have hung up on the request; its own Hello is there to be read all the same.
        if !matches!(sent, Ok(()) | Err(ConnectionError::Closed)) {
            sent?;
        }
        loop {
            match receive(connection)? {
                DaemonToClient::Hello(theirs) => return Ok(Answer::OtherVersion(theirs)),
                DaemonToClient::Accepted => connection.set_timeouts(None).map_err(LinkError::from)?,
                DaemonToClient::Refused { missing: true, .. } => return Err(Unserved::NoPytest),
                DaemonToClient::Refused { reason, .. } => return Err(Unserved::Plain(reason)),
                DaemonToClient::Channel { address } => {
                    if let Some(events) = events {
                        events.follow(&address);
                    }
                }
                DaemonToClient::Started { pid, path, reason, stage, no_further } => {
                    let because = reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
                    note::log(format_args!("{path:?} session, process {pid}{because}"));
                    if let Some(events) = events {
                        events.started(path, reason.as_deref());
                    }
                    if let Some(explanation) = explanation {
                        explanation.began(path, reason, stage, no_further);
                    }
                    return Ok(Answer::Session { pid });
                }
                // Not of its own doing: it goes on to begin, or ends.
                DaemonToClient::Stopped { .. } => {}
                DaemonToClient::Ended { end } => {
                    return Err(Unserved::Plain(format!("the session ended before it began: {end:?}")));
                }
                DaemonToClient::Done { .. } => {
                    return Err(Unserved::Plain("the daemon does not keep to the protocol".to_owned()));
                }
            }
        }
    }

    fn gather(&self, events: bool, explain: Option<String>, runtime_dir: &RuntimeDir) -> Result<Handover<'_>, String> {
        let arguments = &self.arguments.pytest;
        let (lesson, turbo, settings) = (self.lesson(runtime_dir), self.turbo.clone(), self.settings.clone());
        let extras = Extras { events, lesson, turbo, settings, explain };
        Handover::gather(self.interpreter, arguments, self.directory, self.inherited, &self.status, extras)
    }

    /// What the run is to teach; nothing where a path cannot be told, or there is no place to keep it.
    fn lesson(&self, runtime_dir: &RuntimeDir) -> Option<Lesson> {
        let (directory, collect) = match &self.arguments.collect {
            Some((directory, collect)) => (directory.clone(), Some(*collect)),
            None => (place::of_all(self.interpreter, self.directory)?, None),
        };
        Some(Lesson {
            directory: directory.into_os_string().into_string().ok()?,
            front_door: runtime_dir.socket().into_os_string().into_string().ok()?,
            hello: link::hello(),
            collect,
        })
    }
}

fn receive(connection: &Connection) -> Result<DaemonToClient, ConnectionError> {
    Ok(connection.receive()?.frame.message()?)
}

/// Before the run becomes a plain one no session may begin any more: from here on none can say that it does, and then it
/// does not. One that has just said so is ended.
fn begun_after_all(connection: &Connection) -> Option<End> {
    connection.finish_receiving();
    loop {
        if let DaemonToClient::Started { pid, .. } = receive(connection).ok()? {
            return Some(abandoned(pid, &ConnectionError::Closed));
        }
    }
}

/// From the session's start to its end.
fn stay_with(connection: &Connection, pid: i32) -> End {
    loop {
        match receive(connection) {
            Ok(DaemonToClient::Ended { end }) => return end,
            Ok(DaemonToClient::Stopped { signal }) => stop_ourselves(signal),
            Ok(_) => {}
            Err(error) => return abandoned(pid, &error),
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
