//! How a run leaves: with plain pytest's status and output, whether or not the interpreter is taken down.

use std::process::Command;

use crate::deeper::{assert_same_there, project};
use crate::harness::{Project, Running, Way};
use crate::levels::{From, from, go_to};

const PASSES: &str = "def test_a():\n    pass\n";

#[test]
fn with_its_status() {
    for hook in [
        "def pytest_sessionfinish(session):\n    session.exitstatus = 42\n",
        "def pytest_sessionfinish(session):\n    session.exitstatus = 261\n",
        "def pytest_unconfigure():\n    raise ValueError('too late')\n",
        "def pytest_unconfigure():\n    raise SystemExit(9)\n",
    ] {
        assert_same_there(&[("conftest.py", hook), ("test_a.py", PASSES)], &["-q"]);
    }
    assert_same_there(&[("test_a.py", "def test_a():\n    assert not 1\n")], &["-q"]);
    let leaves = "import pytest\n\ndef test_z():\n    pytest.exit('enough', returncode=7)\n";
    assert_same_there(&[("test_z.py", leaves)], &["-q"]);
}

/// The last writing fails, and would not if it was tried once more.
#[test]
fn with_the_status_of_an_error_that_nobody_has_caught() {
    let hook = "\
import os, resource, sys

def restore(*_):
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

def pytest_unconfigure():
    sys.excepthook = restore
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (os.fstat(1).st_size, most))
    sys.stdout.write('more')
";
    let project = project(&[("conftest.py", hook), ("test_a.py", PASSES)]);
    let command = |way| project.shell(way, "\"$@\" -q > ../state/output; echo $?; tail -c 4 ../state/output");
    assert_same_once_there(&project, command);
}

#[test]
fn with_what_is_said_of_the_end() {
    let hears = "\
import os, sys

def test_a():
    def hear(event, arguments, write=os.write):
        if event.startswith('cpython.'):
            write(2, event.encode() + b'\\n')
    sys.addaudithook(hear)
";
    assert_same_there(&[("test_a.py", hears)], &["-q"]);
    let keeps_garbage = "\
import atexit, gc, warnings

def pytest_unconfigure():
    gc.garbage.append([])
    atexit.register(warnings.simplefilter, 'always')
";
    assert_same_there(&[("conftest.py", keeps_garbage), ("test_a.py", PASSES)], &["-q"]);
    let asks_for_more = "import os\n\ndef test_a():\n    os.environ['PYTHONINSPECT'] = '1'\n";
    assert_same_there(&[("test_a.py", asks_for_more)], &["-q"]);
}

#[test]
fn with_what_native_code_has_not_yet_written() {
    let writes = "\
import sys

def test_a():
    before = set(sys.modules)
    import ctypes
    library = ctypes.CDLL(None)
    library.fopen.restype = ctypes.c_void_p
    library.fputs(b'by the C library', ctypes.c_void_p(library.fopen(b'written', b'w')))
";
    let hides = "    for name in set(sys.modules) - before:\n        del sys.modules[name]\n";
    for test in [writes, &[writes, hides].concat()] {
        let project = project(&[("test_a.py", test)]);
        assert_same_once_there(&project, |way| project.shell(way, "\"$@\" -q; cat written"));
    }
}

#[test]
fn after_a_program_has_called_all_exit_functions() {
    let test = "\
import atexit, os, sys

class Tells:
    def __del__(self, write=os.write):
        write(2, b'end of what a module holds')

KEPT = Tells()

def test_a():
    before = list(sys.modules)
    atexit._run_exitfuncs()
    assert list(sys.modules) == before
";
    assert_same_there(&[("test_a.py", test)], &["-q"]);
    let calls_the_others = "\
import atexit, os

def last():
    atexit.unregister(last)
    atexit._run_exitfuncs()
    os.write(2, b'and then this')

def test_a():
    atexit.register(last)
";
    assert_same_there(&[("test_a.py", calls_the_others)], &["-q"]);
}

#[track_caller]
fn assert_same_once_there(project: &Project, command: impl Fn(Way) -> Command) {
    let run = |way| Running::start(&mut command(way)).finish();
    let plain = run(Way::Plain);
    go_to(project, From::BeforeTests, &command);
    run(Way::Rpytest).assert_like(&plain, "plain pytest");
    assert_eq!(from(project), Some(From::BeforeTests));
}
