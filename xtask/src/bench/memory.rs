//! How much memory the processes take.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{fs, str};

use serde::Deserialize;

use super::BenchError;
use crate::command::capture;
use crate::sandbox::Sandbox;
use crate::venv::Venv;

/// A test that waits until somebody opens the other end of a FIFO.
const WAITING: &str = "def test_waits():\n    open('fifo').read()\n";

/// Of the daemon and the warm process that serves a workload, in bytes.
#[derive(Debug)]
pub(crate) struct Sizes {
    pub(crate) workload: String,
    /// Resident.
    pub(crate) daemon: u64,
    /// Proportional: pages that are shared count in parts.
    pub(crate) warm_process: u64,
}

/// The part of `rpytest --daemon-status --json` that is of interest here.
#[derive(Debug, Deserialize)]
struct Status {
    memory: u64,
    contexts: Vec<Context>,
}

#[derive(Debug, Deserialize)]
struct Context {
    memory: u64,
}

/// What the daemon of `sandbox` says.
pub(crate) fn sizes(workload: &str, sandbox: &mut Sandbox) -> Result<Vec<Sizes>, BenchError> {
    let text = capture(&mut sandbox.rpytest(&["--daemon-status", "--json"]), |_| ())?;
    let status: Status = serde_json::from_str(&text).map_err(|error| BenchError::Status(error.to_string()))?;
    let of = |context: &Context| Sizes {
        workload: workload.to_owned(),
        daemon: status.memory,
        warm_process: context.memory,
    };
    Ok(status.contexts.iter().map(of).collect())
}

/// The largest resident size of the command itself, in bytes, asked for while its run goes on.
pub(crate) fn peak_of_a_command(venv: &Venv, program: &Path) -> Result<u64, BenchError> {
    let directory = tempfile::tempdir().map_err(BenchError::Place)?;
    let fifo = directory.path().join("fifo");
    fs::write(directory.path().join("test_waits.py"), WAITING).map_err(BenchError::Place)?;
    capture(Command::new("mkfifo").arg(&fifo), |_| ())?;
    let mut sandbox = Sandbox::new(directory.path(), venv.directory(), program).map_err(BenchError::Place)?;
    let mut command = sandbox.rpytest(&["-q"]);
    let run = |source| BenchError::Run { line: "rpytest -q".to_owned(), source };
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().map_err(run)?;
    // Opening it to write ends the wait of the test, and waits for the test itself.
    let writer = fs::OpenOptions::new().write(true).open(&fifo).map_err(run)?;
    let peak = peak(child.id()).map_err(run);
    drop(writer);
    child.wait().map_err(run)?;
    peak
}

/// `VmHWM` of `proc(5)`.
fn peak(pid: u32) -> io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.map(|kibibytes| kibibytes * 1024).ok_or_else(|| io::Error::other("no VmHWM in the status of a process"))
}
