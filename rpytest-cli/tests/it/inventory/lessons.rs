//! What runs teach, and that they do not show it.

use std::path::PathBuf;

use rpytest_inventory::{InventoryDirectory, Store};
use serde_json::Value;

use crate::harness::{End, Project, Running, Way, wait_for};

const TESTS: &str = "\
import time

def test_fast(): pass

def test_slow():
    time.sleep(0.2)

def test_fails():
    assert 0
";

fn slowest(project: &Project) -> Vec<Value> {
    let outcome = project.run(&["--slowest", "5", "--json", "--stale-ok"]);
    serde_json::from_str(&outcome.stdout).unwrap_or_default()
}

#[test]
fn durations_and_outcomes_are_remembered() {
    let project = Project::new(&[("test_a.py", TESTS)]);
    project.run(&["-q"]).ended(End::Code(1));
    project.run(&["-q", "-k", "slow"]).ended(End::Code(0));
    let known = wait_for("two runs", || {
        let known = slowest(&project);
        (known.first()?["runs"].as_array()?.len() == 2).then_some(known)
    });
    assert_eq!(known.len(), 3);
    assert_eq!(known[0]["nodeid"], "test_a.py::test_slow");
    let failed = known.iter().find(|test| test["nodeid"] == "test_a.py::test_fails").expect("it ran");
    assert_eq!(failed["runs"][0]["outcome"], "failed");
}

#[test]
fn a_part_is_not_taken_for_all() {
    let project = Project::new(&[("test_a.py", TESTS), ("test_b.py", "def test_b(): pass\n")]);
    project.run(&["-q", "-k", "slow"]).ended(End::Code(0));
    wait_for("a run", || (slowest(&project).len() == 1).then_some(()));
    super::assert_lists(&project, &[]);
    assert!(!super::assert_lists(&project, &[]), "it is known");
}

/// Another process has the store of one of two projects, whichever is written first.
#[test]
fn what_cannot_be_kept_takes_nothing_with_it() {
    let project = Project::new(&[("a/test_a.py", "def test(): pass\n"), ("b/test_b.py", "def test(): pass\n")]);
    let ask = |directory: &str, arguments: &[&str]| {
        let mut command = project.command(Way::Rpytest);
        Running::start(command.current_dir(project.path(directory)).args(arguments)).finish().ended(End::Code(0)).stdout
    };
    let runs = |directory: &str| {
        let known: Vec<Value> =
            serde_json::from_str(&ask(directory, &["--slowest", "1", "--json", "--stale-ok"])).expect("it is JSON");
        known[0]["runs"].as_array().map(Vec::len)
    };
    let places = ["a", "b"].map(|directory| {
        ask(directory, &["-q"]);
        assert_eq!(runs(directory), Some(1));
        let status: Value =
            serde_json::from_str(&ask(directory, &["--inventory-status", "--json"])).expect("it is JSON");
        PathBuf::from(status["directory"].as_str().expect("it is a path"))
    });
    for (place, other) in places.iter().zip(["b", "a"]) {
        let before = runs(other);
        let store = wait_for("the store", || Store::open(&InventoryDirectory::at(place)).ok());
        ask("a", &["-q"]);
        ask("b", &["-q"]);
        assert_eq!(runs(other), before.map(|runs| runs + 1));
        drop(store);
    }
}

#[test]
fn nothing_is_left_in_the_project() {
    let project = Project::new(&[("test_a.py", "import os\n\ndef test_a():\n    print(sorted(os.listdir()))\n")]);
    project.assert_same(&["-s", "-p", "no:cacheprovider"]);
    project.run(&["--list"]).ended(End::Code(0));
    project.assert_same(&["-s", "-p", "no:cacheprovider"]);
}
