//! What a run leaves behind, and what the next one makes of it: caches, bytecode, temporary directories.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::harness::{End, Project, assert_same_steps};

const TWO: &str = "def test_passes():\n    pass\n\ndef test_fails():\n    assert 'a' + 'b' == 'ba'\n";

#[test]
fn the_cache_directory() {
    let conftest = "def pytest_sessionfinish(session):\n    seen = session.config.cache.get('own/seen', 0)\n    \
        session.config.cache.set('own/seen', seen + 1)\n";
    let project = Project::new(&[("conftest.py", conftest), ("test_a.py", TWO), ("sub/test_b.py", TWO)]);
    assert_same_steps(&project, |steps| {
        steps.run(&["-v"]).ended(End::Code(1));
        steps.run(&["-v", "--last-failed"]).ended(End::Code(1));
        steps.run(&["--cache-show"]);
        project.write("test_a.py", &TWO.replace("'ba'", "'ab'"));
        project.write("sub/test_c.py", TWO);
        steps.run(&["-v", "--failed-first", "test_a.py", "sub"]);
        steps.run(&["-v", "--new-first"]);
        steps.run(&["--stepwise", "-q"]);
        steps.run(&["-q", "-o", "cache_dir=elsewhere/cache", "-k", "passes"]).ended(End::Code(0));
        steps.run(&["-q", "--cache-clear", "-p", "no:stepwise"]);
        steps.run(&["-q", "-p", "no:cacheprovider"]);
    });
}

const MAKES_FILES: &str = "\
import tempfile

def test_passes(tmp_path, tmp_path_factory):
    (tmp_path / 'file').write_text(tmp_path.name + tempfile.gettempdir())
    tmp_path_factory.mktemp('made')

def test_fails(tmp_path):
    (tmp_path / 'file').write_text('kept')
    assert 0, tmp_path
";

#[test]
fn temporary_directories_are_numbered_and_given_up() {
    let project = Project::new(&[("test_a.py", MAKES_FILES)]);
    assert_same_steps(&project, |steps| {
        for _ in 0..5 {
            steps.run(&["--tb=line"]).ended(End::Code(1));
        }
        for policy in ["failed", "none"] {
            steps.run(&["-q", "-o", &format!("tmp_path_retention_policy={policy}")]);
        }
        steps.run(&["-q", "-o", "tmp_path_retention_count=1"]);
        steps.run(&["-q", "--basetemp=own"]);
        project.write("own/test_a0/stale", "");
        steps.run(&["-q", "--basetemp=own", "-k", "fails"]);
    });
}

fn set_modified(path: &Path) {
    let file = fs::File::options().write(true).open(path).expect("it is there");
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)).expect("it is ours");
}

#[test]
fn bytecode_of_tests() {
    let conftest = "def pytest_report_header():\n    return 'one'\n";
    let imports = "from pack import value\n\ndef test_a():\n    assert value.VALUE == 1\n";
    let files =
        [("conftest.py", conftest), ("pack/__init__.py", ""), ("pack/value.py", "VALUE = 1\n"), ("test_a.py", imports)];
    let project = Project::new(&files);
    assert_same_steps(&project, |steps| {
        steps.run(&[]).ended(End::Code(0));
        steps.run(&[]).ended(End::Code(0));
        // Of the same size and time: Python does not see it, and not every pytest, in what it rewrites.
        for name in ["conftest.py", "test_a.py", "pack/value.py"] {
            set_modified(&project.path(name));
        }
        steps.run(&[]).ended(End::Code(0));
        for (name, old, new) in
            [("conftest.py", "one", "two"), ("test_a.py", "== 1", "== 3"), ("pack/value.py", "1", "2")]
        {
            let text = fs::read_to_string(project.path(name)).expect("it is there");
            project.write(name, &text.replace(old, new));
            set_modified(&project.path(name));
        }
        steps.run(&["-v"]);
        fs::remove_dir_all(project.path("__pycache__")).expect("there is bytecode");
        steps.run(&[]).ended(End::Code(1));
        // Bytecode that cannot be read is made again.
        fs::write(bytecode_of(&project, "test_a"), "nonsense").expect("it is ours");
        steps.run(&["-p", "no:cacheprovider", "-v"]).ended(End::Code(1));
        steps.run(&["--assert=plain"]).ended(End::Code(1));
    });
}

fn bytecode_of(project: &Project, module: &str) -> std::path::PathBuf {
    let entries = fs::read_dir(project.path("__pycache__")).expect("there is bytecode").flatten();
    let of_module = |path: &std::path::PathBuf| path.to_string_lossy().contains(&format!("__pycache__/{module}."));
    entries.map(|entry| entry.path()).find(of_module).expect("it has been compiled")
}

#[test]
fn where_bytecode_goes() {
    let project =
        Project::new(&[("conftest.py", ""), ("helper.py", ""), ("test_a.py", "import helper\n\ndef test_a(): pass\n")]);
    // Not below the project, which is laid out anew: the bytecode of pytest's own modules is written once.
    let prefix = project.root().join("state/bytecode");
    let prefix = prefix.to_str().expect("its path is text");
    for (name, value) in [("PYTHONDONTWRITEBYTECODE", "1"), ("PYTHONPYCACHEPREFIX", prefix), ("PYTHONOPTIMIZE", "2")] {
        assert_same_steps(&project, |steps| {
            for _ in 0..2 {
                steps.run_as(|way| {
                    let own = format!("\"$@\"; cd {prefix}$PWD 2>/dev/null && find . | sort");
                    let mut command = project.shell(way, &own);
                    command.env(name, value);
                    command
                });
            }
        });
    }
}

#[test]
fn what_cannot_be_written() {
    let project = Project::new(&[("conftest.py", ""), ("test_a.py", TWO), ("sub/test_b.py", TWO)]);
    for name in ["__pycache__", ".pytest_cache"] {
        assert_same_steps(&project, |steps| {
            project.write(name, "a file where a directory would be made");
            for option in ["-v", "--last-failed"] {
                let script = "\"$@\" 2>&1 | sed -E 's/pytest-cache-files-[a-z0-9_]+/RANDOM/'; exit ${PIPESTATUS[0]}";
                let run = |way| {
                    let mut command = project.shell(way, script);
                    command.arg(option);
                    command
                };
                steps.run_as(run).ended(End::Code(1));
            }
        });
    }
    assert_same_steps(&project, |steps| {
        for directory in ["sub", ""] {
            let mode = fs::Permissions::from_mode(0o555);
            fs::set_permissions(project.path(directory), mode).expect("it is ours");
        }
        // Where the user may write everywhere this shows less.
        steps.run(&[]);
        steps.run(&["--last-failed", "-p", "no:cacheprovider"]);
        fs::set_permissions(project.path(""), fs::Permissions::from_mode(0o755)).expect("it is ours");
    });
}

#[test]
fn tests_and_conftests_come_change_and_go() {
    let fixture = |value: &str| format!("import pytest\n\n@pytest.fixture\ndef value():\n    return '{value}'\n");
    let test = "def test_a(value):\n    print(value)\n";
    let project = Project::new(&[("test_a.py", test), ("sub/test_b.py", test)]);
    assert_same_steps(&project, |steps| {
        steps.run(&["-s"]).ended(End::Code(1));
        project.write("conftest.py", &fixture("of the root"));
        steps.run(&["-s"]).ended(End::Code(0));
        project.write("sub/conftest.py", &fixture("of below"));
        steps.run(&["-s"]).ended(End::Code(0));
        project.write("conftest.py", &fixture("of the edit"));
        steps.run(&["-s"]).ended(End::Code(0));
        fs::rename(project.path("test_a.py"), project.path("test_renamed.py")).expect("it is there");
        steps.run(&["-s", "-v"]).ended(End::Code(0));
        fs::rename(project.path("sub"), project.path("moved")).expect("it is there");
        steps.run(&["-s", "-v", "--lf"]).ended(End::Code(0));
        fs::remove_file(project.path("conftest.py")).expect("it is there");
        steps.run(&["-s", "-v"]).ended(End::Code(1));
        fs::remove_dir_all(project.path("moved")).expect("it is there");
        project.write("test_a.py", "def test_a(): pass\n");
        steps.run(&["-s", "-v", "--ff"]).ended(End::Code(1));
    });
}

#[test]
fn reports_of_plugins() {
    let project = Project::new(&[
        ("test_a.py", TWO),
        ("pytest.ini", "[pytest]\nlog_file = logs/run.log\nlog_file_level = INFO\n"),
    ]);
    project.write("conftest.py", "");
    assert_same_steps(&project, |steps| {
        steps.run_as(|way| {
            // Of the report only what no clock and no host name says.
            let script = "\"$@\" --junit-xml=out/report.xml; status=$?; \
                sed -i -E 's/ (time|timestamp|hostname)=\"[^\"]*\"//g' out/report.xml; exit $status";
            project.shell(way, script)
        });
    });
}

#[test]
fn two_runs_at_the_same_time() {
    let test = "import pathlib, time

def test_a(tmp_path):
    (tmp_path / 'file').write_text('x')
    with open('arrived', 'a') as file:
        file.write('x')
    while len(pathlib.Path('arrived').read_text()) < 2:
        time.sleep(0.005)

def test_fails():
    assert 0
";
    let project = Project::new(&[("test_a.py", test)]);
    assert_same_steps(&project, |steps| {
        steps.run_together(&["-v"]);
        // What is numbered goes on after both.
        steps.run(&["-v"]).ended(End::Code(1));
        steps.run(&["--last-failed", "-v"]).ended(End::Code(1));
        steps.run(&["test_a.py::test_a"]).ended(End::Code(0));
    });
}

#[test]
fn a_database_that_hangs_from_a_warm_module() {
    let conftest = "\
import logging, sqlite3

class Handler(logging.Handler):
    def __init__(self):
        super().__init__()
        self.connection = sqlite3.connect('log.db')
        self.connection.execute('PRAGMA journal_mode=WAL')
        self.connection.execute('CREATE TABLE IF NOT EXISTS log (text)')

    def emit(self, record):
        self.connection.execute('INSERT INTO log VALUES (?)', [record.getMessage()])
        self.connection.commit()

logging.getLogger('app').addHandler(Handler())
";
    let test = "import logging\n\ndef test_a():\n    logging.getLogger('app').warning('written')\n";
    let project = Project::new(&[("conftest.py", conftest), ("test_a.py", test)]);
    assert_same_steps(&project, |steps| {
        steps.run(&["-q"]).ended(End::Code(0));
        steps.run(&["-q"]).ended(End::Code(0));
    });
}
