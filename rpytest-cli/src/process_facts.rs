//! What a process inherits besides its environment and descriptors: mask, limits, scheduling, signals.

use rpytest_ipc::Limit;
use rustix::process::Resource;

use crate::platform;
pub(crate) use crate::platform::{affinity, scheduling};

/// The limits that every system has, by their names in Python's `resource` module.
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
];

/// What a process does with signals.
#[derive(Debug)]
pub(crate) struct Status {
    /// Signals that are ignored.
    pub(crate) ignored: Vec<i32>,
    /// Signals that are blocked.
    pub(crate) blocked: Vec<i32>,
}

impl Status {
    /// Ask before any handler is installed.
    pub(crate) fn read() -> Self {
        platform::status()
    }
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
    // A limit above what Python can hold is none.
    let number = |limit: Option<u64>| limit.and_then(|limit| i64::try_from(limit).ok()).unwrap_or(platform::NO_LIMIT);
    LIMITS
        .iter()
        .chain(platform::LIMITS)
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
