//! What `--daemon-status --json` prints, which scripts read.

use rpytest_core::RunPath;
use rpytest_ipc::{ContextStatus, DaemonStatus, End, RecentRun};

use super::assert_shapes;

#[test]
fn daemon_status() {
    assert_shapes("status", |_| "daemon_status", &[status()]);
}

fn status() -> DaemonStatus {
    let run = |path, reason: Option<&str>, pid, end| RecentRun {
        repository: "/work".to_owned(),
        arguments: vec!["-x".to_owned(), "tests".to_owned()],
        path,
        reason: reason.map(str::to_owned),
        pid,
        age: 1.5,
        end,
    };
    DaemonStatus {
        version: "0.1.0".to_owned(),
        pid: 4240,
        uptime: 12.5,
        idle_timeout: 3600,
        memory: 5 << 20,
        log: "/home/me/.local/state/rpytest/daemon.log".to_owned(),
        contexts: vec![ContextStatus {
            repository: "/work".to_owned(),
            interpreter: "/venv/bin/python".to_owned(),
            python: Some("3.12.1".to_owned()),
            pytest: Some("8.4.0".to_owned()),
            state: "ready".to_owned(),
            reason: None,
            pid: Some(4241),
            age: 11.5,
            idle: 1.5,
            runs_served: 2,
            memory: 20 << 20,
        }],
        runs: vec![
            run(RunPath::Warm, None, Some(4243), None),
            run(RunPath::First, Some("$STAGE has changed"), Some(4242), Some(End::Signal(9))),
            run(RunPath::Fallback, Some("it writes"), None, None),
        ],
    }
}
