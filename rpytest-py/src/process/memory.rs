//! How much memory a process takes.

use rustix::process::Pid;

/// Proportional set size in bytes: shared pages count in parts. 0 where the system cannot tell.
pub(crate) fn proportional(pid: Pid) -> u64 {
    let path = format!("/proc/{}/smaps_rollup", pid.as_raw_nonzero());
    kibibytes(&path, "Pss:")
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
