//! What the dispatcher decides is done here: processes, sockets and the log. See `docs/design/daemon.md`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant, SystemTime};

use rpytest_core::RunPath;
use rpytest_ipc::{Connection, DaemonToClient, DaemonToZygote, End, RecentRun, RunRequest, RuntimeDir, SessionFacts};
use rustix::process::{Pid, Signal, kill_process};

use super::dispatcher::{Deps, RunId, Unusable, Verdict, ZygoteId};
use super::event::{Asked, Event};
use super::log::Log;
use super::stream;
use super::watching::{Sight, is_touched};
use crate::context::Recipe;
use crate::process::{Facts, Staleness, Zygote, ZygoteNews};

/// How many ended runs are remembered for the status.
const REMEMBERED: usize = 50;
/// From so many runs of a zygote on, what changes between them is noticed.
const REPEATED: u64 = 2;
/// So long after the last one.
const INTEREST: Duration = Duration::from_secs(15 * 60);
/// How long a zygote may take to become warm before it is killed.
const START_PATIENCE: Duration = Duration::from_secs(30);

/// A zygote and what is known of it.
#[derive(Debug)]
pub(super) struct Kept {
    /// None: it could not be started.
    pub(super) zygote: Option<Zygote>,
    pub(super) recipe: Recipe,
    pub(super) facts: Option<Facts>,
    pub(super) since: Instant,
    /// It leaves when its last session has ended.
    pub(super) retired: bool,
    /// How many runs it has been given, and when the last one.
    runs: u64,
    last_run: Instant,
}

/// A run that nobody serves yet.
#[derive(Debug)]
struct Waiting {
    asked: Box<Asked>,
    recipe: Recipe,
}

/// A run as the status tells it.
#[derive(Debug)]
pub(super) struct Noted {
    id: RunId,
    since: Instant,
    run: RecentRun,
}

/// Everything that the daemon holds on to.
#[derive(Debug)]
pub(super) struct Hands {
    package: PathBuf,
    runtime_dir: RuntimeDir,
    confinement: String,
    events: Sender<Event>,
    pub(super) log: Log,
    pub(super) zygotes: BTreeMap<ZygoteId, Kept>,
    waiting: BTreeMap<RunId, Waiting>,
    noted: VecDeque<Noted>,
    /// Bulk answers and streams that are being given.
    pub(super) answering: usize,
    /// Where the events of runs come in.
    streams: BTreeMap<RunId, Connection>,
    next_run: u64,
    /// Zygotes that could not even be started: the loop tells the dispatcher, which must not be called from here.
    pub(super) stillborn: Vec<(ZygoteId, String)>,
}

impl Hands {
    pub(super) fn new(
        package: PathBuf,
        runtime_dir: RuntimeDir,
        confinement: String,
        events: Sender<Event>,
        log: Log,
    ) -> Self {
        Self {
            package,
            runtime_dir,
            confinement,
            events,
            log,
            zygotes: BTreeMap::new(),
            waiting: BTreeMap::new(),
            noted: VecDeque::new(),
            answering: 0,
            streams: BTreeMap::new(),
            next_run: 0,
            stillborn: Vec::new(),
        }
    }

    /// Take in a run that was asked for. None: it has been refused.
    pub(super) fn take_in(&mut self, asked: Box<Asked>) -> Option<(RunId, Recipe)> {
        let recipe = match Recipe::read(&asked.request, &asked.body, &asked.descriptors[0]) {
            Ok(recipe) => recipe,
            Err(error) => {
                self.log.line(format_args!("a run was not understood: {error}"));
                return None;
            }
        };
        let run = RunId(self.next_run);
        self.next_run += 1;
        let confined_alike = asked.request.confinement == self.confinement;
        self.waiting.insert(run, Waiting { asked, recipe: recipe.clone() });
        if confined_alike {
            return Some((run, recipe));
        }
        self.refuse(run, "the daemon runs in other namespaces, or with other credentials, than this command", false);
        None
    }

    /// A run cannot be served for a reason of the system's.
    pub(super) fn refuse_for(&mut self, run: RunId, error: &std::io::Error) {
        self.refuse(run, &error.to_string(), false);
    }

    /// Whether a zygote may serve a run of this recipe, by the files as they are now.
    pub(super) fn look(&self, zygote: ZygoteId, recipe: &Recipe) -> Verdict {
        let Some(facts) = self.zygotes.get(&zygote).and_then(|kept| kept.facts.as_ref()) else {
            return Verdict::Stale("nothing is known of the warm process".to_owned());
        };
        match facts.staleness(recipe) {
            None => Verdict::Fresh,
            Some(shadowed @ Staleness::Shadowed(_)) => Verdict::Plain(shadowed.to_string()),
            Some(changed @ Staleness::Changed(_)) => Verdict::Stale(changed.to_string()),
        }
    }

    /// A zygote says that it is warm: remember what it was made from. An error is why it must not be used.
    pub(super) fn take_facts(&mut self, zygote: ZygoteId, session: SessionFacts) -> Result<(), Unusable> {
        let Some(kept) = self.zygotes.get_mut(&zygote) else {
            return Err(Unusable::ThisTime("nobody knows it".to_owned()));
        };
        if session.loud {
            let reason = "its start writes to the standard streams, which every run must".to_owned();
            return Err(Unusable::ForAWhile(reason));
        }
        let facts = Facts::observe(session, kept.recipe.clone());
        let started = kept.zygote.as_ref().map_or(SystemTime::UNIX_EPOCH, |zygote| zygote.started);
        if let Some(path) = facts.changed_since(started) {
            return Err(Unusable::ThisTime(format!("{} changed while it was being warmed", path.display())));
        }
        kept.facts = Some(facts);
        Ok(())
    }

    /// Which of the runs that have waited for a zygote must be plain all the same, and why: it was started like one of
    /// them, and the others may differ from that one in what only now is known to matter.
    pub(super) fn plain(&self, zygote: ZygoteId, runs: impl Iterator<Item = RunId>) -> BTreeMap<RunId, String> {
        let facts = self.zygotes.get(&zygote).and_then(|kept| kept.facts.as_ref());
        let why = |run| Some((run, facts?.unfitness(&self.waiting.get(&run)?.recipe)?.to_string()));
        runs.filter_map(why).collect()
    }

    /// Kill the zygotes that take too long to become warm.
    pub(super) fn kill_overdue(&mut self, now: Instant) {
        for (id, kept) in &self.zygotes {
            let overdue = kept.facts.is_none() && now.duration_since(kept.since) > START_PATIENCE;
            if let (true, Some(zygote)) = (overdue, &kept.zygote) {
                self.log.line(format_args!("zygote {} takes too long to start", id.0));
                kill(zygote.pid, Signal::KILL);
            }
        }
    }

    /// The directories where a change is worth to be noticed: those of runs that are repeated.
    pub(super) fn directories(&self) -> BTreeSet<PathBuf> {
        let kept = self.zygotes.values().filter(|kept| kept.runs >= REPEATED && !kept.retired);
        kept.map(|kept| kept.recipe.directory_name.clone()).filter(|directory| directory.is_absolute()).collect()
    }

    /// Something has changed there, or why that cannot be noticed.
    pub(super) fn see(&mut self, sight: &Sight, now: Instant) {
        match sight {
            Sight::Changes(changes) => {
                for kept in self.zygotes.values().filter(|kept| now.duration_since(kept.last_run) < INTEREST) {
                    if let (Some(zygote), true) = (&kept.zygote, is_touched(&kept.recipe.directory_name, changes)) {
                        zygote.look_again();
                    }
                }
            }
            Sight::Blind(error) => self.log.line(format_args!("changes are not noticed between runs: {error}")),
        }
    }

    /// The session of a run exists.
    pub(super) fn note_start(&mut self, run: RunId, pid: i32) {
        if let Some(noted) = self.served(run) {
            noted.pid = Some(pid);
        }
    }

    /// The session of a run has refused it: the command runs plain pytest.
    pub(super) fn note_refusal(&mut self, run: RunId, reason: String) {
        if let Some(noted) = self.served(run) {
            (noted.path, noted.reason, noted.pid) = (RunPath::Fallback, Some(reason), None);
        }
    }

    /// A run that is a session's: one that it has refused is no more, whatever comes of that process.
    fn served(&mut self, run: RunId) -> Option<&mut RecentRun> {
        let noted = self.noted.iter_mut().find(|noted| noted.id == run)?;
        Some(&mut noted.run).filter(|run| run.path != RunPath::Fallback)
    }

    /// The runs that are remembered, the newest first.
    pub(super) fn recent(&self, now: Instant) -> Vec<RecentRun> {
        let aged =
            |noted: &Noted| RecentRun { age: now.duration_since(noted.since).as_secs_f64(), ..noted.run.clone() };
        self.noted.iter().map(aged).collect()
    }

    fn start(&mut self, id: ZygoteId, recipe: Recipe) {
        let events = self.events.clone();
        // Without a loop there is no daemon any more.
        let tell = move |news: ZygoteNews| drop(events.send(Event::Zygote(id, news)));
        let zygote = match Zygote::start(&recipe, &self.package, tell) {
            Ok(zygote) => {
                let (pid, place) = (zygote.pid, recipe.directory_name.display());
                self.log.line(format_args!("zygote {} is process {pid}, for {place}", id.0));
                Some(zygote)
            }
            Err(error) => {
                let reason = format!("cannot start {}: {error}", recipe.interpreter.display());
                self.stillborn.push((id, reason));
                None
            }
        };
        let now = Instant::now();
        let kept = Kept { zygote, recipe, facts: None, since: now, retired: false, runs: 0, last_run: now };
        self.zygotes.insert(id, kept);
    }

    /// For the run's events, if they are wanted.
    fn open_stream(&mut self, run: RunId, asked: &Asked) -> Option<stream::Stream> {
        if !asked.request.events {
            return None;
        }
        let events = self.events.clone();
        match stream::open(&self.runtime_dir, &asked.connection, move || drop(events.send(Event::Answered))) {
            Ok(stream) => {
                self.answering += 1;
                Some(stream)
            }
            Err(error) => {
                self.log.line(format_args!("the events of run {} cannot be streamed: {error}", run.0));
                None
            }
        }
    }

    fn note(&mut self, id: RunId, recipe: &Recipe, path: RunPath, reason: Option<&str>) {
        let run = RecentRun {
            repository: recipe.directory_name.display().to_string(),
            arguments: recipe.arguments.clone(),
            path,
            reason: reason.map(str::to_owned),
            pid: None,
            age: 0.0,
            end: None,
        };
        self.noted.push_front(Noted { id, since: Instant::now(), run });
        self.noted.truncate(REMEMBERED);
    }
}

impl Deps for Hands {
    fn start_zygote(&mut self, zygote: ZygoteId, like: RunId) {
        if let Some(waiting) = self.waiting.get(&like) {
            self.start(zygote, waiting.recipe.clone());
        }
    }

    fn start_successor(&mut self, zygote: ZygoteId, of: ZygoteId) {
        if let Some(kept) = self.zygotes.get(&of) {
            self.start(zygote, kept.recipe.clone());
        }
    }

    fn retire(&mut self, zygote: ZygoteId, reason: &str) {
        let Some(kept) = self.zygotes.get_mut(&zygote).filter(|kept| !kept.retired) else { return };
        kept.retired = true;
        if let Some(process) = &kept.zygote {
            process.retire();
            self.log.line(format_args!("zygote {} is let go: {reason}", zygote.0));
        }
    }

    fn hang_up(&mut self, zygote: ZygoteId) {
        let Some(kept) = self.zygotes.get(&zygote) else { return };
        match (&kept.zygote, &kept.facts) {
            (Some(process), Some(_)) => process.hang_up(),
            // It does not listen yet, and has no sessions.
            (Some(process), None) => kill(process.pid, Signal::KILL),
            (None, _) => {}
        }
    }

    fn serve(&mut self, run: RunId, zygote: ZygoteId, path: RunPath, reason: Option<&str>) {
        let Some(Waiting { asked, recipe }) = self.waiting.remove(&run) else { return };
        self.note(run, &recipe, path, reason);
        let events = self.open_stream(run, &asked);
        let Some(kept) = self.zygotes.get_mut(&zygote) else { return };
        (kept.runs, kept.last_run) = (kept.runs + 1, Instant::now());
        let Some(process) = &kept.zygote else { return };
        let mut descriptors: Vec<BorrowedFd<'_>> = vec![asked.connection.as_fd()];
        descriptors.extend(asked.descriptors.iter().map(AsFd::as_fd));
        descriptors.extend(events.iter().map(|events| events.theirs.as_fd()));
        let message = DaemonToZygote::Run {
            run: run.0,
            passed: descriptors.len(),
            keep_environment: asked.request.shim.is_some(),
            path,
            reason: reason.map(str::to_owned),
            request: Box::new(RunRequest { events: events.is_some(), ..*asked.request }),
        };
        if let Err(error) = process.run(&message, asked.body, &descriptors) {
            self.log.line(format_args!("run {} could not be handed over: {error}", run.0));
        }
        if let Some(events) = events {
            self.streams.insert(run, events.ours);
        }
        // The connection is the zygote's now: when it closes it, or dies, the command sees the end of it.
    }

    fn refuse(&mut self, run: RunId, reason: &str, missing: bool) {
        let Some(Waiting { asked, recipe }) = self.waiting.remove(&run) else { return };
        self.note(run, &recipe, RunPath::Fallback, Some(reason));
        // A command that is gone needs no answer.
        let _ = asked.connection.say(&DaemonToClient::Refused { reason: reason.to_owned(), missing });
    }

    fn note_end(&mut self, run: RunId, end: Option<End>) {
        if let Some(stream) = self.streams.remove(&run) {
            stream.finish_receiving(); // forks that the session has left behind may hold its end
        }
        if let Some(noted) = self.served(run) {
            noted.end = end;
        }
    }
}

fn kill(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It may have ended in between.
        let _ = kill_process(pid, signal);
    }
}
