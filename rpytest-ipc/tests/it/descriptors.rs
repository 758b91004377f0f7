//! Descriptors travel with the frame that they were sent with.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

use rpytest_ipc::{Connection, ConnectionError, Frame, MAX_PASSED};
use rustix::io::FdFlags;

#[test]
fn descriptors_arrive_in_order_as_the_open_files_that_they_were() {
    let (ours, theirs) = Connection::pair().expect("a socket pair can be made");
    let (mut from_first, first) = std::io::pipe().expect("a pipe can be made");
    let (mut from_second, second) = std::io::pipe().expect("a pipe can be made");
    let frame = Frame::new(&"x").expect("it is short");
    ours.send(&frame, &[first.as_fd(), second.as_fd()]).expect("the peer is there");
    drop((first, second));
    let received = theirs.receive().expect("a frame was sent");
    for (descriptor, text) in received.descriptors.into_iter().zip(["one", "two"]) {
        write!(File::from(descriptor), "{text}").expect("the pipe is read");
    }
    for (pipe, text) in [(&mut from_first, "one"), (&mut from_second, "two")] {
        let mut read = String::new();
        pipe.read_to_string(&mut read).expect("all writers are gone");
        assert_eq!(read, text);
    }
}

#[test]
fn what_arrives_is_not_inherited_by_programs() {
    let (ours, theirs) = Connection::pair().expect("a socket pair can be made");
    let inherited = rustix::io::dup(ours.as_fd()).expect("a descriptor can be copied");
    rustix::io::fcntl_setfd(&inherited, FdFlags::empty()).expect("it is open");
    ours.send(&Frame::new(&"x").expect("it is short"), &[inherited.as_fd()]).expect("the peer is there");
    let received = theirs.receive().expect("a frame was sent");
    let copy = theirs.try_clone().expect("a descriptor can be copied");
    for descriptor in [received.descriptors[0].as_fd(), ours.as_fd(), theirs.as_fd(), copy.as_fd()] {
        assert_eq!(rustix::io::fcntl_getfd(descriptor), Ok(FdFlags::CLOEXEC));
    }
}

#[test]
fn each_frame_brings_its_own() {
    let (ours, theirs) = Connection::pair().expect("a socket pair can be made");
    let frame = Frame::with_body(&"x", vec![7; 100_000]).expect("it is short");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for count in [2, 0, 1] {
                let passed: Vec<BorrowedFd<'_>> = std::iter::repeat_n(ours.as_fd(), count).collect();
                ours.send(&frame, &passed).expect("the peer is there");
            }
        });
        for count in [2, 0, 1] {
            assert_eq!(theirs.receive().expect("a frame was sent").descriptors.len(), count);
        }
    });
}

#[test]
fn as_many_travel_as_the_system_allows_and_no_more() {
    let (ours, theirs) = Connection::pair().expect("a socket pair can be made");
    let frame = Frame::new(&"x").expect("it is short");
    ours.send(&frame, &[ours.as_fd(); MAX_PASSED]).expect("the peer is there");
    assert_eq!(theirs.receive().expect("a frame was sent").descriptors.len(), MAX_PASSED);
    let error = ours.send(&frame, &[ours.as_fd(); MAX_PASSED + 1]).expect_err("there are too many");
    assert!(matches!(error, ConnectionError::Io(_)), "{error}");
}
