//! The shape of every message is a file below `tests/wire`, which these tests read and write.
//!
//! A change of one is a change of the protocol: count it in `PROTOCOL`, then have the files written anew with
//! `RPYTEST_WRITE_WIRE=1 cargo test -p rpytest-ipc wire`.

mod between_daemon_and_command;
mod between_daemon_and_zygote;
mod status;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::fs;
use std::path::Path;

use rpytest_ipc::PROTOCOL;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Each message reads from, and writes, the file of its name in the directory of its kind, which holds no others.
#[track_caller]
fn assert_shapes<M: Serialize + DeserializeOwned + PartialEq + Debug>(
    kind: &str,
    name: impl Fn(&M) -> &'static str,
    messages: &[M],
) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire").join(kind);
    let mut names = BTreeSet::new();
    for message in messages {
        let name = format!("{}.json", name(message));
        let path = directory.join(&name);
        let written = serde_json::to_string_pretty(message).expect("a message is JSON") + "\n";
        if std::env::var_os("RPYTEST_WRITE_WIRE").is_some() {
            fs::create_dir_all(&directory).expect("the tree can be written");
            fs::write(&path, &written).expect("the tree can be written");
        }
        let kept = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(written, kept, "{} is written otherwise now", path.display());
        let read: M = serde_json::from_str(&kept).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(&read, message, "{} is read otherwise now", path.display());
        assert!(names.insert(name), "two messages for one file");
    }
    let files = fs::read_dir(&directory).expect("it was just read from");
    let files: BTreeSet<String> =
        files.map(|file| file.expect("it can be listed").file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(files, names, "one file for each message, one message for each file");
}

#[test]
fn these_are_the_shapes_of_protocol_5() {
    assert_eq!(PROTOCOL, 5, "the files are those of another protocol: write them anew, and this number");
}
