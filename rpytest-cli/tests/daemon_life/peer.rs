//! A peer of the front door that need not behave.

use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rpytest_ipc::{ClientToDaemon, Connection, Frame, Hello, PROTOCOL, RunRequest, Shelf};

use crate::harness::{DEADLINE, Project, Way, interpreter};

/// What a command of this build says of itself.
pub(crate) fn hello() -> Hello {
    Hello { protocol: PROTOCOL, version: env!("CARGO_PKG_VERSION").to_owned(), build: rpytest_py::build().to_owned() }
}

/// A connection to the project's daemon, which has heard nothing yet.
#[track_caller]
pub(crate) fn connect(project: &Project) -> Connection {
    let connection = Connection::connect(&project.runtime_dir().join("daemon.sock")).expect("a daemon listens");
    connection.set_timeouts(Some(DEADLINE)).expect("a socket has time-outs");
    connection
}

/// The same, after a proper Hello.
#[track_caller]
pub(crate) fn greet(project: &Project) -> Connection {
    let connection = connect(project);
    connection.say(&ClientToDaemon::Hello(hello())).expect("the daemon is there");
    connection
}

/// Any bytes, sent to the daemon as they are.
#[track_caller]
pub(crate) fn send_raw(connection: Connection, bytes: &[u8]) -> UnixStream {
    let mut stream = UnixStream::from(OwnedFd::from(connection));
    stream.set_write_timeout(Some(Duration::from_secs(5))).expect("a socket has time-outs");
    // The daemon may have hung up already.
    let _ = stream.write_all(bytes);
    stream
}

/// The bytes that a frame is sent as.
pub(crate) fn bytes_of(frame: &Frame) -> Vec<u8> {
    let length = |part: &[u8]| u32::try_from(part.len()).expect("a test's frame is small").to_be_bytes();
    [&length(&frame.head)[..], &length(&frame.body), &frame.head, &frame.body].concat()
}

/// A run of the project's tests, as its commands ask for it but with no descriptors.
pub(crate) fn run_frame(project: &Project) -> Frame {
    let command = project.command(Way::Rpytest);
    let variables: Vec<Vec<u8>> = command
        .get_envs()
        .filter_map(|(name, value)| Some([name.as_bytes(), b"=", value?.as_bytes()].concat()))
        .collect();
    let directory = project.root().join("work");
    let paths = [interpreter().as_os_str().as_bytes(), directory.as_os_str().as_bytes()];
    let words = [&b"-q"[..]].into_iter().chain(variables.iter().map(Vec::as_slice)).chain(paths);
    let body = words.flat_map(|word| word.iter().copied().chain([0])).collect();
    let request = RunRequest {
        arguments: 1,
        variables: variables.len(),
        shim: None,
        descriptors: Vec::new(),
        umask: 0o022,
        limits: Vec::new(),
        nice: 0,
        scheduling: None,
        affinity: None,
        ignored: Vec::new(),
        blocked: Vec::new(),
        confinement: rpytest_ipc::confinement(),
        events: false,
        lesson: None,
        turbo: None,
        shelf: Shelf::default(),
        preload: Vec::new(),
        explain: None,
    };
    Frame::with_body(&ClientToDaemon::Run(Box::new(request)), body).expect("it is short enough")
}

/// Ask for that run. What comes of it is up to the caller.
#[track_caller]
pub(crate) fn ask_for_run(project: &Project) -> Connection {
    let connection = greet(project);
    let directory = std::fs::File::open(project.path("")).expect("it is there");
    let passed: [BorrowedFd<'_>; 1] = [directory.as_fd()];
    connection.send(&run_frame(project), &passed).expect("the daemon is there");
    connection
}
