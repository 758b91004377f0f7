//! What the daemon and its zygotes say to each other.

use rpytest_core::RunPath;
use rpytest_ipc::{DaemonToZygote, End, SessionFacts, ZygoteToDaemon};

use super::assert_shapes;
use super::between_daemon_and_command::run_request;

#[test]
fn daemon_to_zygote() {
    let name = |message: &DaemonToZygote| match message {
        DaemonToZygote::Run { .. } => "run",
        DaemonToZygote::LookAgain => "look_again",
        DaemonToZygote::Retire => "retire",
        DaemonToZygote::HangUp => "hang_up",
    };
    let run = DaemonToZygote::Run {
        run: 7,
        passed: 6,
        keep_environment: true,
        path: RunPath::Warm,
        reason: None,
        request: Box::new(run_request()),
    };
    assert_shapes(
        "daemon_to_zygote",
        name,
        &[run, DaemonToZygote::LookAgain, DaemonToZygote::Retire, DaemonToZygote::HangUp],
    );
}

#[test]
fn zygote_to_daemon() {
    let name = |message: &ZygoteToDaemon| match message {
        ZygoteToDaemon::Ready(_) => "ready",
        ZygoteToDaemon::Unusable { .. } => "unusable",
        ZygoteToDaemon::Started { .. } => "started",
        ZygoteToDaemon::Refused { .. } => "refused",
        ZygoteToDaemon::Ended { .. } => "ended",
    };
    let messages = [
        ZygoteToDaemon::Ready(Box::new(facts())),
        ZygoteToDaemon::Unusable { missing: true, reason: "No module named 'pytest'".to_owned() },
        ZygoteToDaemon::Started { run: 7, pid: 4242 },
        ZygoteToDaemon::Refused { run: 7, reason: "ValueError: not allowed".to_owned() },
        ZygoteToDaemon::Ended { run: 7, end: End::Code(0) },
    ];
    assert_shapes("zygote_to_daemon", name, &messages);
}

fn facts() -> SessionFacts {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    SessionFacts {
        pid: 4241,
        python: "3.12.1".to_owned(),
        pytest: "8.4.0".to_owned(),
        executable: "/venv/bin/python".to_owned(),
        files: words(&["/venv/pyvenv.cfg"]),
        directories: words(&["/venv/lib/python3.12/site-packages"]),
        path: words(&["/usr/lib/python3.12"]),
        safe_path: false,
        names: words(&["pytest", "py"]),
        start_names: words(&["os", "sitecustomize"]),
        suffixes: words(&[".py", ".pyc"]),
        variables: Some(words(&["PYTEST_DEBUG"])),
        loud: false,
    }
}
