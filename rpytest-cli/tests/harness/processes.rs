//! Processes of a test, found by what `/proc` tells.

use std::fs;
use std::path::Path;

/// Whether there is no such process, or only what waits to be reaped of it.
pub(crate) fn is_gone(pid: i32) -> bool {
    state(pid).is_none_or(|state| matches!(state, 'Z' | 'X'))
}

/// Whether the process is stopped, as by Ctrl-Z.
pub(crate) fn is_stopped(pid: i32) -> bool {
    state(pid) == Some('T')
}

/// The letter for its state, see `proc(5)`.
fn state(pid: i32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.trim_start().chars().next()
}

/// Every process whose environment, as it was started with it, names `directory`; with its command line.
pub(crate) fn processes_of(directory: &Path) -> Vec<(i32, String)> {
    let name = directory.as_os_str().as_encoded_bytes();
    let names_it = |bytes: &[u8]| bytes.windows(name.len()).any(|window| window == name);
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| names_it(&environment)))
        .filter(|pid| !is_gone(*pid))
        .map(|pid| (pid, command_line(pid)))
        .collect()
}

fn command_line(pid: i32) -> String {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&words).replace('\0', " ").trim_end().to_owned()
}
