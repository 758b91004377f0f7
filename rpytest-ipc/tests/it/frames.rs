//! Frames arrive as they were sent, or not at all.

use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use proptest::prelude::*;
use rpytest_ipc::{Connection, ConnectionError, Frame, FrameError, Hello, MAX_BODY, MAX_HEAD};

/// A connection, and its other end to write any bytes to.
fn raw() -> (Connection, UnixStream) {
    let (ours, theirs) = Connection::pair().expect("a socket pair can be made");
    (ours, UnixStream::from(OwnedFd::from(theirs)))
}

/// The bytes of a frame with these lengths, head and body.
fn bytes(head_length: usize, body_length: usize, rest: &[u8]) -> Vec<u8> {
    let length = |length: usize| u32::try_from(length).expect("a test's length is small").to_be_bytes();
    [&length(head_length), &length(body_length), rest].concat()
}

proptest! {
    #[test]
    fn a_frame_arrives_as_it_was_sent(text: String, length in 0..300_000usize, period in 1..251u8) {
        let body: Vec<u8> = (0..period).cycle().take(length).collect();
        let (ours, theirs) = Connection::pair().expect("a socket pair can be made");
        let sent = Frame::with_body(&text, body).expect("it is short enough");
        std::thread::scope(|scope| {
            scope.spawn(|| ours.send(&sent, &[]).expect("the peer is there"));
            let received = theirs.receive().expect("a frame was sent");
            assert_eq!(received.frame, sent);
            assert_eq!(received.frame.message::<String>().expect("it is a string"), text);
            assert!(received.descriptors.is_empty());
        });
    }

    #[test]
    fn it_does_not_matter_in_which_pieces_the_bytes_come(
        texts in proptest::collection::vec(".{0,40}", 1..4),
        size in 1..30usize,
    ) {
        let (ours, mut theirs) = raw();
        let frames: Vec<Frame> =
            texts.iter().map(|text| Frame::with_body(text, text.clone().into_bytes()).expect("short")).collect();
        let all: Vec<u8> =
            frames.iter().flat_map(|frame| bytes(frame.head.len(), frame.body.len(), &[&frame.head[..], &frame.body].concat())).collect();
        std::thread::scope(|scope| {
            scope.spawn(|| all.chunks(size).for_each(|piece| theirs.write_all(piece).expect("the peer reads")));
            for frame in &frames {
                assert_eq!(&ours.receive().expect("a frame was sent").frame, frame);
            }
        });
    }

    #[test]
    fn garbage_is_an_error_and_no_more(garbage in proptest::collection::vec(any::<u8>(), 0..64)) {
        let (ours, mut theirs) = raw();
        theirs.write_all(&garbage).expect("the peer is there");
        drop(theirs);
        let message = ours.receive().and_then(|received| Ok(received.frame.message::<Hello>()?));
        prop_assert!(message.is_err());
    }
}

#[test]
fn a_frame_leaves_what_follows_it_to_whoever_reads_next() {
    let (ours, theirs) = Connection::pair().expect("a socket pair can be made");
    for text in ["one", "two"] {
        ours.say(&text).expect("the peer is there");
    }
    let said =
        |connection: &Connection| connection.receive().expect("a frame").frame.message::<String>().expect("text");
    assert_eq!(said(&theirs), "one");
    let handed_over = theirs.try_clone().expect("a descriptor can be copied");
    drop(theirs);
    assert_eq!(said(&handed_over), "two");
}

#[test]
fn longer_frames_than_are_ever_sent_are_neither_sent_nor_awaited() {
    let too_long = |result: Result<_, FrameError>| matches!(result, Err(FrameError::TooLong { .. }));
    assert!(Frame::with_body(&"x", vec![0; MAX_BODY]).is_ok());
    assert!(too_long(Frame::with_body(&"x", vec![0; MAX_BODY + 1])));
    assert!(Frame::new(&"x".repeat(MAX_HEAD - 2)).is_ok(), "with its quotes just as long as may be");
    assert!(too_long(Frame::new(&"x".repeat(MAX_HEAD - 1))));
    for (head, body) in [(MAX_HEAD + 1, 0), (0, MAX_BODY + 1), (u32::MAX as usize, u32::MAX as usize)] {
        let (ours, mut theirs) = raw();
        theirs.write_all(&bytes(head, body, b"")).expect("the peer is there");
        let refused = ours.receive().expect_err("it is too long");
        assert!(matches!(refused, ConnectionError::Frame(FrameError::TooLong { .. })), "{refused}");
    }
}

#[test]
fn a_head_that_is_no_message_is_told_from_a_lost_peer() {
    for head in ["", "{", "nonsense", "{\"type\":\"fly\"}", "\u{0}"] {
        let (ours, mut theirs) = raw();
        theirs.write_all(&bytes(head.len(), 0, head.as_bytes())).expect("the peer is there");
        let received = ours.receive().expect("it is a frame");
        let error = received.frame.message::<Hello>().expect_err("it is no Hello");
        assert!(matches!(error, FrameError::NotAMessage(_)), "{error}");
    }
}

#[test]
fn a_peer_that_goes_anywhere_in_a_frame_is_gone() {
    let whole = bytes(2, 3, b"{}abc");
    for length in 0..whole.len() {
        let (ours, mut theirs) = raw();
        theirs.write_all(&whole[..length]).expect("the peer is there");
        drop(theirs);
        let error = ours.receive().expect_err("the frame is not whole");
        assert!(matches!(error, ConnectionError::Closed), "after {length} bytes: {error}");
    }
}

#[test]
fn a_peer_that_stops_anywhere_in_a_frame_is_not_awaited_for_ever() {
    for length in [0, 4, 9] {
        let (ours, mut theirs) = raw();
        ours.set_timeouts(Some(Duration::from_millis(20))).expect("a socket has time-outs");
        theirs.write_all(&bytes(2, 3, b"{}abc")[..length]).expect("the peer is there");
        let error = ours.receive().expect_err("the frame is not whole");
        assert!(matches!(error, ConnectionError::Io(_)), "after {length} bytes: {error}");
    }
}

#[test]
fn a_peer_that_does_not_read_is_not_awaited_for_ever() {
    let (ours, _theirs) = raw();
    ours.set_timeouts(Some(Duration::from_millis(20))).expect("a socket has time-outs");
    let frame = Frame::with_body(&"x", vec![0; MAX_BODY]).expect("it is short enough");
    assert!(matches!(ours.send(&frame, &[]), Err(ConnectionError::Io(_))));
}

#[test]
fn sending_to_a_peer_that_is_gone_says_so() {
    let (ours, theirs) = raw();
    drop(theirs);
    assert!(matches!(ours.say(&"x"), Err(ConnectionError::Closed)));
}

#[test]
fn who_has_finished_sending_still_hears() {
    let (ours, theirs) = Connection::pair().expect("a socket pair can be made");
    let elsewhere = ours.try_clone().expect("a descriptor can be copied");
    elsewhere.finish_sending();
    assert!(matches!(theirs.receive(), Err(ConnectionError::Closed)));
    theirs.say(&"bye").expect("the peer hears");
    assert_eq!(ours.receive().expect("a frame").frame.message::<String>().expect("text"), "bye");
}
