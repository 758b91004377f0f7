//! Listening and connecting, at paths of any length.

use std::io;
use std::path::{Path, PathBuf};

use rpytest_ipc::{Connection, Listener};
use tempfile::TempDir;

/// A path of so many bytes below a directory.
fn path_of(length: usize, directory: &TempDir) -> PathBuf {
    let mut path = directory.path().to_owned();
    while path.as_os_str().len() + 20 < length {
        let rest = length - path.as_os_str().len();
        path.push("d".repeat((rest - 10).min(100)));
    }
    path.push("s".repeat(length - path.as_os_str().len() - 1));
    std::fs::create_dir_all(path.parent().expect("it is below the directory")).expect("it can be made");
    path
}

fn said_through(path: &Path) -> String {
    let listener = Listener::bind(path).expect("the path is free");
    let client = Connection::connect(path).expect("somebody listens");
    client.say(&"hello").expect("the peer is there");
    let server = listener.accept().expect("somebody has connected");
    assert_eq!(server.peer_user().expect("the kernel knows"), rustix::process::getuid().as_raw());
    server.receive().expect("a frame was sent").frame.message().expect("it is text")
}

#[test]
fn paths_of_any_length_will_do() {
    let directory = tempfile::tempdir().expect("it can be made");
    for length in [40, 106, 107, 108, 109, 300, 1000] {
        let path = path_of(length, &directory);
        assert_eq!(path.as_os_str().len(), length);
        assert_eq!(said_through(&path), "hello", "{length} bytes");
        assert!(path.exists(), "it is the very path that was asked for");
    }
}

#[test]
fn who_is_not_there_is_told_from_who_has_died() {
    let directory = tempfile::tempdir().expect("it can be made");
    for length in [40, 200] {
        let path = path_of(length, &directory);
        let kind = || Connection::connect(&path).expect_err("nobody listens").kind();
        assert_eq!(kind(), io::ErrorKind::NotFound);
        drop(Listener::bind(&path).expect("the path is free"));
        assert_eq!(kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(Listener::bind(&path).expect_err("the file is there").kind(), io::ErrorKind::AddrInUse);
    }
}
