//! Runs that begin before the first test although a file has been edited since, in constants of a module for whose names
//! nobody has asked.

use std::fs;
use std::time::Instant;

use crate::bodies::{ARGUMENTS, assert_begins_before_the_tests, go_to_the_tests, run_plain};
use crate::deeper::project;
use crate::harness::{Project, Running, Way, timeless};
use crate::levels::{PATIENCE, PAUSE};

#[test]
fn constants_of_a_module() {
    let app = "\
import os

class Placed:
    retries = 3

LIMIT = 1.5
if not os.sep:
    LAST = 'rarely'
if os.sep:
    GIVEN = 1
KEPT = 2000
PARTS = (3000, 'part')
TABLE = {'a': [1, 2, 3], 'b': (4, 5), 'c': {}}
ARM = os.path.sep and 'other' or 'one arm'

def limit():
    TABLE['b'] = TABLE['a'], list(TABLE)
    return LIMIT, GIVEN, KEPT, KEPT is other(), KEPT is PARTS[0], ARM, Placed.retries, PARTS, TABLE

def other():
    return 2000

def names():
    return list(globals())

LAST = 'last'
";
    let test = "import app\n\ndef test_m():\n    print(app.limit(), app.names(), vars(app).get('LAST'), vars(app).get('MORE'))\n";
    let project = project(&[("app.py", app), ("test_m.py", test)]);
    assert_begins_before_the_tests(
        &project,
        "app.py",
        app,
        &[
            ("LIMIT = 1.5", "LIMIT = 'a text'", true),
            ("LIMIT = 1.5", "# A line more.\nLIMIT = None", true),
            ("KEPT = 2000", "KEPT = 30", true),
            ("KEPT = 2000", "KEPT = \\\n3000", true),
            ("GIVEN = 1", "GIVEN = 2000", true),
            ("LAST = 'last'", "LAST = 'otherwise'", true),
            ("(3000, 'part')", "(2000, ['part'], {'one': 1})", true),
            ("(4, 5), 'c': {}", "(4, 5),\n    'c': [], 'd': [(6,), [7]]", true),
            ("'c': {}", "'c': 0, **{chr(100 + each): each for each in range(20)}", false),
            ("{'a': [1, 2, 3]", "{'a': [*range(3)]", false),
            ("'c': {}", "'c': {8, 9}", false),
            ("'c': {}", "'c': LIMIT", false),
            ("LAST = 'last'", "LAST = 'last'\nLAST = None\nLAST = -2000", true),
            ("'other' or 'one arm'", "'other' or 'another arm'", false),
            ("LAST = 'last'", "LAST = 'last'\nMORE = 1", false),
            ("LIMIT = 1.5\n", "", false),
            ("LAST = 'last'\n", "", false),
            // Of another line, too, which the class knows from Python 3.13 on.
            ("class Placed:\n    retries = 3", "\nclass Placed:\n    retries = 4", false),
            ("LIMIT = 1.5", "LIMIT = [22.5]", true),
            ("LIMIT = 1.5", "LIMIT = [] or 22.5", false),
            ("LIMIT = 1.5", "LIMIT = float(22.5)", false),
            ("LIMIT = 1.5", "LIMIT = MORE = 1.5", false),
            ("KEPT = 2000\n", "KEPT = 2000\nMORE = 1\n", false),
            ("    GIVEN = 1\n", "    GIVEN = 1\nelse:\n    MORE = 2\n", false),
            ("LAST = 'last'", "LAST: str = 'last'", false),
            ("LAST = 'last'\n", "LAST = 'last'\nif LIMIT > 100:\n    LAST = 1\n", false),
        ],
    );
}

/// pytest and pluggy look at each name of it: for hooks and fixtures, which constants are not.
#[test]
fn constants_of_a_conftest() {
    let conftest = "import pytest\n\n@pytest.fixture\ndef number():\n    return NUMBER\n\nNUMBER = 1\nEDITED = 0\n";
    let test =
        "def test_m(number, pytestconfig):\n    print(number, pytestconfig.pluginmanager.get_plugins() and EDITED)\n";
    let test = format!("import conftest\n\nEDITED = None\n\n{test}    print(list(vars(conftest)))\n");
    let project = project(&[("conftest.py", conftest), ("test_m.py", &test)]);
    assert_begins_before_the_tests(
        &project,
        "conftest.py",
        conftest,
        &[
            ("NUMBER = 1\n", "NUMBER = 22\n", true),
            ("NUMBER = 1\n", "NUMBER = [22]\n", true),
            ("EDITED = 0\n", "EDITED = 33\n", true),
            ("EDITED = 0\n", "EDITED = 0\nEDITED = 1.5\nNUMBER = 'n'\n", true),
            ("EDITED = 0\n", "NUMBER = 1\npytest_plugins = ''\n", false),
            ("EDITED = 0\n", "EDITED = 0\ncollect_ignore_glob = ['no']\n", false),
        ],
    );
}

/// Where somebody has asked for a name on the way, it must stand for what it stood for.
#[test]
fn constants_that_somebody_has_asked_for() {
    let helpers = "\
import importlib.util, sys

def lazily(name):
    spec = importlib.util.find_spec(name)
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
";
    for way in [
        "def read():\n    return VALUE\nSEEN = read()\n",
        "class Class:\n    value = VALUE\nSEEN = Class.value\n",
        "SEEN = globals()['VALUE']\n",
        "import operator, sys\nSEEN = operator.attrgetter('VAL' + 'ue'.upper())(sys.modules[__name__])\n",
        "import others\nSEEN = others.SEEN\n",
        "import functools\nSEEN = functools.partial(globals)()['VALUE']\n",
        "import json, sys\nstate = getattr(sys.modules[__name__], '__getstate__', dict)()\nSEEN = json.dumps(state, default=lambda _: 1, skipkeys=True)[-300:]\n",
        "import enum\nenum.Enum._convert_('Made', __name__, lambda name: name == 'VALUE')\nSEEN = str(list(Made))\n",
        "import sys\nSEEN = [each for each in dict(sys.modules[__name__].__dict__).values() if type(each) is str]\n",
        "import operator\nSEEN = eval(\"[*operator.methodcaller('values')(dict(globals()))][-2]\")\n",
        "import helpers\nSEEN = helpers.lazily('more').MORE\n",
        "import typing\ndef read(each: 'VALUE'):\n    pass\ntry:\n    SEEN = typing.get_type_hints(read)\nexcept (TypeError, SyntaxError) as error:\n    SEEN = str(error)\n",
    ] {
        for (then, now) in [("'as it was'", "'edited'"), ("['as it was']", "{'edited': []}")] {
            let with_constant = |value: &str| format!("VALUE = {value}\n{way}LATER = 1\n");
            let project = project(&[
                ("app.py", &with_constant(then)),
                ("helpers.py", helpers),
                ("more.py", "MORE = 'as it was'\n"),
                ("others.py", "from app import *\nSEEN = VALUE\n"),
                ("test_m.py", "import app\n\ndef test_seen():\n    print(app.SEEN, app.VALUE, list(vars(app)))\n"),
            ]);
            let arguments = ["-s"];
            go_to_the_tests(&project, &arguments);
            project.write("app.py", &with_constant(now));
            project.write("more.py", "MORE = 'edited'\n");
            let found = project.run(&arguments);
            assert_eq!(timeless(&found.stdout), timeless(&run_plain(&project, &arguments).stdout), "{way}");
        }
    }
}

/// They are no exact texts in the trial, so it goes another way, where nothing but pytest's configuration holds what came
/// of it.
#[test]
fn names_that_somebody_has_listed() {
    let app = "VALUE = 1\n\ndef value():\n    return VALUE\n";
    let conftest = "\
import app

def pytest_configure(config):
    config.seen = [getattr(app, each) for each in dir(app) if type(each) is str and each.isupper()]
";
    let test = "def test_m(pytestconfig):\n    print(pytestconfig.seen)\n";
    let project = project(&[("app.py", app), ("conftest.py", conftest), ("test_m.py", test)]);
    assert_begins_before_the_tests(
        &project,
        "app.py",
        app,
        &[("return VALUE", "return VALUE + 1", true), ("VALUE = 1", "VALUE = 22", false)],
    );
}

/// What waits within an import has modules that have not been given all their constants yet.
#[test]
fn constants_of_an_importer_that_is_not_done() {
    let test = "import app, inner\n\ndef test_m():\n    print(app.EARLIER, app.LATER, inner.LIST)\n";
    let app = "EARLIER = 1\nimport inner\nLATER = 1\n\ndef both():\n    return EARLIER, LATER\n";
    let project =
        project(&[("conftest.py", "import app\n"), ("app.py", app), ("inner.py", &list(1)), ("test_m.py", test)]);
    go_behind_the_head_of(&project, "inner.py");
    go_to_the_tests(&project, &ARGUMENTS);
    project.write("app.py", &app.replace("LATER = 1", "LATER = 22"));
    let found = project.run(&ARGUMENTS);
    assert_eq!(timeless(&found.stdout), timeless(&run_plain(&project, &ARGUMENTS).stdout));
    project.write("app.py", app);
    // From now on it is executed in two parts, too.
    assert_begins_before_the_tests(
        &project,
        "app.py",
        app,
        &[
            ("LATER = 1\n\n", "LATER = 22\n\n", true),
            ("return EARLIER, LATER", "return LATER, EARLIER, 3", true),
            ("LATER = 1\n\n", "LATER = 333\n\nLATER = 1\n\n", false),
        ],
    );
}

#[test]
fn constants_of_a_module_that_is_executed_in_two_parts() {
    let inner = format!("{}NUMBER = 1\n\ndef number():\n    return NUMBER\n", list(1));
    let test = "import inner\n\ndef test_m():\n    print(inner.LIST, inner.number(), list(vars(inner)))\n";
    let project = project(&[("inner.py", &inner), ("test_m.py", test)]);
    go_behind_the_head_of(&project, "inner.py");
    assert_begins_before_the_tests(
        &project,
        "inner.py",
        &inner,
        &[("NUMBER = 1\n", "NUMBER = 22\n", true), ("NUMBER = 1\n", "NUMBER = None\n", true)],
    );
}

fn list(value: u32) -> String {
    format!("import json\nLIST = [str({value})]\n")
}

/// Edit a file that begins as `list`, until runs begin there; then it is as it was.
fn go_behind_the_head_of(project: &Project, path: &str) {
    let text = fs::read_to_string(project.path(path)).expect("it can be read");
    go_to_the_tests(project, &ARGUMENTS);
    let deadline = Instant::now() + PATIENCE;
    let mut edits = 1;
    loop {
        edits += 1;
        project.write(path, &text.replace(&list(1), &list(10_u32.pow(edits % 9))));
        let run = Running::start(project.command(Way::Rpytest).arg("--explain").args(ARGUMENTS)).finish();
        if run.stderr.contains("within a module that is being edited") {
            return project.write(path, &text);
        }
        assert!(Instant::now() < deadline, "no run began within the module: {run}");
        std::thread::sleep(PAUSE);
    }
}
