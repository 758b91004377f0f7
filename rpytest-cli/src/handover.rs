//! Everything that a run must inherit from its command, gathered into one request. See `docs/design/run.md`.

use std::collections::HashSet;
use std::ffi::OsString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rpytest_ipc::{ClientToDaemon, Connection, ConnectionError, Frame, Lesson, MAX_PASSED, RunRequest, Turbo};
use rustix::fs::{Mode, OFlags};

use crate::descriptors::Inherited;
use crate::interpreter::{Interpreter, Launcher};
use crate::platform;
use crate::process_facts::{self, Status};
use crate::settings::Settings;

/// What a run is to do beside running tests.
#[derive(Debug, Default)]
pub(crate) struct Extras {
    /// It streams its events.
    pub(crate) events: bool,
    /// What it is to teach.
    pub(crate) lesson: Option<Lesson>,
    /// What it is to collect, if not everything.
    pub(crate) turbo: Option<Turbo>,
    /// What the user has chosen.
    pub(crate) settings: Settings,
    /// Where it is to tell of itself.
    pub(crate) explain: Option<String>,
}

/// A run, ready to be sent.
#[derive(Debug)]
pub(crate) struct Handover<'a> {
    request: RunRequest,
    body: Vec<u8>,
    directory: OwnedFd,
    inherited: &'a Inherited,
}

impl<'a> Handover<'a> {
    /// Gather it. An error is the reason why this run can only be a plain one.
    pub(crate) fn gather(
        interpreter: &Interpreter,
        arguments: &[OsString],
        directory: &Path,
        inherited: &'a Inherited,
        status: &Status,
        extras: Extras,
    ) -> Result<Self, String> {
        let shim = match &interpreter.launcher {
            Launcher::Binary => None,
            Launcher::Shim(fingerprint) => Some(fingerprint.to_string()),
            Launcher::Unknown { why } => return Err(format!("{}: {why}", interpreter.path.display())),
        };
        if inherited.numbers().len() + 3 > MAX_PASSED {
            return Err("too many open descriptors to pass on".to_owned());
        }
        let environment = raw_environment()?;
        let here = rustix::fs::open(".", platform::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .and_then(|directory| rustix::io::fcntl_dupfd_cloexec(&directory, 3))
            .map_err(|errno| format!("the working directory cannot be opened: {errno}"))?;
        let mut body = Vec::with_capacity(8192);
        let words = arguments.iter().map(|argument| argument.as_bytes());
        let variables = environment.iter().map(Vec::as_slice);
        let paths = [interpreter.path.as_os_str().as_bytes(), directory.as_os_str().as_bytes()];
        for word in words.chain(variables).chain(paths) {
            body.extend_from_slice(word);
            body.push(0);
        }
        let request = RunRequest {
            arguments: arguments.len(),
            variables: environment.len(),
            shim,
            descriptors: inherited.numbers().to_vec(),
            umask: process_facts::umask(),
            limits: process_facts::limits(),
            nice: process_facts::nice(),
            scheduling: process_facts::scheduling(),
            affinity: process_facts::affinity(),
            ignored: status.ignored.clone(),
            blocked: status.blocked.clone(),
            confinement: rpytest_ipc::confinement(),
            events: extras.events,
            lesson: extras.lesson,
            turbo: extras.turbo,
            shelf: extras.settings.shelf,
            preload: extras.settings.preload,
            explain: extras.explain,
        };
        Ok(Self { request, body, directory: here, inherited })
    }

    /// Send it.
    pub(crate) fn send(self, connection: &Connection) -> Result<(), ConnectionError> {
        let frame = Frame::with_body(&ClientToDaemon::Run(Box::new(self.request)), self.body)?;
        let mut descriptors: Vec<BorrowedFd<'_>> = vec![self.directory.as_fd()];
        descriptors.extend(self.inherited.descriptors());
        connection.send(&frame, &descriptors)
    }
}

/// Every `NAME=value` as it came. Python can hold no other entries, and of two with one name it shows the first while
/// its children get both.
fn raw_environment() -> Result<Vec<Vec<u8>>, String> {
    let entries = entries().map_err(|error| format!("the environment cannot be read: {error}"))?;
    let mut names = HashSet::with_capacity(entries.len());
    for entry in &entries {
        let name = entry.split(|byte| *byte == b'=').next().unwrap_or_default();
        if name.is_empty() || name.len() == entry.len() || !names.insert(name) {
            return Err("the environment has entries that are not one NAME=value each".to_owned());
        }
    }
    Ok(entries)
}

#[cfg(target_os = "linux")]
fn entries() -> std::io::Result<Vec<Vec<u8>>> {
    let block = std::fs::read("/proc/self/environ")?;
    Ok(block.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()).map(<[u8]>::to_vec).collect())
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "it is read from a file elsewhere")]
fn entries() -> std::io::Result<Vec<Vec<u8>>> {
    Ok(std::env::vars_os().map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes()].concat()).collect())
}
