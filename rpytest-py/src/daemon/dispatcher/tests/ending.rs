//! Idleness and the end of everything.

use super::script::Script;

#[test]
fn a_daemon_is_idle_since_its_start_or_its_last_run() {
    let mut script = Script::new();
    assert_eq!(script.idle_since(), Some(0));
    script.wait(5);
    script.run(1, "here");
    assert_eq!(script.idle_since(), None, "a run waits");
    script.ready(0);
    assert_eq!(script.idle_since(), None, "a run goes on");
    script.wait(5);
    script.exits(1, 0);
    script.wait(5);
    assert_eq!(script.idle_since(), Some(10));
}

#[test]
fn a_refused_run_counts_as_activity() {
    let mut script = Script::new();
    script.run(1, "here");
    script.gone(0, "broken");
    script.wait(5);
    assert_eq!(script.run(2, "here"), ["refuse run 2: broken"]);
    assert_eq!(script.idle_since(), Some(5));
}

#[test]
fn stop_lets_runs_end_and_refuses_those_that_wait() {
    let mut script = Script::new();
    script.warm_up(1, "a", 0);
    script.run(2, "a");
    script.run(3, "b");
    let answer = script.stop(false);
    assert_eq!(
        answer,
        [
            "refuse run 3: the daemon is stopping",
            "retire zygote 0: the daemon is stopping",
            "retire zygote 1: the daemon is stopping"
        ]
    );
    assert_eq!(script.ready(1), ["retire zygote 1: nobody needs it"]);
    assert_eq!(script.gone(1, ""), [""; 0]);
    assert!(!script.dispatcher.is_empty(), "a run goes on");
    assert_eq!(script.exits(2, 0), ["run 2 exits with 0"]);
    assert_eq!(script.gone(0, ""), [""; 0]);
    assert!(script.dispatcher.is_empty());
}

#[test]
fn stop_by_force_ends_the_runs() {
    let mut script = Script::new();
    script.warm_up(1, "a", 0);
    script.run(2, "a");
    assert_eq!(script.stop(true), ["hang up zygote 0", "retire zygote 0: the daemon is stopping"]);
    assert_eq!(script.gone(0, ""), ["run 2 is lost"]);
    assert!(script.dispatcher.is_empty());
}

#[test]
fn force_after_patience_still_ends_the_runs() {
    let mut script = Script::new();
    script.warm_up(1, "a", 0);
    script.run(2, "a");
    script.stop(false);
    assert_eq!(script.stop(true), ["hang up zygote 0", "retire zygote 0: the daemon is stopping"]);
}

#[test]
fn force_reaches_the_sessions_of_a_retired_zygote() {
    let mut script = Script::new();
    script.warm_up(1, "a", 0);
    script.run(2, "a");
    script.run_if(3, "a", &super::super::Verdict::Stale("changed".to_owned()));
    assert_eq!(script.stop(true)[1..3], ["hang up zygote 0", "retire zygote 0: the daemon is stopping"]);
}
