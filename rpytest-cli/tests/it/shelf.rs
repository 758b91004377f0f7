//! Libraries that are imported ahead: a program sees what it would have seen, whatever it does before it imports them.

use std::time::{Duration, Instant};

use crate::harness::{End, Outcome, Project, Running, Way, assert_alike, assert_same};
use crate::venv::Venv;

/// Among the packages of the environment: one for each thing that an import can look at or leave behind.
const LIBRARIES: &[(&str, &str)] = &[
    ("plain/__init__.py", "from . import part\nfrom .deeper.down import DOWN\nimport fractions\n"),
    ("plain/part.py", "import plain\n\nVALUES = []\nSEEN = hasattr(plain, 'DOWN')\n"),
    ("plain/deeper/__init__.py", ""),
    ("plain/deeper/down.py", "from ..part import VALUES\n\nVALUES.append('down')\nDOWN = 1\n"),
    ("circle_one.py", "import circle_two\n\nNAME = 'one'\nSEEN = getattr(circle_two, 'NAME', None)\n"),
    ("circle_two.py", "import circle_one\n\nNAME = 'two'\nSEEN = getattr(circle_one, 'NAME', None)\n"),
    (
        "lazy/__init__.py",
        "def __getattr__(name):\n    import importlib\n    if name == 'late':\n        return importlib.import_module('lazy.late')\n    raise AttributeError(name)\n",
    ),
    ("lazy/late.py", "VALUE = 1\n"),
    ("space/inside.py", "VALUE = 'in a namespace'\n"),
    ("registry.py", "NAMES = ['registry']\nclass Base: pass\n"),
    ("plug.py", "import registry\n\nregistry.NAMES.append('plug')\nclass Plug(registry.Base): pass\n"),
    ("reads_env.py", "import os\n\nVALUE = os.environ.get('SHELF_VALUE', 'none')\n"),
    ("settings.py", "SETTINGS = {'mode': 'default'}\nclass Lazy: mode = None\nlazy = Lazy()\n"),
    ("uses_settings.py", "import settings\n\nMODE = settings.SETTINGS['mode']\nLAZY = settings.lazy.mode\n"),
    (
        "optional.py",
        "try:\n    import absent_thing\nexcept ImportError:\n    FOUND = None\nelse:\n    FOUND = absent_thing.NAME\n",
    ),
    ("warns.py", "import warnings\n\nwarnings.warn('old', DeprecationWarning, stacklevel=2)\n"),
    ("filters.py", "import warnings\n\nwarnings.filterwarnings('ignore', message='shelf')\n"),
    ("exits.py", "import atexit\n\ndef farewell():\n    print('farewell')\n\natexit.register(farewell)\n"),
    ("threads.py", "import threading\n\nTHREAD = threading.Thread(target=print)\nTHREAD.start()\nTHREAD.join()\n"),
    (
        "data.py",
        "import os\n\nHERE = os.path.dirname(__file__)\nwith open(HERE + '/data.txt') as file:\n    TEXT = file.read()\nHAS = os.path.exists(HERE + '/extra.txt')\n",
    ),
    ("data.txt", "text"),
    ("clock.py", "import os, random, time\n\nNOW = time.time()\nDICE = random.random()\nPID = os.getpid()\n"),
    ("logs.py", "import logging\n\nlogging.getLogger('logs.inner').addHandler(logging.NullHandler())\n"),
    ("dumps.py", "import json\n\nTEXT = json.dumps({})\n"),
    ("arguments.py", "import sys\n\nCOUNT = len(sys.argv)\n"),
    ("replaced.py", "import sys\n\nclass Other:\n    NAME = 'other'\n\nsys.modules[__name__] = Other()\n"),
    ("asks.py", "import sys\n\nHAS = 'registry' in sys.modules, 'sqlite3' in sys.modules\n"),
    ("socketed.py", "import socket\n\nsocket.socket().close()\n"),
    ("process.py", "import subprocess, sys\n\nOUT = subprocess.check_output([sys.executable, '-c', 'print(1)'])\n"),
];

const TEST: &str = r#"
import logging, sys, warnings
FILTERS = [entry[:3] for entry in warnings.filters]
import plain
import circle_one, lazy, space.inside
import registry, plug
import reads_env, settings, uses_settings, optional
import filters, exits, threads, data, clock
import logs, dumps, arguments, replaced, asks, socketed, process
import warns
from xml.dom import minidom
import decimal
AFTER = [entry[:3] for entry in warnings.filters]

def test_what_is_seen():
    print(plain.part.VALUES, plain.part.SEEN, circle_one.SEEN, lazy.late.VALUE, space.inside.VALUE, list(space.__path__))
    print(registry.NAMES, registry.Base.__subclasses__(), reads_env.VALUE, uses_settings.MODE, uses_settings.LAZY)
    print(optional.FOUND, data.TEXT, data.HAS, dumps.TEXT, arguments.COUNT, replaced.NAME, asks.HAS, process.OUT)
    print(FILTERS, AFTER)
    print(list(logging.Logger.manager.loggerDict), [type(each).__name__ for each in logging.getLogger("logs.inner").handlers])
    print([name for name in sys.modules if not name.startswith(("_pytest", "pytest"))])
    for module in (plain, plain.deeper.down, space, registry, minidom, decimal):
        spec = module.__spec__
        print(module.__name__, spec.origin, spec.parent, spec._initializing, type(module.__loader__).__name__)
        print(spec.loader is module.__loader__, list(vars(module)), sys.modules[spec.name] is module)
"#;

/// What a `conftest.py` may do before.
const BEFORE: &[&str] = &[
    "",
    "import os\n\nos.environ['SHELF_VALUE'] = 'set'\n",
    "import settings\n\nsettings.SETTINGS['mode'] = 'test'\n",
    "import settings\n\nsettings.lazy.mode = 'test'\n",
    "import settings\n\nsettings.Lazy.mode = 'test'\n",
    "import sys, types\n\nsys.modules['registry'] = types.SimpleNamespace(NAMES=['stub'], Base=type('Stub', (), {}))\n",
    "import sys\n\nsys.modules['fractions'] = None\n",
    "import sys, types\n\nsys.modules['absent_thing'] = types.SimpleNamespace(NAME='stubbed')\n",
    "import sys\n\nsys.path.insert(0, 'shadows')\n",
    "import sys\n\nsys.path.append('shadows')\n",
    "import sys\n\nsys.path.reverse()\n",
    "import json\n\njson.dumps = lambda value: 'patched'\n",
    "import json.encoder\n\njson.encoder.JSONEncoder.encode = lambda self, value: 'patched'\n",
    "from unittest import mock\n\nmock.patch('json.dumps', lambda value: 'mocked').start()\n",
    "import logging\n\nlogging.getLogger('logs').setLevel(10)\n",
    "import logging\n\nlogging.getLogger('others.inner').error('x')\n",
    "import plug\n",
    "import registry\n\nregistry.NAMES.append('mine')\n",
    "import plain.deeper.down\n\nplain.part.VALUES.append('mine')\n",
    "import plain, sys\n\ndel sys.modules['plain.part']\n",
    "import importlib, plain\n\nimportlib.reload(plain)\nimportlib.reload(plain.part)\n",
    "import importlib.util\n\nfound = importlib.util.find_spec('registry')\nmodule = importlib.util.module_from_spec(found)\nfound.loader.exec_module(module)\nmodule.NAMES.append('x')\n",
    "import sys\n\nclass Finder:\n    def find_spec(self, name, path, target=None):\n        if name == 'registry': print('asked for', name)\n\nsys.meta_path.insert(0, Finder())\n",
    "import builtins\n\nreal = builtins.__import__\n\ndef mine(name, *rest):\n    if name == 'fractions': print('imports', name)\n    return real(name, *rest)\n\nbuiltins.__import__ = mine\n",
    "import sys\n\nsys.setprofile(lambda *event: None)\n",
    "import warnings\n\nwarnings.simplefilter('ignore')\n",
    "import decimal\n\ndecimal.getcontext().prec = 5\n",
    "import locale\n\nlocale.setlocale(locale.LC_ALL, 'C')\n",
    // These change the environment's packages, after which the warm process is made anew.
    "import os\n\nopen(os.path.join(os.path.dirname(__import__('registry').__file__), 'extra.txt'), 'w').close()\n",
    "import os\n\nextra = os.path.join(os.path.dirname(__import__('registry').__file__), 'extra.txt')\nif os.path.exists(extra): os.remove(extra)\n",
];

fn set_up() -> (Project, Venv) {
    let shadows = [("shadows/fractions.py", "MINE = 1\n"), ("shadows/absent_thing.py", "NAME = 'appeared'\n")];
    let project = Project::new(&[&[("conftest.py", ""), ("test_a.py", TEST)][..], &shadows[..]].concat());
    let venv = Venv::new(&project, "venv");
    for (path, text) in LIBRARIES {
        venv.write(path, text);
    }
    (project, venv)
}

fn same(project: &Project, venv: &Venv, arguments: &[&str]) -> Outcome {
    assert_alike(|way| {
        let mut command = venv.command(project, way);
        command.args(["-q", "-s", "-p", "no:cacheprovider"]).args(arguments).env("RPYTEST_SHELF", "all");
        command
    })
}

/// Run until the shelf has what these runs import, and return what became of it.
fn warm_up(project: &Project, venv: &Venv, arguments: &[&str]) -> Vec<String> {
    let start = Instant::now();
    loop {
        let mut command = venv.command(project, Way::Rpytest);
        command
            .args(["-q", "-s", "-p", "no:cacheprovider"])
            .args(arguments)
            .envs([("RPYTEST_LOG", "debug"), ("RPYTEST_SHELF", "all")]);
        let outcome = Running::start(&mut command).finish();
        let shelf: Vec<String> =
            outcome.stderr.lines().filter(|line| line.contains("shelf: ")).map(str::to_owned).collect();
        if shelf.iter().all(|note| !note.ends_with("it is new")) && !shelf.is_empty() {
            return shelf;
        }
        assert!(start.elapsed() < Duration::from_secs(120), "nothing is handed out: {outcome}");
    }
}

#[test]
fn whatever_happens_before_an_import_it_gives_what_it_would_have_given() {
    let (project, venv) = set_up();
    same(&project, &venv, &[]).ended(End::Code(0));
    let shelf = warm_up(&project, &venv, &[]);
    for name in ["plain", "circle_one", "lazy", "settings", "reads_env", "filters", "logs", "xml.dom"] {
        assert!(shelf.iter().any(|note| note.ends_with(&format!("{name} was handed out"))), "{name}: {shelf:#?}");
    }
    for name in ["threads", "clock", "arguments", "socketed", "process", "warns"] {
        assert!(shelf.iter().any(|note| note.contains(&format!("{name} was imported"))), "{name}: {shelf:#?}");
    }
    for before in BEFORE {
        project.write("conftest.py", before);
        same(&project, &venv, &[]);
        same(&project, &venv, &["-W", "error"]);
    }
}

#[test]
fn nothing_is_imported_ahead_where_nobody_has_asked_for_it() {
    let (project, venv) = set_up();
    for _ in 0..2 {
        let outcome = assert_same(|way| {
            let mut command = venv.command(&project, way);
            command.args(["-q", "-s", "-p", "no:cacheprovider"]).env("RPYTEST_LOG", "debug");
            command
        });
        assert!(!outcome.stderr.contains("shelf: "), "{outcome}");
    }
}
