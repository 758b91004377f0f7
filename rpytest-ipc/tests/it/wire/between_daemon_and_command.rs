//! What commands say to the daemon and to their session, and what they are told.

use rpytest_core::RunPath;
use rpytest_ipc::{
    ClientToDaemon, Collect, DaemonToClient, End, Hello, Lesson, RunRequest, Shelf, Stage, ToSession, Turbo,
};

use super::assert_shapes;

fn hello() -> Hello {
    Hello { protocol: 2, version: "0.1.0".to_owned(), build: "0123456789abcdef".to_owned() }
}

pub(super) fn run_request() -> RunRequest {
    RunRequest {
        arguments: 2,
        variables: 30,
        shim: Some("pyenv 3.12.1".to_owned()),
        descriptors: vec![0, 1, 2, 7],
        umask: 0o022,
        limits: vec![("RLIMIT_CORE".to_owned(), 0, -1)],
        nice: 5,
        scheduling: Some((0, 0)),
        affinity: Some(vec![0, 1]),
        ignored: vec![1],
        blocked: vec![10, 12],
        confinement: "mnt:[4026531841]".to_owned(),
        events: true,
        lesson: Some(Lesson {
            directory: "/home/user/.cache/rpytest/inventories/0123456789abcdef".to_owned(),
            front_door: "/run/user/1000/rpytest/daemon.sock".to_owned(),
            hello: hello(),
            collect: Some(Collect::All),
        }),
        turbo: Some(Turbo {
            rootdir: "/home/user/shop".to_owned(),
            kept: vec!["tests/test_cart.py".to_owned()],
            paths: vec![("tests/test_api.py".to_owned(), "/home/user/shop/tests".to_owned())],
            known: 480,
            selected: vec!["tests/test_cart.py::test_total".to_owned()],
        }),
        shelf: Shelf::ThirdParty,
        preload: vec!["django:setup".to_owned()],
        explain: Some("/run/user/1000/rpytest/told-a1b2c3".to_owned()),
    }
}

#[test]
fn client_to_daemon() {
    let name = |message: &ClientToDaemon| match message {
        ClientToDaemon::Hello(_) => "hello",
        ClientToDaemon::Run(_) => "run",
        ClientToDaemon::Status => "status",
        ClientToDaemon::Stop { .. } => "stop",
        ClientToDaemon::Cleanup { .. } => "cleanup",
        ClientToDaemon::SetIdleTimeout { .. } => "set_idle_timeout",
        ClientToDaemon::Learn { .. } => "learn",
        ClientToDaemon::Retire => "retire",
    };
    let messages = [
        ClientToDaemon::Hello(hello()),
        ClientToDaemon::Run(Box::new(run_request())),
        ClientToDaemon::Status,
        ClientToDaemon::Stop { force: true },
        ClientToDaemon::Cleanup { max_age: 3600 },
        ClientToDaemon::SetIdleTimeout { seconds: 90 },
        ClientToDaemon::Learn { directory: "/home/user/.cache/rpytest/inventories/0123456789abcdef".to_owned() },
        ClientToDaemon::Retire,
    ];
    assert_shapes("client_to_daemon", name, &messages);
}

#[test]
fn daemon_to_client() {
    let name = |message: &DaemonToClient| match message {
        DaemonToClient::Hello(_) => "hello",
        DaemonToClient::Started { .. } => "started",
        DaemonToClient::Stopped { .. } => "stopped",
        DaemonToClient::Accepted => "accepted",
        DaemonToClient::Ended { end: End::Code(_) } => "ended_by_itself",
        DaemonToClient::Ended { end: End::Signal(_) } => "ended_by_signal",
        DaemonToClient::Refused { .. } => "refused",
        DaemonToClient::Channel { .. } => "channel",
        DaemonToClient::Done { .. } => "done",
    };
    let messages = [
        DaemonToClient::Hello(hello()),
        DaemonToClient::Started {
            pid: 4242,
            path: RunPath::First,
            reason: Some("$STAGE has changed".to_owned()),
            stage: Stage::Collection,
            no_further: Some("conftest.py has changed".to_owned()),
        },
        DaemonToClient::Stopped { signal: 20 },
        DaemonToClient::Accepted,
        DaemonToClient::Ended { end: End::Code(1) },
        DaemonToClient::Ended { end: End::Signal(11) },
        DaemonToClient::Refused { reason: "it writes".to_owned(), missing: false },
        DaemonToClient::Channel { address: "ipc:///run/user/1000/rpytest/channel-1-0".to_owned() },
        DaemonToClient::Done { text: "removed 1 contexts".to_owned() },
    ];
    assert_shapes("daemon_to_client", name, &messages);
}

#[test]
fn a_session_that_refuses_need_not_say_that_pytest_is_there() {
    let message: DaemonToClient =
        serde_json::from_str(r#"{"type": "refused", "reason": "no"}"#).expect("as `session.py` says it");
    assert_eq!(message, DaemonToClient::Refused { reason: "no".to_owned(), missing: false });
}

#[test]
fn to_session() {
    let name = |message: &ToSession| match message {
        ToSession::Signal { .. } => "signal",
    };
    assert_shapes("to_session", name, &[ToSession::Signal { number: 2, group: true }]);
}
