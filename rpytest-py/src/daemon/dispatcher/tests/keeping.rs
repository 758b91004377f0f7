//! How many zygotes are kept, which, and for how long.

use super::script::{LIMITS, Script};
use crate::daemon::dispatcher::{Unusable, Verdict};

#[test]
fn too_many_contexts_cost_the_least_recently_used() {
    let mut script = Script::new();
    script.warm_up(1, "a", 0);
    script.wait(1);
    script.warm_up(2, "b", 1);
    script.wait(1);
    script.run(3, "a");
    script.exits(3, 0);
    script.wait(1);
    let answer = script.run(4, "c");
    assert_eq!(answer, ["start zygote 2 like run 4", "retire zygote 1: too many contexts"]);
    assert_eq!(script.run(5, "a"), ["serve run 5 by zygote 0, Warm"]);
}

#[test]
fn a_context_in_use_is_not_given_up_before_its_run_has_ended() {
    let mut script = Script::new();
    script.warm_up(1, "a", 0);
    script.run(2, "a");
    script.wait(1);
    assert_eq!(script.run(3, "b"), ["start zygote 1 like run 3"]);
    script.wait(1);
    assert_eq!(script.run(4, "c"), ["start zygote 2 like run 4"]);
    assert_eq!(script.ready(1), ["serve run 3 by zygote 1, First"]);
    assert_eq!(script.exits(3, 0), ["run 3 exits with 0", "retire zygote 1: too many contexts"]);
    assert_eq!(script.exits(2, 0), ["run 2 exits with 0"]);
}

#[test]
fn short_memory_costs_one_context_that_is_not_in_use() {
    let mut script = Script::new();
    script.warm_up(1, "a", 0);
    script.wait(1);
    script.warm_up(2, "b", 1);
    script.run(3, "a");
    assert_eq!(script.memory_short(), ["retire zygote 1: memory is short"]);
    assert_eq!(script.memory_short(), [""; 0]);
}

#[test]
fn a_worn_zygote_serves_until_its_successor_is_ready() {
    let mut script = Script::new();
    script.warm_up(1, "here", 0);
    for run in 2..LIMITS.runs {
        script.run(run, "here");
        assert_eq!(script.exits(run, 0), [format!("run {run} exits with 0")]);
    }
    script.run(3, "here");
    assert_eq!(script.exits(3, 0), ["run 3 exits with 0", "start zygote 1 after zygote 0"]);
    assert_eq!(script.run(4, "here"), ["serve run 4 by zygote 0, Warm"]);
    assert_eq!(script.exits(4, 0), ["run 4 exits with 0"], "one successor is enough");
    assert_eq!(script.ready(1), ["retire zygote 0: it has been renewed"]);
    assert_eq!(script.run(5, "here"), ["serve run 5 by zygote 1, Warm"]);
    assert_eq!(script.overview(), [("here".to_owned(), "ready", 5, None)]);
}

fn worn() -> Script {
    let mut script = Script::new();
    script.warm_up(1, "here", 0);
    for run in 2..=LIMITS.runs {
        script.run(run, "here");
        script.exits(run, 0);
    }
    script
}

#[test]
fn a_successor_that_fails_leaves_the_worn_zygote_in_place() {
    let mut script = worn();
    assert_eq!(script.gone(1, "no memory"), ["retire zygote 1: no memory"]);
    assert_eq!(script.overview(), [("here".to_owned(), "ready", 3, None)]);
    assert_eq!(script.run(4, "here"), ["serve run 4 by zygote 0, Warm"]);
    assert_eq!(script.exits(4, 0), ["run 4 exits with 0"], "not again so soon");
    script.wait(LIMITS.retry.as_secs());
    script.run(5, "here");
    assert_eq!(script.exits(5, 0), ["run 5 exits with 0", "start zygote 2 after zygote 0"]);
}

#[test]
fn a_worn_zygote_that_is_stale_is_replaced_although_its_successor_has_failed() {
    let mut script = worn();
    script.unusable(1, &Unusable::ForAWhile("it writes".to_owned()));
    let answer = script.run_if(4, "here", &Verdict::Stale("changed".to_owned()));
    assert_eq!(answer, ["retire zygote 0: changed", "start zygote 2 like run 4"]);
}

#[test]
fn a_stale_zygote_with_a_successor_on_its_way_needs_no_other() {
    let mut script = worn();
    let answer = script.run_if(4, "here", &Verdict::Stale("changed".to_owned()));
    assert_eq!(answer, ["retire zygote 0: changed"]);
    assert_eq!(script.ready(1), ["serve run 4 by zygote 1, First: changed"]);
}

#[test]
fn a_worn_zygote_that_dies_is_followed_by_its_successor() {
    let mut script = worn();
    assert_eq!(script.gone(0, ""), [""; 0]);
    assert_eq!(script.overview(), [("here".to_owned(), "starting", 3, None)]);
    assert_eq!(script.run(4, "here"), [""; 0]);
    assert_eq!(script.ready(1), ["serve run 4 by zygote 1, First"]);
}

#[test]
fn cleanup_gives_up_what_has_not_been_used_for_so_long() {
    let mut script = Script::new();
    script.warm_up(1, "a", 0);
    script.wait(10);
    script.warm_up(2, "b", 1);
    assert_eq!(script.cleanup(11), [""; 0]);
    assert_eq!(script.cleanup(10), ["retire zygote 0: cleaned up"]);
    assert_eq!(script.overview(), [("b".to_owned(), "ready", 1, None)]);
}

#[test]
fn cleanup_leaves_alone_what_is_in_use() {
    let mut script = Script::new();
    script.warm_up(1, "a", 0);
    script.run(2, "a");
    script.run(3, "b");
    script.wait(100);
    assert_eq!(script.cleanup(0), [""; 0]);
    script.exits(2, 0);
    assert_eq!(script.cleanup(1), [""; 0], "its run has only just ended");
    script.wait(1);
    assert_eq!(script.cleanup(1), ["retire zygote 0: cleaned up"]);
}

#[test]
fn a_zygote_that_is_cleaned_up_while_it_starts_is_let_go_when_it_is_ready() {
    let mut script = worn();
    assert_eq!(script.cleanup(0), ["retire zygote 0: cleaned up", "retire zygote 1: cleaned up"]);
    assert_eq!(script.run(4, "here"), ["start zygote 2 like run 4"]);
    assert_eq!(script.ready(1), ["retire zygote 1: nobody needs it"]);
    assert_eq!(script.ready(2), ["serve run 4 by zygote 2, First"]);
}

#[test]
fn what_a_run_has_taught_costs_the_zygote_that_did_not_know_it() {
    let mut script = Script::new();
    script.warm_up(1, "here", 0);
    assert_eq!(script.learned(0), ["start zygote 1 after zygote 0"]);
    assert_eq!(script.learned(0), [""; 0], "one successor is enough");
    assert_eq!(script.run(2, "here"), ["serve run 2 by zygote 0, Warm"], "no run waits for it");
    assert_eq!(script.ready(1), ["retire zygote 0: it has been renewed"]);
    assert_eq!(script.learned(0), [""; 0], "the next run will tell again");
    assert_eq!(script.run(3, "here"), ["serve run 3 by zygote 1, Warm"]);
}
