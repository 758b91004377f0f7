//! What the daemon takes while thousands of short-lived contexts pass through it: it must level off.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::sandbox::Sandbox;

/// Fewer looks than this tell nothing.
const ENOUGH: usize = 12;

/// For the end of a process that has nothing left to do, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often somebody looks whether it has ended.
const TICK: Duration = Duration::from_millis(20);

const MIB: u64 = 1 << 20;

/// What was seen, look by look.
#[derive(Debug, Default)]
pub(crate) struct Soak {
    looks: Vec<Look>,
    /// Processes of the last look.
    processes: Vec<u32>,
    left: usize,
}

/// What the daemon has at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Look {
    /// Resident memory of the daemon itself, in bytes.
    memory: u64,
    /// Proportional memory of all warm processes, in bytes.
    warm_memory: u64,
    /// Open descriptors of the daemon.
    descriptors: u64,
    /// The daemon and all that descends from it.
    processes: u64,
}

/// The part of `--daemon-status --json` that is of interest.
#[derive(Debug, Deserialize)]
struct Status {
    pid: u32,
    memory: u64,
    contexts: Vec<Context>,
}

#[derive(Debug, Deserialize)]
struct Context {
    memory: u64,
}

/// A measure: its name, its value, and how much growth is nothing to speak of.
type Measure = (&'static str, fn(&Look) -> u64, u64);

const MEASURES: &[Measure] = &[
    // sled gives back what closed databases held only after many of them: with two runs in each of 300 projects, the daemon
    // rises to 40 or 50 MiB within the first 200, and stays there.
    ("daemon's memory", |look| look.memory / MIB, 24),
    ("warm processes' memory", |look| look.warm_memory / MIB, 128),
    ("daemon's descriptors", |look| look.descriptors, 24),
    ("processes", |look| look.processes, 24),
];

impl Soak {
    /// Looks once. A runner without a daemon has nothing to show.
    pub(crate) fn look(&mut self, sandbox: &mut Sandbox) {
        let Some(status) = ask(sandbox) else { return };
        let daemon = PathBuf::from(format!("/proc/{}", status.pid));
        self.processes = family(status.pid);
        self.looks.push(Look {
            memory: status.memory,
            warm_memory: status.contexts.iter().map(|context| context.memory).sum(),
            descriptors: count(&daemon.join("fd")),
            processes: self.processes.len().try_into().unwrap_or(u64::MAX),
        });
    }

    /// The daemon has said that it stops: nothing of it may be left, once it has had the time to end.
    pub(crate) fn stopped(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.left = self.processes.iter().filter(|pid| is_alive(**pid)).count();
            if self.left == 0 || Instant::now() > deadline {
                return;
            }
            thread::sleep(TICK);
        }
    }

    pub(crate) fn has_seen_a_daemon(&self) -> bool {
        !self.looks.is_empty()
    }

    /// Whether there is nothing to complain of.
    pub(crate) fn is_bounded(&self) -> bool {
        self.left == 0 && MEASURES.iter().all(|measure| !self.grows(measure))
    }

    /// Whether the last third goes beyond the one before. The first is where it fills up.
    fn grows(&self, (_, of, slack): &Measure) -> bool {
        let third = self.looks.len() / 3;
        let most = |looks: &[Look]| looks.iter().map(of).max().unwrap_or(0);
        self.looks.len() >= ENOUGH && most(&self.looks[2 * third..]) > most(&self.looks[third..2 * third]) + slack
    }
}

impl fmt::Display for Soak {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.looks.is_empty() {
            return writeln!(formatter, "  soak: no daemon was seen");
        }
        writeln!(formatter, "  soak: {} looks, {} processes left at the end", self.looks.len(), self.left)?;
        for measure in MEASURES {
            let (name, of, _) = measure;
            let values: Vec<_> = self.looks.iter().map(of).collect();
            let at = |part: usize| values[(values.len() - 1) * part / 4];
            let unit = if name.ends_with("memory") { " MiB" } else { "" };
            let most = values.iter().max().unwrap_or(&0);
            let word = if self.grows(measure) { "GROWS" } else { "bounded" };
            writeln!(
                formatter,
                "    {name}: {} {} {} {} {}{unit}, at most {most}{unit}: {word}",
                at(0),
                at(1),
                at(2),
                at(3),
                at(4),
            )?;
        }
        Ok(())
    }
}

fn ask(sandbox: &mut Sandbox) -> Option<Status> {
    let output = sandbox.rpytest(&["--daemon-status", "--json"]).output().ok()?;
    serde_json::from_slice(&output.stdout).ok()
}

/// A process and all that descends from it.
fn family(of: u32) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for pid in names(Path::new("/proc")).filter_map(|name| name.parse().ok()) {
        if let Some((_, parent)) = state(pid) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = vec![of];
    let mut next = 0;
    while let Some(pid) = found.get(next) {
        found.extend(children.remove(pid).unwrap_or_default());
        next += 1;
    }
    found
}

fn is_alive(pid: u32) -> bool {
    state(pid).is_some_and(|(state, _)| state != "Z")
}

/// State and parent of a process: the words after its name, which is in brackets and may hold anything.
fn state(pid: u32) -> Option<(String, u32)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut words = text.rsplit_once(')')?.1.split_whitespace();
    Some((words.next()?.to_owned(), words.next()?.parse().ok()?))
}

fn count(directory: &Path) -> u64 {
    names(directory).count().try_into().unwrap_or(u64::MAX)
}

fn names(directory: &Path) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries.filter_map(Result::ok).map(|entry| entry.file_name().to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::{Look, Soak};

    fn soak(descriptors: impl Fn(u64) -> u64) -> Soak {
        let looks = (0..30).map(|look| Look { descriptors: descriptors(look), ..Look::default() });
        Soak { looks: looks.collect(), ..Soak::default() }
    }

    #[test]
    fn what_levels_off_is_bounded() {
        assert!(soak(|look| (look * 50).min(300)).is_bounded());
    }

    #[test]
    fn what_goes_on_growing_is_not() {
        assert!(!soak(|look| look * 10).is_bounded());
    }

    #[test]
    fn a_process_that_is_left_is_a_fault() {
        assert!(!Soak { left: 1, ..Soak::default() }.is_bounded());
    }
}
