//! What decides which tests there are without being a test, and in ways that are hard to see.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::{assert_command_lists, assert_lists, assert_lists_with};
use crate::harness::{Project, Running, Way, wait_for};

const CONFTEST: &str = "import pytest, values\n\n\
    def pytest_generate_tests(metafunc):\n    metafunc.parametrize('n', values.VALUES)\n";
const TEST: &str = "def test_a(n): pass\n";

/// A project whose module `values` says which tests there are.
fn project(values: &str) -> Project {
    Project::new(&[("conftest.py", CONFTEST), ("test_a.py", TEST), ("values.py", values)])
}

#[track_caller]
fn assert_settles(project: &Project) {
    wait_for("a list that holds", || (!assert_lists(project, &[])).then_some(()));
}

const IF_THERE: &str = "import os\n\nVALUES = [1, 2] if os.path.exists('data/there') else [1]\n";

/// Each asks for it in another way, and that changes.
#[test]
fn what_a_module_asks_the_file_system() {
    for (values, path, text) in [
        (IF_THERE, "data/there", ""),
        ("import installed\n\nVALUES = installed.VALUES\n", "data/there", ""),
        ("import os\n\nVALUES = [entry.stat().st_size for entry in os.scandir('data/few')]\n", "data/few/one", "one"),
        ("VALUES = [*open('data/few/one', 'r+').read()]\n", "data/few/one", "one"),
        (
            "import sys\n\nsys.path.insert(0, 'sometimes')\nimport aside\nsys.path.remove('sometimes')\n\n\
             VALUES = aside.VALUES\n",
            "sometimes/aside.py",
            "VALUES = [6, 7]\n",
        ),
    ] {
        let project = project(values);
        project.write("data/few/one", "1");
        project.write("aside.py", "VALUES = [5]\n");
        project.write("sometimes/other.py", "");
        project.write("lib/site-packages/installed.py", IF_THERE);
        project.write("pytest.ini", "[pytest]\npythonpath = lib/site-packages .\nnorecursedirs = data sometimes\n");
        assert_settles(&project);
        project.write(path, text);
        assert!(assert_lists(&project, &[]), "{values}");
    }
}

/// That they are there, and where links lead, is all that was asked; what else is in them changes all the time.
#[test]
fn directories_that_somebody_asks_for() {
    let values = "import os, pathlib\n\nHERE = pathlib.Path(__file__).resolve().parent\n\
        VALUES = [1, 2] if (HERE / 'data').is_dir() and os.path.exists('linked/data') else [3]\n";
    let project = project(values);
    project.write("data/one", "1");
    project.write("other/data/one", "1");
    project.write("third/file", "1");
    project.write("pytest.ini", "[pytest]\npythonpath = .\ntestpaths = tests\n");
    project.write("tests/test_a.py", TEST);
    std::os::unix::fs::symlink("other", project.path("linked")).expect("a new name");
    assert_settles(&project);
    project.write("data/two", "2");
    project.run(&["-q"]);
    assert!(!assert_lists(&project, &[]), "nothing that matters has changed");
    let link = |target| {
        std::fs::remove_file(project.path("linked")).expect("it is there");
        std::os::unix::fs::symlink(target, project.path("linked")).expect("a new name");
    };
    link("third");
    assert!(assert_lists(&project, &[]), "it leads elsewhere");
    link("other");
    assert_settles(&project);
    std::fs::remove_dir_all(project.path("data")).expect("it is there");
    assert!(assert_lists(&project, &[]), "it is gone");
}

/// In ways that tell neither what is in a file nor when it was written.
#[test]
fn links_to_nothing_and_files_that_only_somebody_asks() {
    for value in ["os.path.realpath('now')[-1]", "str(pathlib.Path('now').resolve())[-1]"] {
        let project = project(&format!("import os, pathlib\n\nVALUES = [{value}]\n"));
        let link = |target| std::os::unix::fs::symlink(target, project.path("now")).expect("a new name");
        link("v1");
        assert_settles(&project);
        std::fs::remove_file(project.path("now")).expect("it is there");
        link("v2");
        assert!(assert_lists(&project, &[]), "it leads elsewhere");
    }
    assert_lists(&project("import os\n\nVALUES = [len(os.listxattr())]\n"), &[]);
    let project = project("import os\n\nVALUES = [len(os.listxattr('data'))]\n");
    project.write("data", "");
    assert_settles(&project);
    let all = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    std::fs::set_permissions(project.path("data"), all).expect("it is there"); // as an attribute does, which not all can
    assert!(assert_lists(&project, &[]), "it has changed");
}

#[test]
fn a_directory_that_becomes_a_link() {
    let values = "import pathlib\n\nVALUES = [each.name for each in sorted(pathlib.Path('data').rglob('*'))]\n";
    let project = project(values);
    for path in ["data/one/text", "other/text"] {
        project.write(path, "");
    }
    assert_settles(&project);
    std::fs::rename(project.path("data/one"), project.path("gone")).expect("it is there");
    std::os::unix::fs::symlink("../other", project.path("data/one")).expect("it has gone");
    assert!(assert_lists(&project, &[]), "nobody goes into links");
}

/// Where pytest does not look for tests, but imports look for modules.
#[test]
fn a_directory_that_becomes_a_package() {
    let project = project("VALUES = [1]\n");
    project.write("pytest.ini", "[pytest]\npythonpath = .\ntestpaths = tests\n");
    project.write("tests/test_a.py", TEST);
    project.write("values/text", "");
    assert_settles(&project);
    project.write("values/__init__.py", "VALUES = [5, 6]\n");
    assert!(assert_lists(&project, &[]), "it is imported instead of the module");
}

#[test]
fn what_a_conftest_keeps_in_the_cache_of_pytest() {
    let conftest = "def pytest_generate_tests(metafunc):\n    \
        metafunc.parametrize('n', metafunc.config.cache.get('kept/values', [1]))\n";
    let project = Project::new(&[("conftest.py", conftest), ("test_a.py", TEST)]);
    project.run(&["-q"]);
    assert_settles(&project);
    project.write(".pytest_cache/v/kept/values", "[2, 3]");
    assert!(assert_lists(&project, &[]), "they are others");
}

/// Also where something has read all of them.
#[test]
fn variables_that_a_shell_sets() {
    let project = project("import os\n\nVALUES = [os.environ['PWD'], len(dict(os.environ)) // 1000]\n");
    for directory in ["/one", "/two"] {
        assert_lists_with(&project, ("PWD", directory), &[]);
    }
}

#[test]
fn variables_that_start_up_code_reads() {
    let project = project("import sitecustomize\n\nVALUES = [sitecustomize.VALUE]\n").with("PYTHONPATH", "start");
    let start = "import os\n\nVALUE = os.environ.get('AT_START')\nos.environ.setdefault('SET_AT_START', '1')\n";
    project.write("start/sitecustomize.py", start);
    for value in ["1", "2"] {
        assert_lists_with(&project, ("AT_START", value), &[]);
    }
    assert!(!assert_lists_with(&project, ("AT_START", "2"), &[]), "it is known");
}

/// What a run has compiled, for a module that nobody finds any more; pytest's own bytecode has a name of its own.
#[test]
fn sources_behind_bytecode() {
    for rewritten in ["", "pytest.register_assert_rewrite('values')\n"] {
        let conftest = CONFTEST.replace(
            "import pytest, values\n",
            &format!("import pytest, sys\n{rewritten}import values\ndel sys.modules['values']\n"),
        );
        let project = project("VALUES = [1]\n");
        project.write("conftest.py", &conftest);
        project.run(&["-q"]);
        assert_settles(&project);
        project.run(&["-q"]);
        assert!(!assert_lists(&project, &[]), "a run has changed nothing");
        project.write("values.py", "VALUES = [2, 3]\n");
        assert!(assert_lists(&project, &[]), "{conftest}");
    }
}

#[test]
fn a_variable_that_is_no_text() {
    let project = project("import os\n\nVALUES = [len(os.environb[b'ODD'])]\n");
    let list = || {
        let mut command = project.command(Way::Rpytest);
        Running::start(command.args(["--list", "--json"]).env("ODD", OsStr::from_bytes(b"a\xff"))).finish()
    };
    assert!(list().stdout.contains("test_a.py::test_a[2]"));
}

#[test]
fn tests_that_pytest_does_not_tell() {
    let project = Project::new(&[("test_a.py", "def test_a(): pass\n")]);
    assert_eq!(project.run(&["--list", "-p", "no:terminal"]).stdout, "test_a.py::test_a\n");
}

/// What is asked for is the command itself.
#[test]
fn what_a_module_asks_of_the_arguments() {
    for values in [
        "import sys\n\nVALUES = [1, 2] if 'one' in sys.argv else [3]\n",
        "import sys\n\nVALUES = [1, 2] if '-k' in getattr(sys, 'argv') else [3]\n",
        "import argparse\n\nparser = argparse.ArgumentParser()\nparser.add_argument('-k')\n\
         VALUES = [1, 2] if parser.parse_known_args()[0].k else [3]\n",
    ] {
        let project = project(values);
        for arguments in [&[][..], &["-k", "1"], &["-k", "a"], &["--deselect", "x", "-k", "a"]] {
            assert_lists(&project, arguments);
            assert_lists(&project, arguments);
        }
    }
}

#[test]
fn what_a_conftest_asks_of_flags() {
    let asking = |asked| {
        let conftest = format!(
            "name = 'exitfirst'\n\ndef pytest_generate_tests(metafunc):\n    \
             metafunc.parametrize('n', [1, 2] if metafunc.config.{asked} else [3])\n"
        );
        Project::new(&[("conftest.py", &conftest), ("test_a.py", TEST)])
    };
    for asked in [
        "getoption('--runxfail')",
        "getoption(name)",
        "getoption('tbstyle') == 'short'",
        "known_args_namespace.runxfail",
    ] {
        let project = asking(asked);
        for arguments in [&[][..], &["--runxfail"], &["--maxfail=1"], &["--tb", "short"], &["-x", "-k", "a"]] {
            assert_lists(&project, arguments);
        }
    }
    for asked in ["getoption('verbose')", "pluginmanager.getplugin('terminalreporter').verbosity"] {
        let project = asking(asked);
        for (arguments, tests) in [(&["--list"][..], 1), (&["--list", "-v"], 2), (&["--list", "-q", "-v"], 1)] {
            assert_eq!(project.run(arguments).stdout.lines().count(), tests, "{arguments:?}");
        }
    }
}

/// What modules do every day asks for the time, for files and for random numbers, and none of it shows in a list.
#[test]
fn what_a_module_does_to_no_effect() {
    for values in [
        "import importlib.metadata\n\nVALUES = [importlib.metadata.version('pytest')]\n",
        "import logging\n\nlogging.getLogger('app').warning('a')\nVALUES = [1]\n",
        "import datetime\n\nVALUES = [datetime.datetime.strptime('2026-11-30', '%Y-%m-%d').year]\n",
        "import shutil\n\nVALUES = [1 if shutil.which('git') else 2]\n",
        "import platform\n\nVALUES = [platform.platform()]\n",
        "import concurrent.futures\n\nVALUES = [len(concurrent.futures.__all__), concurrent.futures.ProcessPoolExecutor.__name__]\n",
        "import multiprocessing, tempfile\n\nmultiprocessing.Lock()\nVALUES = [len(tempfile.mkdtemp())]\n",
        "import threading\n\nthreading.Event().wait(0.001)\nVALUES = [1]\n",
        "import sqlite3\n\nVALUES = sqlite3.connect(':memory:').execute('select 3').fetchone()\n",
    ] {
        let project = project(values);
        assert_settles(&project);
        let again = project.run(&["--list"]);
        assert!(again.stderr.is_empty(), "{values}: {}", again.stderr);
    }
}

/// Such a list never holds.
#[test]
fn what_a_module_asks_of_the_moment() {
    for values in [
        "import time\n\nVALUES = [time.monotonic()]\n",
        "import time\n\nVALUES = [time.perf_counter_ns()]\n",
        "import time\n\nVALUES = [time.process_time_ns()]\n",
        "import time\n\nVALUES = [time.clock_gettime(time.CLOCK_REALTIME)]\n",
        "import tempfile\n\nVALUES = [tempfile.mkdtemp(prefix='test')]\n",
        "import tempfile\n\nVALUES = [tempfile.mkdtemp(prefix='\u{e9}')[-8:]]\n",
        "import threading, time\n\nVALUES = []\nthread = threading.Thread(target=lambda: VALUES.append(time.time()))\n\
         thread.start()\nthread.join()\n",
    ] {
        let project = project(values);
        let first = project.run(&["--list"]).stdout;
        assert_ne!(first, project.run(&["--list"]).stdout, "{values}");
    }
}

/// It is the same in a list as in a run, but who knows for how long.
#[test]
fn what_a_module_asks_of_the_process() {
    for value in [
        "os.umask(0o22)",
        "os.nice(0)",
        "os.getpriority(os.PRIO_PROCESS, 0)",
        "len(os.getloadavg())",
        "resource.getrlimit(resource.RLIMIT_NOFILE)[0]",
        "len(os.sched_getaffinity(0))",
        "os.fstatvfs(1).f_bsize > 0",
        "sys.getprofile() and None",
    ] {
        let project = project(&format!("import os, resource, sys\n\nVALUES = [{value}]\n"));
        assert_lists(&project, &[]);
        assert!(assert_lists(&project, &[]), "{value}");
    }
    let project = project("import sys\n\nVALUES = [sys.dont_write_bytecode]\n");
    project.run(&["--list"]);
    assert!(!project.path("__pycache__").exists(), "what is compiled for a list is not kept");
    assert_settles(&project);
}

/// Runs leave directories there.
#[test]
fn what_a_module_lists() {
    let project = project("import os\n\nVALUES = sorted(os.listdir())\n");
    assert_settles(&project);
    project.run_plain(&[]);
    project.write(".mypy_cache/file", "");
    assert_settles(&project);
}

#[test]
fn what_a_time_zone_is_asked() {
    let values = "import datetime\n\nVALUES = [datetime.datetime.fromtimestamp(0).astimezone().hour]\n";
    let project = project(values);
    for zone in ["UTC", "Asia/Tokyo", "UTC"] {
        assert_lists_with(&project, ("TZ", zone), &[]);
    }
}

/// Each in another way.
#[test]
fn what_a_conftest_asks_of_the_selection() {
    for asked in [
        "vars(config.option)['keyword']",
        "getattr(config.known_args_namespace, 'key' + 'word')",
        "'-k' in getattr(config, 'invocation' + '_params').args",
        "config.args[1:]",
        "__import__('copy').copy(config.option).keyword",
    ] {
        let conftest = format!(
            "def pytest_generate_tests(metafunc):\n    config = metafunc.config\n    \
             metafunc.parametrize('n', [1, 2] if {asked} else [3])\n"
        );
        let project = Project::new(&[("conftest.py", &conftest), ("test_a.py", TEST)]);
        for arguments in [&[][..], &["-k", "a"], &["-k", "1"], &["test_a.py", "."]] {
            assert_lists(&project, arguments);
        }
    }
}

/// A plugin that adds what it selects by.
#[test]
fn what_a_plugin_adds_to_the_arguments() {
    let project = Project::new(&[
        ("plug.py", "def pytest_load_initial_conftests(early_config, parser, args):\n    args[:] = ['-kw'] + args\n"),
        ("pytest.ini", "[pytest]\naddopts = -p plug\npythonpath = .\n"),
        ("test_a.py", "def test_w(): pass\n\ndef test_x(): pass\n"),
    ]);
    for arguments in [&[][..], &["-k", "x"], &["-k", "test"]] {
        assert_lists(&project, arguments);
        assert_lists(&project, arguments);
    }
}

/// pytest itself tells what it has collected before, or after.
#[test]
fn what_a_conftest_does_at_the_very_end() {
    for hook in ["def", "@pytest.hookimpl(tryfirst=True)\ndef"] {
        let conftest = format!(
            "import pytest\n\n{hook} pytest_collection_finish(session):\n    session.items[:] = session.items[:0:-1]\n"
        );
        let tests = "def test_a(): pass\n\ndef test_b(): pass\n\ndef test_c(): pass\n";
        let project = Project::new(&[("conftest.py", &conftest), ("test_a.py", tests)]);
        for arguments in [&[][..], &["-k", "a or c"], &["test_a.py"]] {
            assert_lists(&project, arguments);
            assert_lists(&project, arguments);
        }
    }
}

/// Some are of no use to who asks with other variables.
#[test]
fn lists_that_are_asked_for_at_once() {
    let project = project("import os, time\n\nVALUES = [os.environ['MODE']]\n");
    for round in 0..3 {
        let modes: Vec<String> = (0..3).map(|mode| format!("m{round}{mode}")).collect();
        let running = modes.iter().map(|mode| {
            let mut command = project.command(Way::Rpytest);
            (mode, Running::start(command.arg("--list").env("MODE", mode)))
        });
        for (mode, running) in running.collect::<Vec<_>>() {
            assert_eq!(running.finish().stdout, format!("test_a.py::test_a[{mode}]\n"));
        }
    }
}

/// A helper has pytest's configuration, or arguments come from a file.
#[test]
fn what_helpers_and_files_make_of_flags() {
    let helper =
        "def chosen(config):\n    return [1, 2] if config.getoption('runxfail') or config.option.keyword else [3]\n";
    let conftest = "import helper\n\ndef pytest_generate_tests(metafunc):\n    metafunc.parametrize('n', helper.chosen(metafunc.config))\n";
    let project = Project::new(&[
        ("conftest.py", conftest),
        ("helper.py", helper),
        ("test_a.py", TEST),
        ("f.txt", "test_a.py\n"),
    ]);
    for arguments in [&[][..], &["--runxfail"], &["-k", "a"], &["--deselect", "@f.txt"], &["-k", "@f.txt"]] {
        assert_lists(&project, arguments);
    }
}

/// Without it the daemon's next warm process would be plain pytest, and run what is there.
#[test]
fn an_emptied_cache() {
    let one = Project::new(&[("test_a.py", "def test_a(): pass\n")]);
    assert_lists(&one, &[]);
    for entry in std::fs::read_dir(one.root().join("home/.cache/rpytest")).expect("there is a cache").flatten() {
        // The daemon may be writing what the list has taught.
        wait_for("an emptied cache", || {
            (!entry.path().exists() || std::fs::remove_dir_all(entry.path()).is_ok()).then_some(())
        });
    }
    let other = "sub/test_b.py";
    one.write(other, "import pathlib\n\ndef test_b():\n    pathlib.Path('was_run').touch()\n");
    let inside = |way| {
        let mut command = one.command(way);
        command.current_dir(one.path("sub"));
        command
    };
    assert_command_lists(inside, &[]);
    assert!(!one.path("sub/was_run").exists(), "nobody has asked for a run");
}

#[test]
fn a_working_directory_that_looks_like_a_pattern() {
    let project = Project::new(&[
        ("a[b]*/pytest.ini", "[pytest]\ntestpaths = sub/*/tests\n"),
        ("a[b]*/sub/one/tests/test_a.py", "def test_a(): pass\n"),
        ("a[b]*/sub/two/text", ""),
        ("a[b]*/test_b.py", "def test_b(): pass\n"),
    ]);
    let list = || {
        let inside = |way| {
            let mut command = project.command(way);
            command.current_dir(project.path("a[b]*"));
            command
        };
        assert_command_lists(inside, &[])
    };
    wait_for("a list that holds", || (!list()).then_some(()));
    project.write("a[b]*/sub/two/tests/test_c.py", "def test_c(): pass\n");
    assert!(list(), "there is one more");
}

/// Of what the compiler warns once, it warns in the run that follows.
#[test]
fn a_list_leaves_no_bytecode() {
    let text = "def test_a():\n    assert (1 is 1)\n";
    let project =
        Project::new(&[("test_a.py", text), ("helper.py", "X = 1 is 1\n"), ("conftest.py", "import helper\n")]);
    project.run(&["--list"]);
    assert!(!project.path("__pycache__").exists(), "bytecode was written");
}
