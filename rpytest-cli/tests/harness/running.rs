//! A command that goes on while the test does something.

use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{DEADLINE, Outcome, wait_for};

/// A command that was started. It is killed when dropped without having been waited for.
#[derive(Debug)]
pub(crate) struct Running {
    child: Option<Child>,
    pid: i32,
}

impl Running {
    /// Start it, with what it writes kept for [`Self::finish`].
    #[track_caller]
    pub(crate) fn start(command: &mut Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self::start_as_is(command)
    }

    /// Start it, with standard output and error as the command says.
    #[track_caller]
    pub(crate) fn start_as_is(command: &mut Command) -> Self {
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let pid = i32::try_from(child.id()).expect("a process id is an i32");
        Self { child: Some(child), pid }
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// Wait until it has written something on standard error: which way its run goes, at least.
    pub(crate) fn wait_for_note(&self) {
        let stderr = self.child.as_ref().and_then(|child| child.stderr.as_ref()).expect("it is a pipe");
        let is_there = || rustix::io::ioctl_fionread(stderr).expect("a pipe tells how much is in it") > 0;
        wait_for("a note of the command's", || is_there().then_some(()));
    }

    /// Send a signal to it alone.
    #[track_caller]
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid), signal).expect("it has not been waited for");
    }

    /// Wait for its end, and for the end of what it writes.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Outcome {
        let child = self.child.take().expect("it is taken here alone");
        let (sender, receiver) = mpsc::channel();
        // Whoever gave up waiting does not want the answer.
        std::thread::spawn(move || sender.send(child.wait_with_output()));
        let Ok(output) = receiver.recv_timeout(DEADLINE) else {
            // It may be gone, and what it has left hold on to its output.
            let _ = kill(Pid::from_raw(self.pid), Signal::SIGKILL);
            panic!("process {} and what it writes have not ended after {DEADLINE:?}", self.pid);
        };
        Outcome::new(&output.expect("a child can be waited for"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // The test has failed already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
