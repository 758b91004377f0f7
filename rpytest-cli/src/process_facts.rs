//! What a process inherits besides its environment and descriptors: mask, limits, scheduling, signals.

use rpytest_ipc::{Limit, Scheduling};
use rustix::process::Resource;

/// Every limit that Python's `resource` module knows, by its name there.
const LIMITS: &[(&str, Resource)] = &[
    ("RLIMIT_AS", Resource::As),
    ("RLIMIT_CORE", Resource::Core),
    ("RLIMIT_CPU", Resource::Cpu),
    ("RLIMIT_DATA", Resource::Data),
    ("RLIMIT_FSIZE", Resource::Fsize),
    ("RLIMIT_MEMLOCK", Resource::Memlock),
    ("RLIMIT_NOFILE", Resource::Nofile),
    ("RLIMIT_NPROC", Resource::Nproc),
    ("RLIMIT_RSS", Resource::Rss),
    ("RLIMIT_STACK", Resource::Stack),
    #[cfg(target_os = "linux")]
    ("RLIMIT_MSGQUEUE", Resource::Msgqueue),
    #[cfg(target_os = "linux")]
    ("RLIMIT_NICE", Resource::Nice),
    #[cfg(target_os = "linux")]
    ("RLIMIT_RTPRIO", Resource::Rtprio),
    #[cfg(target_os = "linux")]
    ("RLIMIT_RTTIME", Resource::Rttime),
    #[cfg(target_os = "linux")]
    ("RLIMIT_SIGPENDING", Resource::Sigpending),
];

/// What `/proc/self/status` says of this process; nothing where there is none.
#[derive(Debug, Default)]
pub(crate) struct Status {
    /// Signals that are ignored.
    pub(crate) ignored: Vec<i32>,
    /// Signals that are blocked.
    pub(crate) blocked: Vec<i32>,
}

impl Status {
    /// Ask before any handler is installed.
    pub(crate) fn read() -> Self {
        let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let set = |field: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(field));
            signals_in(line.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).unwrap_or(0))
        };
        Self { ignored: set("SigIgn:"), blocked: set("SigBlk:") }
    }
}

fn signals_in(bits: u64) -> Vec<i32> {
    (0..64).filter(|bit| bits & (1 << bit) != 0).map(|bit| bit + 1).collect()
}

/// The file mode creation mask.
pub(crate) fn umask() -> u32 {
    let mask = rustix::process::umask(rustix::fs::Mode::empty());
    rustix::process::umask(mask);
    #[cfg_attr(target_os = "linux", expect(clippy::useless_conversion, reason = "narrower on other systems"))]
    u32::from(mask.bits())
}

/// The resource limits.
pub(crate) fn limits() -> Vec<Limit> {
    // Python writes "no limit" as -1; a limit above what it can hold is none.
    let number = |limit: Option<u64>| limit.and_then(|limit| i64::try_from(limit).ok()).unwrap_or(-1);
    LIMITS
        .iter()
        .map(|(name, resource)| {
            let limit = rustix::process::getrlimit(*resource);
            ((*name).to_owned(), number(limit.current), number(limit.maximum))
        })
        .collect()
}

/// The nice value.
pub(crate) fn nice() -> i32 {
    rustix::process::getpriority_process(None).unwrap_or(0)
}

/// The scheduling policy and real-time priority: fields 41 and 40 of `/proc/self/stat`, see `proc(5)`.
pub(crate) fn scheduling() -> Option<Scheduling> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, after_name) = text.rsplit_once(')')?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    Some((fields.get(38)?.parse().ok()?, fields.get(37)?.parse().ok()?))
}

/// The processors that it may run on.
#[cfg(target_os = "linux")]
pub(crate) fn affinity() -> Option<Vec<usize>> {
    let set = rustix::thread::sched_getaffinity(None).ok()?;
    Some((0..rustix::thread::CpuSet::MAX_CPU).filter(|processor| set.is_set(*processor)).collect())
}

/// The processors that it may run on.
#[cfg(not(target_os = "linux"))]
pub(crate) fn affinity() -> Option<Vec<usize>> {
    None
}
