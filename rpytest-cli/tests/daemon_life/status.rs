//! `--daemon-status` tells the truth.

use std::fs;

use rpytest_core::RunPath;
use rpytest_ipc::End as RunEnd;

use crate::daemon;
use crate::harness::{End, Project, Running, SessionPath, Way, interpreter, is_gone};
use crate::waiting_test::{self, let_go, start_run};

/// The parent of a process, see `proc(5)`.
fn parent(pid: i32) -> i32 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it is alive");
    let line = status.lines().find_map(|line| line.strip_prefix("PPid:")).expect("every process has one");
    line.trim().parse().expect("it is a number")
}

#[test]
fn of_the_daemon() {
    let project = Project::new(&[]);
    project.run(&[]).ended(End::Code(5));
    let first = daemon::status_at_rest(&project);
    assert_eq!(first.version, env!("CARGO_PKG_VERSION"));
    assert_eq!(first.idle_timeout, 120, "as its environment says");
    assert!(first.memory > 1 << 20 && first.memory < 1 << 30, "{first:?}");
    let log = fs::read_to_string(&first.log).expect("its log is where it says");
    assert!(log.contains(&format!("[{}]", first.pid)), "{log}");
    let second = daemon::status_at_rest(&project);
    assert!(first.uptime > 0.0 && second.uptime > first.uptime, "{} {}", first.uptime, second.uptime);
    assert_eq!(first.pid, second.pid);
}

#[test]
fn of_a_context() {
    let project = Project::new(&[]);
    for served in 1..=3 {
        project.run(&[]).ended(End::Code(5));
        let status = daemon::status_at_rest(&project);
        let [context] = &status.contexts[..] else { panic!("{status:?}") };
        assert_eq!(context.repository, project.path("").to_string_lossy().trim_end_matches('/'));
        assert_eq!(context.interpreter, interpreter().to_string_lossy());
        assert_eq!((context.state.as_str(), &context.reason), ("ready", &None));
        assert_eq!(context.runs_served, served);
        assert!(context.memory > 1 << 20, "{context:?}");
        assert!(context.age >= context.idle && context.age <= status.uptime, "{context:?}");
        let pid = context.pid.expect("it is ready");
        assert_eq!(parent(pid), i32::try_from(status.pid).expect("a process id is an i32"));
        assert!(fs::read_link(format!("/proc/{pid}/cwd")).expect("it is alive").starts_with(project.root()));
    }
    let versions = project
        .clean(interpreter())
        .args(["-c", "import platform, pytest; print(platform.python_version(), pytest.__version__)"])
        .output();
    let context = daemon::status(&project).expect("there is a daemon").contexts.remove(0);
    let told = format!("{} {}\n", context.python.expect("it is ready"), context.pytest.expect("it is ready"));
    assert_eq!(told.as_bytes(), versions.expect("it can be run").stdout);
}

#[test]
fn of_a_context_that_cannot_be_warmed() {
    let project = Project::new(&[("start/sitecustomize.py", "print('loud')\n")]);
    let run = || {
        let mut command = project.command(Way::Rpytest);
        Running::start(command.env("PYTHONPATH", project.path("start"))).finish()
    };
    for _ in 0..2 {
        run().ended(End::Code(5)).went(SessionPath::Plain);
    }
    let status = daemon::status_at_rest(&project);
    let [context] = &status.contexts[..] else { panic!("{status:?}") };
    let because = "its start writes to the standard streams, which every run must";
    assert_eq!((context.state.as_str(), context.reason.as_deref()), ("unusable", Some(because)));
    assert_eq!((context.pid, context.runs_served, context.memory), (None, 0, 0));
    for run in &status.runs {
        assert_eq!((run.path, run.reason.as_deref(), run.pid), (RunPath::Fallback, Some(because), None));
    }
}

#[test]
fn of_runs_the_newest_first() {
    let project = Project::new(&[("test_a.py", "def test_a():\n    assert False\n")]);
    project.run(&["-k", "none"]).went(SessionPath::First);
    project.run(&["-x", "test_a.py"]).went(SessionPath::Warm);
    project.write("pluggy.py", "");
    project.run(&["--version"]).went(SessionPath::Plain);
    let status = daemon::status_at_rest(&project);
    let [plain, warm, first] = &status.runs[..] else { panic!("{status:?}") };
    assert_eq!((first.path, first.end), (RunPath::First, Some(RunEnd::Code(5))));
    assert_eq!((warm.path, warm.end), (RunPath::Warm, Some(RunEnd::Code(1))));
    assert_eq!((plain.path, plain.end), (RunPath::Fallback, None));
    assert_eq!(first.arguments, ["-k", "none"]);
    assert_eq!(warm.arguments, ["-x", "test_a.py"]);
    assert_eq!((&first.reason, &warm.reason), (&None, &None));
    let shadowed = format!("{} shadows a module that pytest imports", project.path("pluggy.py").display());
    assert_eq!(plain.reason.as_ref(), Some(&shadowed));
    assert!(plain.age < warm.age && warm.age < first.age && first.age < status.uptime, "{status:?}");
    for run in [first, warm] {
        assert!(run.pid.is_some_and(is_gone), "{run:?}");
        assert_eq!(run.repository, status.contexts[0].repository);
    }
}

#[test]
fn of_a_run_that_its_session_has_refused() {
    let project = Project::new(&[("test_a.py", "def test_a():\n    pass\n")]);
    // What no session gets past: the mask for new files cannot be set.
    let start = "import os, sys\noriginal = os.umask\n\ndef umask(mask):\n    \
        return original(None if sys._getframe(1).f_globals['__name__'] == 'rpytest_zygote.session' else mask)\n\n\
        os.umask = umask\n";
    project.write("start/sitecustomize.py", start);
    let mut command = project.command(Way::Rpytest);
    let outcome = Running::start(command.env("PYTHONPATH", project.path("start"))).finish();
    let outcome = outcome.went(SessionPath::Plain).ended(End::Code(0));
    let reason = outcome.notes[0].trim_start_matches("rpytest: plain pytest: ");
    assert!(reason.starts_with("the session cannot be made as asked: TypeError: "), "{reason}");
    // Its end, which is none of the run's, comes later.
    crate::harness::wait_for("the daemon to hear of it", || {
        let run = daemon::status(&project).expect("there is a daemon").runs.remove(0);
        assert_eq!((run.end, run.path == RunPath::Fallback), (None, run.reason.as_deref() == Some(reason)), "{run:?}");
        (run.path == RunPath::Fallback && run.pid.is_none()).then_some(())
    });
    project.run(&["-q"]).ended(End::Code(0)); // told in order: by now the daemon knows that the session is gone
    let status = daemon::status_at_rest(&project);
    assert_eq!((status.runs[1].end, status.runs[1].reason.as_deref()), (None, Some(reason)));
}

#[test]
fn of_a_run_for_which_there_is_no_process() {
    let project = waiting_test::project();
    // As where the user may have no more processes.
    let start = "import os\noriginal = os.fork\n\ndef fork():\n    if os.path.exists('full'):\n        \
        raise BlockingIOError(11, 'no more')\n    return original()\n\nos.fork = fork\n";
    project.write("start/sitecustomize.py", start);
    let command = |name: &str| {
        let mut command = project.command(Way::Rpytest);
        command.args(["-k", name]).env("PYTHONPATH", project.path("start"));
        command
    };
    let run = Running::start(&mut command("waits"));
    project.wait_for_file("started");
    project.write("full", "");
    let other = Running::start(&mut command("nothing")).finish();
    other.went(SessionPath::Plain).ended(End::Code(5));
    let_go(&project);
    run.finish().ended(End::Code(0)); // it has not noticed
    let told = daemon::status_at_rest(&project).runs.remove(0);
    let reason = "no process for a session: [Errno 11] no more";
    assert_eq!((told.path, told.reason.as_deref(), told.end), (RunPath::Fallback, Some(reason), None));
}

#[test]
fn of_a_run_that_goes_on() {
    let project = waiting_test::project();
    let (run, session) = start_run(&project);
    let told = daemon::status(&project).expect("there is a daemon").runs.remove(0);
    assert_eq!((told.pid, told.end), (Some(session), None));
    let_go(&project);
    run.finish().ended(End::Code(1));
    assert_eq!(daemon::status_at_rest(&project).runs[0].end, Some(RunEnd::Code(1)));
}

#[test]
fn of_a_run_that_a_signal_has_ended() {
    let project =
        Project::new(&[("test_a.py", "import os, signal\ndef test_a():\n    os.kill(os.getpid(), signal.SIGSEGV)\n")]);
    project.run(&["-p", "no:faulthandler"]).ended(End::Signal(11));
    assert_eq!(daemon::status_at_rest(&project).runs[0].end, Some(RunEnd::Signal(11)));
}

#[test]
fn for_people_too() {
    let project = Project::new(&[]);
    project.run(&["-q"]).ended(End::Code(5));
    let status = daemon::status_at_rest(&project);
    let text = project.run(&["--daemon-status"]).ended(End::Code(0)).stdout;
    let known = [
        format!("rpytest daemon {}, process {}, ", status.version, status.pid),
        status.contexts[0].repository.clone(),
        "ready".to_owned(),
        format!("first, exit 5: rpytest -q in {}", status.runs[0].repository),
    ];
    for part in known {
        assert!(text.contains(&part), "{part:?} is not in\n{text}");
    }
}
