//! The front door: every command that connects is heard in a thread of its own, for one request.
//!
//! Whatever a peer does (nothing, garbage, leaving half-way) ends its thread and nothing else.
//! See `docs/design/handshake.md`.

use std::collections::BTreeSet;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
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
    let heard = Arc::new(Heard::default());
    for place in 0.. {
        let connection = loop {
            if let Ok(connection) = listener.accept() {
                break connection;
            }
            // Descriptors are short, or the peer has gone: it is no reason not to listen to the next.
            std::thread::park_timeout(BREATH);
        };
        let turn = Turn::begin(place, &heard);
        let (hello, events) = (Arc::clone(&hello), events.clone());
        // Without a thread the peer finds itself hung up on.
        let _ = std::thread::Builder::new().name("front door".to_owned()).spawn(move || {
            // A peer that breaks off, or off the protocol, is told nothing: it would not understand.
            let _ = hear(connection, &hello, &events, &turn);
        });
    }
}

/// Who is being heard: the places of the peers, in the order in which they came.
#[derive(Debug, Default)]
struct Heard {
    places: Mutex<BTreeSet<u64>>,
    one_less: Condvar,
}

impl Heard {
    fn wait_while(&self, condition: impl Fn(&BTreeSet<u64>) -> bool) -> MutexGuard<'_, BTreeSet<u64>> {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        self.one_less.wait_while(places, |places| condition(places)).unwrap_or_else(PoisonError::into_inner)
    }
}

/// A peer is being heard for as long as there is this.
#[derive(Debug)]
struct Turn {
    place: u64,
    heard: Arc<Heard>,
}

impl Turn {
    /// As soon as there are few enough.
    fn begin(place: u64, heard: &Arc<Heard>) -> Self {
        heard.wait_while(|places| places.len() >= MOST_AT_ONCE).insert(place);
        Self { place, heard: Arc::clone(heard) }
    }

    /// Wait until all who came before have said what they wanted.
    fn wait_for_earlier(&self) {
        drop(self.heard.wait_while(|places| places.first().is_some_and(|first| *first < self.place)));
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.heard.places.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.place);
        self.heard.one_less.notify_all();
    }
}

fn hear(connection: Connection, hello: &Hello, events: &Sender<Event>, turn: &Turn) -> Result<(), ConnectionError> {
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
    if let Event::Client(_, ClientToDaemon::Learn { .. }) = event {
        turn.wait_for_earlier(); // who asks what the runs before have taught must not overtake them
    }
    // Without a loop there is no daemon any more.
    let _ = events.send(event);
    Ok(())
}

fn is_complete(request: &RunRequest, passed: usize) -> bool {
    passed == 1 + request.descriptors.len()
}
