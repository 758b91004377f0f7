//! Runs that begin within a module that is being edited, behind its own imports.

use std::cell::Cell;
use std::fs;

use crate::harness::{Outcome, Project};
use crate::levels::{From, from, go_to, go_to_by};

/// In the head and in the rest of each version: what a program can see of how it is executed.
const LOOKS: &str = "\
def look(where, module):
    import os, sys
    frame, seen = sys._getframe(1), []
    while frame is not None:
        seen.append((frame.f_code.co_name, os.path.basename(frame.f_code.co_filename), frame.f_lineno))
        frame = frame.f_back
    print(where, seen, list(module), list(sys.modules)[-3:], type(module['__loader__']).__name__)
    print({**vars(module['__spec__']), 'loader': None}, sorted(vars(module['__loader__'])))
";
const NOTES_PARENT: &str = "\
import os, pathlib

def test_parent():
    pathlib.Path(os.environ['XDG_STATE_HOME'], 'parent').write_text(str(os.getppid()))
";
const HEAD: &str = "\
\"\"\"What is edited.\"\"\"
import sys
import looks
try:
    import other
except ImportError:
    other = None
looks.look('head', globals())
import json
";
const REST: &str = "\
looks.look('rest', globals())

def value():
    return 'as it was'

def test_value():
    print(value(), json.dumps([1]), __doc__, other)
";

/// What may become of the rest, beside which `REST` follows where there is `..`.
const RESTS: [&str; 21] = [
    "..",
    "other = 'something'\n..",
    "..\ndef test_more():\n    assert value() == 'otherwise'\n",
    "..\nraise ValueError('while it is imported')\n",
    "..\nundefined\n",
    "def broken(:\n..",
    "import fractions\n..\nfrom decimal import *\nlooks.look('names', globals())\n",
    "answer: int = 42\n..\nprint(__annotations__)\n",
    "'a text that is no documentation'\n..",
    "from __future__ import annotations\n..",
    "..\ndef test_pair():\n    assert (value(), 'always true')\n",
    "..\nPATTERN = '\\d'\n",
    "..\nimport pytest\npytest.skip('not today', allow_module_level=True)\n",
    "    looks = None\n..",
    "else:\n    print('there is another')\n..",
    "finally:\n    print('in any case')\n..",
    "",
    "..\nBEFORE = 'as it was'\nassert value() is BEFORE or True\n",
    "..\nwith open(__file__) as file:\n    print(len(file.read()))\n",
    "..\nimport importlib, inspect\nprint(inspect.getsource(value))\n",
    "..\ndef test_more():\n    print(sys.modules[__name__].__dict__.keys() == globals().keys())\n    assert not value()\n",
];

struct Edited<'a> {
    project: &'a Project,
    path: &'a str,
    arguments: &'a [&'a str],
    /// Of runs that begin within the module.
    level: From,
    /// Each version is longer by some characters than the one before: bytecode tells versions by that.
    length: Cell<usize>,
}

impl Edited<'_> {
    fn write(&self, text: &str) {
        self.length.set(self.length.get() + 1);
        self.project.write(self.path, &format!("{text}# {}\n", "x".repeat(self.length.get())));
    }

    /// Edit and run until runs right after an edit begin within the module.
    #[track_caller]
    fn arrive(&self) {
        go_to(self.project, self.level, |way| {
            // Other bodies of functions alone would not be worth it.
            self.write(&format!("{HEAD}{REST}NUMBER = {}\n", self.length.get()));
            let mut command = self.project.command(way);
            command.args(self.arguments);
            command
        });
    }

    fn forget_bytecode(&self) {
        let path = self.project.path(self.path);
        let name = path.file_stem().expect("it has a name").to_string_lossy().into_owned() + ".";
        for file in fs::read_dir(path.with_file_name("__pycache__")).expect("there is bytecode").flatten() {
            if file.file_name().to_string_lossy().starts_with(&name) {
                fs::remove_file(file.path()).expect("it can be removed");
            }
        }
    }

    /// A run of this version right after it is written, and then the same by plain pytest.
    #[track_caller]
    fn assert_same(&self, text: &str) -> Outcome {
        self.write(text);
        let run = self.project.run(self.arguments);
        self.forget_bytecode(); // the compiler warns of what is not compiled yet
        let plain = self.project.run_plain(self.arguments);
        run.assert_like(&plain, &format!("plain pytest, with\n{text}"));
        run
    }
}

/// `step`: of the versions, one in so many.
fn goes_on_as_it_is(path: &str, level: From, step: usize, test: &str, arguments: &[&str]) {
    let project = Project::new(&[
        ("looks.py", LOOKS),
        ("test_a_parent.py", NOTES_PARENT),
        ("conftest.py", ""),
        (path, ""),
        ("test_b.py", test),
    ]);
    let edited = Edited { project: &project, path, arguments, level, length: 0.into() };
    for rest in RESTS.iter().step_by(step) {
        edited.arrive();
        edited.assert_same(&format!("{HEAD}{}", rest.replace("..", REST)));
    }
    edited.arrive();
    for text in [
        &format!("{HEAD}import fractions\n{REST}"),
        &HEAD[..HEAD.len() - 3],
        &HEAD.replace("other = None", "other = 0"),
        &format!("# {HEAD}{REST}"),
        "",
        &format!("{HEAD}{REST}"),
    ] {
        edited.assert_same(text);
    }
}

#[test]
fn a_test_module_goes_on_as_it_is() {
    goes_on_as_it_is(
        "test_m.py",
        From::BeforeTests,
        1,
        "import test_m\n\ndef test_b():\n    print(test_m.value())\n",
        &["-vv", "-rA"],
    );
}

#[test]
fn another_module_goes_on_as_it_is() {
    goes_on_as_it_is(
        "package/edited.py",
        From::BeforeTests,
        3,
        "from package.edited import value\n\ndef test_b():\n    print(value())\n",
        &["-vv", "-s", "-rA"],
    );
}

#[test]
fn a_conftest_goes_on_as_it_is() {
    goes_on_as_it_is(
        "conftest.py",
        From::BeforeCollection,
        2,
        "from conftest import value\n\ndef test_b():\n    print(value())\n",
        &["-v"],
    );
}

/// The bytecode that a run leaves is that of the module as a whole.
#[test]
fn bytecode_is_written_as_always() {
    let project =
        Project::new(&[("looks.py", LOOKS), ("test_a_parent.py", NOTES_PARENT), ("app.py", ""), ("test_m.py", "")]);
    for (path, name) in [("app.py", "app.cpython-"), ("test_m.py", "test_m.cpython-")] {
        project.write("test_m.py", "import app\n\ndef test_m():\n    pass\n");
        project.write("app.py", "");
        let edited =
            Edited { project: &project, path, arguments: &["-q", "-s"], level: From::BeforeTests, length: 0.into() };
        edited.arrive();
        edited.write(&format!("{HEAD}{REST}MARK = 'the newest of all versions'\n"));
        project.run(&["-q", "-s"]);
        assert_eq!(from(&project), Some(From::BeforeTests));
        let cache = fs::read_dir(project.path("__pycache__")).expect("there is bytecode");
        let written = cache.flatten().find(|file| file.file_name().to_string_lossy().starts_with(name));
        let bytecode = fs::read(written.expect("that too").path()).expect("it is readable");
        let has = |text: &str| bytecode.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(has("the newest of all versions") && has("What is edited."));
    }
}

/// Three modules in turn, without a pause. `RPYTEST_TEST_EDITS` is how many, 40 by default.
#[test]
fn edits_of_several_modules_in_quick_succession() {
    let edits = std::env::var("RPYTEST_TEST_EDITS").ok().map_or(40, |edits| edits.parse().expect("a number of edits"));
    let test = |number: usize| {
        format!(
            "import app\nimport json\n\ndef test_a():\n    print(app.VALUE, app.inner.VALUE, {number}){}\n",
            " ".repeat(number)
        )
    };
    let inner = |number: usize| format!("import json\nimport decimal\nVALUE = {number}{}\n", " ".repeat(number));
    let app = |number: usize| format!("import inner\nimport fractions\nVALUE = {number}{}\n", " ".repeat(number));
    let project = Project::new(&[
        ("test_a.py", &test(0)),
        ("app.py", &app(0)),
        ("inner.py", &inner(0)),
        ("test_parent.py", NOTES_PARENT),
    ]);
    let (round, values) = (Cell::new(0), Cell::new([0; 3]));
    let edit_and_run = || {
        let now = round.get() + 1;
        round.set(now);
        let which = (now / 3 + now % 2) % 3;
        let mut expected = values.get();
        expected[which] = now;
        values.set(expected);
        match which {
            0 => project.write("app.py", &app(now)),
            1 => project.write("inner.py", &inner(now)),
            _ => project.write("test_a.py", &test(now)),
        }
        let run = project.run(&["-q", "-s"]);
        let expected = expected.map(|value| value.to_string()).join(" ");
        assert!(run.stdout.starts_with(&format!("{expected}\n")), "{expected} expected\n{run}");
    };
    go_to_by(&project, From::BeforeTests, edit_and_run);
    (0..edits).for_each(|_| edit_and_run());
    go_to_by(&project, From::BeforeTests, edit_and_run); // it still does
}

/// Whoever imports may hold a lock that is another one in a fork.
#[test]
fn a_handler_of_logging_is_edited() {
    let handlers = "import sys\nimport logging\nsys.dont_write_bytecode = True\nimport json\n\nclass Handler(logging.StreamHandler):\n    pass\n";
    let test = "import logging.config\n\nHANDLERS = {'own': {'class': 'handlers.Handler'}}\n\
                logging.config.dictConfig({'version': 1, 'handlers': HANDLERS})\n\ndef test_a():\n    pass\n";
    let project = Project::new(&[("handlers.py", handlers), ("test_a.py", test), ("test_parent.py", NOTES_PARENT)]);
    let edited = Edited {
        project: &project,
        path: "handlers.py",
        arguments: &["-v"],
        level: From::BeforeTests,
        length: 0.into(),
    };
    for round in 0..12 {
        edited.assert_same(&format!("{handlers}ROUND = {round}\n"));
        std::thread::sleep(std::time::Duration::from_millis(200)); // for what goes further
    }
}
