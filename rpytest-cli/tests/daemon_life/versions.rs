//! Commands and daemons of different versions.

use std::fs;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};

use rpytest_ipc::{ClientToDaemon, Connection, ConnectionError, DaemonToClient, Hello, Listener, Lock, RuntimeDir};

use crate::daemon;
use crate::harness::{End, Project, SessionPath};
use crate::peer::{connect, hello};

fn project() -> Project {
    Project::new(&[("test_a.py", "def test_a():\n    pass\n")])
}

/// What the daemon says to a command that says this of itself.
#[track_caller]
fn answer_to(project: &Project, theirs: Hello, request: &serde_json::Value) -> Connection {
    let connection = connect(project);
    connection.say(&ClientToDaemon::Hello(theirs)).expect("the daemon is there");
    connection.say(request).expect("the daemon is there");
    connection
}

#[test]
fn a_command_of_another_version_is_told_whose_daemon_this_is() {
    let project = project();
    project.run(&[]).went(SessionPath::First);
    let others = [
        Hello { version: "0.0.1".to_owned(), ..hello() },
        Hello { version: "99.0.0".to_owned(), ..hello() },
        Hello { protocol: 99, ..hello() },
        Hello { build: "another".to_owned(), ..hello() },
    ];
    for theirs in others {
        // The second is a request that only a newer version knows.
        for request in [serde_json::json!({"type": "status"}), serde_json::json!({"type": "dance", "steps": 3})] {
            let connection = answer_to(&project, theirs.clone(), &request);
            let answer: DaemonToClient =
                connection.receive().expect("there is an answer").frame.message().expect("it is known");
            assert_eq!(answer, DaemonToClient::Hello(hello()), "to {theirs:?}, {request}");
            assert!(matches!(connection.receive(), Err(ConnectionError::Closed)));
        }
    }
    project.run(&[]).went(SessionPath::Warm);
}

#[test]
fn a_newer_command_may_send_this_daemon_away() {
    let project = project();
    project.run(&[]).went(SessionPath::First);
    let daemon = daemon::pid(&project);
    let newer = Hello { protocol: 99, version: "99.0.0".to_owned(), build: "another".to_owned() };
    let connection = answer_to(&project, newer, &serde_json::json!({"type": "retire"}));
    let answer: DaemonToClient =
        connection.receive().expect("there is an answer").frame.message().expect("it is known");
    assert_eq!(answer, DaemonToClient::Done { text: String::new() });
    assert_eq!(fs::read_dir(project.runtime_dir()).expect("it is there").count(), 0, "the front door is free");
    daemon::wait_until_gone(daemon);
    project.run(&[]).went(SessionPath::First);
}

/// Stands in for a daemon of another version: says so to everybody, and leaves when it is sent away.
struct Stranger {
    socket: PathBuf,
    heard: Receiver<ClientToDaemon>,
}

impl Stranger {
    fn new(project: &Project, version: &str) -> Self {
        let directory = RuntimeDir::at(&project.runtime_dir()).expect("it can be made");
        let lock = Lock::try_take(&directory.lock()).expect("it can be made").expect("nobody has it");
        let socket = directory.socket();
        let listener = Listener::bind(&socket).expect("it is free");
        let (tell, heard) = channel();
        let theirs = Hello { version: version.to_owned(), ..hello() };
        let at = socket.clone();
        // The thread ends when it is sent away, or with the test.
        std::thread::spawn(move || {
            while let Ok(connection) = listener.accept() {
                while let Ok(Ok(message)) =
                    connection.receive().map(|received| received.frame.message::<ClientToDaemon>())
                {
                    let is_hello = matches!(message, ClientToDaemon::Hello(_));
                    let is_retire = matches!(message, ClientToDaemon::Retire);
                    // The test may have heard enough.
                    let _ = tell.send(message);
                    if is_retire {
                        fs::remove_file(&at).expect("it is there");
                        lock.remove().expect("it is there");
                        let _ = connection.say(&DaemonToClient::Done { text: String::new() });
                        return;
                    }
                    if !is_hello {
                        let _ = connection.say(&DaemonToClient::Hello(theirs.clone()));
                        break;
                    }
                }
            }
        });
        Self { socket, heard }
    }

    fn was_sent_away(&self) -> bool {
        self.heard.try_iter().any(|message| matches!(message, ClientToDaemon::Retire))
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        // It may have left by itself; then there may be another's.
        if self.heard.try_recv() != Err(std::sync::mpsc::TryRecvError::Disconnected) {
            let _ = fs::remove_file(&self.socket);
        }
    }
}

#[test]
fn a_newer_daemon_is_left_alone() {
    let project = project();
    let plain = project.run_plain(&[]);
    let newer = Stranger::new(&project, "99.0.0");
    let outcome = project.run(&[]).went(SessionPath::Plain);
    outcome.assert_like(&plain, "plain pytest");
    assert!(outcome.notes[0].contains("the daemon is of the newer version 99.0.0"), "{outcome}");
    let asked = project.run(&["--daemon-stop"]).ended(End::Code(3));
    assert!(asked.stderr.contains("newer version 99.0.0"), "{asked}");
    assert!(!newer.was_sent_away());
}

#[test]
fn an_older_daemon_is_sent_away_and_replaced() {
    let project = project();
    let older = Stranger::new(&project, "0.0.1");
    project.run(&[]).ended(End::Code(0)).went(SessionPath::First);
    assert!(older.was_sent_away());
    project.run(&[]).ended(End::Code(0)).went(SessionPath::Warm);
}

#[test]
fn a_status_of_another_version_is_not_understood() {
    let project = project();
    let _older = Stranger::new(&project, "0.0.1");
    let asked = project.run(&["--daemon-status"]).ended(End::Code(3));
    assert!(asked.stderr.contains("another build of version 0.0.1"), "{asked}");
}
