//! What happens while plugins, conftests and tests are imported belongs to the run: warnings, log records, import modes.

use crate::harness::{End, Project, assert_alike, assert_same, assert_same_steps};
use crate::venv::Venv;

const WARNS: &str = "\
import warnings

warnings.warn('of the import', DeprecationWarning)
warnings.warn('of who imports', UserWarning, stacklevel=2)
warnings.warn_explicit('of nobody', PendingDeprecationWarning, 'nobody.py', 7)
";

/// A plugin that warns, with one more that it imports.
fn warning_project() -> Project {
    let plugin = format!("import helper\n\n{WARNS}\ndef pytest_configure(config):\n    warnings.warn('of a hook')\n");
    Project::new(&[
        ("plugin.py", &plugin),
        ("helper.py", WARNS),
        ("test_a.py", &format!("{WARNS}\n\ndef test_a():\n    warnings.warn('of a test')\n")),
        ("sub/conftest.py", WARNS),
        ("sub/test_b.py", "def test_b():\n    import json.tool\n"),
    ])
}

#[test]
fn warnings_while_plugins_are_imported() {
    let project = warning_project();
    let arguments: [&[&str]; 6] = [
        &["-p", "plugin"],
        &["-p", "plugin", "-W", "error::DeprecationWarning"],
        &["-p", "plugin", "-p", "no:warnings"],
        &["-p", "plugin", "--disable-warnings"],
        &["-p", "plugin", "-W", "error:of a hook"],
        &["-W", "error::UserWarning"],
    ];
    for arguments in arguments {
        project.assert_same(arguments);
    }
    for setting in ["error", "default", "ignore::DeprecationWarning,always::UserWarning"] {
        for arguments in &arguments[..2] {
            assert_same(|way| {
                let mut command = project.command(way);
                command.args(*arguments).env("PYTHONWARNINGS", setting);
                command
            });
        }
    }
}

#[test]
fn warnings_while_installed_plugins_are_imported() {
    let project = warning_project();
    let venv = Venv::new(&project, "venv");
    venv.write("warning.py", WARNS);
    venv.write("warning-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: warning\nVersion: 1.0\n");
    venv.write("warning-1.0.dist-info/entry_points.txt", "[pytest11]\nwarning = warning\n");
    for setting in ["", "always", "error"] {
        let outcome = assert_same(|way| {
            let mut command = venv.command(&project, way);
            command.env("PYTHONWARNINGS", setting);
            command
        });
        assert_eq!(outcome.end == End::Code(0), setting != "error", "{outcome}");
    }
}

#[test]
fn records_that_are_logged_at_import() {
    let conftest = "\
import logging

logging.getLogger('early').warning('before anything is set up')
logging.basicConfig(level=logging.DEBUG, format='%(levelname)s:%(name)s:%(message)s:%(threadName)s')
logging.getLogger('late').info('after')
logging.captureWarnings(True)
";
    let test = "\
import atexit, logging, warnings

logging.getLogger('test').error('at import')
atexit.register(logging.getLogger('end').error, 'at the end')

def test_a(caplog):
    logging.getLogger('test').info('in the test')
    warnings.warn('captured')
    print(caplog.record_tuples, [type(handler).__name__ for handler in logging.getLogger().handlers])
    print(sorted(logging.root.manager.loggerDict), logging.root.level)
    assert 0
";
    let project = Project::new(&[("conftest.py", conftest), ("test_a.py", test)]);
    for arguments in [&[][..], &["-s"], &["--log-cli-level=DEBUG"], &["--log-level=INFO", "-rA"], &["-p", "no:logging"]]
    {
        project.assert_same(&[arguments, &["--tb=short"]].concat()).ended(End::Code(1));
    }
    assert_same_steps(&project, |steps| {
        steps.run(&["-q", "--tb=line", "--log-file=run.log", "--log-file-level=DEBUG"]).ended(End::Code(1));
        steps.run(&["-q", "--tb=line", "--log-file=run.log", "--log-file-mode=a"]).ended(End::Code(1));
    });
}

const SHOWS_IMPORTS: &str = "\
import pathlib, sys
from conftest import NAME

def test_a(where):
    own = [entry for entry in sys.path if entry == '' or str(pathlib.Path.cwd()) in entry]
    names = [name for name in sys.modules if 'test_' in name or 'conftest' in name]
    print(__name__, __package__, __file__, where, NAME, own, names, sep='\\n')
";

fn conftest_of(name: &str) -> String {
    format!("import pytest\n\nNAME = '{name}'\n\n@pytest.fixture\ndef where():\n    return '{name}'\n")
}

#[test]
fn by_every_import_mode() {
    let (root, one, two) = (conftest_of("root"), conftest_of("one"), conftest_of("two"));
    let files = [
        ("conftest.py", root.as_str()),
        ("test_a.py", SHOWS_IMPORTS),
        ("one/conftest.py", &one),
        ("one/test_same.py", SHOWS_IMPORTS),
        ("two/__init__.py", ""),
        ("two/conftest.py", &two),
        ("two/test_same.py", SHOWS_IMPORTS),
        ("three/test_same.py", SHOWS_IMPORTS),
    ];
    let project = Project::new(&files);
    for mode in ["prepend", "append", "importlib"] {
        let option = format!("--import-mode={mode}");
        assert_same_steps(&project, |steps| {
            steps.run(&[&option, "-s"]);
            steps.run(&[&option, "-s", "two", "test_a.py"]);
            // One of the two that were in each other's way is gone.
            std::fs::remove_file(project.path("three/test_same.py")).expect("it is there");
            steps.run(&[&option, "-s", "-v"]);
            project.write("one/__init__.py", "");
            steps.run(&[&option, "-s", "-v", "-p", "no:cacheprovider"]);
            steps.run(&[&option, "-s", "--rootdir=two", "two"]);
        });
    }
    project.write("pytest.ini", "[pytest]\naddopts = --import-mode=importlib\npythonpath = one\n");
    assert_alike(|way| {
        let mut command = project.command(way);
        command.arg("-s");
        command
    });
}

#[test]
fn builtin_plugins_that_are_left_out_do_not_come_with_others() {
    let test = "import sys\n\ndef test_a():\n    print(*sys.modules, sep='\\n')\n";
    let project = Project::new(&[("test_a.py", test)]);
    for name in ["unraisableexception", "doctest", "stepwise", "junitxml"] {
        project.assert_same(&["-q", "-s", "-p", &format!("no:{name}")]).ended(End::Code(0));
    }
    project.assert_same(&["-q", "-s", "-p", "pytester"]).ended(End::Code(0));
}
