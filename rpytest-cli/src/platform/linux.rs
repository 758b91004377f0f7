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
    let set = |field: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(field));
        signals_in(line.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).unwrap_or(0))
    };
    Status { ignored: set("SigIgn:"), blocked: set("SigBlk:") }
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
