//! A command run against the clock.

use std::io;
use std::process::{Command, ExitStatus};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How a command ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timed {
    pub(crate) status: ExitStatus,
    pub(crate) wall: Duration,
}

/// Runs `command` to its end and measures it. After `deadline` it is killed, which its status then says.
pub(crate) fn time(command: &mut Command, deadline: Duration) -> io::Result<Timed> {
    let started = Instant::now();
    let mut child = command.spawn()?;
    let pid = Pid::from_child(&child);
    let (ended, end) = channel();
    let waiter = thread::spawn(move || {
        let status = child.wait();
        let wall = started.elapsed();
        // Nobody listens any more after the deadline.
        let _ = ended.send(());
        status.map(|status| Timed { status, wall })
    });
    if end.recv_timeout(deadline) == Err(RecvTimeoutError::Timeout) {
        // It may have ended in this very moment.
        let _ = kill_process(pid, Signal::KILL);
    }
    waiter.join().unwrap_or_else(|_| Err(io::Error::other("the thread that waits for it panicked")))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;
    use std::time::Duration;

    use super::time;

    #[test]
    fn the_status_is_that_of_the_command() {
        let mut command = Command::new("sh");
        command.args(["-c", "exit 3"]);
        let timed = time(&mut command, Duration::from_secs(60)).expect("sh runs");
        assert_eq!(timed.status.code(), Some(3));
    }

    #[test]
    fn what_hangs_is_killed() {
        let mut command = Command::new("sleep");
        command.arg("600");
        let timed = time(&mut command, Duration::from_millis(20)).expect("sleep runs");
        assert_eq!(timed.status.signal(), Some(9));
    }
}
