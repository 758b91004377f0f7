//! Tells a signal to this command's whole process group from one to this command alone.
//!
//! `kill %1` in a shell, `timeout` and CI runners signal the group, and mean what tests have started as well; that is in
//! the session's group. The kernel does not tell a process whom else a signal was for. So a child stays in the group,
//! with every signal blocked, and does nothing: what was for the group is pending there too. See `docs/design/run.md`.

use std::time::Duration;

use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, pthread_sigmask};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork, getpid, getppid, pause};

use crate::platform;

/// To wait for the rest of the group: the kernel signals its members one after the other, `timeout` its child before it.
const MOMENT: Duration = Duration::from_millis(2);

/// The child. It ends with this value, and with this command.
#[derive(Debug)]
pub(crate) struct Bystander {
    pid: Pid,
}

impl Bystander {
    /// None where there can be none: then every signal that a process has sent counts as for this command alone.
    pub(crate) fn fork() -> Option<Self> {
        if !platform::TELLS_PENDING_SIGNALS {
            return None;
        }
        let (all, mut before) = (SigSet::all(), SigSet::empty());
        pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&all), Some(&mut before)).ok()?;
        let parent = getpid();
        #[expect(unsafe_code, reason = "nothing but a fork has the signals of the group and costs next to nothing")]
        // SAFETY: the child only makes system calls.
        let forked = unsafe { fork() };
        if let Ok(ForkResult::Child) = forked {
            stand_by(parent);
        }
        // It was the thread's own mask.
        let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None);
        match forked {
            Ok(ForkResult::Parent { child }) => Some(Self { pid: child }),
            _ => None,
        }
    }

    /// Whether the group got a signal that this command has got just now.
    pub(crate) fn got(&self, signal: i32) -> bool {
        let is_pending = || platform::pending(self.pid.as_raw()).contains(&signal);
        is_pending() || {
            std::thread::sleep(MOMENT);
            is_pending()
        }
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        // It is there until it has been waited for, unless the system reaps by itself.
        let _ = kill(self.pid, Signal::SIGKILL);
        let _ = waitpid(self.pid, None);
    }
}

/// Be the child.
fn stand_by(parent: Pid) -> ! {
    // Pipes must be seen to close when the command ends, and the connection.
    if platform::end_with_parent() && getppid() == parent && platform::close_all() {
        pause(); // for ever: no signal comes through but SIGKILL
    }
    #[expect(unsafe_code, reason = "what the parent has registered for its exit is not for this process")]
    // SAFETY: it only ends the process.
    unsafe {
        nix::libc::_exit(0)
    }
}
