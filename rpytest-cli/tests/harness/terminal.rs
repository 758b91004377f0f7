//! A pseudo-terminal with a command on it, as the controlling terminal of a session of its own.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Instant;

use nix::sys::signal::Signal;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::termios::{Winsize, tcsetwinsize};

use super::{DEADLINE, End, Running};

/// The user's side of a terminal.
#[derive(Debug)]
pub(crate) struct Terminal {
    master: File,
    running: Running,
    /// What has come, and how much of it was expected already.
    seen: Vec<u8>,
    expected: usize,
}

impl Terminal {
    /// Start a command on a terminal of 24 lines and 80 columns; its three standard streams are that terminal.
    #[track_caller]
    pub(crate) fn start(command: &mut Command) -> Self {
        let (master, slave) = open().expect("there are pseudo-terminals");
        resize(&master, 24, 80);
        let stream = || slave.try_clone().expect("a descriptor can be copied");
        command.stdin(stream()).stdout(stream()).stderr(stream());
        #[expect(unsafe_code, reason = "a session with a controlling terminal can only be made between fork and exec")]
        // SAFETY: two system calls, nothing else.
        unsafe {
            command.pre_exec(|| {
                rustix::process::setsid()?;
                rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
                Ok(())
            })
        };
        let running = Running::start_as_is(command);
        // The command keeps its copies of the streams: without this the end of the session would not show.
        command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
        command.stderr(std::process::Stdio::null());
        Self { master: File::from(master), running, seen: Vec::new(), expected: 0 }
    }

    /// The process that was started.
    pub(crate) fn pid(&self) -> i32 {
        self.running.pid()
    }

    /// Send a signal to the process that was started.
    #[track_caller]
    pub(crate) fn signal(&self, signal: Signal) {
        self.running.signal(signal);
    }

    /// Wait until `text` has been written after what was expected before; return what came until then.
    #[track_caller]
    pub(crate) fn expect(&mut self, text: &str) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let new = &self.seen[self.expected..];
            if let Some(at) = new.windows(text.len()).position(|window| window == text.as_bytes()) {
                let until = String::from_utf8_lossy(&new[..at + text.len()]).into_owned();
                self.expected += at + text.len();
                return until;
            }
            assert!(self.read_more(deadline), "{text:?} does not come:\n{}", self.screen());
        }
    }

    /// Type.
    #[track_caller]
    pub(crate) fn type_keys(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// Change the size of the window.
    #[track_caller]
    pub(crate) fn resize(&self, rows: u16, columns: u16) {
        resize(&self.master, rows, columns);
    }

    /// Wait until everybody has left the terminal; how the command ended, and all that was written, by lines that end as
    /// in a file.
    #[track_caller]
    pub(crate) fn finish(mut self) -> (End, String) {
        let deadline = Instant::now() + DEADLINE;
        while self.read_more(deadline) {}
        assert!(Instant::now() < deadline, "somebody stays on the terminal:\n{}", self.screen());
        let text = self.screen().replace("\r\n", "\n");
        (self.running.finish().end, text)
    }

    /// Close the window; how the command ended.
    #[track_caller]
    pub(crate) fn hang_up(self) -> End {
        drop(self.master);
        self.running.finish().end
    }

    /// All that has been written.
    pub(crate) fn screen(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    /// False: nothing more comes, or not before the deadline.
    fn read_more(&mut self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec { tv_sec: i64::try_from(left.as_secs()).unwrap_or(0), tv_nsec: left.subsec_nanos().into() };
        let mut ready = [PollFd::new(&self.master, PollFlags::IN)];
        if poll(&mut ready, Some(&left)).expect("a terminal can be polled") == 0 {
            return false;
        }
        let mut bytes = [0; 4096];
        // A terminal that nobody has open any more cannot be read.
        let count = self.master.read(&mut bytes).unwrap_or(0);
        self.seen.extend(&bytes[..count]);
        count > 0
    }
}

/// Both sides; neither is inherited by what other tests start at the same time.
fn open() -> rustix::io::Result<(OwnedFd, OwnedFd)> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let master = rustix::fs::open("/dev/ptmx", flags, Mode::empty())?;
    rustix::pty::grantpt(&master)?;
    rustix::pty::unlockpt(&master)?;
    let slave = rustix::fs::open(rustix::pty::ptsname(&master, Vec::new())?, flags, Mode::empty())?;
    Ok((master, slave))
}

#[track_caller]
fn resize(master: impl AsFd, rows: u16, columns: u16) {
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(master, size).expect("a terminal has a size");
}
