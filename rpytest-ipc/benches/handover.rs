//! What it takes to hand a run over: a request with its words in the body, and five descriptors.

use std::fs::File;
use std::hint::black_box;
use std::os::fd::AsFd;

use criterion::{Criterion, criterion_group, criterion_main};
use rpytest_ipc::{ClientToDaemon, Connection, Frame, RunRequest};

/// A request as commands send it, as `tests/wire/client_to_daemon/run.json` has it.
fn request() -> RunRequest {
    let text = include_str!("../tests/wire/client_to_daemon/run.json");
    let ClientToDaemon::Run(request) = serde_json::from_str(text).expect("the shape of the messages") else {
        panic!("not a run")
    };
    *request
}

fn hand_over(criterion: &mut Criterion) {
    let message = ClientToDaemon::Run(Box::new(request()));
    let body = b"VARIABLE=some value of usual length\0".repeat(100);
    let (here, there) = Connection::pair().expect("sockets can be made");
    let file = File::open("/dev/null").expect("it is everywhere");
    let descriptors = [file.as_fd(); 5];
    criterion.bench_function("hand over", |bencher| {
        bencher.iter(|| {
            let frame = Frame::with_body(&message, body.clone()).expect("it is short");
            here.send(&frame, &descriptors).expect("there is room");
            let received = there.receive().expect("it was sent");
            black_box(received.frame.message::<ClientToDaemon>().expect("it is a request"))
        });
    });
}

criterion_group!(benches, hand_over);
criterion_main!(benches);
