//! What Linux tells of a process, and how.

use rpytest_ipc::Scheduling;
use rustix::fs::OFlags;
use rustix::process::Resource;
use signal_hook::low_level::siginfo::{Cause, Origin};

use crate::process_facts::Status;

/// Opens a directory that need not be readable.
pub(crate) const DIRECTORY: OFlags = OFlags::PATH.union(OFlags::DIRECTORY);
/// `resource.RLIM_INFINITY` of Python.
pub(crate) const NO_LIMIT: i64 = -1;
/// Limits that other systems do not have, by their names in Python's `resource` module.
pub(crate) const LIMITS: &[(&str, Resource)] = &[
    ("RLIMIT_MSGQUEUE", Resource::Msgqueue),
    ("RLIMIT_NICE", Resource::Nice),
    ("RLIMIT_RTPRIO", Resource::Rtprio),
    ("RLIMIT_RTTIME", Resource::Rttime),
    ("RLIMIT_SIGPENDING", Resource::Sigpending),
];

/// What `/proc/self/status` says of this process.
pub(crate) fn status() -> Status {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    Status { ignored: set_in(&text, "SigIgn:"), blocked: set_in(&text, "SigBlk:") }
}

fn set_in(status: &str, field: &str) -> Vec<i32> {
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    signals_in(line.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).unwrap_or(0))
}

/// Whether [`pending`] knows.
pub(crate) const TELLS_PENDING_SIGNALS: bool = true;

/// The signals that wait for a process.
pub(crate) fn pending(pid: i32) -> Vec<i32> {
    set_in(&std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default(), "ShdPnd:")
}

/// Have this process killed when its parent ends. False: it will not be.
pub(crate) fn end_with_parent() -> bool {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL)).is_ok()
}

/// Close every descriptor, also those that something owns: only for a fork that does nothing more.
pub(crate) fn close_all() -> bool {
    #[expect(unsafe_code, reason = "no safe function closes what something owns")]
    // SAFETY: system calls alone follow in this process, and none on a descriptor.
    unsafe {
        nix::libc::syscall(nix::libc::SYS_close_range, 0_u32, u32::MAX, 0_u32) == 0
    }
}

fn signals_in(bits: u64) -> Vec<i32> {
    (0..64).filter(|bit| bits & (1 << bit) != 0).map(|bit| bit + 1).collect()
}

/// The scheduling policy and real-time priority: fields 41 and 40 of `/proc/self/stat`, see `proc(5)`.
pub(crate) fn scheduling() -> Option<Scheduling> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, after_name) = text.rsplit_once(')')?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    Some((fields.get(38)?.parse().ok()?, fields.get(37)?.parse().ok()?))
}

/// The processors that it may run on.
pub(crate) fn affinity() -> Option<Vec<usize>> {
    let set = rustix::thread::sched_getaffinity(None).ok()?;
    Some((0..rustix::thread::CpuSet::MAX_CPU).filter(|processor| set.is_set(*processor)).collect())
}

/// Whether a signal has come from the terminal, which sends it to the whole foreground group.
pub(crate) fn is_from_terminal(origin: &Origin) -> bool {
    matches!(origin.cause, Cause::Kernel)
}
