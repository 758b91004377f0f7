//! Signals that this command gets are its session's: forwarded as they came, by a thread. See `docs/design/run.md`.

use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, raise, sigaction};
use rpytest_ipc::{Connection, ToSession};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2, SIGWINCH};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::origin::WithOrigin;
use signal_hook::low_level::siginfo::Origin;

use crate::bystander::Bystander;
use crate::platform;
use crate::process_facts::Status;

const FORWARDED: &[i32] = &[SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTERM, SIGTSTP, SIGCONT, SIGWINCH];

/// Signals on their way to a session.
#[derive(Debug)]
pub(crate) struct Forwarding {
    session: Arc<OnceLock<Session>>,
}

/// Where they go.
#[derive(Debug)]
struct Session {
    connection: Connection,
    bystander: Mutex<Option<Bystander>>,
}

impl Forwarding {
    /// Begin. Until there is a session, a signal does to this command what it does to any. Signals that are ignored
    /// stay so: the session ignores them too.
    pub(crate) fn begin(status: &Status) -> io::Result<Self> {
        let wanted = FORWARDED.iter().filter(|signal| !status.ignored.contains(signal));
        let mut signals: SignalsInfo<WithOrigin> = SignalsInfo::new(wanted)?;
        let session = Arc::new(OnceLock::new());
        let forwarding = Self { session: Arc::clone(&session) };
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for origin in &mut signals {
                forward(&origin, session.get());
            }
        })?;
        Ok(forwarding)
    }

    /// There is a session now.
    pub(crate) fn begin_session(&self, connection: Connection) {
        // At once: what comes before that does to this command what it does to any.
        let session = self.session.get_or_init(|| Session { connection, bystander: Mutex::new(None) });
        *session.bystander.lock().unwrap_or_else(PoisonError::into_inner) = Bystander::fork();
    }
}

impl Drop for Forwarding {
    fn drop(&mut self) {
        if let Some(session) = self.session.get() {
            session.bystander.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }
}

impl Session {
    /// Whether the whole group got the signal, and not this command alone.
    fn was_for_group(&self, signal: i32) -> bool {
        let mut bystander = self.bystander.lock().unwrap_or_else(PoisonError::into_inner);
        let was = bystander.as_ref().is_some_and(|bystander| bystander.got(signal));
        if was {
            *bystander = Bystander::fork(); // one that can get it again
        }
        was
    }
}

fn forward(origin: &Origin, session: Option<&Session>) {
    if let Some(session) = session {
        let group = session.was_for_group(origin.signal)
            || platform::is_from_terminal(origin) // to the whole foreground group
            || origin.signal == SIGCONT; // `fg` continues a group
        // A session that is gone needs no signals.
        let _ = session.connection.say(&ToSession::Signal { number: origin.signal, group });
    } else {
        // Only a signal that cannot be emulated comes back, and then there is nothing to be done.
        let _ = signal_hook::low_level::emulate_default_handler(origin.signal);
    }
}

/// Stop by the signal that has stopped the session, as a shell shows it; return when continued.
pub(crate) fn stop_ourselves(signal: i32) {
    let Ok(signal) = Signal::try_from(signal) else { return };
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    #[expect(
        unsafe_code,
        reason = "to stop by a signal that is otherwise forwarded, its default is needed for a moment"
    )]
    // SAFETY: the default disposition runs no code, and the previous one was installed by signal-hook.
    let previous = unsafe { sigaction(signal, &default) };
    // Without job control the default is to do nothing, here as for the session.
    let _ = raise(signal);
    if let Ok(previous) = previous {
        #[expect(unsafe_code, reason = "as above")]
        // SAFETY: as above.
        let _ = unsafe { sigaction(signal, &previous) };
    }
}
