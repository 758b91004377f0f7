//! A project's daemon, as it can be seen from outside.

use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rpytest_ipc::DaemonStatus;

use crate::harness::{End, Project, Running, Way, is_gone, processes_of, wait_for};

/// What the daemon tells; None where there is none.
#[track_caller]
pub(crate) fn status(project: &Project) -> Option<DaemonStatus> {
    status_by(&mut project.command(Way::Rpytest))
}

/// The same, asked by a command with other variables.
#[track_caller]
pub(crate) fn status_by(rpytest: &mut std::process::Command) -> Option<DaemonStatus> {
    let outcome = Running::start(rpytest.args(["--daemon-status", "--json"])).finish().ended(End::Code(0));
    serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {outcome}"))
}

/// What the daemon tells, once all of its runs have ended for it too.
#[track_caller]
pub(crate) fn status_at_rest(project: &Project) -> DaemonStatus {
    wait_for("the daemon to hear how its runs have ended", || {
        let status = status(project).expect("there is a daemon");
        let is_over = |run: &rpytest_ipc::RecentRun| run.end.is_some() || run.path == rpytest_core::RunPath::Fallback;
        status.runs.iter().all(is_over).then_some(status)
    })
}

/// The daemon's process.
#[track_caller]
pub(crate) fn pid(project: &Project) -> i32 {
    i32::try_from(status(project).expect("there is a daemon").pid).expect("a process id is an i32")
}

/// The zygote's process, of the only context.
#[track_caller]
pub(crate) fn zygote(project: &Project) -> i32 {
    let contexts = status(project).expect("there is a daemon").contexts;
    assert_eq!(contexts.len(), 1, "{contexts:?}");
    contexts[0].pid.expect("the context has a process")
}

/// Kill it, and wait until it is gone with all of its threads: as long as one is left, its sockets are open.
#[track_caller]
pub(crate) fn kill_hard(pid: i32) {
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("it is there");
    wait_for(&format!("the end of process {pid}"), || {
        let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().count();
        (threads <= 1 && is_gone(pid)).then_some(())
    });
}

#[track_caller]
pub(crate) fn wait_until_gone(pid: i32) {
    wait_for(&format!("the end of process {pid}"), || is_gone(pid).then_some(()));
}

/// Wait until the daemon is all that is left of the project's processes.
#[track_caller]
pub(crate) fn wait_until_no_session_is_left(project: &Project) {
    let is_daemon = |(_, command): &(i32, String)| command.ends_with("--rpytest-daemon");
    wait_for("the end of all but the daemon", || processes_of(project.root()).iter().all(is_daemon).then_some(()));
}

/// Wait until no process of the project is left, and nothing in its runtime directory.
#[track_caller]
pub(crate) fn wait_until_nothing_is_left(project: &Project) {
    wait_for("the end of every process", || processes_of(project.root()).is_empty().then_some(()));
    let left: Vec<_> = fs::read_dir(project.runtime_dir()).into_iter().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Wait until a daemon watches directories, as it does from the second run of a context on.
#[track_caller]
pub(crate) fn wait_until_it_watches(daemon: i32) {
    let watches =
        |task: &fs::DirEntry| fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.starts_with("notify"));
    wait_for("the daemon to watch", || {
        let tasks = fs::read_dir(format!("/proc/{daemon}/task")).expect("it is alive");
        tasks.filter_map(Result::ok).any(|task| watches(&task)).then_some(())
    });
}

/// What a process holds: open descriptors and threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holdings {
    descriptors: usize,
    threads: usize,
}

impl Holdings {
    /// At this moment.
    pub(crate) fn of(pid: i32) -> Self {
        let entries = |of: &str| fs::read_dir(format!("/proc/{pid}/{of}")).expect("it is alive").count();
        Self { descriptors: entries("fd"), threads: entries("task") }
    }

    /// Once they have not changed for a while.
    #[track_caller]
    pub(crate) fn at_rest(pid: i32) -> Self {
        let (mut last, mut same) = (Self::of(pid), 0);
        wait_for("a process to come to rest", || {
            let now = Self::of(pid);
            same = if now == last { same + 1 } else { 0 };
            last = now;
            (same == 40).then_some(now)
        })
    }

    /// Wait until the process holds no more than this.
    #[track_caller]
    pub(crate) fn wait_for_return(self, pid: i32) {
        wait_for(&format!("process {pid}, with {:?}, to come back to {self:?}", Self::of(pid)), || {
            let now = Self::of(pid);
            (now.descriptors <= self.descriptors && now.threads <= self.threads).then_some(())
        });
    }

    /// How many descriptors are open.
    pub(crate) fn descriptors(self) -> usize {
        self.descriptors
    }
}
