//! Zygotes that cannot be made, and zygotes that die.

use super::script::{LIMITS, Script};
use crate::daemon::dispatcher::{Unusable, Verdict};

fn for_a_while() -> Unusable {
    Unusable::ForAWhile("it writes".to_owned())
}

#[test]
fn an_interpreter_that_cannot_be_warmed_is_tried_again_after_a_while() {
    let mut script = Script::new();
    script.run(1, "here");
    script.run(2, "here");
    let answer = script.unusable(0, &for_a_while());
    assert_eq!(answer, ["refuse run 1: it writes", "refuse run 2: it writes", "retire zygote 0: it writes"]);
    assert_eq!(script.gone(0, ""), [""; 0]);
    script.wait(LIMITS.retry.as_secs() - 1);
    assert_eq!(script.run(3, "here"), ["refuse run 3: it writes"]);
    assert_eq!(script.overview(), [("here".to_owned(), "unusable", 0, Some("it writes".to_owned()))]);
    script.wait(1);
    assert_eq!(script.run(4, "here"), ["start zygote 1 like run 4"]);
    assert_eq!(script.overview(), [("here".to_owned(), "starting", 0, None)]);
    assert_eq!(script.ready(1), ["serve run 4 by zygote 1, First"]);
}

#[test]
fn what_goes_wrong_once_is_tried_again_at_once() {
    let mut script = Script::new();
    script.run(1, "here");
    let why = Unusable::ThisTime("conftest changed meanwhile".to_owned());
    let refused = ["refuse run 1: conftest changed meanwhile", "retire zygote 0: conftest changed meanwhile"];
    assert_eq!(script.unusable(0, &why), refused);
    assert_eq!(script.overview(), []);
    assert_eq!(script.run(2, "here"), ["start zygote 1 like run 2"]);
    assert_eq!(script.gone(0, ""), [""; 0]);
    assert_eq!(script.ready(1), ["serve run 2 by zygote 1, First"]);
}

#[test]
fn a_missing_pytest_is_told_to_all_who_wait_and_looked_for_again() {
    let mut script = Script::new();
    script.run(1, "here");
    script.run(2, "here");
    let answer = script.unusable(0, &Unusable::NoPytest("no module".to_owned()));
    assert_eq!(
        answer,
        ["no pytest for run 1: no module", "no pytest for run 2: no module", "retire zygote 0: no module"]
    );
    assert_eq!(script.run(3, "here"), ["start zygote 1 like run 3"]);
}

#[test]
fn a_zygote_that_dies_before_it_is_ready_is_not_tried_again_for_a_while() {
    let mut script = Script::new();
    script.run(1, "here");
    let answer = script.gone(0, "SyntaxError");
    assert_eq!(answer, ["refuse run 1: SyntaxError", "retire zygote 0: SyntaxError"]);
    assert!(script.dispatcher.is_empty());
    assert_eq!(script.run(2, "here"), ["refuse run 2: SyntaxError"]);
}

#[test]
fn a_zygote_that_dies_in_silence_is_given_a_reason() {
    let mut script = Script::new();
    script.run(1, "here");
    let answer = script.gone(0, "");
    assert_eq!(answer, ["refuse run 1: the warm process has died", "retire zygote 0: the warm process has died"]);
}

#[test]
fn a_warm_zygote_that_dies_loses_its_sessions_and_the_next_run_starts_another() {
    let mut script = Script::new();
    script.warm_up(1, "here", 0);
    script.run(2, "here");
    script.run(3, "here");
    assert_eq!(script.gone(0, ""), ["run 2 is lost", "run 3 is lost"]);
    assert_eq!(script.idle_since(), Some(0));
    assert_eq!(script.overview(), []);
    assert_eq!(script.run(4, "here"), ["start zygote 1 like run 4"]);
}

#[test]
fn a_run_that_was_given_to_a_dying_zygote_is_lost_with_it() {
    let mut script = Script::new();
    script.warm_up(1, "here", 0);
    assert_eq!(script.run(2, "here"), ["serve run 2 by zygote 0, Warm"]);
    assert_eq!(script.gone(0, ""), ["run 2 is lost"]);
    assert_eq!(script.exits(2, 0), ["run 2 exits with 0"]);
    assert!(script.dispatcher.is_empty());
}

#[test]
fn a_retired_zygote_that_fails_late_concerns_nobody() {
    let mut script = Script::new();
    script.run(1, "here");
    assert_eq!(script.ready(0), ["serve run 1 by zygote 0, First"]);
    script.run_if(2, "here", &Verdict::Stale("changed".to_owned()));
    assert_eq!(script.unusable(0, &for_a_while()), [""; 0]);
    assert_eq!(script.gone(0, "late"), ["run 1 is lost"]);
    assert_eq!(script.ready(1), ["serve run 2 by zygote 1, First: changed"]);
}
