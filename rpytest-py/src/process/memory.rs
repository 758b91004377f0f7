//! How much memory a process takes.

use rustix::process::{Pid, getpgid};

/// Proportional set size in bytes of a zygote and of all that has gone ahead of it: shared pages count in parts. 0 where
/// the system cannot tell.
pub(crate) fn proportional(zygote: Pid) -> u64 {
    let own = kibibytes(&format!("/proc/{}/smaps_rollup", zygote.as_raw_nonzero()), "Pss:");
    own + ahead_of(zygote).into_iter().map(proportional).sum::<u64>()
}

/// The children of a zygote that are not sessions: these lead groups of their own.
fn ahead_of(zygote: Pid) -> Vec<Pid> {
    let path = format!("/proc/{0}/task/{0}/children", zygote.as_raw_nonzero());
    let children = std::fs::read_to_string(path).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|pid| pid.parse().ok().and_then(Pid::from_raw));
    children.filter(|child| getpgid(Some(*child)) == getpgid(Some(zygote))).collect()
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
