//! Who serves which run: the daemon's decisions, without I/O, clock or lock.
//!
//! Every method is one thing that happened; what is to be done about it goes out through [`Deps`].
//! See `docs/design/daemon.md`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use rpytest_core::RunPath;
use rpytest_ipc::End;

use crate::context::ContextKey;

#[cfg(test)]
mod tests;

/// One zygote, for as long as the daemon runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ZygoteId(pub(super) u64);

/// One run, for as long as the daemon runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct RunId(pub(super) u64);

/// What the dispatcher has done in the world. Nothing here answers; what comes of it is told later.
pub(super) trait Deps {
    /// Start a zygote from the recipe of this run. Later: `receive_ready`, `receive_unusable` or `receive_gone`.
    fn start_zygote(&mut self, zygote: ZygoteId, like: RunId);
    /// Start a zygote from the recipe of another one. Later: as above.
    fn start_successor(&mut self, zygote: ZygoteId, of: ZygoteId);
    /// Let a zygote leave once its sessions have ended.
    fn retire(&mut self, zygote: ZygoteId, reason: &str);
    /// End a zygote and its sessions.
    fn hang_up(&mut self, zygote: ZygoteId);
    /// Hand a run over to a zygote.
    fn serve(&mut self, run: RunId, zygote: ZygoteId, path: RunPath, reason: Option<&str>);
    /// Tell a run's command that it must run plain pytest.
    fn refuse(&mut self, run: RunId, reason: &str, missing: bool);
    /// A session has ended.
    fn note_end(&mut self, run: RunId, end: Option<End>);
}

/// What a look at the files says of the zygote that would serve a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It may.
    Fresh,
    /// Another one must be started, for this reason.
    Stale(String),
    /// No zygote may, for this reason.
    Plain(String),
}

/// Why a zygote cannot be used for the runs that wait for it, and for how long that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unusable {
    /// The interpreter has no pytest: an error, until it has, which may be at any moment.
    NoPytest(String),
    /// The next one may be better.
    ThisTime(String),
    /// The next one will hardly be better; plain pytest is right in any case.
    ForAWhile(String),
}

impl Unusable {
    fn reason(&self) -> &str {
        match self {
            Self::NoPytest(reason) | Self::ThisTime(reason) | Self::ForAWhile(reason) => reason,
        }
    }
}

/// How many zygotes may be kept, and for how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// At most so many contexts.
    pub(super) contexts: usize,
    /// A zygote is renewed after so many runs, so that what all its forks share (the hash seed) does not look constant.
    pub(super) runs: u64,
    /// An interpreter that cannot be warmed is tried again after so long.
    pub(super) retry: Duration,
}

#[derive(Debug)]
struct Context {
    /// Serves runs.
    ready: Option<Ready>,
    /// Will replace it, or be the first.
    starting: Option<ZygoteId>,
    /// Runs that wait for the one that is starting, and why they do.
    waiting: Vec<(RunId, Option<String>)>,
    /// The last zygote could not be made; not before then is it tried again.
    unusable: Option<(String, Instant)>,
    /// Runs, by whichever zygote.
    served: u64,
    last_use: Instant,
}

impl Context {
    fn new(now: Instant) -> Self {
        Self { ready: None, starting: None, waiting: Vec::new(), unusable: None, served: 0, last_use: now }
    }

    /// Why no zygote is to be made now.
    fn resting(&self, now: Instant) -> Option<&str> {
        self.unusable.as_ref().filter(|(_, until)| now < *until).map(|(reason, _)| reason.as_str())
    }

    /// Nothing is left that is worth remembering.
    fn is_spent(&self) -> bool {
        self.ready.is_none() && self.starting.is_none() && self.unusable.is_none()
    }
}

#[derive(Debug, Clone, Copy)]
struct Ready {
    zygote: ZygoteId,
    runs: u64,
}

/// The state.
#[derive(Debug)]
pub(super) struct Dispatcher {
    limits: Limits,
    contexts: HashMap<ContextKey, Context>,
    keys: BTreeMap<ZygoteId, ContextKey>,
    active: BTreeMap<RunId, ZygoteId>,
    next_zygote: u64,
    last_activity: Instant,
}

impl Dispatcher {
    pub(super) fn new(limits: Limits, now: Instant) -> Self {
        Self {
            limits,
            contexts: HashMap::new(),
            keys: BTreeMap::new(),
            active: BTreeMap::new(),
            next_zygote: 0,
            last_activity: now,
        }
    }

    /// The zygote that would serve a run of this key: whoever asks looks at its files, for `receive_run`.
    pub(super) fn candidate(&self, key: &ContextKey) -> Option<ZygoteId> {
        Some(self.contexts.get(key)?.ready?.zygote)
    }

    /// A command wants a run. `verdict` is on the `candidate`, where there is one.
    pub(super) fn receive_run(
        &mut self,
        run: RunId,
        key: ContextKey,
        verdict: Option<Verdict>,
        now: Instant,
        deps: &mut impl Deps,
    ) {
        self.last_activity = now;
        let context = self.contexts.entry(key.clone()).or_insert_with(|| Context::new(now));
        context.last_use = now;
        if let Some(reason) = context.resting(now).filter(|_| context.ready.is_none()) {
            return deps.refuse(run, reason, false);
        }
        let why = match (context.ready.as_mut(), verdict) {
            (_, Some(Verdict::Plain(reason))) => return deps.refuse(run, &reason, false),
            (Some(ready), Some(Verdict::Fresh)) => {
                ready.runs += 1;
                context.served += 1;
                self.active.insert(run, ready.zygote);
                return deps.serve(run, ready.zygote, RunPath::Warm, None);
            }
            (Some(ready), verdict) => {
                let reason = match verdict {
                    Some(Verdict::Stale(reason)) => reason,
                    _ => "nobody has looked at its files".to_owned(),
                };
                deps.retire(ready.zygote, &reason);
                context.ready = None;
                Some(reason)
            }
            (None, _) => None,
        };
        context.waiting.push((run, why));
        if context.starting.is_none() {
            let zygote = self.new_zygote(key);
            deps.start_zygote(zygote, run);
            self.evict(deps);
        }
    }

    /// The runs that wait for a zygote: whoever hears that it is ready looks at it for each of them, for
    /// `receive_ready`.
    pub(super) fn waiting_for(&self, zygote: ZygoteId) -> impl Iterator<Item = RunId> {
        let context = self.keys.get(&zygote).and_then(|key| self.contexts.get(key));
        let waiting = context.filter(|context| context.starting == Some(zygote)).map(|context| &context.waiting);
        waiting.into_iter().flatten().map(|(run, _)| *run)
    }

    /// A zygote is warm. `plain` says which of the runs that wait for it must not be served by it all the same, and why.
    pub(super) fn receive_ready(
        &mut self,
        zygote: ZygoteId,
        plain: &BTreeMap<RunId, String>,
        now: Instant,
        deps: &mut impl Deps,
    ) {
        let Some(context) = self.context_of(zygote).filter(|context| context.starting == Some(zygote)) else {
            return deps.retire(zygote, "nobody needs it");
        };
        context.starting = None;
        let (refused, served): (Vec<_>, Vec<_>) =
            std::mem::take(&mut context.waiting).into_iter().partition(|(run, _)| plain.contains_key(run));
        let runs = served.len() as u64;
        context.served += runs;
        if let Some(previous) = context.ready.replace(Ready { zygote, runs }) {
            deps.retire(previous.zygote, "it has been renewed");
        }
        self.last_activity = now;
        for (run, _) in refused {
            deps.refuse(run, &plain[&run], false);
        }
        for (run, why) in served {
            self.active.insert(run, zygote);
            deps.serve(run, zygote, RunPath::First, why.as_deref());
        }
        self.evict(deps);
    }

    /// A zygote is warm, or would be, but cannot be used for the runs that wait for it: they go the plain way.
    pub(super) fn receive_unusable(&mut self, zygote: ZygoteId, why: &Unusable, now: Instant, deps: &mut impl Deps) {
        let retry = self.limits.retry;
        let Some(context) = self.context_of(zygote).filter(|context| context.starting == Some(zygote)) else { return };
        context.starting = None;
        if let Unusable::ForAWhile(reason) = why {
            context.unusable = Some((reason.clone(), now + retry));
        }
        let waiting = std::mem::take(&mut context.waiting);
        self.forget_if_spent(zygote);
        for (run, _) in waiting {
            deps.refuse(run, why.reason(), matches!(why, Unusable::NoPytest(_)));
        }
        deps.retire(zygote, why.reason());
        self.evict(deps);
    }

    /// A zygote has ended. Its sessions, if any are left, have nobody who reaps them.
    pub(super) fn receive_gone(&mut self, zygote: ZygoteId, complaint: &str, now: Instant, deps: &mut impl Deps) {
        let reason = if complaint.is_empty() { "the warm process has died" } else { complaint };
        self.receive_unusable(zygote, &Unusable::ForAWhile(reason.to_owned()), now, deps);
        if let Some(context) = self.context_of(zygote) {
            context.ready = context.ready.filter(|ready| ready.zygote != zygote);
        }
        self.forget_if_spent(zygote);
        self.keys.remove(&zygote);
        let lost: Vec<RunId> = self.runs_of(zygote).collect();
        for run in lost {
            self.active.remove(&run);
            deps.note_end(run, None);
        }
        self.evict(deps);
    }

    /// A session has ended.
    pub(super) fn receive_end(&mut self, run: RunId, end: End, now: Instant, deps: &mut impl Deps) {
        self.last_activity = now;
        deps.note_end(run, Some(end));
        let Some(zygote) = self.active.remove(&run) else { return };
        let limit = self.limits.runs;
        if let Some(context) = self.context_of(zygote) {
            context.last_use = now;
            let worn = context.ready.is_some_and(|ready| ready.zygote == zygote && ready.runs >= limit);
            if worn && context.starting.is_none() && context.resting(now).is_none() {
                self.renew(zygote, deps);
            }
        }
        self.evict(deps);
    }

    /// More is known now than this zygote was told when it was started: one that knows it takes over when it is ready.
    pub(super) fn receive_learned(&mut self, zygote: ZygoteId, now: Instant, deps: &mut impl Deps) {
        let Some(context) = self.context_of(zygote) else { return };
        let serves = context.ready.is_some_and(|ready| ready.zygote == zygote);
        if serves && context.starting.is_none() && context.resting(now).is_none() {
            self.renew(zygote, deps);
        }
    }

    /// Give up the contexts that are not in use and have not been for `max_age`, and say how many.
    pub(super) fn receive_cleanup(&mut self, max_age: Duration, now: Instant, deps: &mut impl Deps) -> usize {
        let stale: Vec<ContextKey> = self
            .unused()
            .filter(|(_, context)| now.duration_since(context.last_use) >= max_age)
            .map(|(key, _)| key.clone())
            .collect();
        for key in &stale {
            self.drop_context(key, "cleaned up", deps);
        }
        stale.len()
    }

    /// Memory is short: give up the least recently used context that can be. False: there is none.
    pub(super) fn receive_memory_short(&mut self, deps: &mut impl Deps) -> bool {
        match self.least_recently_used() {
            Some(key) => {
                self.drop_context(&key, "memory is short", deps);
                true
            }
            None => false,
        }
    }

    /// Everything is to end: the runs too, where `force` says so.
    pub(super) fn receive_stop(&mut self, force: bool, deps: &mut impl Deps) {
        let zygotes: Vec<ZygoteId> = self.keys.keys().copied().collect();
        for (run, _) in self.contexts.values_mut().flat_map(|context| std::mem::take(&mut context.waiting)) {
            deps.refuse(run, "the daemon is stopping", false);
        }
        self.contexts.clear();
        for zygote in zygotes {
            if force {
                deps.hang_up(zygote);
            }
            deps.retire(zygote, "the daemon is stopping");
        }
    }

    /// Whether any zygote is left.
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Since when nothing has gone on; None while something does.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let busy = !self.active.is_empty() || self.contexts.values().any(|context| !context.waiting.is_empty());
        (!busy).then_some(self.last_activity)
    }

    /// The contexts as far as they are known here, the most recently used first.
    pub(super) fn overview(&self) -> Vec<Overview<'_>> {
        let mut all: Vec<Overview<'_>> = self
            .contexts
            .iter()
            .map(|(key, context)| Overview {
                key,
                zygote: context.ready.map(|ready| ready.zygote).or(context.starting),
                runs: context.served,
                state: match (context.ready, context.starting, &context.unusable) {
                    (Some(_), _, _) => "ready",
                    (None, Some(_), _) => "starting",
                    (None, None, _) => "unusable",
                },
                reason: context
                    .unusable
                    .as_ref()
                    .filter(|_| context.ready.is_none())
                    .map(|(reason, _)| reason.as_str()),
                last_use: context.last_use,
            })
            .collect();
        all.sort_by_key(|overview| std::cmp::Reverse(overview.last_use));
        all
    }

    fn runs_of(&self, zygote: ZygoteId) -> impl Iterator<Item = RunId> {
        self.active.iter().filter(move |(_, served_by)| **served_by == zygote).map(|(run, _)| *run)
    }

    fn context_of(&mut self, zygote: ZygoteId) -> Option<&mut Context> {
        self.contexts.get_mut(self.keys.get(&zygote)?)
    }

    /// The context of this key, which is there, gets a zygote that is still to be started.
    fn new_zygote(&mut self, key: ContextKey) -> ZygoteId {
        let zygote = ZygoteId(self.next_zygote);
        self.next_zygote += 1;
        if let Some(context) = self.contexts.get_mut(&key) {
            context.starting = Some(zygote);
            context.unusable = None;
        }
        self.keys.insert(zygote, key);
        zygote
    }

    fn renew(&mut self, worn: ZygoteId, deps: &mut impl Deps) {
        if let Some(key) = self.keys.get(&worn).cloned() {
            let zygote = self.new_zygote(key);
            deps.start_successor(zygote, worn);
        }
    }

    fn forget_if_spent(&mut self, zygote: ZygoteId) {
        let Some(key) = self.keys.get(&zygote) else { return };
        if self.contexts.get(key).is_some_and(Context::is_spent) {
            self.contexts.remove(key);
        }
    }

    /// Keep to the limit as far as runs allow: called wherever a context may have come, or a run have ended.
    fn evict(&mut self, deps: &mut impl Deps) {
        while self.contexts.len() > self.limits.contexts {
            let Some(key) = self.least_recently_used() else { return };
            self.drop_context(&key, "too many contexts", deps);
        }
    }

    fn least_recently_used(&self) -> Option<ContextKey> {
        self.unused().min_by_key(|(_, context)| context.last_use).map(|(key, _)| key.clone())
    }

    /// The contexts that no run waits for, or is served by.
    fn unused(&self) -> impl Iterator<Item = (&ContextKey, &Context)> {
        let in_use: HashSet<&ContextKey> = self.active.values().filter_map(|zygote| self.keys.get(zygote)).collect();
        self.contexts.iter().filter(move |(key, context)| context.waiting.is_empty() && !in_use.contains(key))
    }

    fn drop_context(&mut self, key: &ContextKey, reason: &str, deps: &mut impl Deps) {
        if let Some(context) = self.contexts.remove(key) {
            for zygote in context.ready.map(|ready| ready.zygote).into_iter().chain(context.starting) {
                deps.retire(zygote, reason);
            }
        }
    }
}

/// One context, for the status.
#[derive(Debug)]
pub(super) struct Overview<'a> {
    pub(super) key: &'a ContextKey,
    pub(super) zygote: Option<ZygoteId>,
    pub(super) runs: u64,
    pub(super) state: &'static str,
    pub(super) reason: Option<&'a str>,
    pub(super) last_use: Instant,
}
