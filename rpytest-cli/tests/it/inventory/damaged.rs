//! Inventories that are not what was written: they are made anew, and nobody is told anything wrong.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::harness::{End, Project};

/// Where bytes are changed: so many places, from the first byte to the last.
const PLACES: usize = 12;

/// What is asked. The last two are of an exact collection; what runs took is in the inventory of all.
const QUESTIONS: [&[&str]; 6] = [
    &["--list"],
    &["--list", "-k", "b or c"],
    &["--list", "--json"],
    &["--slowest", "2"],
    &["--list", "test_1.py"],
    &["--list", "--json", "test_1.py"],
];

/// All questions have been asked, and the answers are known.
fn known() -> (Project, Vec<String>) {
    let project = Project::new(&[
        ("test_1.py", "import pytest\n\n@pytest.mark.parametrize('n', [1, 2])\ndef test_a(n): pass\n"),
        ("test_2.py", "def test_b(): pass\n\nclass TestC:\n    def test_c(self): assert 0\n"),
    ]);
    project.run(&["-q"]).ended(End::Code(1));
    let ask = |question: &&[&str]| project.run(question).ended(End::Code(0)).stdout;
    let _first = QUESTIONS.each_ref().map(ask);
    let answers = QUESTIONS.iter().map(ask).collect();
    (project, answers)
}

/// The snapshot of all tests, and that of `test_1.py`.
fn snapshots(project: &Project) -> [PathBuf; 2] {
    let status: Value =
        serde_json::from_str(&project.run(&["--inventory-status", "--json"]).stdout).expect("it is JSON");
    let all = PathBuf::from(status["directory"].as_str().expect("it is a path"));
    let cache = all.parent().and_then(|all| all.parent()).expect("it is below the cache");
    let mut exact = fs::read_dir(cache.join("selections")).expect("there are some");
    let exact = exact.next().expect("there is one").expect("it is listed").path();
    assert!(fs::read_dir(cache.join("selections")).expect("there are some").count() == 1, "both ask for the same");
    [all, exact].map(|directory| directory.join("inventory.rkyv"))
}

#[test]
fn bytes_of_snapshots_are_changed() {
    let (project, answers) = known();
    for place in 0..PLACES {
        for (number, snapshot) in snapshots(&project).iter().enumerate() {
            let mut bytes = fs::read(snapshot).expect("it is there");
            let at = place * (bytes.len() - 1) / (PLACES - 1);
            bytes[at] ^= 1;
            // Which question meets the damage first makes a difference.
            let first = (place + number) % QUESTIONS.len();
            fs::write(snapshot, &bytes).expect("it is ours");
            for question in (first..QUESTIONS.len()).chain(0..first) {
                let answered = project.run(QUESTIONS[question]).ended(End::Code(0));
                assert_eq!(answered.stdout, answers[question], "byte {at} of {}: {answered}", snapshot.display());
            }
        }
    }
}

#[test]
fn what_is_damaged_is_told_and_kept() {
    let (project, _) = known();
    let [all, exact] = snapshots(&project);
    let status = || project.run(&["--inventory-status"]).ended(End::Code(0)).stdout;
    assert!(status().contains("\nvalid"), "{}", status());
    // The last byte is of the details, which plain lists do not read.
    for (snapshot, question) in [(&all, QUESTIONS[2]), (&exact, QUESTIONS[5])] {
        change_last_byte(snapshot);
        let told = project.run(question).ended(End::Code(0));
        let reason = format!("of no use (read {}: it is damaged)", snapshot.display());
        assert!(told.stderr.contains(&reason) && told.stderr.contains("asking pytest"), "{told}");
        assert!(snapshot.with_extension("rkyv.aside").exists(), "{}", snapshot.display());
        assert_eq!(project.run(question).ended(End::Code(0)).stderr, "");
    }
    change_last_byte(&all);
    assert!(status().contains(&format!("not valid:\n  read {}: it is damaged\n", all.display())), "{}", status());
    fs::write(&all, "").expect("it is ours");
    let empty = project.run(&["--inventory-status"]).ended(End::Code(0));
    assert_eq!(empty.stdout, "nothing is known of the tests here yet\n");
    assert!(empty.stderr.contains("it is damaged"), "{empty}");
}

#[test]
fn stale_answers_do_without_what_is_damaged() {
    let (project, answers) = known();
    let [all, _] = snapshots(&project);
    let ask = || project.run(&["--list", "--json", "--stale-ok"]);
    change_last_byte(&all);
    let told = ask().ended(End::Code(0));
    assert_eq!(told.stdout, answers[2], "the store has it all");
    assert!(told.stderr.contains("it is damaged"), "{told}");
    project.run(&["--daemon-stop"]).ended(End::Code(0));
    change_last_byte(&all);
    let told = ask().ended(End::Code(5));
    assert!(told.stdout.is_empty() && told.stderr.contains("it is damaged"), "{told}");
}

/// What runs have taught is in the store.
#[test]
fn the_daemon_finds_the_snapshot_damaged() {
    let (project, answers) = known();
    let [all, _] = snapshots(&project);
    project.run(&["--daemon-stop"]).ended(End::Code(0));
    fs::write(&all, "no snapshot").expect("it is ours");
    project.run(&["-q", "--deselect", "test_1.py", "--deselect", "test_2.py"]).ended(End::Code(5));
    project.run(&["-q", "test_2.py::test_b"]).ended(End::Code(0));
    let before: Value = serde_json::from_str(&answers[2]).expect("it is JSON");
    let now = project.run(&["--list", "--json"]).ended(End::Code(0)).stdout;
    let now: Value = serde_json::from_str(&now).expect("it is JSON");
    let runs = |tests: &Value| {
        tests.as_array().expect("a list").iter().map(|test| test["runs"].as_array().map(Vec::len)).collect::<Vec<_>>()
    };
    assert_eq!(runs(&before), [Some(1); 4]);
    assert_eq!(runs(&now), [Some(1), Some(1), Some(2), Some(1)]);
    let log = fs::read_to_string(project.path("../state/rpytest/daemon.log")).expect("there is one");
    assert!(log.contains(&format!("of no use (read {}: it is damaged)", all.display())), "{log}");
}

#[test]
fn a_snapshot_is_in_the_place_of_another() {
    let (project, answers) = known();
    for reverse in [false, true] {
        let [mut from, mut to] = snapshots(&project);
        if reverse {
            std::mem::swap(&mut from, &mut to);
        }
        fs::copy(&from, &to).expect("both are ours");
        for (question, answer) in QUESTIONS.iter().zip(&answers) {
            assert_eq!(&project.run(question).ended(End::Code(0)).stdout, answer, "{}", to.display());
        }
    }
}

#[test]
fn pipes_are_where_runs_leave_what_they_have_seen() {
    let (project, _) = known();
    let arguments = ["-k", "test_b", "-q"];
    assert_eq!(super::turbo::assert_turbo(&project, &arguments), None);
    let [all, _] = snapshots(&project);
    for (number, name) in ["changes", "distrusted"].into_iter().enumerate() {
        let path = all.with_file_name(name);
        let _ = fs::remove_file(&path); // it may be there
        assert!(Command::new("mkfifo").arg(path).status().is_ok_and(|status| status.success()));
        project.write("test_1.py", &format!("def test_a{number}(): pass\n"));
        assert_eq!(super::turbo::assert_turbo(&project, &arguments), None);
    }
}

/// A run of another file teaches before anybody asks.
#[test]
fn the_store_is_lost_beside_its_snapshot() {
    for lost in [&["db"][..], &["db", "db.closed"], &["db.closed"]] {
        let (project, answers) = known();
        let [all, _] = snapshots(&project);
        project.run(&["--daemon-stop"]).ended(End::Code(0));
        for name in lost {
            let path = all.with_file_name(name);
            if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.expect("it was there");
        }
        project.write("other/pytest.ini", "[pytest]\n");
        project.write("other/test_other.py", "def test_other(): pass\n");
        project.run(&["-q", "other/test_other.py"]).ended(End::Code(0));
        project.run(&["--slowest", "1"]).ended(End::Code(0)); // after it has taught
        fs::remove_dir_all(project.path("other")).expect("it was there");
        for (question, answer) in QUESTIONS.iter().zip(&answers) {
            assert_eq!(&project.run(question).ended(End::Code(0)).stdout, answer, "{lost:?}");
        }
    }
}

#[test]
fn a_run_does_without_what_is_damaged() {
    let (project, _) = known();
    let arguments = ["-k", "test_b", "-q"];
    let explained = || project.run(&[&["--turbo", "--explain"], &arguments[..]].concat()).ended(End::Code(0));
    super::turbo::assert_turbo(&project, &arguments);
    let [all, _] = snapshots(&project);
    change_last_byte(&all);
    assert!(!explained().stderr.contains("of no use"), "a selection does not look at it");
    let mut bytes = fs::read(&all).expect("it is there");
    let index = bytes.windows(6).position(|word| word == b"test_a").expect("a name");
    bytes[index] ^= 1;
    fs::write(&all, bytes).expect("it is ours");
    let reason = super::turbo::assert_turbo(&project, &arguments).expect("everything is collected");
    assert!(reason.contains("of no use"), "{reason}");
    assert_eq!(super::turbo::assert_turbo(&project, &arguments), None);
}

fn change_last_byte(snapshot: &PathBuf) {
    let mut bytes = fs::read(snapshot).expect("it is there");
    *bytes.last_mut().expect("there are some") ^= 1;
    fs::write(snapshot, bytes).expect("it is ours");
}
