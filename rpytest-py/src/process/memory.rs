//! How much memory a process takes.

use rustix::process::{Pid, getpgid};

/// Proportional set size in bytes of a zygote and of what has gone ahead of it: shared pages count in parts. 0 where the
/// system cannot tell.
pub(crate) fn proportional(zygote: Pid) -> u64 {
    let path = format!("/proc/{0}/task/{0}/children", zygote.as_raw_nonzero());
    let children = std::fs::read_to_string(path).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|pid| pid.parse().ok().and_then(Pid::from_raw));
    // Sessions, which are not its own memory, lead groups of their own.
    let ahead = children.filter(|child| getpgid(Some(*child)) == Ok(zygote));
    let sizes = std::iter::once(zygote).chain(ahead).map(|pid| format!("/proc/{}/smaps_rollup", pid.as_raw_nonzero()));
    sizes.map(|path| kibibytes(&path, "Pss:")).sum()
}

/// Resident set size of this process in bytes. 0 where the system cannot tell.
pub(crate) fn resident() -> u64 {
    kibibytes("/proc/self/status", "VmRSS:")
}

fn kibibytes(path: &str, field: &str) -> u64 {
    std::fs::read_to_string(path)
        .ok()
        .and_then(|text| {
            text.lines().find_map(|line| line.strip_prefix(field)?.split_whitespace().next()?.parse().ok())
        })
        .map_or(0, |kibibytes: u64| kibibytes * 1024)
}
