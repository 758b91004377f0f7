//! One timed run of a command.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// What a run did, and how long it took from its start to its end as its parent sees them.
#[derive(Debug)]
pub(crate) struct Timed {
    pub(crate) elapsed: Duration,
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Timed {
    /// Runs to the end of the process itself. The output goes to files: reading a pipe to its end would wait for
    /// everything that has inherited it.
    pub(crate) fn run(command: &mut Command) -> io::Result<Self> {
        let stdout = tempfile::tempfile()?;
        let run = Self::run_with(command, stdout.try_clone()?.into())?;
        Ok(Self { stdout: text(stdout)?, ..run })
    }

    /// The same, and what it writes to standard output is thrown away: a file system takes its time for megabytes.
    pub(crate) fn run_unread(command: &mut Command) -> io::Result<Self> {
        Self::run_with(command, Stdio::null())
    }

    fn run_with(command: &mut Command, stdout: Stdio) -> io::Result<Self> {
        let stderr = tempfile::tempfile()?;
        command.stdin(Stdio::null()).stdout(stdout).stderr(stderr.try_clone()?);
        let started = Instant::now();
        let status = command.status()?;
        let elapsed = started.elapsed();
        Ok(Self { elapsed, status, stdout: String::new(), stderr: text(stderr)? })
    }
}

fn text(mut file: File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
