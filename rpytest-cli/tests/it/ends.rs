//! What ends with a run that begins behind the collection: in plain pytest's order, and with nothing lost.

use crate::deeper::{assert_same_there, go_to_the_tests, project};
use crate::harness::{End, Outcome};
use crate::levels::{From, from};

#[test]
fn the_end_of_what_was_made_on_the_way() {
    let test = "\
import atexit, sys, weakref

class Tells:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        sys.stdout.write(f'end of {self.name}\\n')

KEPT = Tells('what a module holds')
FILE = open(__file__)

def suspended():
    try:
        yield
    finally:
        sys.stdout.write('generator closed\\n')

GENERATOR = suspended()
next(GENERATOR)
atexit.register(print, 'exit function')
weakref.finalize(KEPT, print, 'finalized')

def test_a():
    sys.stdout.write('written, not flushed')
";
    let project = project(&[("test_a.py", test)]);
    for _ in 0..8 {
        project.run(&["-s", "-q"]).ended(End::Code(0));
    }
    project.assert_same(&["-s", "-q"]);
    assert_same_there(&[("test_b.py", "import sys\n\ndef test_b():\n    sys.stdout = sys.stderr\n")], &["-s", "-q"]);
}

/// pytest collects garbage at the end of a run, and warns of what tells of its end then.
#[test]
fn what_hangs_from_what_was_made_on_the_way() {
    let test = "class Holder:\n    pass\n\nHELD = [Holder()]\nHELD[0].itself = HELD[0]\n\n\
                class Tells:\n    def __del__(self):\n        print('at the end')\n\n\
                def test_a():\n    HELD.pop().more = [Tells(), open(__file__)]\n";
    assert_same_there(&[("test_a.py", test)], &["-W", "always", "-rA"]);
    assert_same_there(&[("test_a.py", test)], &["-W", "error"]);
}

/// Each alone: whatever tells of its end has everything end as always.
#[test]
fn what_tells_of_its_end_in_an_odd_way() {
    let begin = "\
import gc, logging, os, sys, weakref
import other

gc.disable()
SPACE = {'write': os.write}
exec('class Nameless:\\n    def __del__(self): write(2, b\"gone\\\\n\")', SPACE)

class Tells(weakref.ref):
    def __del__(self, write=os.write):
        write(2, b'a reference is gone\\n')

class Cycle:
    def __init__(self):
        self.itself = self

class Speaks:
    def __iter__(self):
        return self

    def __next__(self):
        return 1

    def close(self, write=os.write):
        write(2, b'closed\\n')

    __enter__ = close

    def __exit__(self, *_):
        self.close()

def within():
    with Speaks():
        yield

def by_another():
    yield 0
    yield from Speaks()

HELD = [Cycle()]
";
    for (made, done) in [
        ("", "HELD.append(open(2, 'w', closefd=False)) or HELD[-1].write('written\\n')"),
        ("", "HELD.append(SPACE['Nameless']())"),
        ("", "HELD.append(Tells(Cycle))"),
        ("weakref.finalize(HELD[0], logging.getLogger('x').warning, 'released').atexit = False", "HELD.clear()"),
        ("PROXY = weakref.proxy(HELD[0], lambda _: os.write(2, b'no proxy\\n'))", "HELD.clear()"),
        ("", "HELD.append(Tells(Cycle)) or gc.freeze()"),
        ("", "HELD.append(within()) or next(HELD[-1])"),
        ("", "HELD.append(by_another()) or next(HELD[-1]) or next(HELD[-1])"),
        ("ANOTHER = by_another()\nnext(ANOTHER)", "next(ANOTHER)"),
        ("", "sys.__stdin__ = sys.stdin"),
        ("import atexit", "atexit.register(delattr, sys, '__stdout__')"),
        ("", "gc.enable() or gc.callbacks.append(lambda *_: 'other' in sys.modules or os.write(2, b'it is gone\\n'))"),
        ("OTHER = weakref.ref(other)\ndel other", "print(sys.modules.pop('other').__name__, OTHER() is None)"),
    ] {
        let test = format!("{begin}{made}\n\ndef test_a():\n    {done}\n");
        let files = [("test_a.py", &*test), ("other.py", "def function():\n    pass\n")];
        assert_same_there(&files, &["-q", "-rA"]);
    }
}

/// On the way, where everything that the project has made is frozen.
#[test]
fn a_program_that_freezes_what_it_has_made() {
    let conftest = "import gc\n\ndef pytest_collection_finish():\n    gc.collect()\n    gc.freeze()\n";
    let test = "\
import gc, os

class Tells:
    def __del__(self, write=os.write):
        write(2, b'it ends\\n')

HELD = []

def test_a():
    print(gc.get_freeze_count() > 0, gc.collect() >= 0, gc.get_freeze_count() > 0)
    HELD.append(Tells())
";
    assert_same_there(&[("conftest.py", conftest), ("test_a.py", test)], &["-q", "-rA"]);
}

/// The order in which they end shows what held them.
#[test]
fn what_ends_with_modules_of_the_way() {
    let other = "import sys\n\nHELD = []\nCYCLE = [HELD]\nCYCLE.append(CYCLE)\n";
    let test = "\
import json, sys
import another, other
import _pytest.runner

class Tells:
    def __init__(self, name):
        self.name = name

    def __del__(self, write=sys.stdout.write):
        write(f'{self.name} ends, {sys is None}, {json is None}, {sys and len(sys.modules) > 20}\\n')

HELD = []

def test_a():
    for module in (sys.modules[__name__], other, another, json, _pytest.runner):
        module.MORE = [Tells(f'in {module.__name__}')]
        module.MORE.append(module.MORE)
        module.JUST = Tells(f'just in {module.__name__}')
    HELD.append(Tells('held'))
    other.HELD.append(Tells('held by another'))
";
    let files = [("test_a.py", test), ("other.py", other), ("another.py", other)];
    assert_same_there(&files, &["-s", "-q"]);
}

/// Weak references that call somebody when an object of the way ends.
#[test]
fn finalizers_of_what_was_made_on_the_way() {
    let test = "\
import gc, os, weakref

gc.disable()

class Cycle:
    def __init__(self):
        self.itself = self

    def method(self):
        pass

def say(words):
    os.write(2, words)

HELD = [Cycle()]

def test_a():
    HELD.clear()

";
    // One at a time: nobody says in which order a collector calls them.
    for calls in [
        "weakref.finalize(HELD[0], say, b'at once, or at the exit\\n')\n",
        "weakref.finalize(HELD[0], say, b'before the exit\\n').atexit = False\n",
        "KEPT = weakref.WeakMethod(HELD[0].method, lambda _: say(b'a method is gone\\n'))\n",
    ] {
        assert_same_there(&[("test_a.py", &format!("{test}{calls}"))], &["-q"]);
    }
}

/// A database in WAL mode has another file beside it until the last connection is closed.
#[test]
fn connections_that_are_left_open() {
    let test = "\
import os, sqlite3

KEPT = []

def test_a():
    KEPT.append(sqlite3.connect(os.path.join(os.environ['XDG_STATE_HOME'], 'left.db')))
    KEPT[0].execute('pragma journal_mode=wal')
    KEPT[0].execute('create table if not exists t (a)')
    KEPT[0].commit()
";
    let project = project(&[("test_a.py", test)]);
    go_to_the_tests(&project, &["-q"]);
    project.run(&["-q"]).ended(End::Code(0));
    assert_eq!(from(&project), Some(From::BeforeTests));
    assert!(project.root().join("state/left.db").exists() && !project.root().join("state/left.db-wal").exists());
}

/// From Python 3.13 on the interpreter warns of it, where anybody hears that.
#[test]
fn connections_to_memory_that_are_left_open() {
    let test = "\
import atexit, sqlite3, warnings

KEPT = []

def test_a():
    KEPT.append(sqlite3.connect(':memory:'))
    atexit.register(warnings.simplefilter, 'always')
";
    let project = project(&[("test_a.py", test)]);
    let arguments = ["-q"];
    let warns = |outcome: Outcome| outcome.stderr.contains("unclosed database");
    let plain = warns(project.run_plain(&arguments));
    go_to_the_tests(&project, &arguments);
    assert_eq!(warns(project.run(&arguments)), plain);
    assert_eq!(from(&project), Some(From::BeforeTests));
}
