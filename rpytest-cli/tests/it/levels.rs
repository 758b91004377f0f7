//! How far the process had gone that a run was forked from.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::harness::{DEADLINE, Project, Running, Way};

/// Where the last run was forked from: the later, the further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum From {
    Zygote,
    Ahead,
    BeforeConftests,
    BeforeCollection,
    /// Or within a module that is being edited.
    BeforeTests,
}

/// As the last run has noted its parent, in the file `parent` where state is kept. None: it has ended since, as those do
/// that make room for another.
pub(crate) fn from(project: &Project) -> Option<From> {
    let noted = std::fs::read_to_string(project.root().join("state/parent")).expect("a run noted it");
    let mut pid: i32 = noted.parse().expect("it is a process id");
    let mut generations = 0;
    while !std::fs::read_link(format!("/proc/{pid}/exe")).ok()?.ends_with("rpytest") {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).expect("see proc(5)");
        pid = parent.trim().parse().expect("it is a process id");
        generations += 1;
    }
    let levels = [From::Zygote, From::Ahead, From::BeforeConftests, From::BeforeCollection, From::BeforeTests];
    Some(levels.get(generations - 1).copied().unwrap_or(From::BeforeTests))
}

/// Three ways, each gone twice, on a machine that has other things to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3 * DEADLINE.as_secs());
/// Between two runs: what goes further has a lower priority than they.
pub(crate) const PAUSE: Duration = Duration::from_millis(100);

/// Run until the runs come from a process that has gone so far.
#[track_caller]
pub(crate) fn go_to(project: &Project, level: From, command: impl Fn(Way) -> Command) {
    go_to_by(project, level, || _ = Running::start(&mut command(Way::Rpytest)).finish());
}

/// The same, by this way to run.
#[track_caller]
pub(crate) fn go_to_by(project: &Project, level: From, run: impl Fn()) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        run();
        let found = from(project);
        if found == Some(level) {
            return;
        }
        assert!(Instant::now() < deadline, "no run came from {level:?}, the last from {found:?}");
        std::thread::sleep(PAUSE);
    }
}
