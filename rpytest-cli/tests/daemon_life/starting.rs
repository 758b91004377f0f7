//! Who starts a daemon: exactly one of those who need it.

use rpytest_ipc::DaemonStatus;

use crate::daemon;
use crate::harness::{End, Project, Running, SessionPath, Way, processes_of};

const TOGETHER: usize = 20;

#[test]
fn commands_started_together_share_one_daemon() {
    let project = Project::new(&[("test_a.py", "def test_a():\n    pass\n")]);
    let start = |arguments: &[&str]| Running::start(project.command(Way::Rpytest).args(arguments));
    let (mut runs, mut questions) = (Vec::new(), Vec::new());
    for _ in 0..TOGETHER {
        runs.push(start(&["-q"]));
        questions.push(start(&["--daemon-status", "--json"]));
    }
    for run in runs {
        let outcome = run.finish().ended(End::Code(0));
        assert!(matches!(outcome.path(), Some(SessionPath::First | SessionPath::Warm)), "{outcome}");
        assert!(outcome.stdout.contains("1 passed"), "{outcome}");
    }
    let daemon = daemon::pid(&project);
    for question in questions {
        let outcome = question.finish().ended(End::Code(0));
        let status: Option<DaemonStatus> = serde_json::from_str(&outcome.stdout).expect("it is a status, or null");
        // Who has asked before there was a daemon has been told so.
        assert!(status.is_none_or(|status| i64::from(status.pid) == i64::from(daemon)), "{outcome}");
    }
    let processes = processes_of(project.root());
    let daemons: Vec<_> = processes.iter().filter(|(_, command)| command.ends_with("--rpytest-daemon")).collect();
    assert!(matches!(daemons[..], [(pid, _)] if *pid == daemon), "{daemons:?}");
    let status = daemon::status_at_rest(&project);
    assert_eq!((status.contexts.len(), status.contexts[0].runs_served), (1, TOGETHER as u64), "{status:?}");
}

#[test]
fn who_only_asks_starts_none() {
    let project = Project::new(&[]);
    assert!(daemon::status(&project).is_none());
    for question in [&["--daemon-status"][..], &["--daemon-stop"], &["--daemon-stop", "--force"], &["--cleanup"]] {
        let outcome = project.run(question).ended(End::Code(0));
        assert_eq!(outcome.stdout, "no daemon is running\n");
    }
    assert!(processes_of(project.root()).is_empty());
}
