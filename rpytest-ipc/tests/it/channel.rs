//! Channels: everything arrives, the end is acknowledged, and nobody waits for ever.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rpytest_ipc::{Channel, ChannelError, ChannelListener, RuntimeDir};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);
const IMPATIENCE: Duration = Duration::from_millis(100);

fn place() -> (TempDir, RuntimeDir) {
    let place = tempfile::tempdir().expect("it can be made");
    let directory = RuntimeDir::at(&place.path().join("run")).expect("it can be made");
    (place, directory)
}

fn file_of(listener: &ChannelListener) -> PathBuf {
    Path::new(listener.address().strip_prefix("ipc://").expect("it is a file's")).to_owned()
}

/// Send all, and what the peer has got when the end has come to it.
fn carried(directory: &RuntimeDir, messages: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut listener = ChannelListener::open(directory, PATIENCE).expect("it can be opened");
    let address = listener.address();
    std::thread::scope(|scope| {
        let peer = scope.spawn(move || {
            let mut channel = Channel::dial(&address, PATIENCE).expect("the address is good");
            std::iter::from_fn(|| channel.receive().expect("the sender is there")).collect()
        });
        let channel = listener.channel();
        for message in messages {
            channel.send(message).expect("the peer reads");
        }
        channel.finish().expect("the peer acknowledges");
        drop(listener);
        peer.join().expect("it does not panic")
    })
}

#[test]
fn nothing_is_lost_nothing_comes_twice_and_order_is_kept() {
    let (_place, directory) = place();
    let messages: Vec<Vec<u8>> = (0..400u32).map(|number| number.to_be_bytes().to_vec()).collect();
    for _ in 0..5 {
        assert_eq!(carried(&directory, &messages), messages);
    }
}

#[test]
fn empty_and_large_messages_arrive() {
    let (_place, directory) = place();
    let messages = [Vec::new(), vec![7; 3 << 20], vec![2], Vec::new()];
    assert_eq!(carried(&directory, &messages), messages);
    assert_eq!(carried(&directory, &[]), Vec::<Vec<u8>>::new());
}

#[test]
fn both_ends_may_speak_and_the_dialler_may_finish() {
    let (_place, directory) = place();
    let mut listener = ChannelListener::open(&directory, PATIENCE).expect("it can be opened");
    let mut dialler = Channel::dial(&listener.address(), PATIENCE).expect("the address is good");
    dialler.send(b"question").expect("the peer reads");
    assert_eq!(listener.channel().receive().expect("it was sent").as_deref(), Some(&b"question"[..]));
    listener.channel().send(b"answer").expect("the peer reads");
    assert_eq!(dialler.receive().expect("it was sent").as_deref(), Some(&b"answer"[..]));
    std::thread::scope(|scope| {
        let end = scope.spawn(|| listener.channel().receive().expect("it was sent"));
        dialler.finish().expect("the peer acknowledges");
        assert_eq!(end.join().expect("it does not panic"), None);
    });
}

#[track_caller]
fn times_out<T: std::fmt::Debug>(what: impl FnOnce() -> Result<T, ChannelError>) {
    let began = Instant::now();
    let error = what().expect_err("nobody is there");
    assert!(matches!(error, ChannelError::Nng(_)), "{error}");
    assert!(began.elapsed() < PATIENCE, "it has waited for longer than was asked for");
}

#[test]
fn a_peer_that_never_comes_is_not_awaited_for_ever() {
    let (_place, directory) = place();
    let mut listener = ChannelListener::open(&directory, IMPATIENCE).expect("it can be opened");
    times_out(|| listener.channel().send(b"x"));
    times_out(|| listener.channel().receive());
}

#[test]
fn a_listener_that_is_not_there_is_not_awaited_for_ever() {
    let (place, _directory) = place();
    let address = format!("ipc://{}", place.path().join("nobody").display());
    let mut channel = Channel::dial(&address, IMPATIENCE).expect("who is there shows later");
    times_out(|| channel.receive());
}

#[test]
fn a_peer_that_never_reads_is_not_awaited_for_ever() {
    let (_place, directory) = place();
    let mut listener = ChannelListener::open(&directory, IMPATIENCE).expect("it can be opened");
    let _dialler = Channel::dial(&listener.address(), PATIENCE).expect("the address is good");
    let message = vec![0; 1 << 20];
    times_out(|| (0..64).try_for_each(|_| listener.channel().send(&message)));
}

#[test]
fn a_peer_that_does_not_acknowledge_the_end_is_not_awaited_for_ever() {
    let (_place, directory) = place();
    let mut listener = ChannelListener::open(&directory, IMPATIENCE).expect("it can be opened");
    let _dialler = Channel::dial(&listener.address(), PATIENCE).expect("the address is good");
    times_out(|| listener.channel().finish());
}

#[test]
fn a_peer_that_is_gone_is_not_awaited_for_ever() {
    let (_place, directory) = place();
    let mut listener = ChannelListener::open(&directory, IMPATIENCE).expect("it can be opened");
    let mut dialler = Channel::dial(&listener.address(), PATIENCE).expect("the address is good");
    dialler.send(b"x").expect("the peer is there");
    listener.channel().receive().expect("it was sent");
    drop(dialler);
    times_out(|| listener.channel().receive());
}

#[test]
fn an_end_that_nobody_has_announced_is_unexpected() {
    let (_place, directory) = place();
    let mut listener = ChannelListener::open(&directory, PATIENCE).expect("it can be opened");
    let mut dialler = Channel::dial(&listener.address(), PATIENCE).expect("the address is good");
    dialler.send(b"still here").expect("the peer is there");
    let error = listener.channel().finish().expect_err("data is no acknowledgement");
    assert!(matches!(error, ChannelError::Unexpected), "{error}");
}

#[test]
fn every_channel_has_an_address_of_its_own_and_leaves_no_file() {
    let (_place, directory) = place();
    let one = ChannelListener::open(&directory, PATIENCE).expect("it can be opened");
    let two = ChannelListener::open(&directory, PATIENCE).expect("it can be opened");
    assert_ne!(one.address(), two.address());
    assert!(file_of(&one).exists() && file_of(&two).exists());
    drop((one, two));
    assert_eq!(std::fs::read_dir(directory.path()).expect("it is there").count(), 0);
}

#[test]
fn the_runtime_directory_may_have_a_long_path() {
    let place = tempfile::tempdir().expect("it can be made");
    let directory = RuntimeDir::at(&place.path().join("d".repeat(200))).expect("it can be made");
    assert_eq!(carried(&directory, &[b"x".to_vec()]), [b"x"]);
    assert_eq!(std::fs::read_dir(directory.path()).expect("it is there").count(), 0);
}

#[test]
fn what_is_no_address_is_refused() {
    assert!(matches!(Channel::dial("tcp://localhost:1", PATIENCE), Err(ChannelError::Address(_))));
    assert!(Channel::dial("ipc://", PATIENCE).is_err());
}

#[test]
fn files_of_processes_that_are_gone_are_removed_and_no_others() {
    let (_place, directory) = place();
    let mut ended = std::process::Command::new("true").stdout(std::process::Stdio::piped()).spawn().expect("it starts");
    let mut output = ended.stdout.take().expect("it has one");
    std::io::copy(&mut output, &mut std::io::sink()).expect("it closes it when it ends");
    // Nobody has waited for it: it is there as a zombie.
    let abandoned = directory.path().join(format!("channel-{}-0", ended.id()));
    let others = [
        directory.path().join(format!("channel-{}-0", std::os::unix::process::parent_id())),
        directory.path().join("channel-of-mine"),
        directory.socket(),
    ];
    for path in others.iter().chain([&abandoned]) {
        std::fs::write(path, "").expect("the directory takes files");
    }
    let deadline = Instant::now() + PATIENCE;
    while abandoned.exists() {
        assert!(Instant::now() < deadline, "it is not removed");
        rpytest_ipc::remove_abandoned_channels(&directory).expect("the files can be removed");
    }
    ended.wait().expect("it has ended");
    for path in &others {
        assert!(path.exists(), "{}", path.display());
    }
}
