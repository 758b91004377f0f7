//! What is captured, and what gets through: by Python, by C, by children, at import and at the end.

use std::process::Command;

use crate::harness::{End, Project, Way, assert_same};

/// Writes by every road that there is. The C library keeps what it is given until it is flushed, or the process ends.
const WRITER: &str = "\
import ctypes, os, subprocess, sys

libc = ctypes.CDLL(None)

def write(where):
    print('print', where)
    print('print to error', where, file=sys.stderr)
    sys.__stdout__.write(f'original {where}\\n')
    sys.stdout.flush(), sys.__stdout__.flush()
    os.write(1, f'descriptor {where}\\n'.encode())
    os.write(2, f'descriptor of error {where}\\n'.encode())
    subprocess.run(['echo', 'child', where], check=True)
    libc.puts(f'C flushed {where}'.encode())
    libc.fflush(None)
    libc.puts(f'C {where}'.encode())
";

const CONFTEST: &str = "\
import atexit
import writer

writer.write('conftest')
atexit.register(writer.write, 'end')

def pytest_sessionfinish():
    writer.write('finish')
";

const TEST: &str = "\
import writer

writer.write('import')

def test_passes():
    writer.write('passing')

def test_fails():
    writer.write('failing')
    assert 0
";

fn project() -> Project {
    Project::new(&[("writer.py", WRITER), ("conftest.py", CONFTEST), ("test_a.py", TEST)])
}

/// Both streams into one: their order is seen too.
fn merged(project: &Project, way: Way, arguments: &[&str]) -> Command {
    let mut command = project.shell(way, "exec \"$@\" 2>&1");
    command.args(arguments);
    command
}

#[test]
fn by_every_method() {
    let project = project();
    for method in ["fd", "sys", "no", "tee-sys"] {
        let option = format!("--capture={method}");
        assert_same(|way| merged(&project, way, &[&option, "-rA"])).ended(End::Code(1));
        assert_same(|way| merged(&project, way, &[&option, "--show-capture=no", "-q"])).ended(End::Code(1));
    }
}

#[test]
fn by_fixtures() {
    let test = "\
import pytest
import writer

@pytest.mark.parametrize('name', ['capsys', 'capfd', 'capsysbinary', 'capfdbinary'])
def test_a(name, request):
    capture = request.getfixturevalue(name)
    writer.write('one')
    first = capture.readouterr()
    with capture.disabled():
        writer.write('disabled')
    writer.write('two')
    writer.libc.fflush(None)
    print(repr((first, capture.readouterr())))
    raise ValueError
";
    let project = Project::new(&[("writer.py", WRITER), ("test_a.py", test)]);
    for arguments in [&["-q"][..], &["-q", "-s"], &["-q", "--capture=tee-sys"]] {
        assert_same(|way| merged(&project, way, arguments)).ended(End::Code(1));
    }
}

#[test]
fn a_test_that_takes_too_long_is_dumped() {
    let test = "import time\n\ndef test_a():\n    with open('dump', 'w+') as file:\n        time.sleep(0.4)\n";
    let project = Project::new(&[("test_a.py", test), ("pytest.ini", "[pytest]\nfaulthandler_timeout = 0.1\n")]);
    let outcome = assert_same(|way| project.shell(way, "\"$@\" -q 2>&1 | sed -E 's/0x[0-9a-f]+/ADDRESS/'"));
    assert!(outcome.stdout.contains("Timeout (0:00:00.100000)!"), "{outcome}");
    // Under a timer that has been cancelled nothing is dumped.
    let project = Project::new(&[
        ("test_a.py", test),
        (
            "conftest.py",
            "import faulthandler\n\ndef pytest_runtest_call():\n    \
        faulthandler.cancel_dump_traceback_later()\n",
        ),
        ("pytest.ini", "[pytest]\nfaulthandler_timeout = 0.2\n"),
    ]);
    let outcome = assert_same(|way| merged(&project, way, &["-q"])).ended(End::Code(0));
    assert!(!outcome.stdout.contains("Timeout"), "{outcome}");
}

#[test]
fn standard_streams_that_start_up_code_of_the_tests_replaces() {
    let conftest = "\
import io, sys

sys.stdout = io.TextIOWrapper(open(1, 'wb', buffering=0, closefd=False), write_through=True)
sys.stderr = sys.stdout
print('conftest')
";
    let test = "import sys\n\ndef test_a():\n    print('test', file=sys.stderr)\n    assert 0\n";
    let project = Project::new(&[("conftest.py", conftest), ("test_a.py", test)]);
    for arguments in [&[][..], &["-s"], &["--capture=sys"]] {
        assert_same(|way| merged(&project, way, arguments)).ended(End::Code(1));
    }
}
