//! The daemon's loop: wait for an event, let the dispatcher decide, see whether it is time to leave.
//!
//! See `docs/design/daemon.md`.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant, SystemTime};

use rpytest_ipc::{
    ClientToDaemon, Connection, DaemonToClient, Hello, Listener, Lock, RuntimeDir, ZygoteToDaemon,
    remove_abandoned_channels,
};

use super::dispatcher::{Dispatcher, Limits, RunId, Unusable, ZygoteId};
use super::event::{Asked, Event};
use super::hands::Hands;
use super::log::Log;
use super::watching::Watching;
use super::{front_door, status};
use crate::learning::{Learning, remove_old};
use crate::package;
use crate::process::{ZygoteNews, proportional, resident};

const TICK: Duration = Duration::from_secs(1);
/// So long after a run, what goes further has arrived as a rule, and shows what it takes.
const ARRIVED: Duration = Duration::from_secs(10);
const RETRY_UNUSABLE: Duration = Duration::from_secs(60);

/// What a daemon is started with.
#[derive(Debug)]
pub struct DaemonOptions {
    /// Where it meets its commands.
    pub runtime_dir: RuntimeDir,
    /// The lock that its first command has taken for it.
    pub lock: Lock,
    /// Closed once the front door is open.
    pub ready: Option<OwnedFd>,
    /// What it says of itself.
    pub hello: Hello,
    /// What confines it; see [`rpytest_ipc::confinement()`].
    pub confinement: String,
    /// For the Python package and inventories.
    pub cache: PathBuf,
    /// For the log.
    pub state: PathBuf,
    /// Leave after so long without a command.
    pub idle_timeout: Duration,
    /// Keep at most so many contexts.
    pub max_contexts: usize,
    /// Keep the zygotes' memory below this, in bytes.
    pub max_memory: u64,
    /// Renew a zygote after so many runs.
    pub max_runs: u64,
}

/// Why a daemon could not start.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The Python package cannot be laid out.
    #[error("cannot write the Python package below {}: {source}", path.display())]
    Package {
        /// The cache directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The front door cannot be opened.
    #[error("cannot listen at {}: {source}", path.display())]
    FrontDoor {
        /// The socket.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Whether a daemon goes on, and for whom it leaves.
enum Leaving {
    No,
    /// As soon as the last zygote is gone; these commands wait for that.
    WhenEmpty(Vec<Connection>),
}

struct Server {
    options: DaemonOptions,
    started: Instant,
    dispatcher: Dispatcher,
    hands: Hands,
    events: Sender<Event>,
    learning: Learning,
    watching: Watching,
    /// The end of the last run after which memory was looked at.
    weighed: Option<Instant>,
    leaving: Leaving,
}

/// Be the daemon, until it is told to leave or has been idle for long enough.
pub fn serve(options: DaemonOptions) -> Result<(), DaemonError> {
    let mut log = Log::open(&options.state);
    let result = open_and_loop(options, &mut log);
    if let Err(error) = &result {
        log.line(format_args!("failed to start: {error}"));
    }
    result
}

fn open_and_loop(options: DaemonOptions, log: &mut Log) -> Result<(), DaemonError> {
    let package = package::install(&options.cache)
        .or_else(|_| package::install(options.runtime_dir.path())) // a home that cannot be written to
        .map_err(|source| DaemonError::Package { path: options.cache.clone(), source })?;
    let socket = options.runtime_dir.socket();
    let fail = |source| DaemonError::FrontDoor { path: socket.clone(), source };
    match std::fs::remove_file(&socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fail(error)),
        _ => {} // a dead daemon's: the lock says that nobody listens there
    }
    // What cannot be removed is in nobody's way.
    let _ = remove_abandoned_channels(&options.runtime_dir);
    let listener = Listener::bind(&socket).map_err(fail)?;
    let (events, inbox) = channel();
    let (hello, door) = (options.hello.clone(), events.clone());
    std::thread::Builder::new()
        .name("front door".to_owned())
        .spawn(move || front_door::accept(&listener, &hello, &door))
        .map_err(|source| DaemonError::FrontDoor { path: socket.clone(), source })?;
    log.line(format_args!("version {} listens at {}", options.hello.version, socket.display()));
    let limits = Limits { contexts: options.max_contexts, runs: options.max_runs, retry: RETRY_UNUSABLE };
    let now = Instant::now();
    let log = Log::open(&options.state);
    let hands = Hands::new(package, options.runtime_dir.clone(), options.confinement.clone(), events.clone(), log);
    let mut learning_log = Log::open(&options.state);
    let learning = Learning::start(move |line| learning_log.line(format_args!("{line}")))
        .map_err(|source| DaemonError::FrontDoor { path: socket.clone(), source })?;
    let seen = events.clone();
    let watching = Watching::start(move |sight| drop(seen.send(Event::Seen(sight))))
        .map_err(|source| DaemonError::FrontDoor { path: socket.clone(), source })?;
    let dispatcher = Dispatcher::new(limits, now);
    let leaving = Leaving::No;
    let weighed = None;
    let mut server = Server { options, started: now, dispatcher, hands, events, learning, watching, weighed, leaving };
    drop(server.options.ready.take()); // the command that started this daemon can connect now
    server.run(&inbox);
    server.leave();
    Ok(())
}

impl Server {
    fn run(&mut self, inbox: &Receiver<Event>) {
        let mut next_tick = Instant::now() + TICK;
        while !self.is_done() {
            match inbox.recv_timeout(next_tick.saturating_duration_since(Instant::now())) {
                Ok(event) => self.handle(event),
                Err(RecvTimeoutError::Timeout) => {
                    self.tick();
                    next_tick = Instant::now() + TICK;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
            for (zygote, reason) in std::mem::take(&mut self.hands.stillborn) {
                self.zygote_gone(zygote, &reason);
            }
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Run(asked) => self.run_asked(asked),
            Event::Client(connection, request) => self.client(connection, &request),
            Event::Zygote(zygote, ZygoteNews::Says(message)) => self.zygote_says(zygote, message),
            Event::Zygote(zygote, ZygoteNews::Gone(complaint)) => self.zygote_gone(zygote, &complaint),
            Event::Seen(sight) => self.hands.see(&sight, Instant::now()),
            Event::Answered => self.hands.answering -= 1,
        }
    }

    fn run_asked(&mut self, asked: Box<Asked>) {
        if matches!(self.leaving, Leaving::WhenEmpty(_)) {
            let reason = "the daemon is leaving".to_owned();
            // A command that is gone needs no answer.
            let _ = asked.connection.say(&DaemonToClient::Refused { reason, missing: false });
            return;
        }
        let Some((run, recipe)) = self.hands.take_in(asked) else { return };
        let key = match recipe.key() {
            Ok(key) => key,
            Err(error) => return self.hands.refuse_for(run, &error),
        };
        let verdict = self.dispatcher.candidate(&key).map(|zygote| self.hands.look(zygote, &recipe));
        self.dispatcher.receive_run(run, key, verdict, Instant::now(), &mut self.hands);
    }

    fn zygote_says(&mut self, zygote: ZygoteId, message: ZygoteToDaemon) {
        let now = Instant::now();
        match message {
            ZygoteToDaemon::Ready(facts) => match self.hands.take_facts(zygote, *facts) {
                Ok(()) => {
                    let plain = self.hands.plain(zygote, self.dispatcher.waiting_for(zygote));
                    self.dispatcher.receive_ready(zygote, &plain, now, &mut self.hands);
                    self.free_memory();
                }
                Err(why) => self.dispatcher.receive_unusable(zygote, &why, now, &mut self.hands),
            },
            ZygoteToDaemon::Unusable { missing, reason } => {
                let why = if missing { Unusable::NoPytest(reason) } else { Unusable::ForAWhile(reason) };
                self.dispatcher.receive_unusable(zygote, &why, now, &mut self.hands);
            }
            ZygoteToDaemon::Started { run, pid } => self.hands.note_start(RunId(run), pid),
            ZygoteToDaemon::Refused { run, reason } => self.hands.note_refusal(RunId(run), reason),
            ZygoteToDaemon::Ended { run, end } => {
                self.dispatcher.receive_end(RunId(run), end, now, &mut self.hands);
                self.watching.watch(self.hands.directories());
            }
        }
    }

    fn zygote_gone(&mut self, zygote: ZygoteId, complaint: &str) {
        if !complaint.is_empty() {
            self.hands.log.line(format_args!("zygote {} wrote: {complaint}", zygote.0));
        }
        self.dispatcher.receive_gone(zygote, complaint, Instant::now(), &mut self.hands);
        self.hands.zygotes.remove(&zygote);
        self.watching.watch(self.hands.directories());
    }

    fn client(&mut self, connection: Connection, request: &ClientToDaemon) {
        match request {
            ClientToDaemon::Status => self.answer_status(&connection),
            ClientToDaemon::Stop { force } => {
                self.close_front_door();
                self.dispatcher.receive_stop(*force, &mut self.hands);
                self.leave_for(Some(connection));
            }
            ClientToDaemon::Retire => {
                self.close_front_door();
                done(&connection, String::new());
                self.dispatcher.receive_stop(false, &mut self.hands);
                self.leave_for(None);
            }
            ClientToDaemon::Cleanup { max_age } => {
                let age = Duration::from_secs(*max_age);
                let contexts = self.dispatcher.receive_cleanup(age, Instant::now(), &mut self.hands);
                let long_ago = SystemTime::now().checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH);
                let packages = package::remove_stale(&self.options.cache, long_ago).unwrap_or_default();
                let selections = remove_old(&self.options.cache.join("selections"), long_ago).unwrap_or_default();
                let stale = packages + selections;
                done(&connection, format!("removed {contexts} contexts and {stale} stale cache directories"));
            }
            ClientToDaemon::SetIdleTimeout { seconds } => {
                self.options.idle_timeout = Duration::from_secs(*seconds);
                done(&connection, format!("the daemon leaves after {seconds} idle seconds"));
            }
            ClientToDaemon::Learn { directory } => self.learning.learn(connection, PathBuf::from(directory)),
            // `front_door::hear` passes neither on.
            ClientToDaemon::Hello(_) | ClientToDaemon::Run(_) => {}
        }
    }

    fn answer_status(&mut self, connection: &Connection) {
        let status = status::gather(&self.options, self.started, &self.dispatcher, &self.hands);
        let events = self.events.clone();
        match status::offer(&self.options.runtime_dir, connection, &status, move || drop(events.send(Event::Answered)))
        {
            Ok(()) => self.hands.answering += 1,
            Err(error) => self.hands.log.line(format_args!("a status could not be given: {error}")),
        }
    }

    fn tick(&mut self) {
        let now = Instant::now();
        self.hands.kill_overdue(now);
        let displaced = !self.owns_front_door();
        let idle_since = self.dispatcher.idle_since();
        let has_rested = |so_long| idle_since.is_some_and(|since| now.duration_since(since) >= so_long);
        if has_rested(ARRIVED) && self.weighed != idle_since {
            self.weighed = idle_since;
            self.free_memory();
        }
        let idle = has_rested(self.options.idle_timeout);
        if (displaced || idle) && matches!(self.leaving, Leaving::No) {
            self.hands.log.line(if displaced { "the runtime directory is gone" } else { "idle for long enough" });
            self.close_front_door();
            self.dispatcher.receive_stop(false, &mut self.hands);
            self.leave_for(None);
        }
    }

    /// Until there is enough, or one zygote is left.
    fn free_memory(&mut self) {
        loop {
            let kept: Vec<_> = self.hands.zygotes.values().filter(|kept| !kept.retired).collect();
            if kept.len() < 2 {
                return;
            }
            let pids = kept.into_iter().filter_map(|kept| kept.zygote.as_ref());
            let sizes = pids.filter_map(|zygote| rustix::process::Pid::from_raw(i32::try_from(zygote.pid).ok()?));
            let used = resident() + sizes.map(proportional).sum::<u64>();
            if used <= self.options.max_memory || !self.dispatcher.receive_memory_short(&mut self.hands) {
                return;
            }
        }
    }

    /// Not if the runtime directory has been removed, nor if another daemon has made it anew since.
    fn owns_front_door(&self) -> bool {
        self.options.lock.is_at_its_path() && self.options.runtime_dir.socket().exists()
    }

    fn close_front_door(&mut self) {
        if self.options.lock.is_at_its_path() {
            // Somebody may have removed it. Without its file the lock is free for the next daemon.
            let _ = std::fs::remove_file(self.options.runtime_dir.socket());
            let _ = self.options.lock.remove();
        }
    }

    fn leave_for(&mut self, waiting: Option<Connection>) {
        if let Leaving::WhenEmpty(connections) = &mut self.leaving {
            connections.extend(waiting);
        } else {
            self.leaving = Leaving::WhenEmpty(waiting.into_iter().collect());
        }
    }

    fn is_done(&self) -> bool {
        matches!(self.leaving, Leaving::WhenEmpty(_)) && self.dispatcher.is_empty() && self.hands.answering == 0
    }

    fn leave(self) {
        self.learning.finish();
        if let Leaving::WhenEmpty(waiting) = self.leaving {
            for connection in waiting {
                done(&connection, String::new());
            }
        }
    }
}

fn done(connection: &Connection, text: String) {
    // A command that is gone needs no answer.
    let _ = connection.say(&DaemonToClient::Done { text });
}
