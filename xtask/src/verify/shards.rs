//! The processes of an outer run, side by side.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use thiserror::Error;

/// After this, an outer run hangs. An inner run has a deadline of its own.
const DEADLINE: Duration = Duration::from_secs(2 * 60 * 60);

/// Dropped before all have ended, it kills the others.
#[derive(Debug)]
pub(crate) struct Shards {
    deadline: Instant,
    running: Vec<Pid>,
    ended: Sender<Ended>,
    end: Receiver<Ended>,
}

#[derive(Debug)]
struct Ended {
    pid: Pid,
    status: io::Result<ExitStatus>,
    output: PathBuf,
}

/// Why the results of the processes cannot be used.
#[derive(Debug, Error)]
pub(crate) enum ShardError {
    #[error("failed to start pytest")]
    Start(#[source] io::Error),
    #[error("failed to wait for pytest")]
    Wait(#[source] io::Error),
    #[error("pytest ended with {status}; its output is in {}", output.display())]
    Ended { status: ExitStatus, output: PathBuf },
    #[error("pytest did not end within {} minutes", DEADLINE.as_secs() / 60)]
    Hangs,
}

impl Default for Shards {
    fn default() -> Self {
        let (ended, end) = channel();
        Self { deadline: Instant::now() + DEADLINE, running: Vec::new(), ended, end }
    }
}

impl Shards {
    /// Starts one whose output goes to a file.
    pub(crate) fn start(&mut self, command: &mut Command, output: PathBuf) -> Result<(), ShardError> {
        let file = File::create(&output).map_err(ShardError::Start)?;
        command.stdin(Stdio::null()).stdout(file.try_clone().map_err(ShardError::Start)?).stderr(file);
        let mut child = command.spawn().map_err(ShardError::Start)?;
        let pid = Pid::from_child(&child);
        self.running.push(pid);
        let ended = self.ended.clone();
        // Nobody listens any more when another one has failed.
        thread::spawn(move || drop(ended.send(Ended { pid, status: child.wait(), output })));
        Ok(())
    }

    /// Waits for so long, or for an end. Says whether any goes on.
    pub(crate) fn wait(&mut self, tick: Duration) -> Result<bool, ShardError> {
        match self.end.recv_timeout(tick) {
            Ok(ended) => {
                self.running.retain(|pid| *pid != ended.pid);
                check(ended)?;
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
        if Instant::now() > self.deadline { Err(ShardError::Hangs) } else { Ok(!self.running.is_empty()) }
    }
}

impl Drop for Shards {
    fn drop(&mut self) {
        for pid in &self.running {
            // It may have ended in this very moment.
            let _ = kill_process(*pid, Signal::KILL);
        }
    }
}

/// pytest: 0, all passed; 1, some failed; 5, no test in this part. Whatever else it was cannot be compared.
fn check(ended: Ended) -> Result<(), ShardError> {
    let status = ended.status.map_err(ShardError::Wait)?;
    match status.code() {
        Some(0 | 1 | 5) => Ok(()),
        _ => Err(ShardError::Ended { status, output: ended.output }),
    }
}
