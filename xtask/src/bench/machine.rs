//! What the figures were measured on.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::command::capture;

/// A line for people: processor, cores, memory, system.
pub(super) fn describe() -> String {
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "an unknown processor".to_owned());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kibibytes: u64 = field("/proc/meminfo", "MemTotal")
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        .unwrap_or_default();
    let kernel = said(Command::new("uname").arg("-sr"));
    format!("{processor}, {cores} cores, {} GiB, {kernel}", kibibytes >> 20)
}

/// The versions that an environment has.
pub(super) fn versions(environment: &Path) -> String {
    let question =
        "import platform, pytest; print('Python', platform.python_version(), 'and pytest', pytest.__version__)";
    said(Command::new(environment.join("bin/python")).args(["-c", question]))
}

fn said(command: &mut Command) -> String {
    capture(command, |_| ()).map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| Some(line.strip_prefix(name)?.split_once(':')?.1.trim().to_owned()))
}
