//! Runs that begin before the first test although a file has been edited since, in bodies of functions only.

use std::fs;
use std::time::Instant;

use crate::deeper::project;
use crate::harness::{Outcome, Project, Running, Way, timeless};
use crate::levels::{PATIENCE, PAUSE};

const APP: &str = r#"# What is edited.
import functools, multiprocessing

LIMIT = 1.5
TEXT = "a text that is no name"
MADE = []

def text():
    return "another text that is no name"

def decorate(function):
    @functools.wraps(function)
    def inner(*arguments):
        return ["inner", *function(*arguments)]
    return inner

@decorate
def decorated(value):
    """Documentation."""
    return [value]

def called():
    return [1]

MADE.append(called())

class Thing:
    name = "thing"

    def method(self, more="default"):
        return [self.name, "method", more]

    @property
    def attribute(self):
        return "attribute"

    class Inner:
        value = staticmethod(lambda: "inner")

def generate():
    yield "generated"

async def wait():
    return "waited"

def ordered():
    return [each for each in {7}], (1000, 2000)

KEYS = [lambda: "first", lambda: "second"]

def fail():
    raise ValueError("as it was")
"#;
const CONFTEST: &str = r#"import pytest

@pytest.fixture
def fixed():
    return "fixed"

def pytest_configure(config):
    config.noted = "configured"

def pytest_runtest_setup(item):
    print("setup")
"#;
const TEST: &str = r#"import asyncio, inspect, warnings
import pytest
import app

@pytest.mark.parametrize("number", [1])
def test_shown(number, fixed, pytestconfig):
    thing = app.Thing()
    print(app.LIMIT, app.text(), app.decorated(number), app.MADE, thing.method(), thing.attribute)
    print(thing.Inner.value(), list(app.generate()), asyncio.run(app.wait()), [key() for key in app.KEYS])
    print(app.ordered(), app.text() is app.ordered()[1])
    print(fixed, pytestconfig.noted, app.text() is app.text(), app.decorated.__doc__)

def test_place():
    print(inspect.getsource(app.fail), inspect.getsource(app.Thing), app.called.__code__.co_firstlineno)
    print(sorted(vars(app.Thing)), vars(app.Thing).get("__firstlineno__"), inspect.getsource(test_place))

def test_failing():
    app.fail()

class TestClass:
    def test_asserted(self):
        value = 1
        assert value == 2

def test_warns():
    warnings.warn("here")
"#;

/// Those of `assert_begins_before_the_tests`.
pub(crate) const ARGUMENTS: [&str; 3] = ["-s", "-rA", "--tb=short"];

/// A run by rpytest, and whether it began before the first test.
fn run(project: &Project, arguments: &[&str]) -> (Outcome, bool) {
    let mut command = project.command(Way::Rpytest);
    let run = Running::start(command.arg("--explain").args(arguments)).finish();
    let began_there = run.stderr.contains("it began before the first test");
    (run, began_there)
}

pub(crate) fn go_to_the_tests(project: &Project, arguments: &[&str]) {
    let deadline = Instant::now() + PATIENCE;
    while !run(project, arguments).1 {
        assert!(Instant::now() < deadline, "no run began before the first test");
        std::thread::sleep(PAUSE);
    }
}

/// At once, as editors do: nobody sees half of it.
fn save(project: &Project, path: &str, text: &str) {
    let written = project.root().join("written");
    fs::write(&written, text).and_then(|()| fs::rename(&written, project.path(path))).expect("it can be written");
}

/// The compiler warns of what is not compiled yet. Without the directory what waits would begin anew.
pub(crate) fn run_plain(project: &Project, arguments: &[&str]) -> Outcome {
    for file in fs::read_dir(project.path("__pycache__")).expect("there is bytecode").flatten() {
        fs::remove_file(file.path()).expect("it can be removed");
    }
    project.run_plain(arguments)
}

/// Each time the file holds this text before. After an edit of another kind runs may wait within the module.
#[track_caller]
pub(crate) fn assert_begins_before_the_tests(project: &Project, path: &str, text: &str, edits: &[(&str, &str, bool)]) {
    for (from, to, expected) in edits {
        // Bytecode tells versions within a second by that.
        assert!(text.contains(from) && from.len() != to.len(), "{from}");
        go_to_the_tests(project, &ARGUMENTS);
        save(project, path, &text.replacen(from, to, 1));
        let (run, began_there) = run(project, &ARGUMENTS);
        let plain = run_plain(project, &ARGUMENTS);
        assert_eq!(timeless(&run.stdout), timeless(&plain.stdout), "{from} -> {to}");
        assert_eq!(began_there, *expected, "{from} -> {to}: {run}");
        save(project, path, text);
    }
}

fn example() -> Project {
    project(&[("app.py", APP), ("conftest.py", CONFTEST), ("test_m.py", TEST)])
}

#[test]
fn functions_of_a_module_in_a_package_with_others() {
    let app = "import pkg.inner.more\n\ndef shown(): return 1\n";
    let project = project(&[
        ("pkg/__init__.py", ""),
        ("pkg/app.py", app),
        ("pkg/inner/__init__.py", ""),
        ("pkg/inner/more.py", ""),
        ("test_m.py", "from pkg import app\n\ndef test_shown(): print(app.shown())\n"),
    ]);
    assert_begins_before_the_tests(&project, "pkg/app.py", app, &[("return 1", "return 22", true)]);
}

#[test]
fn functions_of_a_module() {
    assert_begins_before_the_tests(
        &example(),
        "app.py",
        APP,
        &[
            ("return [value]", "return [value, 'more']", true),
            ("\"another text", "\n    \"another text", true),
            ("\"another text that is no name\"", "(lambda: 'a text that is no name')() is TEXT", true),
            ("# What is", "# Lines\n# are added\n# What is", true),
            ("    return [\"inner\", ", "    return [\"otherwise\", ", true),
            ("        return [self", "        self.name += 'x'\n        return [self", true),
            ("lambda: \"inner\"", "lambda: \"inner\" * 2", true),
            ("yield \"generated\"", "yield from [1, 2, 3]", true),
            ("return \"waited\"", "return [each async for each in wait()] if 0 else 'soon'", true),
            ("    return \"another text that is no name\"", "    return [(1000, 2000)][0]", true),
            ("{7}", "{7, 15, 1000}", true),
            ("lambda: \"first\"", "lambda: \"the third\"", true),
            ("raise ValueError(\"as it was\")", "assert LIMIT, 'of course'\n\n    raise KeyError(LIMIT)", true),
            ("return [value]", "del value", true),
            ("return [1]", "return [1, 2]", false),
            ("more=\"default\"", "more=\"none\"", false),
            ("Documentation.", "Other documentation.", false),
            ("LIMIT = 1.5", "LIMIT = float(22.5)", false),
            ("def fail():", "def fail(:", false),
            ("raise ValueError(\"as it was\")", "raise ValueError(\"\\d\")", false),
        ],
    );
}

#[test]
fn functions_of_a_test_module() {
    assert_begins_before_the_tests(
        &example(),
        "test_m.py",
        TEST,
        &[
            ("value = 1\n", "value = 22\n", true),
            ("value = 1\n", "value = 1\n        assert not value, 'said'\n", true),
            ("    app.fail()", "    # nothing fails here\n    pass", true),
            ("def test_warns():\n    ", "def test_warns():\n    import json\n    ", true),
            ("[1])", "[1, 2])", false),
            ("def test_warns():", "def test_more():\n    pass\n\ndef test_warns():", false),
            ("warnings.warn(\"here\")", "assert (1, 'always true')", false),
        ],
    );
}

#[test]
fn functions_of_a_conftest() {
    assert_begins_before_the_tests(
        &example(),
        "conftest.py",
        CONFTEST,
        &[
            ("return \"fixed\"", "return \"mended\"", true),
            ("return \"fixed\"", "text = 'mended'\n    return text", true),
            ("print(\"setup\")", "print(item.name)", true),
            ("import pytest", "import pytest  # it is said", true),
            ("return \"fixed\"", "yield \"mended again\"", false),
            ("\"configured\"", "\"otherwise\"", false),
        ],
    );
}

/// A hook of it warns, with its line and text, when the conftest itself has long been imported.
#[test]
fn lines_of_a_conftest_that_warns() {
    let conftest = "\
import pytest, warnings

@pytest.fixture
def fixed():
    return 1

def pytest_collection_modifyitems():
    warnings.warn('in a hook')
";
    let project = project(&[("conftest.py", conftest), ("test_m.py", "def test_m(fixed):\n    print(fixed)\n")]);
    assert_begins_before_the_tests(
        &project,
        "conftest.py",
        conftest,
        &[("return 1", "value = 333\n    return value", false)],
    );
}

/// Who has looked at code on the way, or keeps it, is not given another one.
#[test]
fn code_that_somebody_has_seen() {
    let ways = [
        "import inspect\nSEEN = inspect.getsource(value)\n",
        "SEEN = value.__code__.co_consts\n",
        "SEEN = value.__code__.co_firstlineno\n",
        "import types\nOTHER = types.FunctionType(value.__code__, globals())\n@property\ndef seen(_):\n    return OTHER()\nSEEN = type('Late', (), {'__repr__': lambda _: str(OTHER())})()\n",
        "import sys\nSEEN = sys._getframe().f_lineno\n",
        "import sys\nSEEN = [each.co_consts for each in sys._getframe().f_code.co_consts if hasattr(each, 'co_name')]\n",
        "import warnings\nwarnings.warn('while it is imported')\nSEEN = 0\n",
        "def made():\n    yield 1\n    yield (lambda: 'made')()\nrest = made()\nSEEN = type('Late', (), {'__repr__': lambda _: str(list(rest))})()\nnext(rest)\n",
        "try:\n    missing\nexcept NameError as error:\n    ERROR = error\nSEEN = type('Late', (), {'__repr__': lambda _: str(ERROR.__traceback__.tb_lineno)})()\n",
        "CONSTANT = 'a constant, shared'\nSEEN = type('Late', (), {'__repr__': lambda _: str(value() is CONSTANT)})()\n",
        "import __future__, functools\n@functools.lru_cache\ndef once():\n    return value()\nSEEN = once()\n",
        "class Kept:\n    def __del__(self):\n        print('deleted', value())\nKept()\nSEEN = 0\n",
        "import inspect\nSEEN = dict(inspect.getmembers(value))['__code__'].co_consts\n",
        "try:\n    missing\nexcept NameError as error:\n    SEEN = error.__traceback__.tb_lineno\n",
        "def made():\n    yield\nrest = made()\nnext(rest)\nSEEN = rest.gi_frame.f_lineno\nrest.close()\ndel rest\n",
        "import sys, types, warnings\nclass Other(types.ModuleType):\n    pass\nsys.modules[__name__].__class__ = Other\nwith warnings.catch_warnings(record=True) as caught:\n    warnings.simplefilter('always')\n    warnings.warn('x')\nSEEN = caught[0].lineno\ndel caught\n",
        "import weakref\nSEEN = []\nclass Kept:\n    pass\nkept = Kept()\nkept.me = kept\nreference = weakref.ref(kept, lambda _: SEEN.append(value()))\ndel kept\nMORE = [{'a': [each]} for each in range(3000)]\n",
        "SEEN = getattr(type('Class', (), {}), '__firstlineno__', 0)\nclass Placed:\n    pass\nSEEN = getattr(Placed, '__firstlineno__', 0)\n",
        "import unittest.mock\nSEEN = unittest.mock.create_autospec(value)() and 1\n",
    ];
    let test = "import app\n\ndef test_seen():\n    print(app.SEEN, app.value())\n    raise app.Failure\n";
    let arguments = ["-s"];
    for way in ways {
        let with_body = |value: &str| {
            format!("# One line.\ndef value():\n    return {value}\n\n{way}\nclass Failure(Exception):\n    pass\n")
        };
        let project = project(&[("app.py", &with_body("'as it was'")), ("test_m.py", test)]);
        let edit = if way.starts_with("CONSTANT") { "'a constant, shared'" } else { "'with'\\\n      ' a line'" };
        go_to_the_tests(&project, &arguments);
        project.write("app.py", &with_body(edit));
        let found = project.run(&arguments);
        let plain = run_plain(&project, &arguments);
        assert_eq!(timeless(&found.stdout), timeless(&plain.stdout), "{way}");
    }
}

/// The link is as it was; what it leads to is what counts.
#[test]
fn a_source_behind_a_link() {
    let app = "VALUE = 1\n\ndef value():\n    return 1\n";
    let project = project(&[
        ("elsewhere/app.py", app),
        ("test_m.py", "import app\n\ndef test_m():\n    print(app.value(), app.VALUE)\n"),
    ]);
    std::os::unix::fs::symlink("elsewhere/app.py", project.path("app.py")).expect("it can be made");
    assert_begins_before_the_tests(
        &project,
        "elsewhere/app.py",
        app,
        &[("return 1", "return 'edited'", true), ("VALUE = 1", "VALUE = 'edited'", true)],
    );
}

/// One file, as a module of two loaders: only pytest's rewrites its assertions.
#[test]
fn a_file_that_is_imported_twice() {
    let test = "def value():\n    return 1\n\ndef test_value():\n    assert value() == 2\n";
    let conftest = "\
import importlib.util, sys
spec = importlib.util.spec_from_file_location('other', 'test_m.py')
other = importlib.util.module_from_spec(spec)
importlib.machinery.SourceFileLoader('other', spec.origin).exec_module(other)

def pytest_runtest_setup(item):
    print(other.value())
";
    let project = project(&[("conftest.py", conftest), ("test_m.py", test)]);
    assert_begins_before_the_tests(
        &project,
        "test_m.py",
        test,
        &[("return 1", "return 22", true), ("return 1", "assert 0, 'said'", true)],
    );
}

/// As when another branch is checked out: what waits begins anew once, rather than reading all of it in each run.
#[test]
fn many_files_are_edited_at_once() {
    let names: Vec<_> = (0..10).map(|number| format!("many{number}")).collect();
    let shown: Vec<_> = names.iter().map(|name| format!("{name}.value()")).collect();
    let test = format!("import {}\n\ndef test_m():\n    print({})\n", names.join(", "), shown.join(", "));
    let project = project(&[("test_m.py", &test)]);
    let write = |value: u32| {
        for name in &names {
            project.write(&format!("{name}.py"), &format!("def value():\n    return {value}\n"));
        }
    };
    let arguments = ["-s"];
    write(1);
    go_to_the_tests(&project, &arguments);
    write(22);
    let (run, began_there) = run(&project, &arguments);
    assert_eq!(timeless(&run.stdout), timeless(&run_plain(&project, &arguments).stdout));
    assert!(!began_there, "{run}");
    go_to_the_tests(&project, &arguments);
}

/// What has gone further goes on from what has been edited, and bytecode is written as always.
#[test]
fn one_edit_after_the_other() {
    let project = example();
    let arguments = ["-s", "-rA", "--tb=short"];
    go_to_the_tests(&project, &arguments);
    for round in 0..12 {
        let (path, text, from) = [
            ("conftest.py", CONFTEST, "return \"fixed\""),
            ("app.py", APP, "return [value]"),
            ("test_m.py", TEST, "value = 1"),
        ][round % 3];
        project.write(path, &text.replacen(from, &format!("pass{}\n    {from}", "\n".repeat(round)), 1));
        if round % 4 == 3 {
            // Elsewhere: what waits begins anew, and goes on from the conftest as it is now.
            project.write("app.py", &format!("{APP}\nROUND = str({round})\n"));
        }
        let (run, _) = run(&project, &arguments);
        assert_eq!(timeless(&run.stdout), timeless(&project.run_plain(&arguments).stdout), "round {round}");
    }
}

/// From Python 3.13 on it knows in which line it stands, under whatever name.
#[test]
fn a_class_that_has_been_given_another_name() {
    let app = "def first():\n    return 1\n\nclass Thing:\n    value = 1\n\nThing.__qualname__ = 'Other'\n";
    let test = "import app\n\ndef test_m():\n    print(app.first(), vars(app.Thing).get('__firstlineno__'))\n";
    let project = project(&[("app.py", app), ("test_m.py", test)]);
    assert_begins_before_the_tests(&project, "app.py", app, &[("    return 1", "    # One.\n    return 1", true)]);
}
