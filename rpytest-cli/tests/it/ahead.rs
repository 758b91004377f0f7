//! Runs that are forked from a process that has gone ahead, and those for which it is on the wrong way.

use crate::deeper;
use crate::harness::{End, Project, assert_same};
use crate::levels::{From, from, go_to_by};

const SHOWS_PARENT: &str = "\
import os

def test_a():
    open('parents', 'a').write(f'{os.getppid()}\\n')
";

/// What a conftest sees of what has happened before it.
const SHOWS_START: &str = "\
import os, sys

def pytest_configure(config):
    frames, frame = [], sys._getframe()
    while frame is not None:
        frames.append((os.path.basename(frame.f_code.co_filename), frame.f_code.co_name, frame.f_lineno))
        frame = frame.f_back
    print(frames)
    print(list(os.environ), os.environ.get('PYTEST_VERSION'), sys.argv[1:], config.invocation_params)
    print([name for name, _ in config.pluginmanager.list_name_plugin()][1:])
    print(sys.path, sorted(map(str, sys.path_importer_cache)), vars(sys.modules['__main__']).keys())
";

fn parents(project: &Project) -> Vec<String> {
    std::fs::read_to_string(project.path("parents")).expect("a test wrote it").lines().map(str::to_owned).collect()
}

#[test]
fn later_runs_begin_where_the_arguments_matter() {
    let project = Project::new(&[("test_a.py", SHOWS_PARENT)]);
    for arguments in [&["-q"][..], &["-q"], &["-v"], &["-q", "-p", "no:doctest"], &["-pno:doctest"]] {
        project.run(arguments).ended(End::Code(0));
    }
    let parents = parents(&project);
    assert_ne!(parents[0], parents[1], "the second run comes from the process that has gone ahead");
    assert_eq!(parents[1], parents[2]);
    assert_eq!(parents[0], parents[3], "it goes ahead with all builtin plugins");
    assert_eq!(parents[0], parents[4]);
}

/// Where two in a row leave out the same, the next begin as others do.
#[test]
fn runs_that_leave_out_builtin_plugins() {
    let project = deeper::project(&[("conftest.py", SHOWS_START)]);
    let left_out: [&[&str]; 4] = [
        &["-p", "no:doctest"],
        &["-pno:cacheprovider", "-p", " no:warnings"],
        &["-p", "no:logging", "-p", "no:doctest"],
        &[],
    ];
    for left_out in left_out {
        let of = |flag| [&[flag], left_out].concat();
        let plain = project.run_plain(&of("-q"));
        // By turns: what is repeated begins later still.
        go_to_by(&project, From::Ahead, || ["-q", "-v"].map(of).iter().for_each(|each| _ = project.run(each)));
        project.run(&of("-q")).assert_like(&plain, "plain pytest");
        assert_eq!(from(&project), Some(From::Ahead), "{left_out:?}");
        for _ in 0..4 {
            project.assert_same(&["-p", "no:runner"]).ended(End::Code(4));
        }
    }
}

#[test]
fn what_happened_before_looks_the_same() {
    let project = Project::new(&[("conftest.py", SHOWS_START), ("test_a.py", "def test_a():\n    pass\n")]);
    for arguments in
        [&["-q"][..], &["-q", "-p", "no:doctest"], &["-x", "-p", "pytester"], &["-V"], &["--version", "--version"]]
    {
        project.assert_same(arguments);
    }
}

#[test]
fn variables_that_were_read_on_the_way() {
    let project = Project::new(&[("conftest.py", SHOWS_START), ("test_a.py", "def test_a():\n    pass\n")]);
    project.assert_same(&["-q"]);
    for (name, value) in [("PYTEST_VERSION", "1"), ("PYTEST_PLUGINS", "pytester"), ("PYTEST_ADDOPTS", "-p no:doctest")]
    {
        assert_same(|way| {
            let mut command = project.command(way);
            command.arg("-q").env(name, value);
            command
        });
    }
}

/// What is remembered of builtin plugins is not what somebody has made of them since.
#[test]
fn fixtures_that_a_conftest_adds_to_builtin_plugins() {
    let conftest = "\
import _pytest.main, _pytest.skipping, _pytest.tmpdir, pytest

@pytest.fixture
def added():
    return 'added'

@pytest.fixture
def tmp_path():
    return 'replaced'

_pytest.skipping.added = added
_pytest.tmpdir.tmp_path = tmp_path
_pytest.main.Session.of_session = pytest.fixture(name='of_session')(lambda self: type(self).__name__)
del _pytest.monkeypatch.monkeypatch
";
    let tests = "\
def test_a(added, tmp_path, of_session):
    print(added, tmp_path, of_session)

def test_b(monkeypatch):
    pass
";
    let project = Project::new(&[("conftest.py", conftest), ("test_a.py", tests)]);
    for arguments in [&["-s"][..], &["--fixtures", "-v"]] {
        project.assert_same(arguments);
    }
}

#[test]
fn who_patches_what_looks_for_fixtures_is_called() {
    let conftest = "\
import _pytest.fixtures, sys

looked = []
original = _pytest.fixtures.safe_getattr

def safe_getattr(holder, name, default):
    looked.append(name)
    return original(holder, name, default)

class Plugin:
    def __dir__(self):
        depth, frame = 0, sys._getframe()
        while frame is not None:
            depth, frame = depth + 1, frame.f_back
        print('depth', depth)
        return []

def pytest_configure(config):
    config.pluginmanager.register(Plugin())
    if config.getoption('-x'):
        _pytest.fixtures.safe_getattr = safe_getattr

def pytest_unconfigure(config):
    print(len(looked), looked, 'dir' in vars(_pytest.fixtures))
";
    let project = Project::new(&[("conftest.py", conftest), ("test_a.py", "def test_a(tmp_path):\n    pass\n")]);
    for arguments in [&["-q"][..], &["-q", "-x"]] {
        project.assert_same(arguments);
    }
}

/// What was made on the way ends with the run: the configuration holds the stream that is flushed when it is deleted.
#[test]
fn a_stream_that_only_the_configuration_holds_is_flushed() {
    let tests = "\
import io, sys

def test_a():
    sys.stdout = io.StringIO()
    sys.__stdout__.write('not flushed by the test')
";
    Project::new(&[("test_a.py", tests)]).assert_same(&["-q", "-s"]).ended(End::Code(0));
}

/// As coverage does, which measures whatever comes from a file that is not installed.
#[test]
fn who_traces_sees_no_file_of_ours() {
    let conftest = "\
import sys

SEEN = set()

def trace(frame, event, argument):
    if not frame.f_code.co_filename.startswith('<'):
        SEEN.add(frame.f_code.co_filename)

sys.settrace(trace)

def pytest_sessionfinish():
    sys.settrace(None)
    print(len(SEEN) > 10, [file for file in SEEN if 'rpytest_zygote' in file])
";
    let test = "import gc\n\ndef test_a():\n    gc.get_objects()\n    gc.collect()\n";
    let project = Project::new(&[("conftest.py", conftest), ("test_a.py", test)]);
    for _ in 0..4 {
        assert!(project.assert_same(&["-s", "-q"]).stdout.contains("True []"));
    }
}
