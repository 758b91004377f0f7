//! Runs that are forked from a process that has read conftest files and collected the tests, and what keeps them from it.

use std::process::Command;

use crate::harness::{End, Project, Running, Terminal, Way, assert_same, timeless, wait_for};
use crate::levels::{From, from, go_to};

/// Notes which process a run was forked from.
const NOTES_PARENT: &str = "\
def test_parent():
    import os, pathlib
    pathlib.Path(os.environ['XDG_STATE_HOME'], 'parent').write_text(str(os.getppid()))
";

/// What goes further has more and more time for that.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(500);
/// So many runs of a project come from there while another one ought to have got there too, if it could.
const ENOUGH: usize = 6;

pub(crate) fn project(files: &[(&str, &str)]) -> Project {
    Project::new(&[&[("test_parent.py", NOTES_PARENT)][..], files].concat())
}

fn command(project: &Project, way: Way, arguments: &[&str]) -> Command {
    let mut command = project.command(way);
    command.args(arguments);
    command
}

pub(crate) fn go_to_the_tests(project: &Project, arguments: &[&str]) {
    go_to(project, From::BeforeTests, |way| command(project, way, arguments));
}

/// The same as plain pytest, by a run from there.
#[track_caller]
pub(crate) fn assert_same_there(files: &[(&str, &str)], arguments: &[&str]) {
    let project = project(files);
    let plain = project.run_plain(arguments);
    go_to_the_tests(&project, arguments);
    project.run(arguments).assert_like(&plain, "plain pytest");
    assert_eq!(from(&project), Some(From::BeforeTests));
}

#[test]
fn what_is_imported_is_edited() {
    let project = project(&[
        ("conftest.py", "import pytest\n\n@pytest.fixture\ndef value():\n    return 1\n"),
        ("package/__init__.py", "from .inner import VALUE\n"),
        ("package/inner.py", "VALUE = 1\n"),
        (
            "tests/test_a.py",
            "import package, pathlib\nDATA = pathlib.Path('data').read_text()\n\ndef test_a(value):\n    print(value, package.VALUE, DATA)\n",
        ),
        ("data", "one"),
        (
            "other/real/test_l.py",
            "import os\nHERE = os.path.dirname(__file__)\nTEXT = open(HERE + '/../text').read()\n\ndef test_l():\n    print(TEXT)\n",
        ),
        ("other/text", "one"),
    ]);
    std::os::unix::fs::symlink("other/real", project.path("linked")).expect("a new link");
    let arguments = ["-s", "test_parent.py", "tests", "linked"];
    let changes: [&dyn Fn(); 9] = [
        &|| project.write("package/inner.py", "VALUE = 2\n"),
        &|| project.write("data", "two"),
        &|| project.write("other/text", "two"),
        &|| project.write("conftest.py", "import pytest\n\n@pytest.fixture\ndef value():\n    return 2\n"),
        &|| project.write("tests/conftest.py", "import pytest\n\n@pytest.fixture\ndef value():\n    return 3\n"),
        &|| project.write("tests/test_b.py", "def test_b():\n    assert False\n"),
        &|| project.write("tests/test_b.py", "def test_b():\n    assert 1 + 1\n"),
        &|| project.write("pytest.ini", "[pytest]\naddopts = -v\n"),
        &|| std::fs::remove_file(project.path("tests/test_b.py")).expect("it is there"),
    ];
    for change in changes {
        go_to_the_tests(&project, &arguments);
        change();
        project.assert_same(&arguments);
    }
}

#[test]
fn directories_are_listed_to_find_conftest_files() {
    let project = project(&[("tests/test_a.py", "def test_a(): pass\n")]);
    let arguments = ["-s"];
    go_to_the_tests(&project, &arguments);
    project.write("test_notes.txt", "collected, and no directory");
    project.run(&arguments);
    assert_eq!(from(&project), Some(From::BeforeCollection));
    go_to_the_tests(&project, &arguments);
    project.write("tests_of_others/conftest.py", "def pytest_report_header(): return 'from there'\n");
    project.assert_same(&arguments);
    assert_eq!(from(&project), Some(From::BeforeConftests));
}

/// What has gone so far ends when a file is saved, not only when the next run comes.
/// By C code, with functions that were kept before anybody could watch their calls.
#[test]
fn what_asks_for_files_unseen() {
    let ways = [
        ("def sizes(paths, stat=os.stat):\n    return [each.st_size for each in map(stat, paths)]\n", false),
        ("from os import stat\n\ndef sizes(paths):\n    return [each.st_size for each in map(stat, paths)]\n", true),
        (
            "KEPT = {'stat': os.stat}\n\ndef sizes(paths):\n    return [each.st_size for each in map(KEPT['stat'], paths)]\n",
            false,
        ),
    ];
    for (way, is_seen) in ways {
        let helper: &str = &format!("import os\n{way}");
        let project = project(&[
            ("helper.py", helper),
            ("conftest.py", "import helper\n"),
            ("data", "one"),
            ("test_a.py", "import helper\nVALUE = helper.sizes(['data'])\n\ndef test_a():\n    print(VALUE)\n"),
        ]);
        if is_seen {
            go_to_the_tests(&project, &["-s"]);
        } else {
            for _ in 0..ENOUGH {
                project.run(&["-s"]).ended(End::Code(0));
                std::thread::sleep(PAUSE);
            }
            assert!(from(&project) < Some(From::BeforeTests), "{way}");
        }
        project.write("data", "one two three");
        project.run(&["-s"]).assert_like(&project.run_plain(&["-s"]), "plain pytest");
    }
}

#[test]
fn what_is_saved_between_runs_is_noticed() {
    let project = project(&[("app.py", "VALUE = 0\n"), ("test_a.py", "import app\n\ndef test_a():\n    pass\n")]);
    go_to_the_tests(&project, &["-q"]);
    let process = std::fs::read_to_string(project.root().join("state/parent")).expect("a run noted it");
    wait_for("the end of what has gone so far", || {
        // More than a constant; and again and again, as directories are watched a while after the first run.
        project.write("app.py", "VALUE = str(1)\n");
        (!std::path::Path::new("/proc").join(&process).exists()).then_some(())
    });
}

/// `RPYTEST_TEST_EDITS` is how many, 40 by default.
#[test]
fn edits_in_quick_succession() {
    let edits = std::env::var("RPYTEST_TEST_EDITS").ok().map_or(40, |edits| edits.parse().expect("a number of edits"));
    let project =
        project(&[("app.py", "VALUE = 0\n"), ("test_a.py", "import app\n\ndef test_a():\n    print(app.VALUE)\n")]);
    let arguments = ["-q", "-s"];
    go_to_the_tests(&project, &arguments);
    for round in 1..=edits {
        project.write("app.py", &format!("VALUE = {round}{}\n", " ".repeat(round)));
        let shown = command(&project, Way::Rpytest, &arguments).output().expect("it starts");
        let shown = String::from_utf8(shown.stdout).expect("it is text");
        assert!(shown.starts_with(&format!("{round}\n")), "{shown}");
    }
}

#[test]
fn variables_that_code_on_the_way_reads_or_sets() {
    let conftest = "import os\nos.environ['SET'] = 'x'\nos.environ.pop('GONE', None)\nREAD = os.environ.get('READ')\n";
    let test = "import conftest, os\n\ndef test_a():\n    print([os.environ.get(name) for name in ('SET', 'GONE', 'READ')], conftest.READ)\n    \
                os.system('env | grep -e SET -e GONE -e READ -e LINES -e COLUMNS')\n";
    let project = project(&[("conftest.py", conftest), ("test_a.py", test)]);
    let arguments = ["-s"];
    go_to_the_tests(&project, &arguments);
    for (name, value) in [("SET", "y"), ("GONE", "1"), ("READ", "2"), ("OTHER", "3")] {
        assert_same(|way| {
            let mut command = command(&project, way, &arguments);
            command.env(name, value);
            command
        });
        project.assert_same(&arguments);
    }
}

/// What the program has put in the place of functions is not called by ours.
#[test]
fn who_replaces_a_function_sees_the_calls_of_its_own_run() {
    let test = "\
import os

CALLS, ORIGINAL = [], os.stat

def called(*given, **named):
    CALLS.append(str(given))
    return ORIGINAL(*given, **named)

os.stat = called

def test_a():
    for call in CALLS:
        print(call)
";
    let project = project(&[("test_a.py", test)]);
    project.run_plain(&["-s"]); // writes bytecode
    let plain = project.run_plain(&["-s"]);
    go_to_the_tests(&project, &["-s"]);
    project.run(&["-s"]).assert_like(&plain, "plain pytest");
    assert_eq!(from(&project), Some(From::BeforeTests));
}

/// The C library has it, not only the environment.
#[test]
fn time_zones_that_code_on_the_way_sets() {
    let shows = "import time\n\ndef test_a():\n    print(time.localtime(0)[:6], time.tzname, time.strftime('%H %Z', time.localtime(0)))\n";
    let sets = "import os, time\nos.environ['TZ'] = 'Asia/Tokyo'\n";
    for conftest in [&format!("{sets}time.tzset()\n"), sets] {
        let project = project(&[("conftest.py", conftest), ("test_a.py", shows)]);
        go_to_the_tests(&project, &["-s"]);
        project.assert_same(&["-s"]);
        go_to_the_tests(&project, &["-s"]);
        assert_same(|way| {
            let mut command = command(&project, way, &["-s"]);
            command.env("TZ", "Asia/Kolkata");
            command
        });
    }
    let removes = format!("{sets}time.tzset()\ndel os.environ['TZ']\n");
    let project = project(&[("conftest.py", &removes), ("test_a.py", shows)]);
    for _ in 0..6 {
        project.assert_same(&["-s"]);
    }
}

/// Each run tries whether it can write there; what goes further does so in a way that nobody sees.
#[test]
fn nothing_is_seen_in_the_temporary_directory() {
    let project = project(&[("conftest.py", "DATA = open('data').read()\n"), ("data", ""), ("temporary/.keep", "")]);
    let run = || {
        let mut command = command(&project, Way::Rpytest, &["-q"]);
        command.env("TMPDIR", project.path("temporary"));
        command
    };
    let changed =
        || std::fs::metadata(project.path("temporary")).and_then(|found| found.modified()).expect("it is there");
    go_to(&project, From::BeforeTests, |_| run());
    let mut round = 0;
    wait_for("a run that comes from there at once", || {
        let before = changed();
        round += 1;
        project.write("data", &round.to_string());
        std::thread::sleep(round * PAUSE); // what goes further needs no run for that
        Running::start(&mut run()).finish().ended(End::Code(0));
        if from(&project) < Some(From::BeforeCollection) {
            return None; // the run has tried it
        }
        assert_eq!(changed(), before);
        Some(())
    });
}

/// It is done in each run, and at no other time.
#[test]
fn what_reaches_outside_is_done_once_in_each_run() {
    for body in [
        "open('log', 'a').write('x')",
        "import subprocess\nsubprocess.run('printf x >> log', shell=True)",
        "import os\nos.system('printf x >> log')",
        "def pytest_sessionstart(session):\n    open('log', 'a').write('x')",
    ] {
        let project = project(&[("conftest.py", body)]);
        for _ in 0..6 {
            project.run(&[]).ended(End::Code(0));
        }
        project.run(&["--daemon-stop"]).ended(End::Code(0)); // what was on its way is gone
        assert_eq!(std::fs::read_to_string(project.path("log")).expect("it is there"), "xxxxxx", "{body}");
    }
}

/// What such a module has got in one run is not what it gets in the next.
#[test]
fn what_must_be_imported_anew() {
    for body in [
        "import functools, datetime\nVALUE = functools.partial(datetime.datetime.now)()",
        "import random\nclass Own(random.Random):\n    def __init__(self):\n        pass\nVALUE = Own()",
        "import _random\nVALUE = _random.Random()",
        "import sys\nVALUE = [line for line in sys.stdin]",
        "import sys\nVALUE = sys.stdin.buffer.seek(0, 2)\nsys.stdin.buffer.seek(0)",
        "VALUE = open(0, closefd=False).read()",
        "import multiprocessing\nVALUE = multiprocessing.Lock()",
        "import threading\nVALUE = threading.main_thread().native_id",
        "import time\nVALUE = time.time()",
        "import mmap\nVALUE = mmap.mmap(-1, 10)",
        "import datetime, functools, pytest\nMARK = pytest.mark.skipif(False, reason=str, t=functools.partial(datetime.datetime.now)())\n\n@MARK\ndef test_b():\n    pass",
        "import datetime, functools\n\nclass Box:\n    __slots__ = ('value',)\n\nBOX = Box()\nBOX.value = functools.partial(datetime.datetime.now)()",
        "import datetime, functools\n\ndef outer(value):\n    return lambda: value\n\nVALUE = outer(functools.partial(datetime.datetime.now)())",
        "import datetime, functools\nVALUE = [[[[[[[[[functools.partial(datetime.datetime.now)()]]]]]]]]]",
        "import datetime, functools\nVALUE = {(functools.partial(datetime.datetime.now)(),)}",
        "import datetime, functools, types\nVALUE = types.MappingProxyType({1: functools.partial(datetime.datetime.now)()})",
        "import datetime, functools\n\nclass Hides:\n    __dict__ = property(lambda self: {})\n\nVALUE = Hides()\nVALUE.value = functools.partial(datetime.datetime.now)()",
        "import operator, datetime\nVALUE = [{(each, 1, b'')} for each in map(operator.methodcaller('utcnow'), [datetime.datetime])]",
        "import random\n\nclass Own(random.Random):\n    def random(self):\n        return super().random()\n\nVALUE = Own(1).choice('ab')",
        "import datetime\n\nclass Own(datetime.datetime):\n    @classmethod\n    def now(cls):\n        return super().now()\n\nVALUE = list(map(Own.now, ()))\nTHEN = {(Own.now().minute, 0.5)}",
        "import asyncio\nasyncio.set_event_loop(None)",
    ] {
        let project = project(&[("test_a.py", &format!("{body}\n\ndef test_a():\n    pass\n"))]);
        let mut script = project.shell(Way::Rpytest, "echo text > ../input; \"$@\" -q -s < ../input");
        for _ in 0..7 {
            Running::start(&mut script).finish().ended(End::Code(0));
            assert!(from(&project) < Some(From::BeforeTests), "{body}");
        }
    }
}

/// A value that only one process can have, where no module holds it itself.
#[test]
fn what_is_drawn_and_hidden() {
    for body in [
        "@functools.lru_cache\ndef value():\n    return functools.partial(datetime.datetime.now)()\n\nvalue()",
        "class Text(str):\n    pass\n\nVALUE = Text(functools.partial(datetime.datetime.now)())",
    ] {
        let with = |body| {
            project(&[("test_a.py", &format!("import datetime, functools\n\n{body}\n\ndef test_a():\n    pass\n"))])
        };
        let (project, other) =
            (with(body), with(&body.replace(".now", ".fromisoformat").replace(")()", ")('2000-01-01')")));
        let mut rounds = 0;
        wait_for("runs of the other project from there", || {
            for each in [&project, &other] {
                each.run(&["-q"]).ended(End::Code(0));
            }
            assert!(from(&project) < Some(From::BeforeTests), "{body}");
            std::thread::sleep(PAUSE); // for what must not go there
            rounds += usize::from(from(&other) == Some(From::BeforeTests));
            (rounds == ENOUGH).then_some(())
        });
    }
}

#[test]
fn what_cannot_be_compared_is_told() {
    for (body, reason) in [
        ("VALUE = os.stat(__file__).st_atime", "reads st_atime in "),
        ("VALUE = os.path.getatime(__file__)", "asks when "),
        ("import tempfile\nVALUE = tempfile._get_default_tempdir", "keeps a function of tempfile"),
        ("import datetime, functools\nVALUE = functools.partial(datetime.datetime.now)()", "what modules hold differs"),
    ] {
        let project = project(&[("test_a.py", &format!("import os\n{body}\n\ndef test_a():\n    pass\n"))]);
        wait_for(reason, || {
            let output = command(&project, Way::Rpytest, &["-q", "--explain"]).output().expect("it starts");
            assert!(from(&project) < Some(From::BeforeTests), "{body}");
            std::thread::sleep(PAUSE); // as above
            String::from_utf8_lossy(&output.stderr).contains(reason).then_some(())
        });
    }
}

/// They are other ones in each process, and nobody can tell from them that this is so.
#[test]
fn addresses_in_texts() {
    let test = "class Each:\n    pass\n\nOBJECTS = [Each() for _ in range(1000)]\nNAMES = {f'Each:{id(each)}': repr(each) for each in OBJECTS}\n\n\
                def test_a():\n    print(len(NAMES))\n";
    assert_same_there(&[("test_a.py", test)], &["-s"]);
}

/// As pydantic's have, whose attributes come from a table of Rust's: here a module stands for it.
#[test]
fn attributes_of_native_classes_have_an_order_that_is_drawn() {
    let native = "import datetime, functools\nSTART = functools.partial(datetime.datetime.now)().microsecond\n\
                  Url = type('Url', (), {f'name{(START + number) % 100}': None for number in range(100)})\ndel START\n";
    let test = "from pydantic_core import Url\n\ndef test_a():\n    print(len(dir(Url)))\n";
    assert_same_there(&[("pydantic_core.py", native), ("test_a.py", test)], &["-s"]);
}

/// Here a module stands for OpenTelemetry's; others hold what it has drawn.
#[test]
fn keys_that_must_only_differ() {
    let context = "import uuid\n\ndef create_key(name):\n    return name + '-' + str(uuid.uuid4())\n";
    let test = "from opentelemetry.context import create_key\n\nKEYS = {create_key('a'): 1, create_key('b'): 2}\n\n\
                def test_a():\n    print(list(map(len, KEYS)))\n";
    assert_same_there(&[("opentelemetry/context/__init__.py", context), ("test_a.py", test)], &["-s"]);
}

/// Nobody but the project itself may have its code executed, nor take from what is there for the next run.
#[test]
fn what_nobody_asks_for_is_not_done() {
    let lazy = "import os\n\nclass Lazy:\n    @property\n    def __class__(self):\n        return self.wake()\n    def __repr__(self):\n        \
                return self.wake()\n    def __getattr__(self, name):\n        return self.wake()\n    def wake(self):\n        \
                open(os.environ['HOME'] + '/woken', 'a').write('x')\n        return 1\n\nHELD = [{'a': Lazy()}]\n\ndef test_a():\n    pass\n";
    let project = project(&[("test_a.py", lazy)]);
    go_to_the_tests(&project, &["-q"]);
    assert!(!project.root().join("home/woken").exists());

    let broken = "import io, os\nSTREAM = io.TextIOWrapper(io.BytesIO())\nBELOW = STREAM.detach()\n\ndef pytest_sessionfinish():\n    \
                  open(os.environ['HOME'] + '/finished', 'a').write('x')\n";
    let project = self::project(&[("conftest.py", broken)]);
    for _ in 0..6 {
        project.run(&["-q"]).ended(End::Code(0));
    }
    project.run(&["--daemon-stop"]).ended(End::Code(0));
    assert_eq!(std::fs::read_to_string(project.root().join("home/finished")).expect("it is there"), "xxxxxx");
}

#[test]
fn what_is_read_from_a_pipe_is_there_once() {
    let test = "import os\nTEXT = open(os.environ['HOME'] + '/pipe').read()\n\ndef test_a():\n    print(TEXT)\n";
    let project = project(&[("test_a.py", test)]);
    let pipe = project.root().join("home/pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a new name");
    for round in 0..8 {
        let running = Running::start(&mut command(&project, Way::Rpytest, &["-q", "-s"]));
        std::fs::write(&pipe, format!("round {round}")).expect("the run reads it");
        let outcome = running.finish();
        assert!(outcome.stdout.contains(&format!("round {round}\n")), "{outcome}");
    }
}

#[test]
fn directories_that_must_be_there_are_made_again() {
    let conftest = "import os\ntry:\n    os.mkdir('made')\nexcept FileExistsError:\n    pass\n";
    let project = project(&[
        ("conftest.py", conftest),
        ("test_a.py", "import os\n\ndef test_a():\n    assert os.path.isdir('made')\n"),
        ("tests/test_b.py", "def test_b():\n    pass\n"),
    ]);
    std::os::unix::fs::symlink("../elsewhere", project.path("tests/linked")).expect("a new link");
    let arguments = ["-q", "test_parent.py", "test_a.py", "tests"];
    go_to_the_tests(&project, &arguments);
    std::fs::remove_dir(project.path("made")).expect("it is there");
    project.run(&arguments).ended(End::Code(0));
    go_to_the_tests(&project, &arguments);
    project.write("elsewhere/test_c.py", "def test_c():\n    pass\n");
    project.assert_same(&arguments);
}

#[test]
fn what_a_test_sees_of_its_process() {
    let test = "\
import gc, os, pathlib, sys, tempfile, threading, warnings, weakref
import pytest

class Node:
    pass

NODE = Node()
NODE.me = NODE

def test_what_was_made_at_import_is_collected():
    global NODE
    reference, NODE = weakref.ref(NODE), None
    gc.collect()
    assert reference() is None

def test_who_collects_is_blamed():
    file = open(__file__)
    garbage = [file]
    garbage.append(garbage)
    del file, garbage
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        gc.collect()
    assert [each.filename for each in caught] == [__file__]

def test_descriptors(capfd):
    print(sorted(map(int, os.listdir('/proc/self/fd'))), os.open('/dev/null', os.O_RDONLY))
    os.system('echo from a child')
    print(capfd.readouterr())

def test_identity():
    assert threading.main_thread().native_id == os.getpid()
    print(sys.argv, sys.orig_argv[1:], sys.flags, sorted(sys.modules), list(sys.modules)[-3:])

def test_streams():
    print(type(sys.stdin), sys.__stdin__, sys.stdout.encoding, sys.__stdout__.line_buffering, sys.stderr)
    os.write(1, b'by the descriptor\\n')
    print(next(tempfile._get_candidate_names()) != next(tempfile._get_candidate_names()))
";
    for arguments in [&["-s"][..], &["-rP"], &["-rP", "--capture=sys"], &["-q", "--capture=tee-sys"]] {
        assert_same_there(&[("test_a.py", test)], arguments);
    }
}

#[test]
fn tests_on_a_terminal() {
    let test = "import os\n\ndef test_a():\n    print(os.get_terminal_size(), os.isatty(0), input('say: '))\n    assert False\n";
    let project = project(&[("test_a.py", test)]);
    let have = |way| {
        let mut terminal = Terminal::start(command(&project, way, &["-s", "-v"]).env_remove("RPYTEST_LOG"));
        terminal.expect("say: ");
        terminal.type_keys("so\n");
        let (end, screen) = terminal.finish();
        (end, timeless(&screen))
    };
    let plain = have(Way::Plain);
    wait_for("a run from there", || {
        let (end, screen) = have(Way::Rpytest);
        assert_eq!(screen, plain.1, "{screen}\n--- plain:\n{}", plain.1);
        assert_eq!(end, plain.0);
        (from(&project) == Some(From::BeforeTests)).then_some(())
    });
}

#[test]
fn many_runs_at_once() {
    let test = "import os\n\ndef test_a(tmp_path):\n    print(tmp_path.name)\n    os.system('echo from a child')\n";
    let project = project(&[("test_a.py", test)]);
    go_to_the_tests(&project, &["-q"]);
    let all: Vec<_> = (0..4).map(|_| Running::start(&mut command(&project, Way::Rpytest, &["-q"]))).collect();
    for run in all {
        run.finish().ended(End::Code(0));
    }
    project.assert_same(&["-q"]);
}
