//! Runs that are served, and by which zygote.

use super::script::Script;
use crate::daemon::dispatcher::Verdict;

#[test]
fn the_first_run_of_a_context_starts_a_zygote_and_is_served_by_it() {
    let mut script = Script::new();
    assert_eq!(script.run(1, "here"), ["start zygote 0 like run 1"]);
    assert_eq!(script.ready(0), ["serve run 1 by zygote 0, First"]);
    assert_eq!(script.exits(1, 5), ["run 1 exits with 5"]);
}

#[test]
fn runs_that_wait_together_are_all_served_in_order() {
    let mut script = Script::new();
    assert_eq!(script.run(1, "here"), ["start zygote 0 like run 1"]);
    assert_eq!(script.run(2, "here"), [""; 0]);
    assert_eq!(script.run(3, "here"), [""; 0]);
    let served = ["serve run 1 by zygote 0, First", "serve run 2 by zygote 0, First", "serve run 3 by zygote 0, First"];
    assert_eq!(script.ready(0), served);
}

#[test]
fn a_run_that_has_waited_for_a_zygote_unlike_itself_is_plain() {
    let mut script = Script::new();
    script.run(1, "here");
    script.run(2, "here");
    let answer = script.ready_but_not_for(0, &[(2, "$STAGE has changed")]);
    assert_eq!(answer, ["refuse run 2: $STAGE has changed", "serve run 1 by zygote 0, First"]);
    assert_eq!(script.overview(), [("here".to_owned(), "ready", 1, None)]);
}

#[test]
fn later_runs_are_warm() {
    let mut script = Script::new();
    script.warm_up(1, "here", 0);
    assert_eq!(script.run(2, "here"), ["serve run 2 by zygote 0, Warm"]);
    assert_eq!(script.run(3, "here"), ["serve run 3 by zygote 0, Warm"]);
    assert_eq!(script.overview(), [("here".to_owned(), "ready", 3, None)]);
}

#[test]
fn contexts_share_nothing() {
    let mut script = Script::new();
    script.warm_up(1, "here", 0);
    assert_eq!(script.run(2, "there"), ["start zygote 1 like run 2"]);
    assert_eq!(script.run(3, "here"), ["serve run 3 by zygote 0, Warm"]);
    assert_eq!(script.ready(1), ["serve run 2 by zygote 1, First"]);
}

#[test]
fn a_stale_zygote_is_replaced_and_its_sessions_go_on() {
    let mut script = Script::new();
    script.warm_up(1, "here", 0);
    assert_eq!(script.run(2, "here"), ["serve run 2 by zygote 0, Warm"]);
    let stale = Verdict::Stale("conftest has changed".to_owned());
    let answer = script.run_if(3, "here", &stale);
    assert_eq!(answer, ["retire zygote 0: conftest has changed", "start zygote 1 like run 3"]);
    assert_eq!(script.ready(1), ["serve run 3 by zygote 1, First: conftest has changed"]);
    assert_eq!(script.exits(2, 0), ["run 2 exits with 0"]);
    assert_eq!(script.gone(0, ""), [""; 0]);
    assert_eq!(script.run(4, "here"), ["serve run 4 by zygote 1, Warm"]);
    assert_eq!(script.overview(), [("here".to_owned(), "ready", 4, None)]);
}

#[test]
fn a_zygote_that_nobody_has_looked_at_serves_nobody() {
    let mut script = Script::new();
    script.warm_up(1, "here", 0);
    let mut effects = Vec::new();
    let (run, key) = (crate::daemon::dispatcher::RunId(2), super::script::key("here"));
    script.dispatcher.receive_run(run, key, None, script.now, &mut effects);
    let answer: Vec<String> = effects.iter().map(ToString::to_string).collect();
    assert_eq!(answer, ["retire zygote 0: nobody has looked at its files", "start zygote 1 like run 2"]);
}

#[test]
fn a_plain_verdict_is_for_one_run_and_keeps_the_zygote() {
    let mut script = Script::new();
    script.warm_up(1, "here", 0);
    let plain = Verdict::Plain("py.py shadows a module".to_owned());
    assert_eq!(script.run_if(2, "here", &plain), ["refuse run 2: py.py shadows a module"]);
    assert_eq!(script.run(3, "here"), ["serve run 3 by zygote 0, Warm"]);
    assert_eq!(script.overview(), [("here".to_owned(), "ready", 2, None)]);
}
