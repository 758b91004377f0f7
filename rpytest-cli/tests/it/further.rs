//! Runs that are forked from a process that has gone further, with their arguments, and what keeps them from it.

use std::process::Command;

use crate::harness::{End, Project, Running, Way, assert_same};
use crate::levels::{From, from, go_to};
use crate::venv::Venv;

const TEST: &str = "\
def test_a(pytestconfig):
    print(sorted(name for name, _ in pytestconfig.pluginmanager.list_name_plugin() if 'plug' in name))
    print(pytestconfig.args, pytestconfig.rootpath, pytestconfig.inipath, pytestconfig.invocation_params)
    print(getattr(pytestconfig.pluginmanager.get_plugin('plugin'), 'VALUE', None), pytestconfig.option.verbose)
";

/// Notes which process a run was forked from, where no test sees it.
const NOTES_PARENT: &str = "\
import os

def pytest_configure(config):
    with open(os.path.join(os.environ['XDG_STATE_HOME'], 'parent'), 'w') as file:
        file.write(str(os.getppid()))
";

fn project(files: &[(&str, &str)]) -> Project {
    let own = [("conftest.py", NOTES_PARENT), ("test_a.py", TEST)];
    Project::new(&[&own[..], files].concat())
}

fn command(project: &Project, way: Way, arguments: &[&str]) -> Command {
    let mut command = project.command(way);
    command.args(arguments);
    command
}

/// The same as plain pytest from there on, whatever was changed before this.
#[track_caller]
fn assert_same_from_there(project: &Project, arguments: &[&str], change: impl FnOnce()) {
    go_to(project, From::BeforeConftests, |way| command(project, way, arguments));
    change();
    project.assert_same(arguments);
}

#[test]
fn runs_with_the_same_arguments() {
    let project = project(&[("plugin.py", "VALUE = 1\n")]);
    let arguments = ["-s", "-p", "plugin"];
    go_to(&project, From::BeforeConftests, |way| command(&project, way, &arguments));
    project.assert_same(&arguments).ended(End::Code(0));
    assert_eq!(from(&project), Some(From::BeforeConftests));
    project.run(&["-s"]).ended(End::Code(0));
    assert_eq!(from(&project), Some(From::Ahead), "other arguments");
    project.run(&arguments).ended(End::Code(0));
    assert_eq!(from(&project), Some(From::BeforeConftests), "it is still there");
    project.run(&["-s", "-p", "plugin", "-p", "no:doctest"]).ended(End::Code(0));
    assert_eq!(from(&project), Some(From::Zygote), "it goes ahead with all builtin plugins");
    let mut closed = project.shell(Way::Rpytest, "\"$@\" -s -p plugin <&-");
    Running::start(&mut closed).finish().ended(End::Code(0));
    assert_eq!(from(&project), Some(From::Ahead), "a standard stream is closed");
    let both = [0, 1].map(|_| Running::start(&mut command(&project, Way::Rpytest, &arguments)));
    let _ = both.map(|run| run.finish().ended(End::Code(0)));
    assert_eq!(from(&project), Some(From::BeforeConftests));
}

#[test]
fn tests_that_are_edited_are_what_it_is_for() {
    let project = project(&[]);
    let arguments = ["-s", "test_a.py"];
    go_to(&project, From::BeforeConftests, |way| command(&project, way, &arguments));
    project.write("test_a.py", "def test_a():\n    assert False\n");
    project.write("test_b.py", "def test_b():\n    pass\n");
    project.assert_same(&arguments).ended(End::Code(1));
    assert_eq!(from(&project), Some(From::BeforeConftests));
}

#[test]
fn configuration_files_are_edited() {
    let project = project(&[("pytest.ini", "[pytest]\naddopts = -s\n")]);
    assert_same_from_there(&project, &[], || project.write("pytest.ini", "[pytest]\naddopts = -s -v\n"));
    assert_same_from_there(&project, &[], || project.write("pytest.toml", "[pytest]\naddopts = ['-s', '-vv']\n"));
    assert_same_from_there(&project, &[], || {
        for name in ["pytest.ini", "pytest.toml"] {
            std::fs::remove_file(project.path(name)).expect("it is there");
        }
    });
    assert_same_from_there(&project, &["-s"], || project.write("../pytest.ini", "[pytest]\naddopts = -v\n"));
}

#[test]
fn plugins_of_the_project_are_edited() {
    let files =
        [("plugin.py", "from package import inner\nVALUE = inner.VALUE\n"), ("package/inner.py", "VALUE = 1\n")];
    let project = project(&files);
    let arguments = ["-s", "-p", "plugin"];
    assert_same_from_there(&project, &arguments, || project.write("package/inner.py", "VALUE = 1 + 1\n"));
    assert_same_from_there(&project, &arguments, || project.write("plugin.py", "VALUE = 1 + 2\n"));
    project.write("plugin.py", "try:\n    import missing\nexcept ImportError:\n    VALUE = 4\nelse:\n    VALUE = 5\n");
    assert_same_from_there(&project, &arguments, || project.write("missing.py", ""));
    assert_same_from_there(&project, &arguments, || project.write("plugin/__init__.py", "VALUE = 6\n"));
    let reads = "import os\nVALUE = [open('data').read(), os.path.getsize('data'), sorted(os.listdir('d')), os.path.exists('x')]\n";
    project.write("plugin/__init__.py", reads);
    project.write("data", "a");
    project.write("d/a", "a");
    assert_same_from_there(&project, &arguments, || project.write("data", "b"));
    assert_same_from_there(&project, &arguments, || project.write("d/b", "b"));
    assert_same_from_there(&project, &arguments, || project.write("x", ""));
}

const ENTRY_POINT: &str = "[pytest11]\nplugged = plugged\n";

#[test]
fn plugins_are_installed_edited_and_removed() {
    let project = project(&[]);
    let venv = Venv::new(&project, "venv");
    let with = |way| {
        let mut command = venv.command(&project, way);
        command.args(["-s", "-q"]);
        command
    };
    let said = |text: &str| format!("def pytest_report_header():\n    return '{text}'\n\nVALUE = '{text}'\n");
    let changes: [&dyn Fn(); 5] = [
        &|| {
            venv.write("plugged.py", &said("one"));
            venv.write("plugged-1.dist-info/entry_points.txt", ENTRY_POINT);
        },
        &|| venv.write("plugged.py", &said("another")),
        &|| venv.write("plugged-1.dist-info/entry_points.txt", &ENTRY_POINT.replace("plugged =", "replugged =")),
        &|| std::fs::remove_dir_all(venv.site_packages("plugged-1.dist-info")).expect("it is there"),
        &|| {
            project.write("local_plug.py", &said("local"));
            project.write("local-1.dist-info/entry_points.txt", "[pytest11]\nlocal_plug = local_plug\n");
        },
    ];
    for change in changes {
        go_to(&project, From::BeforeConftests, with);
        change();
        assert_same(with);
    }
}

#[test]
fn variables_are_other_ones() {
    let plugin = "import os\nVALUE = os.environ.get('ONE')\n\ndef pytest_addoption(parser):\n    \
                  parser.addoption('--two', default=os.getenv('TWO'))\n";
    let project = project(&[("plugin.py", plugin), ("other_plugin.py", "")]);
    let arguments = ["-s", "-p", "plugin"];
    go_to(&project, From::BeforeConftests, |way| command(&project, way, &arguments));
    for (name, value) in
        [("ONE", "1"), ("TWO", "2"), ("PYTEST_ADDOPTS", "-v"), ("PYTEST_PLUGINS", "other_plugin"), ("TZ", "Asia/Tokyo")]
    {
        assert_same(|way| {
            let mut command = command(&project, way, &arguments);
            command.env(name, value);
            command
        });
    }
    project.assert_same(&arguments);
    project.write("plugin.py", "import os\nVALUE = {name: os.environ[name] for name in os.environ if name != 'PWD'}\n");
    go_to(&project, From::BeforeConftests, |way| command(&project, way, &arguments));
    assert_same(|way| {
        let mut command = command(&project, way, &arguments);
        command.env("ANY", "1");
        command
    });
}

/// So many runs begin from there, where that is possible.
const ENOUGH: usize = 7;

/// What such a plugin has got in one run is not what it gets in the next.
#[test]
fn plugins_that_must_be_imported_anew() {
    for body in [
        "import time\nVALUE = time.time()",
        "from time import monotonic as clock\nVALUE = list(map(lambda call: call(), [clock]))",
        "import os\nVALUE = os.urandom(4)",
        "import random\nVALUE = random.random()",
        "import random\nrandom.seed(1)",
        "import datetime\nclass Date(datetime.datetime):\n    pass\nVALUE = Date.now()",
        "import os\nVALUE = list(map(os.getppid, ()))\nNUMBER = os.getpid()",
        "import uuid\nVALUE = uuid.uuid4()",
        "import threading\nthreading.Thread(target=print).start()",
        "import subprocess\nsubprocess.run(['true'])",
        "import socket\nVALUE = socket.socket()",
        "import sys\nprint('to one', flush=True)\nprint('and to the other', file=sys.stderr)",
        "import signal\nsignal.signal(signal.SIGUSR1, signal.SIG_IGN)",
        "import sys\nsys.setprofile(None)",
        "import sys\nsys.addaudithook(lambda *_: None)",
        "import os\nos.register_at_fork(before=print)",
        "import os\nos.umask(0)",
        "open('log', 'a').write('x')",
        "VALUE = open(__file__)",
        "import os\nVALUE = os.stat('/proc/self')",
    ] {
        let project = project(&[("plugin.py", &format!("{body}\n"))]);
        let arguments = ["-q", "-p", "plugin"];
        for _ in 0..ENOUGH {
            project.run(&arguments).ended(End::Code(0));
            assert_ne!(from(&project), Some(From::BeforeConftests), "{body}");
        }
    }
}
