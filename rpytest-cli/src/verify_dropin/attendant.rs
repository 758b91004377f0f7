//! Commands that are watched: against the clock, with a word now and then to whoever shows progress, and passing on the
//! signals that the user sends.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};
use std::{io, thread};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rpytest_ipc::End;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::origin::WithOrigin;

use super::VerifyError;
use crate::platform;
use crate::process_facts::Status;

/// How often progress is shown.
const TICK: Duration = Duration::from_millis(100);
/// How long a command may take to end once the user wants it to.
const GRACE: Duration = Duration::from_secs(10);

/// How a command ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attended {
    pub(super) end: End,
    pub(super) wall: Duration,
    /// It was killed, because its time was up.
    pub(super) hung: bool,
}

enum Event {
    Ended(io::Result<ExitStatus>),
    Signal { number: i32, from_terminal: bool },
}

/// Runs one command after the other.
#[derive(Debug)]
pub(super) struct Attendant {
    sender: Sender<Event>,
    events: Receiver<Event>,
}

impl Attendant {
    /// From now on the signals by which users end programs are passed on.
    pub(super) fn new() -> io::Result<Self> {
        let ignored = Status::read().ignored;
        let wanted = [SIGHUP, SIGINT, SIGQUIT, SIGTERM].into_iter().filter(|signal| !ignored.contains(signal));
        let mut signals: SignalsInfo<WithOrigin> = SignalsInfo::new(wanted)?;
        let (sender, events) = channel();
        let told = sender.clone();
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for origin in &mut signals {
                let from_terminal = platform::is_from_terminal(&origin);
                // At the very end nobody listens, and nothing is left to be ended.
                let _ = told.send(Event::Signal { number: origin.signal, from_terminal });
            }
        })?;
        Ok(Self { sender, events })
    }

    /// Run `command` to its end; `deadline` after its start it is killed. An error when the user wants everything to end.
    pub(super) fn run(
        &self,
        command: &mut Command,
        deadline: Option<Duration>,
        mut tick: impl FnMut(),
    ) -> Result<Attended, VerifyError> {
        let started = Instant::now();
        let mut child =
            command.spawn().map_err(|source| VerifyError::Start { program: command.get_program().into(), source })?;
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process id is an i32"));
        let sender = self.sender.clone();
        thread::spawn(move || sender.send(Event::Ended(child.wait())));
        let mut until = deadline.map(|deadline| started + deadline);
        let mut interrupted = None;
        let mut hung = false;
        loop {
            let left = until.map_or(TICK, |until| until.saturating_duration_since(Instant::now()).min(TICK));
            match self.events.recv_timeout(left) {
                Ok(Event::Ended(status)) => {
                    let end = end_of(status.map_err(VerifyError::Wait)?);
                    let attended = Attended { end, wall: started.elapsed(), hung };
                    return interrupted.map_or(Ok(attended), |signal| Err(VerifyError::Interrupted(signal)));
                }
                Ok(Event::Signal { number, from_terminal }) => {
                    interrupted = Some(number);
                    until = Some(Instant::now() + GRACE);
                    if !from_terminal && let Ok(signal) = Signal::try_from(number) {
                        // It may have ended in this very moment.
                        let _ = kill(pid, signal);
                    }
                }
                Err(RecvTimeoutError::Timeout) if until.is_some_and(|until| until <= Instant::now()) => {
                    (hung, until) = (true, None);
                    // As above.
                    let _ = kill(pid, Signal::SIGKILL);
                }
                Err(_) => tick(),
            }
        }
    }
}

fn end_of(status: ExitStatus) -> End {
    status.code().map_or_else(|| End::Signal(status.signal().unwrap_or_default()), End::Code)
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use rpytest_ipc::End;

    use super::{Attendant, Attended};

    fn run(script: &str, deadline: Duration) -> Attended {
        let attendant = Attendant::new().expect("handlers can be installed");
        attendant.run(Command::new("sh").args(["-c", script]), Some(deadline), || ()).expect("sh runs")
    }

    #[test]
    fn the_end_is_that_of_the_command() {
        let attended = run("exit 3", Duration::from_secs(60));
        assert_eq!((attended.end, attended.hung), (End::Code(3), false));
    }

    #[test]
    fn what_hangs_is_killed() {
        let attended = run("exec sleep 600", Duration::from_millis(20));
        assert_eq!((attended.end, attended.hung), (End::Signal(9), true));
    }
}
