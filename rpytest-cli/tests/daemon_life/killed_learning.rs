//! `kill -9` of the daemon while runs teach it: no run notices, and nothing that was kept is lost.

use std::fs;
use std::time::Duration;

use rpytest_inventory::History;
use rpytest_ipc::ClientToDaemon;

use crate::daemon;
use crate::harness::{DEADLINE, End, Project, Running, Way};
use crate::peer::{connect, greet, hello};

/// How often it is killed; `RPYTEST_TEST_KILLS` asks for more.
fn kills() -> u32 {
    std::env::var("RPYTEST_TEST_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(18)
}

/// What a run teaches is written a second after it, and a run takes less than that.
const LONGEST_DELAY: u32 = 1500;

/// How many runs each test remembers, once all is written that has been told.
#[track_caller]
fn remembered(project: &Project) -> Vec<usize> {
    let outcome = project.run(&["--slowest", "100", "--json", "--stale-ok"]);
    let tests: Vec<serde_json::Value> = serde_json::from_str(&outcome.stdout).unwrap_or_default();
    tests.iter().map(|test| test["runs"].as_array().map_or(0, Vec::len)).collect()
}

#[test]
fn nothing_that_was_kept_is_lost() {
    let project = Project::new(&[(
        "test_a.py",
        "import pytest\n\n@pytest.mark.parametrize('n', range(40))\ndef test_a(n): pass\n",
    )]);
    project.run(&["-q"]).ended(End::Code(0));
    let mut kept = remembered(&project);
    assert_eq!(kept, [1; 40]);
    let kills = kills();
    for kill in 0..kills {
        let old = daemon::pid(&project);
        let run = Running::start(project.command(Way::Rpytest).arg("-q"));
        // Each time at another moment: in the run, after it, and while it is written.
        std::thread::sleep(Duration::from_millis(u64::from(kill * LONGEST_DELAY / kills)));
        daemon::kill_hard(old);
        run.finish().ended(End::Code(0));
        project.run(&["-q"]).ended(End::Code(0)); // there is a daemon again
        let now = remembered(&project);
        assert!(now.iter().eq(now.first().into_iter().cycle().take(40)), "of one run all is kept, or nothing: {now:?}");
        assert!(
            now[0] > kept[0].min(History::CAPACITY - 1),
            "at least the last run has been kept: {now:?} after {kept:?}"
        );
        kept = now;
    }
    let inventories = fs::read_dir(project.root().join("home/.cache/rpytest/inventories")).expect("there is one");
    for inventory in inventories.flatten() {
        assert!(!inventory.path().join("db.aside").exists(), "no store was of no use");
    }
    assert_eq!(project.run(&["--list"]).ended(End::Code(0)).stdout.lines().count(), 40);
}

/// A session is not slower for it: it does not wait for an answer.
#[test]
fn nobody_overtakes_who_teaches() {
    let project = Project::new(&[("test_a.py", "def test_a(): pass\n")]);
    project.run(&["-q"]).ended(End::Code(0));
    let lesson = ClientToDaemon::Learn { directory: project.path("inventory").to_string_lossy().into_owned() };
    let early = connect(&project);
    let late = greet(&project);
    late.say(&lesson).expect("the daemon is there");
    late.finish_sending();
    late.set_timeouts(Some(Duration::from_millis(200))).expect("a socket has time-outs");
    late.receive().expect_err("who came before has not been heard");
    early.say(&ClientToDaemon::Hello(hello())).expect("the daemon is there");
    early.say(&lesson).expect("the daemon is there");
    early.finish_sending();
    late.set_timeouts(Some(DEADLINE)).expect("a socket has time-outs");
    late.receive().expect("it is its turn now");
}
