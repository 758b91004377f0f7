//! What a process can reach and may do, as far as its children inherit it and cannot get rid of it.
//!
//! See `docs/design/daemon.md`.

use std::fmt::Write;
use std::os::unix::fs::MetadataExt;

/// Namespaces that change what a test sees. (Not that of control groups: terminals put each command in another.)
const NAMESPACES: &[&str] = &["ipc", "mnt", "net", "pid", "time", "user", "uts"];
/// Lines of `/proc/self/status` that tell credentials and restrictions.
const CREDENTIALS: &[&str] =
    &["Uid:", "Gid:", "Groups:", "CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:", "NoNewPrivs:", "Seccomp:"];

/// A description of it: two processes with the same are confined alike.
///
/// A session is a child of the daemon's, so a command that is confined otherwise (`unshare`, `sg`, `setpriv`, a
/// container that shares the runtime directory) cannot be served by it.
pub fn confinement() -> String {
    let mut text = String::new();
    for name in NAMESPACES {
        let link = std::fs::read_link(format!("/proc/self/ns/{name}")).unwrap_or_default();
        // Writing to a string does not fail.
        let _ = write!(text, "{} ", link.display());
    }
    if let Ok(root) = std::fs::metadata("/") {
        let _ = write!(text, "root:{}:{} ", root.dev(), root.ino());
    }
    // `setarch`: without random addresses, for example.
    let personality = std::fs::read_to_string("/proc/self/personality").unwrap_or_default();
    let _ = write!(text, "personality:{} ", personality.trim());
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_else(|_| elsewhere());
    for line in status.lines().filter(|line| CREDENTIALS.iter().any(|name| line.starts_with(name))) {
        let _ = write!(text, "{} ", line.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    text
}

/// The same lines where there is no `/proc`.
fn elsewhere() -> String {
    use rustix::process::{getegid, geteuid, getgid, getuid};
    format!("Uid: {} {}\nGid: {} {}\n", getuid().as_raw(), geteuid().as_raw(), getgid().as_raw(), getegid().as_raw())
}
