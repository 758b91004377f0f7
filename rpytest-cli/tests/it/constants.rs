//! Runs that begin before the first test although a file has been edited since, in constants of a module for whose names
//! nobody has asked.

use crate::bodies::{assert_begins_before_the_tests, go_to_the_tests, run_plain};
use crate::deeper::project;
use crate::harness::timeless;

#[test]
fn constants_of_a_module() {
    let app = "\
import os

LIMIT = 1.5
if os.sep:
    GIVEN = 1
KEPT = 2000

def limit():
    return LIMIT, GIVEN, KEPT, KEPT is other()

def other():
    return 2000

def names():
    return list(globals())

LAST = 'last'
";
    let test = "import app\n\ndef test_m():\n    print(app.limit(), app.names(), app.LAST, vars(app).get('MORE'))\n";
    let project = project(&[("app.py", app), ("test_m.py", test)]);
    assert_begins_before_the_tests(
        &project,
        "app.py",
        app,
        &[
            ("LIMIT = 1.5", "LIMIT = 'a text'", true),
            ("LIMIT = 1.5", "# A line more.\nLIMIT = None", true),
            ("KEPT = 2000", "KEPT = 30", true),
            ("GIVEN = 1", "GIVEN = 2000", true),
            ("LAST = 'last'", "LAST = 'otherwise'", true),
            ("LAST = 'last'\n", "LAST = 'last'\nMORE = 2000\nMOST = -1.5\nLAST = 'really'\n", true),
            ("LIMIT = 1.5\n", "", false),
            ("LIMIT = 1.5", "LIMIT = [22.5]", false),
            ("LIMIT = 1.5", "LIMIT = MORE = 1.5", false),
            ("KEPT = 2000\n", "KEPT = 2000\nMORE = 1\n", false),
            ("    GIVEN = 1\n", "    GIVEN = 1\nelse:\n    MORE = 2\n", false),
            ("LAST = 'last'", "LAST: str = 'last'", false),
            ("LAST = 'last'\n", "LAST = 'last'\nif LIMIT > 100:\n    MORE = 1\n", false),
            ("LAST = 'last'\n", "LAST = 'last'\ndivmod = 1\n", false),
        ],
    );
}

/// pytest and pluggy look at each name of it: for hooks and fixtures, which constants are not.
#[test]
fn constants_of_a_conftest() {
    let conftest = "import pytest\n\n@pytest.fixture\ndef number():\n    return NUMBER\n\nNUMBER = 1\n";
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
            ("NUMBER = 1\n", "NUMBER = 1\nEDITED = 3\n", true),
            ("NUMBER = 1\n", "NUMBER = 1\nEDITED = 1\nEDITED = 1.5\n", true),
            ("NUMBER = 1\n", "NUMBER = 1\npytest_plugins = ''\n", false),
            ("NUMBER = 1\n", "NUMBER = 1\ncollect_ignore_glob = None\n", false),
        ],
    );
}

/// Where somebody has asked for a name on the way, it must stand for what it stood for.
#[test]
fn constants_that_somebody_has_asked_for() {
    for way in [
        "def read():\n    return VALUE\nSEEN = read()\n",
        "class Class:\n    value = VALUE\nSEEN = Class.value\n",
        "SEEN = globals()['VALUE']\n",
        "import operator, sys\nSEEN = operator.attrgetter('VAL' + 'ue'.upper())(sys.modules[__name__])\n",
        "import others\nSEEN = others.SEEN\n",
        "import functools\nSEEN = functools.partial(globals)()['VALUE']\n",
        "import enum\nenum.Enum._convert_('Made', __name__, lambda name: name == 'VALUE')\nSEEN = str(list(Made))\n",
        "import sys\nSEEN = [each for each in dict(sys.modules[__name__].__dict__).values() if type(each) is str]\n",
        "import typing\ndef read(each: 'VALUE'):\n    pass\ntry:\n    SEEN = typing.get_type_hints(read)\nexcept (TypeError, SyntaxError) as error:\n    SEEN = str(error)\n",
    ] {
        assert_same_after("VALUE = 'edited'", way, "LATER = 1");
    }
}

/// Where somebody has seen which names there are, there must be no others.
#[test]
fn names_that_somebody_has_listed() {
    for way in [
        "import helpers\nSEEN = helpers.names(__name__)\n",
        "import sys\ntry:\n    SEEN = sys.modules[__name__].MORE\nexcept AttributeError:\n    SEEN = 'none'\n",
        "import helpers\nSEEN = helpers.more(__name__)\n",
        "SEEN = 'listed by the test module'\n",
    ] {
        assert_same_after("VALUE = 1", way, "LATER = 1\nMORE = 'more'");
    }
}

/// A module that begins and ends with a constant, with a way to look at it between them.
fn assert_same_after(first: &str, way: &str, last: &str) {
    let helpers = "\
import sys

def names(name):
    return [each for each in dir(sys.modules[name]) if each.isupper()]

def more(name):
    return getattr(sys.modules[name], 'more'.upper(), 'none')
";
    let names = if way.contains("listed") { "helpers.names('app')" } else { "'not listed'" };
    let shown = "def test_seen():\n    print(app.SEEN, app.VALUE, NAMES, list(vars(app)))\n";
    let arguments = ["-s"];
    let project = project(&[
        ("app.py", &format!("VALUE = 1\n{way}LATER = 1\n")),
        ("helpers.py", helpers),
        ("others.py", "from app import *\nSEEN = VALUE\n"),
        ("test_m.py", &format!("import app, helpers\nNAMES = {names}\n\n{shown}")),
    ]);
    go_to_the_tests(&project, &arguments);
    project.write("app.py", &format!("{first}\n{way}{last}\n"));
    let found = project.run(&arguments);
    let plain = run_plain(&project, &arguments);
    assert_eq!(timeless(&found.stdout), timeless(&plain.stdout), "{way}");
}
