//! `--turbo`: the same output as plain pytest, from fewer files.

use std::process::Command;

use crate::harness::{End, Outcome, Project, Running, Way, wait_for};
use crate::venv::Venv;

/// [`assert_command_turbo`] in a project.
#[track_caller]
pub(super) fn assert_turbo(project: &Project, arguments: &[&str]) -> Option<String> {
    assert_command_turbo(|way| project.command(way), arguments)
}

/// With `--turbo` a run ends and writes as plain pytest does. Returns why everything was collected, if it was, also when
/// nothing had changed since the last run.
#[track_caller]
pub(super) fn assert_command_turbo(command: impl Fn(Way) -> Command, arguments: &[&str]) -> Option<String> {
    let run = || {
        let plain = Running::start(command(Way::Plain).args(arguments)).finish();
        let (turbo, notes) = turbo(&mut command(Way::Rpytest), arguments);
        turbo.assert_like(&plain, "plain pytest");
        everything(&notes)
    };
    run().and_then(|reason| if is_for_the_next(&reason) { run() } else { Some(reason) })
}

/// Why everything was collected, if it was.
fn everything(notes: &[String]) -> Option<String> {
    notes.iter().find_map(|note| Some(note.split_once("everything is collected: ")?.1.to_owned()))
}

fn is_for_the_next(reason: &str) -> bool {
    reason.contains("pytest is asked when nothing else changes before the next run")
}

/// A run, and what rpytest says of it, which is not part of its output.
fn turbo(command: &mut Command, arguments: &[&str]) -> (Outcome, Vec<String>) {
    let mut outcome = Running::start(command.args(["--turbo", "--explain"]).args(arguments)).finish();
    let (notes, rest): (Vec<_>, Vec<_>) =
        outcome.stderr.split_inclusive('\n').map(str::to_owned).partition(|line| line.starts_with("rpytest: "));
    outcome.stderr = rest.concat();
    (outcome, notes)
}

/// Files without anything special, so that there is something to leave out.
fn with_others(files: &[(&'static str, &'static str)]) -> Project {
    let others = ["p", "q", "r", "s", "t", "u", "v", "w"].map(|name| {
        (
            &*format!("other/test_{name}.py").leak(),
            &*format!("def test_{name}(): pass\n\ndef test_other(): pass\n").leak(),
        )
    });
    Project::new(&[files, &others].concat())
}

const TESTS: &str = "\
import pytest

@pytest.mark.parametrize('n', range(3))
def test_number(n, local): assert n < 2

class TestClass:
    @pytest.mark.slow
    def test_method(self): pass

    class TestInner:
        def test_inner(self): pass

@pytest.mark.skip(reason='no')
def test_skipped(): pass
";

#[test]
fn selections() {
    let project = with_others(&[
        ("pytest.ini", "[pytest]\nmarkers = slow\n"),
        ("tests/conftest.py", "import pytest\n\n@pytest.fixture\ndef local(): return 1\n"),
        ("tests/test_a.py", TESTS),
        ("tests/deep/conftest.py", "import pytest\n\n@pytest.fixture(autouse=True)\ndef each(): pass\n"),
        ("tests/deep/test_b.py", TESTS),
        ("tests/package/__init__.py", ""),
        (
            "tests/package/test_c.py",
            "from unittest import TestCase\n\nclass Case(TestCase):\n    def test_case(self): pass\n",
        ),
    ]);
    assert_turbo(&project, &["-k", "first"]);
    let selections: [&[&str]; 17] = [
        &["-k", "number"],
        &["-k", "number and 2", "-x", "--tb=short", "-rA"],
        &["-k", "TestClass", "-v"],
        &["-k", "inner", "-q", "--maxfail", "2"],
        &["-m", "slow"],
        &["-m", "slow", "-k", "deep", "-vv"],
        &["-k", "case", "-l", "--collect-only"],
        &["-k", "case", "--co", "-q"],
        &["-k", "nothing at all or missing"],
        &["-k", "nothing"],
        &["-k", "nothing", "--co"],
        &["--deselect", "other"],
        &["--deselect=other/", "--deselect=tests/deep", "-q"],
        &["-k", "number", "--deselect", "tests/test_a.py::test_number", "--maxfail=1", "-l"],
        &["-k", "case", "other", "tests"],
        &["-k", "number", "other/test_p.py", "tests/", "--deselect", "tests/deep"],
        &["-k", "case or test_p", "other/test_p.py", "tests"],
    ];
    for arguments in selections {
        if arguments.contains(&"tests") || arguments.contains(&"tests/") {
            assert_turbo(&project, arguments); // nothing is known of just these yet
        }
        let all = assert_turbo(&project, arguments);
        let is_left_to_pytest = arguments[1] == "nothing at all or missing";
        assert_eq!(all.is_some(), is_left_to_pytest, "{arguments:?}: {all:?}");
    }
}

#[test]
fn a_run_that_begins_before_the_first_test() {
    let project = with_others(&[
        ("pytest.ini", "[pytest]\naddopts = -p no:cacheprovider\n"), // else its files change with each edit
        ("conftest.py", "import pytest\n\n@pytest.fixture\ndef value(): return 1\n"),
        ("test_a.py", "def test_a(value): print(value)\n\ndef test_b(): pass\n"),
    ]);
    let arguments = ["-k", "test_a", "-rA"];
    let go_there = || {
        wait_for("a run from there", || {
            let (_, notes) = turbo(&mut project.command(Way::Rpytest), &arguments);
            notes.iter().any(|note| note.contains("it began before the first test")).then_some(())
        });
    };
    for (path, text) in [
        ("other/test_q.py", "def test_a(): print('its file was left out')\n"),
        ("test_a.py", "def test_a(): print('another')\n\ndef test_a_more(): pass\n"),
        ("other/test_n.py", "def test_a(): print('new')\n"),
        ("conftest.py", "def pytest_collection_modifyitems(items): items.reverse()\n"),
    ] {
        go_there();
        assert_eq!(assert_turbo(&project, &arguments), None, "before {path}");
        project.write(path, text);
        let all = assert_turbo(&project, &arguments);
        assert_eq!(all.is_some(), path == "conftest.py", "{path}: {all:?}");
    }
}

/// Who edits and runs does not wait each time until it is known what has changed.
#[test]
fn pytest_is_asked_once_nothing_changes() {
    let project = with_others(&[("test_a.py", "def test_a(): pass\n")]);
    let arguments = ["-k", "test_a"];
    let run = || everything(&turbo(&mut project.command(Way::Rpytest), &arguments).1);
    assert_eq!(assert_turbo(&project, &arguments), None);
    for more in ["x", "xx"] {
        project.write("test_a.py", &format!("def test_a(): pass\n\ndef test_a_{more}(): pass\n"));
        let reason = run().unwrap_or_default();
        assert!(is_for_the_next(&reason), "{reason}");
    }
    assert_eq!(run(), None);
    project.write("other/test_q.py", "def test_q(:\n");
    assert!(is_for_the_next(&run().unwrap_or_default()));
    for _ in 0..2 {
        assert_eq!(run().as_deref(), Some("pytest cannot collect everything\n"));
    }
    project.write("other/test_q.py", "def test_q(): pass\n");
    assert_eq!(assert_turbo(&project, &arguments), None);
}

#[test]
fn what_is_left_to_pytest() {
    let project = with_others(&[("test_a.py", "def test_a(): pass\n\ndef test_fails(): assert 0\n")]);
    project.run(&["-q"]).ended(End::Code(1));
    assert_turbo(&project, &["-k", "test_a"]);
    let selections: [&[&str]; 13] = [
        &[],
        &["-k", "test_a", "-s"],
        &["-k", "test_a", "--pdb"],
        &["test_a.py"],
        &["test_a.py::test_a"],
        &["other/test_q.py", "-k", "test_p"],
        &["other", "-k", "test_", "missing"],
        &["-k", "a b"],
        &["-m", "("],
        &["--lf"],
        &["--ff", "-k", "test_a"],
        &["--nf"],
        &["-k", "test_a", "-o", "log_cli=true"],
    ];
    for arguments in selections {
        assert!(assert_turbo(&project, arguments).is_some(), "{arguments:?}");
    }
    assert_eq!(assert_turbo(&project, &["-k", "test_a"]), None);
}

#[test]
fn a_hook_that_would_notice_has_everything_collected() {
    for (hook, arguments) in [
        ("pytest_collect_file", "file_path"),
        ("pytest_collection_finish", "session"),
        ("pytest_collection_modifyitems", "items"),
        ("pytest_collectreport", "report"),
        ("pytest_deselected", "items"),
        ("pytest_ignore_collect", "collection_path"),
        ("pytest_itemcollected", "item"),
        ("pytest_pycollect_makeitem", "name"),
        ("pytest_report_collectionfinish", "items"),
    ] {
        let conftest = format!(
            "SEEN = []\n\ndef {hook}({arguments}): SEEN.append(1)\n\n\
            def pytest_terminal_summary(terminalreporter): terminalreporter.write_line(f'{{len(SEEN)}} calls')\n"
        );
        let project = with_others(&[("test_a.py", "def test_a(): pass\n")]);
        project.write("conftest.py", &conftest);
        project.run_plain(&["-q"]).ended(End::Code(0)); // from now on there is bytecode to be passed over
        assert_turbo(&project, &["-k", "test_a"]);
        let reason = assert_turbo(&project, &["-k", "test_a"]).unwrap_or_default();
        let place = project.path("conftest.py");
        assert!(reason.contains(&format!("{hook} in {}", place.display())), "{reason}");
    }
}

#[test]
fn who_looks_at_all_that_was_counted_has_everything_collected() {
    let summary = "\
def pytest_terminal_summary(terminalreporter):
    for one in [one for all in terminalreporter.stats.values() for one in all]:
        terminalreporter.write_line(one.nodeid)
";
    let helper = "\
def tell(it):
    for one in [one for all in it.stats.values() for one in all]:
        it.write_line(one.nodeid)
";
    let of_helper =
        "from helper import tell\n\ndef pytest_terminal_summary(terminalreporter): tell(terminalreporter)\n";
    for (conftest, file) in [(summary, "conftest.py"), (of_helper, "helper.py")] {
        let project =
            with_others(&[("test_a.py", "def test_a(): pass\n"), ("conftest.py", conftest), ("helper.py", helper)]);
        let reason = assert_turbo(&project, &["-k", "test_a"]).unwrap_or_default();
        assert!(reason.contains(&format!("{} looks at", project.path(file).display())), "{reason}");
    }
}

#[test]
fn what_the_compiler_would_warn_of_is_compiled() {
    let project = with_others(&[
        ("test_a.py", "def test_a(): pass\n"),
        ("pytest.ini", "[pytest]\nfilterwarnings = error\n"),
        ("other/test_warns.py", "TEXT = '\\d'\n\ndef test_warns(): pass\n"),
    ]);
    let arguments = ["-k", "test_a"];
    project.run_plain(&["-q", "-o", "filterwarnings="]).ended(End::Code(0));
    assert_turbo(&project, &arguments);
    assert_eq!(assert_turbo(&project, &arguments), None);
    let forget = || std::fs::remove_dir_all(project.path("other/__pycache__")).expect("there is bytecode");
    forget();
    let (run, _) = turbo(&mut project.command(Way::Rpytest), &arguments);
    forget();
    run.assert_like(&project.run_plain(&arguments), "plain pytest");
    run.ended(End::Code(2));
}

#[test]
fn what_a_file_leaves_behind_is_there() {
    let project = with_others(&[
        ("a/helper_a.py", "NAME = 'a'\n"),
        ("a/test_x.py", "def test_x(): pass\n"),
        ("b/conftest.py", ""),
        (
            "b/test_path.py",
            "import sys, os, helper_a\n\ndef test_path():\n    print([os.path.basename(entry) for entry in sys.path])\n    assert 0\n",
        ),
        ("a/test_warns.py", "import warnings\nwarnings.warn('imported')\n\ndef test_y(): pass\n"),
        ("a/test_unknown.py", "import pytest\n\n@pytest.mark.unknown\ndef test_y(): pass\n"),
        ("a/test_skips.py", "import pytest\npytest.skip('not here', allow_module_level=True)\n"),
        ("a/test_prints.py", "print('imported')\n\ndef test_y(): pass\n"),
        ("a/test_sets.py", "import os\nos.environ['SET'] = 'yes'\n\ndef test_y(): pass\n"),
        ("a/test_logs.py", "import logging\nlogging.basicConfig(level='DEBUG')\n\ndef test_y(): pass\n"),
        ("a/test_seeds.py", "import random\nrandom.seed(3)\n\ndef test_y(): pass\n"),
        ("a/test_plugs.py", "pytest_plugins = ['plug']\n\ndef test_y(): pass\n"),
        ("plug.py", "import pytest\n\n@pytest.fixture\ndef plugged(): return 1\n"),
        (
            "c/test_sees.py",
            "import logging, os, random\n\ndef test_sees(plugged):\n    logging.debug('seen')\n    print(os.environ['SET'], random.random())\n    assert 0\n",
        ),
        ("c/test_z.py", "def test_z(): pass\n"),
        ("d/test_z1.py", "def test_z(): pass\n"),
        ("d/test_z2.py", "def test_z(): pass\n"),
        ("d/test_z3.py", "def test_z(): pass\n"),
        ("d/test_z4.py", "def test_z(): pass\n"),
        ("d/test_z5.py", "def test_z(): pass\n"),
    ]);
    assert_turbo(&project, &["-k", "first"]);
    for arguments in [&["-k", "path"][..], &["-k", "sees"], &["-k", "sees or path"]] {
        assert_eq!(assert_turbo(&project, arguments), None, "{arguments:?}");
    }
}

#[test]
fn a_file_that_failed_is_forgotten_once_it_can_be_collected() {
    let project = with_others(&[("test_a.py", "def test_a(): pass\n"), ("test_b.py", "import missing\n")]);
    project.run(&["-q"]).ended(End::Code(2));
    project.write("test_b.py", "def test_b(): pass\n");
    let cached = |way: Way| {
        project.write(".pytest_cache/v/cache/lastfailed", "{\"test_b.py\": true}");
        let run =
            |arguments: &[&str]| Running::start(project.command(way).args(arguments)).finish().ended(End::Code(0));
        run(if way == Way::Plain { &["-k", "test_a"] } else { &["--turbo", "-k", "test_a"] });
        std::fs::read_to_string(project.path(".pytest_cache/v/cache/lastfailed")).expect("pytest has written it")
    };
    let plain = cached(Way::Plain);
    assert_eq!(cached(Way::Rpytest), plain);
    assert_eq!(cached(Way::Rpytest), plain);
}

#[test]
fn tests_that_depend_on_the_files_beside_them_are_not_guessed() {
    let project = with_others(&[
        ("shared.py", "NAMES = []\n"),
        ("test_a.py", "import shared\n\nshared.NAMES.append('x')\n\ndef test_a(): pass\n"),
        (
            "test_b.py",
            "import pytest, shared\n\n@pytest.mark.parametrize('name', shared.NAMES)\ndef test_b(name): pass\n",
        ),
    ]);
    assert_turbo(&project, &["-k", "test_a"]);
    let (outcome, _) = turbo(&mut project.command(Way::Rpytest), &["-k", "test_b"]);
    let outcome = outcome.ended(End::Code(4));
    assert!(outcome.stderr.contains("--turbo cannot select these tests, run without it"), "{outcome}");
    let reason = assert_turbo(&project, &["-k", "test_b"]);
    assert_eq!(
        reason.as_deref().map(str::trim_end),
        Some("the last run with --turbo found other tests than are known")
    );
}

/// Each process has its own order of a set.
#[test]
fn parameters_from_a_set() {
    let test = "import pytest\n\n@pytest.mark.parametrize('name', {'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'})\n\
                def test_a(name): pass\n";
    let project = with_others(&[("test_a.py", test)]);
    for seed in ["1", "2", "3"] {
        let mut command = project.command(Way::Rpytest);
        let (outcome, notes) = turbo(command.env("PYTHONHASHSEED", seed), &["-k", "test_a"]);
        assert!(outcome.ended(End::Code(0)).stdout.contains("8 passed, 16 deselected"), "{notes:?}");
        project.run(&["--daemon-stop"]);
    }
}

#[test]
fn an_order_that_a_plugin_draws_is_never_known() {
    let plugins = [
        ("import random\n\ndef pytest_collection_modifyitems(items): random.shuffle(items)\n", "random numbers"),
        (
            "import random\n\ndef pytest_configure(config): config.drawn = random.Random().getrandbits(32)\n\n\
          def pytest_collection_modifyitems(items, config): items.sort(key=lambda item: hash(item.name) % config.drawn)\n",
            "random numbers",
        ),
        (
            "import time\n\ndef pytest_generate_tests(metafunc):\n    if 'now' in metafunc.fixturenames:\n        \
          metafunc.parametrize('now', [time.time()])\n",
            "the time",
        ),
    ];
    for (plugin, what) in plugins {
        let project = with_others(&[("test_a.py", "def test_a(): pass\n")]);
        let venv = Venv::new(&project, "venv");
        std::fs::write(venv.site_packages("pytest_draws.py"), plugin).expect("it is ours");
        let information = venv.site_packages("pytest_draws-1.0.dist-info");
        std::fs::create_dir(&information).expect("it is ours");
        std::fs::write(information.join("METADATA"), "Name: pytest-draws\nVersion: 1.0\n").expect("it is ours");
        std::fs::write(information.join("entry_points.txt"), "[pytest11]\ndraws = pytest_draws\n").expect("it is ours");
        if what == "the time" {
            project.write("test_a.py", "def test_a(now): pass\n");
        }
        let run = |arguments: &[&str]| Running::start(venv.command(&project, Way::Rpytest).args(arguments)).finish();
        // Files that have been written just before make it a plain run, of which nothing is known.
        let status = wait_for("what is known", || {
            let listed = run(&["--list"]).end == End::Code(0);
            let status = run(&["--inventory-status"]).stdout;
            (listed && status.contains("collected")).then_some(status)
        });
        assert!(status.contains(&format!("pytest_draws.py asks for {what} while it is collected")), "{status}");
        let reason = run(&["--turbo", "--explain", "-k", "nothing"]).ended(End::Code(5)).stderr;
        assert!(reason.contains(&format!("asks for {what}")), "{reason}");
    }
}
