//! Tests that start processes and threads, and what runs after the last test.

use std::collections::HashSet;

use crate::harness::{End, Project, Running, Way, assert_same_steps};

/// A file beside the test, since children import what they run.
fn with_work(test: &str) -> Project {
    let work = "import os, sys\n\ndef double(number):\n    return number * 2\n\n\
                def show(queue):\n    import __main__\n    queue.put((__name__, sys.argv[1:], __main__.__name__, sys.flags.dev_mode))\n";
    Project::new(&[("work.py", work), ("test_a.py", test)])
}

#[test]
fn every_start_method_of_multiprocessing() {
    let test = "\
import multiprocessing
import pytest
import work

@pytest.mark.parametrize('method', ['fork', 'spawn', 'forkserver'])
def test_a(method):
    context = multiprocessing.get_context(method)
    with context.Pool(2) as pool:
        print(pool.map(work.double, [1, 2, 3]))
    queue = context.Queue()
    process = context.Process(target=work.show, args=(queue,))
    process.start()
    print(queue.get())
    process.join()
    print(process.exitcode, multiprocessing.current_process().name, multiprocessing.parent_process())
";
    with_work(test).assert_same(&["-s", "-v"]).ended(End::Code(0));
}

#[test]
fn executors() {
    let test = "\
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
import work

def test_a():
    with ProcessPoolExecutor(2) as executor:
        print(list(executor.map(work.double, [1, 2])))
    with ThreadPoolExecutor(2) as executor:
        print(list(executor.map(work.double, [3, 4])))
";
    with_work(test).assert_same(&["-s"]).ended(End::Code(0));
}

#[test]
fn what_runs_at_the_end_runs_in_order() {
    let test = "\
import atexit, gc, sys, threading, weakref

class Thing:
    def __del__(self):
        print('deleted', sys.is_finalizing())

atexit.register(print, 'first registered')
atexit.register(print, 'last registered')
thing = Thing()
weakref.finalize(thing, print, 'finalized')

def generator():
    try:
        yield
    finally:
        print('generator closed')

running = generator()
next(running)

def test_a():
    thread = threading.Thread(target=lambda: (print('in a thread'), main.join(0.01)))
    main = threading.main_thread()
    thread.start()
    threading.Thread(target=lambda: (main.join(), print('later'))).start()
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    print(threading.enumerate()[0].native_id == __import__('os').getpid(), threading.active_count() > 1)
";
    with_work(test).assert_same(&["-s", "-q"]).ended(End::Code(0));
}

#[test]
fn weak_references_that_call_back_at_the_end() {
    for reference in ["weakref.ref(thing, gone)", "weakref.WeakMethod(thing.method, gone)"] {
        let conftest = format!(
            "import os, pytest, weakref\n\nclass Thing:\n    def method(self):\n        pass\n\n\
             def gone(_, write=os.write):\n    write(2, b'gone\\n')\n\n\
             pytest.thing = thing = Thing()\npytest.reference = {reference}\ndel thing\n"
        );
        let test = "def test_a():\n    pass\n";
        Project::new(&[("conftest.py", &conftest), ("test_a.py", test)]).assert_same(&["-q"]);
    }
}

#[test]
fn resources_that_are_left_open_are_warned_of() {
    // One each: in which order several are warned of follows from when the garbage collector happened to run.
    for resource in ["open(__file__)", "socket.socket()"] {
        let test = format!("import socket\n\nleft = {resource}\n\ndef test_a():\n    open(__file__)\n");
        with_work(&test).assert_same(&["-W", "always::ResourceWarning", "--tb=short"]);
    }
    with_work("def test_a():\n    open(__file__)\n").assert_same(&["-W", "error", "--tb=short"]).ended(End::Code(1));
}

#[test]
fn no_expressions_of_others_are_compiled() {
    let test = "\
import re

def test_a():
    print(*sorted(map(str, {**re._cache, **getattr(re, '_cache2', {})})), sep='\\n')
";
    let project = with_work(test);
    assert_same_steps(&project, |steps| {
        steps.run(&["-q", "-s"]).ended(End::Code(0));
    });
}

#[test]
fn pytest_within_pytest() {
    let test = "\
import subprocess, sys

def test_a(tmp_path):
    (tmp_path / 'test_inner.py').write_text('import os\\ndef test_inner(): assert \"PYTEST_CURRENT_TEST\" in os.environ\\n')
    subprocess.run([sys.executable, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', tmp_path], check=True)

pytest_plugins = ['pytester']

def test_pytester(pytester):
    pytester.makepyfile('def test_inner(): assert 0')
    pytester.runpytest_inprocess().assert_outcomes(failed=1)
    pytester.runpytest_subprocess().assert_outcomes(failed=1)
";
    with_work(test).assert_same(&[]).ended(End::Code(0));
}

#[test]
fn rpytest_within_rpytest() {
    let test = "\
import os, subprocess

def test_a(tmp_path):
    (tmp_path / 'test_inner.py').write_text('def test_inner(): pass\\n')
    for _ in range(2):
        done = subprocess.run([os.environ['PROGRAM'], '-q', 'test_inner.py'], cwd=tmp_path, stderr=subprocess.PIPE)
    assert done.returncode == 0 and b'Warm' in done.stderr, done.stderr
";
    let project = Project::new(&[("test_a.py", test)]);
    let mut command = project.command(Way::Rpytest);
    let command = command.arg("-s").env("PROGRAM", env!("CARGO_BIN_EXE_rpytest"));
    Running::start(command).finish().ended(End::Code(0));
}

#[test]
fn a_fork_that_returns() {
    let test = "\
import os, sys

def test_a():
    pid = os.fork()
    if pid:
        print('child ended with', os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

def test_b():
    assert 0
";
    with_work(test).assert_same(&["--tb=line"]).ended(End::Code(1));
}

#[test]
fn children_of_a_test_are_the_sessions_own() {
    let test = "\
import os, subprocess, pytest

def test_a():
    with pytest.raises(ChildProcessError):
        os.wait()
    child = subprocess.Popen(['sh', '-c', 'exit 3'])
    assert os.wait()[1] == 3 << 8
    child.returncode = 3

def test_b():
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os._exit(0)
    os.waitpid(pid, 0)
";
    with_work(test).assert_same(&[]).ended(End::Code(0));
}

#[test]
fn random_state_is_not_shared() {
    let test = "\
import os, random, tempfile, uuid

def test_a():
    with open('drawn', 'a') as file:
        print(random.random(), uuid.uuid4(), os.urandom(4).hex(), next(tempfile._get_candidate_names()), file=file)
";
    let project = Project::new(&[("test_a.py", test)]);
    for _ in 0..4 {
        project.run(&["-q"]).ended(End::Code(0));
    }
    let drawn = std::fs::read_to_string(project.path("drawn")).expect("the tests have written it");
    let words: Vec<&str> = drawn.split_whitespace().collect();
    let different: HashSet<&&str> = words.iter().collect();
    assert_eq!((words.len(), different.len()), (16, 16), "{drawn}");
}

/// It starts as any interpreter does, with what the first one was started with.
#[test]
fn an_interpreter_within_the_process() {
    let test = "\
def test_a():
    try:
        import _xxsubinterpreters as interpreters
    except ImportError:
        import _interpreters as interpreters
    other = interpreters.create()
    interpreters.run_string(other, 'import sys; print(sys.path, sorted(sys.modules), sys.path_importer_cache.keys())')
    interpreters.destroy(other)
";
    let project = Project::new(&[("test_a.py", test)]);
    project.assert_same(&["-s", "-q"]);
}
