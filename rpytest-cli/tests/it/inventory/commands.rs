//! What the commands say.

use crate::harness::{End, Project, Running, Way};

#[test]
fn what_is_known_is_not_collected_again() {
    let project = Project::new(&[
        ("tests/test_a.py", "import pytest\n\n@pytest.mark.slow\ndef test_a(): pass\n\ndef test_b(): pass\n"),
        ("tests/sub/test_c.py", "def test_c(): pass\n"),
        ("pytest.ini", "[pytest]\nmarkers = slow\n"),
    ]);
    project.run(&["-q"]).ended(End::Code(0));
    super::assert_lists(&project, &[]);
    let paths = ["tests/test_a.py::test_b", "tests/sub"];
    assert!(super::assert_lists(&project, &paths), "alone they may be other tests");
    let selections: [&[&str]; 6] =
        [&[], &["-k", "b or c"], &["-m", "slow"], &paths, &["--deselect", "tests/test_a.py"], &["-k", "nothing"]];
    for arguments in selections {
        assert!(!super::assert_lists(&project, arguments), "{arguments:?} is a part of what is known");
    }
}

#[test]
fn a_name_that_is_no_text() {
    let project = Project::new(&[("test_a.py", "def test_a(): pass\n")]);
    let name = std::os::unix::ffi::OsStrExt::from_bytes(b"test_\xff.py");
    std::fs::write(project.path("").join::<&std::ffi::OsStr>(name), "def test_b(): pass\n").expect("it is ours");
    for arguments in [&[][..], &["-k", "b"], &["-k", "test_a"], &["test_a.py"]] {
        for _ in 0..2 {
            super::assert_lists(&project, arguments);
        }
    }
    let listed = project.run(&["--list", "--json"]).ended(End::Code(3));
    assert!(listed.stderr.contains("a name is no text"), "{listed}");
}

#[test]
fn errors_are_told_in_the_words_of_pytest() {
    let project = Project::new(&[("test_a.py", "def test_a(): pass\n")]);
    for _ in 0..2 {
        for arguments in [&["-k", "a b"][..], &["-m", "("], &["missing.py"], &["test_a.py::missing"], &["--no-such"]] {
            super::assert_lists(&project, arguments);
        }
        for value in
            ["--tb=bogus", "--color=bogus", "--maxfail=x", "--durations=x", "--verbosity=x", "--show-capture=x"]
        {
            super::assert_lists(&project, &[value]);
        }
    }
    project.write("test_b.py", "import missing\n");
    for _ in 0..2 {
        project.run(&["--list"]).ended(End::Code(2));
    }
}

#[test]
fn tests_below_and_beside() {
    let project = Project::new(&[
        ("pytest.ini", "[pytest]\n"),
        ("other.ini", "[pytest]\npython_functions = check\n"),
        ("sub/test_a.py", "def test_a(): pass\n\ndef check_a(): pass\n"),
        ("test_b.py", "def test_b(): pass\n"),
        ("notes.txt", ">>> 1\n1\n"),
    ]);
    let selections: [&[&str]; 6] = [
        &["-c", "other.ini"],
        &["--rootdir", "sub", "sub"],
        &["--doctest-glob=*.txt"],
        &["sub"],
        &["--ignore=sub"],
        &[],
    ];
    for arguments in selections {
        for _ in 0..2 {
            super::assert_lists(&project, arguments);
        }
    }
}

#[test]
fn what_depends_on_the_moment_is_asked_again() {
    let project = Project::new(&[(
        "test_a.py",
        "import random, time, uuid, pytest\n\n\
         @pytest.mark.parametrize('n', [random.choice(range(10**9)), time.time(), str(uuid.uuid4())])\n\
         def test_a(n): pass\n",
    )]);
    let first = project.run(&["--list"]).ended(End::Code(0)).stdout;
    let second = project.run(&["--list"]).ended(End::Code(0)).stdout;
    assert_ne!(first, second);
    let status = project.run(&["--inventory-status"]).stdout;
    assert!(status.contains("asks for random numbers") && status.contains("asks for the time"), "{status}");
}

#[test]
fn what_cannot_be_written_is_an_error() {
    let project = Project::new(&[("test_a.py", "def test_a(): pass\n")]);
    project.run(&["-q"]).ended(End::Code(0));
    for arguments in ["--list", "--list --json", "--slowest 3", "--inventory-status", "--inventory-status --json"] {
        let mut full = project.shell(Way::Rpytest, &format!("\"$@\" {arguments} > /dev/full"));
        let run = Running::start(&mut full).finish().ended(End::Code(3));
        assert!(run.stderr.contains("cannot be written"), "{run}");
    }
}

#[test]
fn what_a_command_does_not_take() {
    let project = Project::new(&[("test_a.py", "def test_a(): pass\n")]);
    for arguments in [&["--inventory-status", "-k", "a"][..], &["--list", "--events", "x"], &["--list", "--explain"]] {
        project.run(arguments).ended(End::Code(4));
    }
}

#[test]
fn no_run_has_been_seen() {
    let project = Project::new(&[("test_a.py", "def test_a(): pass\n")]);
    let slowest = project.run(&["--slowest", "3"]).ended(End::Code(0));
    assert!(slowest.stdout.is_empty() && slowest.stderr.contains("no run has been seen"), "{slowest}");
}

/// Nothing is remembered of runs by such a command: each time pytest is asked, and its names are the answer.
#[test]
fn an_interpreter_that_is_a_script_of_the_users() {
    let project = Project::new(&[("test_a.py", "def test_a(): pass\n\ndef test_b(): pass\n")]);
    let python = Project::program(Way::Plain)[0].to_string_lossy().into_owned();
    project.write("wrapper", &format!("#!/bin/sh\nexec {python} \"$@\"\n"));
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(project.path("wrapper"), executable).expect("it is there");
    let list = |arguments: &[&str]| project.run(&[&["--python", "./wrapper", "--list"], arguments].concat());
    for flags in [&[][..], &["-v"], &["-qq"], &["--", "test_a.py"]] {
        assert_eq!(list(flags).ended(End::Code(0)).stdout, "test_a.py::test_a\ntest_a.py::test_b\n", "{flags:?}");
    }
    assert_eq!(list(&["-k", "nothing"]).ended(End::Code(5)).stdout, "");
    assert!(list(&["-k", "a b"]).ended(End::Code(4)).stderr.contains("Wrong expression"));
}

#[test]
fn a_file_where_the_inventory_belongs() {
    let project = Project::new(&[("test_a.py", "def test_a(): pass\n")]);
    super::assert_lists(&project, &[]);
    let status: serde_json::Value =
        serde_json::from_str(&project.run(&["--inventory-status", "--json"]).stdout).expect("it is JSON");
    let directory = std::path::PathBuf::from(status["directory"].as_str().expect("it is a path"));
    project.run(&["--daemon-stop"]).ended(End::Code(0));
    std::fs::remove_dir_all(&directory).expect("it is a directory");
    std::fs::write(&directory, "").expect("nothing is there");
    assert!(super::assert_lists(&project, &[]), "nothing is known");
    assert!(!super::assert_lists(&project, &[]), "it is known again");
}

#[test]
fn nothing_known() {
    let project = Project::new(&[("test_a.py", "def test_a(): pass\n")]);
    let status = project.run(&["--inventory-status"]).ended(End::Code(0));
    assert_eq!(status.stdout, "nothing is known of the tests here yet\n");
    project.run(&["--list", "--stale-ok"]).ended(End::Code(5));
    assert_eq!(project.run(&["--list"]).ended(End::Code(0)).stdout, "test_a.py::test_a\n");
    project.write("test_a.py", "def test_b(): pass\n");
    assert_eq!(project.run(&["--list", "--stale-ok"]).ended(End::Code(0)).stdout, "test_a.py::test_a\n");
    let listed = project.run(&["--list"]).ended(End::Code(0));
    assert_eq!(listed.stdout, "test_a.py::test_b\n");
    assert!(listed.stderr.contains("test_a.py has changed"), "{listed}");
}

#[test]
fn what_arguments_select_is_cleaned_up() {
    let project = Project::new(&[("test_a.py", "def test_a(): pass\n")]);
    super::assert_lists(&project, &[]);
    for arguments in [&["test_a.py"], &["test_a.py::test_a"]] {
        super::assert_lists(&project, arguments);
    }
    let cleaned = |age| project.run(&["--cleanup", "--cleanup-max-age", age]).ended(End::Code(0)).stdout;
    assert!(cleaned("1h").ends_with(" and 0 stale cache directories\n"));
    assert!(!super::assert_lists(&project, &["test_a.py"]), "it is known");
    assert!(cleaned("0s").ends_with(" and 2 stale cache directories\n"));
    assert!(super::assert_lists(&project, &["test_a.py"]), "that is known no longer");
    assert!(!super::assert_lists(&project, &[]), "that stays");
}
