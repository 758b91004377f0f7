//! One zygote: an interpreter that was started to pause, and the socket over which it is asked for sessions.
//!
//! See `docs/design/zygote.md`.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::SystemTime;

use command_fds::{CommandFdExt, FdMapping};
use rpytest_ipc::{Connection, ConnectionError, DaemonToZygote, Frame, ZygoteToDaemon};
use rustix::process::umask;

use crate::context::Recipe;
use crate::package;
use crate::platform;

/// Read by `start.py`, which explains its value.
const ZYGOTE_VARIABLE: &str = "_RPYTEST_ZYGOTE";
/// Read by `start.py`, too.
const OPTIONS_VARIABLE: &str = "_RPYTEST_OPTIONS";
/// An interpreter that does not find the package, or does not look for it, is to end, and not to run what tests are there.
const WITHOUT_PACKAGE: &str = "-p rpytest_zygote_is_missing";
const CONTROL: i32 = 3;
/// The most that is kept of what a zygote wrote before it failed, in bytes.
const LONGEST_COMPLAINT: u64 = 4096;

/// What comes from a zygote.
#[derive(Debug)]
pub(crate) enum ZygoteNews {
    /// A message.
    Says(ZygoteToDaemon),
    /// It is gone; with what it wrote to its standard streams.
    Gone(String),
}

/// The daemon's hold of a zygote. Without it the zygote leaves, after its last session.
#[derive(Debug)]
pub(crate) struct Zygote {
    control: Connection,
    pub(crate) pid: u32,
    pub(crate) started: SystemTime,
}

impl Zygote {
    /// Start `INTERPRETER -m pytest` with `package` first on `PYTHONPATH`. What it says goes to `tell`, from a thread.
    pub(crate) fn start(
        recipe: &Recipe,
        package: &Path,
        tell: impl Fn(ZygoteNews) + Send + 'static,
    ) -> io::Result<Self> {
        let started = SystemTime::now();
        // Somebody may have emptied the cache: without it the interpreter would run pytest, on all tests that are there.
        package::install(package.parent().unwrap_or(package))?;
        let (control, theirs) = Connection::pair()?;
        let output = platform::nameless_file()?;
        let mut command = command(recipe, package, theirs.into(), &output)?;
        // The mask is the whole process's; what other threads make meanwhile is in directories of mode 0700.
        let ours = umask(platform::mask(recipe.umask));
        let spawned = command.spawn();
        umask(ours);
        let mut child = spawned?;
        let listening = control.try_clone()?;
        let pid = child.id();
        let thread = std::thread::Builder::new().name(format!("zygote {pid}"));
        thread.spawn(move || listen(&listening, &mut child, output, &tell))?;
        Ok(Self { control, pid, started })
    }

    /// Ask for a session.
    pub(crate) fn run(
        &self,
        message: &DaemonToZygote,
        body: Vec<u8>,
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), ConnectionError> {
        self.control.send(&Frame::with_body(message, body)?, descriptors)
    }

    /// Something has changed where its runs are.
    pub(crate) fn look_again(&self) {
        // A zygote that is gone has nothing to look at.
        let _ = self.control.say(&DaemonToZygote::LookAgain);
    }

    /// Let it leave after its last session.
    pub(crate) fn retire(&self) {
        // A zygote that is gone has left.
        let _ = self.control.say(&DaemonToZygote::Retire);
    }

    /// End it, and its sessions, as a closed terminal would.
    pub(crate) fn hang_up(&self) {
        // A zygote that is gone already has hung up.
        let _ = self.control.say(&DaemonToZygote::HangUp);
    }
}

impl Drop for Zygote {
    fn drop(&mut self) {
        self.control.finish_sending();
    }
}

fn command(recipe: &Recipe, package: &Path, control: OwnedFd, output: &File) -> io::Result<Command> {
    let python_path = recipe.variable("PYTHONPATH");
    let mut path = OsString::from(package);
    let mut variable = OsString::from(CONTROL.to_string());
    if let Some(given) = python_path {
        variable.push(":");
        variable.push(given);
        if !given.is_empty() {
            path.push(":");
            path.push(given);
        }
    }
    let mut command = Command::new(&recipe.interpreter);
    let options = recipe.variable("PYTEST_ADDOPTS").map(|given| (OPTIONS_VARIABLE, given));
    command
        .args(["-m", "pytest"])
        .env_clear()
        .envs(recipe.variables())
        .env("PYTHONPATH", path)
        .env(ZYGOTE_VARIABLE, variable)
        .env("PYTEST_ADDOPTS", WITHOUT_PACKAGE)
        .envs(options)
        .current_dir(recipe.directory_path())
        .stdin(Stdio::null())
        .stdout(Stdio::from(output.try_clone()?))
        .stderr(Stdio::from(output.try_clone()?))
        .process_group(0);
    command
        .fd_mappings(vec![FdMapping { parent_fd: control, child_fd: CONTROL }])
        .map_err(|collision| io::Error::other(collision.to_string()))?;
    Ok(command)
}

fn listen(control: &Connection, child: &mut Child, output: File, tell: &impl Fn(ZygoteNews)) {
    while let Ok(received) = control.receive() {
        match received.frame.message() {
            Ok(message) => tell(ZygoteNews::Says(message)),
            Err(_) => break,
        }
    }
    control.finish_sending();
    // Its status says nothing that its output does not; waiting keeps it from staying a zombie.
    let _ = child.wait();
    tell(ZygoteNews::Gone(complaint(output)));
}

fn complaint(mut output: File) -> String {
    let mut text = Vec::new();
    match output.rewind().and_then(|()| output.take(LONGEST_COMPLAINT).read_to_end(&mut text)) {
        Ok(_) => String::from_utf8_lossy(&text).trim().to_owned(),
        Err(error) => error.to_string(),
    }
}
