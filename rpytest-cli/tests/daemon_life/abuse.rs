//! Whatever a peer does at the front door, the next run is served as if nothing had been, and nothing of it stays.

use std::io::Read;
use std::os::fd::AsFd;

use rpytest_ipc::{ClientToDaemon, DaemonToClient, Frame, ToSession};

use crate::daemon::{self, Holdings};
use crate::harness::{End, Project, Running, SessionPath, Way, wait_for};
use crate::peer::{ask_for_run, bytes_of, connect, greet, run_frame, send_raw};
use crate::waiting_test;

/// A project with a daemon at rest, and what that holds.
struct Served {
    project: Project,
    daemon: i32,
    zygote: i32,
    before: Holdings,
    zygote_before: Holdings,
}

impl Served {
    fn new() -> Self {
        let project = Project::new(&[("test_a.py", "def test_a():\n    pass\n")]);
        project.run(&[]).ended(End::Code(0));
        daemon::status_at_rest(&project);
        // What the first store starts stays, and what watches.
        project.run(&["--slowest", "1", "--stale-ok"]);
        project.run(&[]).ended(End::Code(0));
        let (daemon, zygote) = (daemon::pid(&project), daemon::zygote(&project));
        daemon::wait_until_it_watches(daemon);
        let (before, zygote_before) = (Holdings::at_rest(daemon), Holdings::at_rest(zygote));
        Self { project, daemon, zygote, before, zygote_before }
    }

    #[track_caller]
    fn serves(&self) {
        self.project.run(&[]).ended(End::Code(0)).went(SessionPath::Warm);
    }

    /// After every peer has gone.
    #[track_caller]
    fn is_as_before(&self) {
        self.serves();
        assert_eq!(daemon::pid(&self.project), self.daemon);
        assert_eq!(daemon::zygote(&self.project), self.zygote);
        self.before.wait_for_return(self.daemon);
        self.zygote_before.wait_for_return(self.zygote);
    }
}

#[test]
fn to_connect_and_close_at_once_a_thousand_times() {
    let served = Served::new();
    for _ in 0..1000 {
        drop(connect(&served.project));
    }
    served.is_as_before();
}

#[test]
fn to_talk_nonsense() {
    let served = Served::new();
    let frame = |head: &str| bytes_of(&Frame { head: head.into(), body: Vec::new() });
    let hello = frame(&serde_json::to_string(&ClientToDaemon::Hello(crate::peer::hello())).expect("it is JSON"));
    let nonsense = [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0; 4096],
        frame(""),
        frame("null"),
        frame("{\"type\": \"dance\"}"),
        frame(&"[".repeat(100_000)),
        [hello.clone(), frame("{\"type\": \"dance\"}")].concat(),
        [hello.clone(), frame("{\"type\": \"run\"}")].concat(),
        [hello.clone(), hello.clone()].concat(),
        // A run whose descriptors do not come along.
        [hello, bytes_of(&run_frame(&served.project))].concat(),
    ];
    for bytes in &nonsense {
        let mut stream = send_raw(connect(&served.project), bytes);
        stream.set_read_timeout(Some(crate::harness::DEADLINE)).expect("a socket has time-outs");
        stream.shutdown(std::net::Shutdown::Write).expect("it is connected");
        let mut answer = Vec::new();
        // Closed with bytes unread, a connection is reset.
        let _ = stream.read_to_end(&mut answer);
        assert_eq!(answer, b"", "{}", String::from_utf8_lossy(bytes));
    }
    served.is_as_before();
}

#[test]
fn to_announce_more_than_is_ever_sent() {
    let served = Served::new();
    for lengths in [[0xff_u8; 8], [0, 0x10, 0, 1, 0, 0, 0, 0], [0, 0, 0, 1, 1, 0, 0, 1]] {
        let mut stream = send_raw(connect(&served.project), &lengths);
        stream.set_read_timeout(Some(crate::harness::DEADLINE)).expect("a socket has time-outs");
        let mut answer = Vec::new();
        assert_eq!(stream.read_to_end(&mut answer).expect("the daemon hangs up at once"), 0);
    }
    served.is_as_before();
}

#[test]
fn to_stay_with_half_a_frame_or_none() {
    let served = Served::new();
    let whole = bytes_of(&run_frame(&served.project));
    let mut staying = Vec::new();
    for number in 0..100 {
        let connection = if number % 2 == 0 { connect(&served.project) } else { greet(&served.project) };
        staying.push(send_raw(connection, &whole[..number % 30]));
    }
    served.serves();
    drop(staying);
    served.is_as_before();
}

#[test]
fn to_ask_and_never_fetch_the_answer() {
    let served = Served::new();
    let asked: Vec<_> = (0..5).map(|_| greet(&served.project)).collect();
    for connection in &asked {
        connection.say(&ClientToDaemon::Status).expect("the daemon is there");
    }
    served.serves();
    served.is_as_before();
    drop(asked);
}

#[test]
fn to_go_at_any_step_of_a_run() {
    let served = Served::new();
    let whole = bytes_of(&run_frame(&served.project));
    for _ in 0..20 {
        drop(connect(&served.project));
        drop(greet(&served.project));
        for length in [4, 8, whole.len() / 2, whole.len() - 1] {
            drop(send_raw(greet(&served.project), &whole[..length]));
        }
        drop(ask_for_run(&served.project));
    }
    served.is_as_before();
}

#[test]
fn to_be_killed_as_soon_as_it_has_been_started() {
    let served = Served::new();
    for _ in 0..20 {
        drop(Running::start(&mut served.project.command(Way::Rpytest)));
    }
    served.is_as_before();
}

#[test]
fn to_be_killed_in_the_middle_of_its_test() {
    let project = waiting_test::project();
    for path in [SessionPath::First, SessionPath::Warm] {
        waiting_test::reset(&project);
        let (run, session) = waiting_test::start_run(&project);
        drop(run);
        daemon::wait_until_gone(session);
        assert!(!waiting_test::has_finished(&project), "{path:?}");
    }
    waiting_test::let_go(&project);
    project.run(&[]).ended(End::Code(1)).went(SessionPath::Warm);
}

#[test]
fn to_ask_for_a_run_and_never_read_what_comes_of_it() {
    let served = Served::new();
    let asked: Vec<_> = (0..5).map(|_| ask_for_run(&served.project)).collect();
    served.serves();
    wait_for("the runs to end", || {
        let status = daemon::status(&served.project).expect("there is a daemon");
        status.runs.iter().all(|run| run.end.is_some()).then_some(())
    });
    drop(asked);
    served.is_as_before();
}

#[test]
fn to_talk_nonsense_to_the_session() {
    let served = Served::new();
    let unknown = |number| serde_json::to_vec(&ToSession::Signal { number, group: false }).expect("it is JSON");
    let heads = [b"dance".to_vec(), b"[]".to_vec(), b"{}".to_vec(), unknown(4711), unknown(i32::MAX)];
    for head in heads {
        let connection = ask_for_run(&served.project);
        let answer = || connection.receive().expect("it is served").frame.message().expect("it is told");
        assert_eq!(answer(), DaemonToClient::Accepted);
        let DaemonToClient::Started { pid, .. } = answer() else { panic!("the run has not been started") };
        let directory = std::fs::File::open(served.project.path("")).expect("it is there");
        // The session may have ended.
        let _ = connection.send(&Frame { head, body: Vec::new() }, &[directory.as_fd(), directory.as_fd()]);
        drop(connection);
        daemon::wait_until_gone(pid);
    }
    drop(send_raw(ask_for_run(&served.project), &[0xff; 64]));
    served.is_as_before();
}

/// What whoever runs the tests has open may have higher numbers than the limit allows.
const WITH_FEW_DESCRIPTORS: &str = r#"
for number in /proc/self/fd/*; do
    number=${number##*/}
    [ "$number" -le 2 ] || eval "exec $number>&-"
done
ulimit -n 80
"$@"
"#;

#[test]
fn to_take_all_descriptors() {
    let project = Project::new(&[("test_a.py", "def test_a():\n    pass\n")]);
    // The daemon has the limit of the command that starts it, and may not raise it.
    let run = || Running::start(&mut project.shell(Way::Rpytest, WITH_FEW_DESCRIPTORS)).finish().ended(End::Code(0));
    run().went(SessionPath::First);
    run();
    let daemon = daemon::pid(&project);
    daemon::wait_until_it_watches(daemon);
    let before = Holdings::at_rest(daemon);
    let staying: Vec<_> = (0..100).map(|_| connect(&project)).collect();
    wait_for("the daemon to have no more", || (Holdings::of(daemon).descriptors() >= 79).then_some(()));
    drop(staying);
    run().went(SessionPath::Warm);
    before.wait_for_return(daemon);
}
