//! The same where there is no `/proc`: what the system does not tell is taken to be as in every process.

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use rpytest_ipc::Scheduling;
use rustix::fs::OFlags;
use rustix::process::Resource;
use signal_hook::low_level::siginfo::{Cause, Origin};

use crate::process_facts::Status;

/// Opens a directory, which must be readable.
pub(crate) const DIRECTORY: OFlags = OFlags::DIRECTORY;
/// `resource.RLIM_INFINITY` of Python.
pub(crate) const NO_LIMIT: i64 = i64::MAX;
/// Limits that other systems do not have, by their names in Python's `resource` module.
pub(crate) const LIMITS: &[(&str, Resource)] = &[];

/// What this process does with signals.
pub(crate) fn status() -> Status {
    let blocked = SigSet::thread_get_mask().unwrap_or_else(|_| SigSet::empty());
    Status {
        ignored: Signal::iterator().filter(|signal| is_ignored(*signal)).map(|signal| signal as i32).collect(),
        blocked: blocked.iter().map(|signal| signal as i32).collect(),
    }
}

/// A disposition can only be seen by setting another: for a moment the signal is ignored.
fn is_ignored(signal: Signal) -> bool {
    let ignore = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
    #[expect(unsafe_code, reason = "nothing else tells the disposition of a signal")]
    // SAFETY: no handler is installed yet, so neither disposition runs any code.
    let before = unsafe { sigaction(signal, &ignore) };
    // SIGKILL and SIGSTOP have none.
    let Ok(before) = before else { return false };
    #[expect(unsafe_code, reason = "as above")]
    // SAFETY: as above. It cannot fail where the first call has not.
    let _ = unsafe { sigaction(signal, &before) };
    matches!(before.handler(), SigHandler::SigIgn)
}

/// The scheduling policy and real-time priority: Python cannot set them here.
pub(crate) fn scheduling() -> Option<Scheduling> {
    None
}

/// The processors that it may run on: all.
pub(crate) fn affinity() -> Option<Vec<usize>> {
    None
}

/// Whether a signal has come from the terminal, which sends it to the whole foreground group: whatever is not known to
/// have been sent by a process.
pub(crate) fn is_from_terminal(origin: &Origin) -> bool {
    !matches!(origin.cause, Cause::Sent(_))
}

/// Whether [`pending`] knows.
pub(crate) const TELLS_PENDING_SIGNALS: bool = false;

/// The signals that wait for a process: nothing tells.
pub(crate) fn pending(_pid: i32) -> Vec<i32> {
    Vec::new()
}

/// Have this process killed when its parent ends. False: it will not be.
pub(crate) fn end_with_parent() -> bool {
    false
}

/// Close every descriptor. False: they are open.
pub(crate) fn close_all() -> bool {
    false
}
