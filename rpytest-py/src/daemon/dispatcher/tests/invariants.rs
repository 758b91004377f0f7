//! Random scripts: whatever happens in whatever order, these stay true.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use rpytest_core::RunPath;
use rpytest_ipc::End;

use super::script::{Effect, LIMITS, Script, key};
use crate::daemon::dispatcher::{RunId, Unusable, Verdict, ZygoteId};

/// One thing that happens; numbers choose among what is there, if anything is.
#[derive(Debug, Clone)]
enum Step {
    Run { place: usize, verdict: Verdict },
    Ready { which: usize, refuse: bool },
    Unusable { which: usize, why: Unusable },
    Gone { which: usize },
    End { which: usize },
    Wait { seconds: u64 },
    Cleanup { seconds: u64 },
    MemoryShort,
}

const PLACES: [&str; 4] = ["a", "b", "c", "d"];

fn step() -> impl Strategy<Value = Step> {
    let which = 0..8usize;
    let verdict = prop_oneof![
        4 => Just(Verdict::Fresh),
        1 => Just(Verdict::Stale("changed".to_owned())),
        1 => Just(Verdict::Plain("shadowed".to_owned())),
    ];
    let why = prop_oneof![
        Just(Unusable::NoPytest("none".to_owned())),
        Just(Unusable::ThisTime("once".to_owned())),
        Just(Unusable::ForAWhile("long".to_owned())),
    ];
    prop_oneof![
        6 => (0..PLACES.len(), verdict).prop_map(|(place, verdict)| Step::Run { place, verdict }),
        4 => (which.clone(), any::<bool>()).prop_map(|(which, refuse)| Step::Ready { which, refuse }),
        1 => (which.clone(), why).prop_map(|(which, why)| Step::Unusable { which, why }),
        1 => which.clone().prop_map(|which| Step::Gone { which }),
        4 => which.prop_map(|which| Step::End { which }),
        1 => (0..40u64).prop_map(|seconds| Step::Wait { seconds }),
        1 => (0..40u64).prop_map(|seconds| Step::Cleanup { seconds }),
        1 => Just(Step::MemoryShort),
    ]
}

/// The world as the effects have made it, which checks each of them.
#[derive(Debug, Default)]
struct World {
    /// Every zygote that has not ended, with the place that it was started for.
    zygotes: BTreeMap<ZygoteId, Zygote>,
    /// Runs that were asked for and have no answer.
    unanswered: BTreeMap<RunId, &'static str>,
    /// Runs that were served, and by whom.
    served: BTreeMap<RunId, ZygoteId>,
    /// Runs whose end was noted.
    ended: BTreeSet<RunId>,
    runs: u64,
}

#[derive(Debug)]
struct Zygote {
    place: &'static str,
    ready: bool,
    retired: bool,
}

impl World {
    fn apply(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Start { zygote, like } => self.start(zygote, self.unanswered[&like]),
                Effect::Succeed { zygote, of } => self.start(zygote, self.zygotes[&of].place),
                Effect::Retire { zygote, .. } => {
                    self.zygotes.get_mut(&zygote).into_iter().for_each(|known| known.retired = true);
                }
                Effect::HangUp { zygote } => assert!(self.zygotes.contains_key(&zygote)),
                Effect::Serve { run, zygote, path, .. } => self.serve(run, zygote, path),
                Effect::Refuse { run, .. } => {
                    self.unanswered.remove(&run).expect("a run is answered once");
                }
                Effect::Note { run, .. } => assert!(self.ended.insert(run), "{run:?} ends twice"),
            }
        }
        let mut starting = BTreeSet::new();
        for zygote in self.zygotes.values().filter(|zygote| !zygote.ready && !zygote.retired) {
            assert!(starting.insert(zygote.place), "two zygotes start for {}", zygote.place);
        }
    }

    fn start(&mut self, zygote: ZygoteId, place: &'static str) {
        let new = Zygote { place, ready: false, retired: false };
        assert!(self.zygotes.insert(zygote, new).is_none(), "{zygote:?} is started twice");
    }

    fn serve(&mut self, run: RunId, zygote: ZygoteId, path: RunPath) {
        let place = self.unanswered.remove(&run).expect("a run is answered once");
        let by = &self.zygotes[&zygote];
        assert!(by.ready && !by.retired, "{run:?} is served by a zygote that cannot");
        assert_eq!(by.place, place, "{run:?} is served in another context");
        assert_ne!(path, RunPath::Fallback);
        self.served.insert(run, zygote);
    }

    fn nth_zygote(&self, which: usize, ready: bool) -> Option<ZygoteId> {
        let those: Vec<_> = self.zygotes.iter().filter(|(_, zygote)| zygote.ready == ready).collect();
        Some(*those.get(which % those.len().max(1))?.0)
    }

    fn going_on(&self) -> Vec<RunId> {
        self.served.keys().filter(|run| !self.ended.contains(run)).copied().collect()
    }

    /// The places that a run waits for, or is served in.
    fn in_use(&self) -> BTreeSet<&'static str> {
        let serving = self.going_on().into_iter().filter_map(|run| Some(self.zygotes.get(&self.served[&run])?.place));
        serving.chain(self.unanswered.values().copied()).collect()
    }
}

/// Tell the dispatcher, and see that what it answers keeps the world in order.
fn take(step: &Step, script: &mut Script, world: &mut World) {
    let mut effects = Vec::new();
    let (dispatcher, now) = (&mut script.dispatcher, script.now);
    match step {
        Step::Run { place, verdict } => {
            let (run, place) = (RunId(world.runs), PLACES[*place]);
            world.runs += 1;
            world.unanswered.insert(run, place);
            let verdict = dispatcher.candidate(&key(place)).map(|_| verdict.clone());
            dispatcher.receive_run(run, key(place), verdict, now, &mut effects);
        }
        Step::Ready { which, refuse } => {
            let Some(zygote) = world.nth_zygote(*which, false) else { return };
            world.zygotes.get_mut(&zygote).into_iter().for_each(|known| known.ready = true);
            let first = dispatcher.waiting_for(zygote).next().filter(|_| *refuse);
            let plain = first.into_iter().map(|run| (run, "unlike".to_owned())).collect();
            dispatcher.receive_ready(zygote, &plain, now, &mut effects);
        }
        Step::Unusable { which, why } => {
            let Some(zygote) = world.nth_zygote(*which, false) else { return };
            dispatcher.receive_unusable(zygote, why, now, &mut effects);
        }
        Step::Gone { which } => {
            let Some(zygote) = world.nth_zygote(which / 2, which % 2 == 0) else { return };
            world.zygotes.remove(&zygote);
            dispatcher.receive_gone(zygote, "", now, &mut effects);
        }
        Step::End { which } => {
            let runs = world.going_on();
            let Some(run) = runs.get(which % runs.len().max(1)) else { return };
            dispatcher.receive_end(*run, End::Code(0), now, &mut effects);
        }
        Step::Wait { seconds } => script.wait(*seconds),
        Step::Cleanup { seconds } => {
            dispatcher.receive_cleanup(Duration::from_secs(*seconds), now, &mut effects);
        }
        Step::MemoryShort => {
            dispatcher.receive_memory_short(&mut effects);
        }
    }
    world.apply(effects.clone());
    let in_use = world.in_use();
    for effect in &effects {
        if let Effect::Retire { zygote, reason } = effect {
            let given_up = ["too many contexts", "memory is short", "cleaned up"].contains(&reason.as_str());
            let used = world.zygotes.get(zygote).is_some_and(|zygote| in_use.contains(zygote.place));
            assert!(!(given_up && used), "{effect}, which is in use");
        }
    }
}

/// Stop, and let all that is left of the world end in order.
fn finish(script: &mut Script, world: &mut World, force: bool) {
    let mut effects = Vec::new();
    script.dispatcher.receive_stop(force, &mut effects);
    for run in world.going_on() {
        script.dispatcher.receive_end(run, End::Code(0), script.now, &mut effects);
    }
    for zygote in std::mem::take(&mut world.zygotes).into_keys() {
        script.dispatcher.receive_gone(zygote, "", script.now, &mut effects);
    }
    effects.retain(|effect| !matches!(effect, Effect::HangUp { .. }));
    world.apply(effects);
}

proptest! {
    #[test]
    fn every_run_is_answered_once_and_nothing_is_left(
        steps in proptest::collection::vec(step(), 0..60),
        force: bool,
    ) {
        let (mut script, mut world) = (Script::new(), World::default());
        for step in &steps {
            take(step, &mut script, &mut world);
            let waiting = world.unanswered.len() + world.going_on().len();
            prop_assert_eq!(script.dispatcher.idle_since().is_none(), waiting > 0);
        }
        finish(&mut script, &mut world, force);
        prop_assert!(world.unanswered.is_empty(), "never answered: {:?}", world.unanswered);
        prop_assert_eq!(world.ended.len(), world.served.len(), "every session's end is noted");
        prop_assert!(script.dispatcher.is_empty());
        prop_assert!(script.overview().is_empty());
        prop_assert!(script.idle_since().is_some());
    }

    #[test]
    fn the_limit_is_kept_as_far_as_use_allows(steps in proptest::collection::vec(step(), 0..60)) {
        let (mut script, mut world) = (Script::new(), World::default());
        for step in &steps {
            take(step, &mut script, &mut world);
            prop_assert!(script.overview().len() <= LIMITS.contexts.max(world.in_use().len()));
        }
    }
}
