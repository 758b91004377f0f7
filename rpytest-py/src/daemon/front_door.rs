//! The front door: every command that connects is heard in a thread of its own, for one request.
//!
//! Whatever a peer does (nothing, garbage, leaving half-way) ends its thread and nothing else.
//! See `docs/design/handshake.md`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;

use rpytest_ipc::{ClientToDaemon, Connection, ConnectionError, DaemonToClient, Hello, Listener, RunRequest};

use super::event::{Asked, Event};

/// How long a peer may take for its request.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait until a descriptor or a thread may have become free.
const BREATH: Duration = Duration::from_millis(5);
/// So many may be heard at once; more wait until one of these is done.
const MOST_AT_ONCE: usize = 128;

/// Accept for ever.
pub(super) fn accept(listener: &Listener, hello: &Hello, events: &Sender<Event>) {
    let hello = Arc::new(hello.clone());
    let heard = Arc::new(AtomicUsize::new(0));
    loop {
        let Ok(connection) = listener.accept() else {
            // Descriptors are short, or the peer has gone: it is no reason not to listen to the next.
            std::thread::park_timeout(BREATH);
            continue;
        };
        while heard.load(Ordering::Relaxed) >= MOST_AT_ONCE {
            std::thread::park_timeout(BREATH);
        }
        heard.fetch_add(1, Ordering::Relaxed);
        let (hello, events, counter) = (Arc::clone(&hello), events.clone(), Arc::clone(&heard));
        let thread = std::thread::Builder::new().name("front door".to_owned());
        let spawned = thread.spawn(move || {
            // A peer that breaks off, or off the protocol, is told nothing: it would not understand.
            let _ = hear(connection, &hello, &events);
            counter.fetch_sub(1, Ordering::Relaxed);
        });
        if spawned.is_err() {
            heard.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn hear(connection: Connection, hello: &Hello, events: &Sender<Event>) -> Result<(), ConnectionError> {
    if connection.peer_user()? != rustix::process::getuid().as_raw() {
        return Ok(());
    }
    connection.set_timeouts(Some(PATIENCE))?;
    let ClientToDaemon::Hello(theirs) = connection.receive()?.frame.message()? else { return Ok(()) };
    let received = connection.receive()?;
    let request = match received.frame.message() {
        Ok(ClientToDaemon::Retire) => ClientToDaemon::Retire,
        // Another version may well say what makes no sense here.
        _ if theirs != *hello => return connection.say(&DaemonToClient::Hello(hello.clone())),
        request => request?,
    };
    let event = match request {
        ClientToDaemon::Run(request) if is_complete(&request, received.descriptors.len()) => {
            connection.say(&DaemonToClient::Accepted)?; // fails where the command has given up waiting
            let (body, descriptors) = (received.frame.body, received.descriptors);
            Event::Run(Box::new(Asked { connection, request, body, descriptors }))
        }
        ClientToDaemon::Run(_) | ClientToDaemon::Hello(_) => return Ok(()),
        other => Event::Client(connection, other),
    };
    // Without a loop there is no daemon any more.
    let _ = events.send(event);
    Ok(())
}

fn is_complete(request: &RunRequest, passed: usize) -> bool {
    passed == 1 + request.descriptors.len()
}
