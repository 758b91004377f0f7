//! A dispatcher whose clock and whose world are the test's.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rpytest_core::RunPath;
use rpytest_ipc::End;

use crate::context::ContextKey;
use crate::daemon::dispatcher::{Deps, Dispatcher, Limits, RunId, Unusable, Verdict, ZygoteId};

pub(super) const LIMITS: Limits = Limits { contexts: 2, runs: 3, retry: Duration::from_secs(60) };

/// What the dispatcher wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    Start { zygote: ZygoteId, like: RunId },
    Succeed { zygote: ZygoteId, of: ZygoteId },
    Retire { zygote: ZygoteId, reason: String },
    HangUp { zygote: ZygoteId },
    Serve { run: RunId, zygote: ZygoteId, path: RunPath, reason: Option<String> },
    Refuse { run: RunId, reason: String, missing: bool },
    Note { run: RunId, end: Option<End> },
}

/// As the dialogues write it.
impl fmt::Display for Effect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start { zygote, like } => write!(formatter, "start zygote {} like run {}", zygote.0, like.0),
            Self::Succeed { zygote, of } => write!(formatter, "start zygote {} after zygote {}", zygote.0, of.0),
            Self::Retire { zygote, reason } => write!(formatter, "retire zygote {}: {reason}", zygote.0),
            Self::HangUp { zygote } => write!(formatter, "hang up zygote {}", zygote.0),
            Self::Serve { run, zygote, path, reason } => {
                let because = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
                write!(formatter, "serve run {} by zygote {}, {path:?}{because}", run.0, zygote.0)
            }
            Self::Refuse { run, reason, missing } => {
                let what = if *missing { "no pytest for" } else { "refuse" };
                write!(formatter, "{what} run {}: {reason}", run.0)
            }
            Self::Note { run, end: Some(End::Code(code)) } => write!(formatter, "run {} exits with {code}", run.0),
            Self::Note { run, end: Some(End::Signal(signal)) } => write!(formatter, "run {} dies of {signal}", run.0),
            Self::Note { run, end: None } => write!(formatter, "run {} is lost", run.0),
        }
    }
}

impl Deps for Vec<Effect> {
    fn start_zygote(&mut self, zygote: ZygoteId, like: RunId) {
        self.push(Effect::Start { zygote, like });
    }

    fn start_successor(&mut self, zygote: ZygoteId, of: ZygoteId) {
        self.push(Effect::Succeed { zygote, of });
    }

    fn retire(&mut self, zygote: ZygoteId, reason: &str) {
        self.push(Effect::Retire { zygote, reason: reason.to_owned() });
    }

    fn hang_up(&mut self, zygote: ZygoteId) {
        self.push(Effect::HangUp { zygote });
    }

    fn serve(&mut self, run: RunId, zygote: ZygoteId, path: RunPath, reason: Option<&str>) {
        self.push(Effect::Serve { run, zygote, path, reason: reason.map(str::to_owned) });
    }

    fn refuse(&mut self, run: RunId, reason: &str, missing: bool) {
        self.push(Effect::Refuse { run, reason: reason.to_owned(), missing });
    }

    fn note_end(&mut self, run: RunId, end: Option<End>) {
        self.push(Effect::Note { run, end });
    }
}

/// The context of a place; the same place, the same context.
pub(super) fn key(place: &str) -> ContextKey {
    ContextKey {
        interpreter: PathBuf::from("python"),
        shim: None,
        directory: (0, 0),
        directory_name: PathBuf::from(place),
        environment: Vec::new(),
    }
}

/// One side of a dialogue: each method tells the dispatcher something, and returns what it answers.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) dispatcher: Dispatcher,
    pub(super) now: Instant,
    begun: Instant,
}

impl Script {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self { dispatcher: Dispatcher::new(LIMITS, now), now, begun: now }
    }

    /// A session has told of imports that its zygote did not know.
    pub(super) fn learned(&mut self, zygote: u64) -> Vec<String> {
        self.answer(|script, deps| script.dispatcher.receive_learned(ZygoteId(zygote), script.now, deps))
    }

    /// Time passes.
    pub(super) fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    /// A run of a place, whose files are as they were.
    pub(super) fn run(&mut self, run: u64, place: &str) -> Vec<String> {
        self.run_if(run, place, &Verdict::Fresh)
    }

    /// A run of a place, with what a look at the zygote says that would serve it, if there is one.
    pub(super) fn run_if(&mut self, run: u64, place: &str, verdict: &Verdict) -> Vec<String> {
        let verdict = self.dispatcher.candidate(&key(place)).map(|_| verdict.clone());
        self.answer(|script, deps| script.dispatcher.receive_run(RunId(run), key(place), verdict, script.now, deps))
    }

    pub(super) fn ready(&mut self, zygote: u64) -> Vec<String> {
        self.ready_but_not_for(zygote, &[])
    }

    /// Ready, but some of the runs that wait must be plain, for these reasons.
    pub(super) fn ready_but_not_for(&mut self, zygote: u64, plain: &[(u64, &str)]) -> Vec<String> {
        let plain: BTreeMap<_, _> = plain.iter().map(|(run, why)| (RunId(*run), (*why).to_owned())).collect();
        self.answer(|script, deps| script.dispatcher.receive_ready(ZygoteId(zygote), &plain, script.now, deps))
    }

    pub(super) fn unusable(&mut self, zygote: u64, why: &Unusable) -> Vec<String> {
        self.answer(|script, deps| script.dispatcher.receive_unusable(ZygoteId(zygote), why, script.now, deps))
    }

    pub(super) fn gone(&mut self, zygote: u64, complaint: &str) -> Vec<String> {
        self.answer(|script, deps| script.dispatcher.receive_gone(ZygoteId(zygote), complaint, script.now, deps))
    }

    pub(super) fn exits(&mut self, run: u64, code: i32) -> Vec<String> {
        let end = End::Code(code);
        self.answer(|script, deps| script.dispatcher.receive_end(RunId(run), end, script.now, deps))
    }

    pub(super) fn cleanup(&mut self, older_than: u64) -> Vec<String> {
        let age = Duration::from_secs(older_than);
        let mut contexts = 0;
        let answer = self.answer(|script, deps| contexts = script.dispatcher.receive_cleanup(age, script.now, deps));
        assert!(contexts <= answer.len(), "each has had a zygote");
        answer
    }

    pub(super) fn memory_short(&mut self) -> Vec<String> {
        let mut found = false;
        let answer = self.answer(|script, deps| found = script.dispatcher.receive_memory_short(deps));
        assert_eq!(found, !answer.is_empty());
        answer
    }

    pub(super) fn stop(&mut self, force: bool) -> Vec<String> {
        self.answer(|script, deps| script.dispatcher.receive_stop(force, deps))
    }

    /// The second of the script since which nothing goes on.
    pub(super) fn idle_since(&self) -> Option<u64> {
        self.dispatcher.idle_since().map(|since| since.duration_since(self.begun).as_secs())
    }

    /// Each context: its place, state, runs served, and why, where there is something to tell.
    pub(super) fn overview(&self) -> Vec<(String, &'static str, u64, Option<String>)> {
        let tell = |overview: &super::super::Overview<'_>| {
            let place = overview.key.directory_name.display().to_string();
            (place, overview.state, overview.runs, overview.reason.map(str::to_owned))
        };
        self.dispatcher.overview().iter().map(tell).collect()
    }

    /// A context with a warm zygote, made by one run that is over.
    pub(super) fn warm_up(&mut self, run: u64, place: &str, zygote: u64) {
        assert!(self.run(run, place).contains(&format!("start zygote {zygote} like run {run}")));
        assert_eq!(self.ready(zygote), [format!("serve run {run} by zygote {zygote}, First")]);
        assert_eq!(self.exits(run, 0), [format!("run {run} exits with 0")]);
    }

    fn answer(&mut self, tell: impl FnOnce(&mut Self, &mut Vec<Effect>)) -> Vec<String> {
        let mut effects = Vec::new();
        tell(self, &mut effects);
        effects.iter().map(Effect::to_string).collect()
    }
}
