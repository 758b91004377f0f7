//! Packages come, change and go between two runs, in every way in which they are installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{End, Outcome, Project, Way, assert_alike, assert_same};
use crate::venv::Venv;

/// Shows what of `app` is found, and by whom.
const SHOWS_APP: &str = "\
import sys

def test_a():
    import app
    print(app.VALUE, app.__file__, [entry for entry in sys.path if 'source' in entry])
    print([kind.__name__ for kind in sys.meta_path if isinstance(kind, type)])
";

struct Installation {
    project: Project,
    venv: Venv,
}

impl Installation {
    /// `app` in two versions of its source, neither of them installed.
    fn new() -> Self {
        let files = [("test_a.py", SHOWS_APP), ("source/app.py", "VALUE = 1\n"), ("source-2/app.py", "VALUE = 2\n")];
        let project = Project::new(&files);
        let venv = Venv::new(&project, "venv");
        Self { project, venv }
    }

    fn source(&self, name: &str) -> String {
        self.project.path(name).to_str().expect("its path is text").to_owned()
    }

    #[track_caller]
    fn assert_same(&self, end: i32) -> Outcome {
        let outcome = assert_same(|way| {
            let mut command = self.venv.command(&self.project, way);
            command.args(["-s", "-q", "--tb=line"]);
            command
        });
        outcome.ended(End::Code(end))
    }

    fn remove(&self, name: &str) {
        std::fs::remove_file(self.venv.site_packages(name)).expect("it is installed");
    }
}

#[test]
fn by_a_path_file() {
    // As flit, hatch, poetry and setuptools (for a flat layout) install what is editable.
    let installation = Installation::new();
    installation.assert_same(1);
    installation.venv.write("_app.pth", &installation.source("source"));
    installation.assert_same(0);
    installation.project.write("source/app.py", "VALUE = 1 + 10\n");
    let outcome = installation.assert_same(0);
    assert!(outcome.stdout.starts_with("11 "), "{outcome}");
    installation.venv.write("_app.pth", &installation.source("source-2"));
    installation.assert_same(0);
    installation.remove("_app.pth");
    installation.assert_same(1);
}

#[test]
fn by_a_path_file_that_names_what_is_not_there_yet() {
    let installation = Installation::new();
    installation.venv.write("_app.pth", &format!("# one\n{}\n", installation.source("later")));
    installation.assert_same(1);
    installation.project.write("later/app.py", "VALUE = 1\n");
    let outcome = installation.assert_same(0);
    assert!(outcome.stdout.starts_with("1 "), "{outcome}");
}

#[test]
fn by_a_path_file_that_names_what_goes_away() {
    let installation = Installation::new();
    let empty = installation.project.path("source-that-is-empty");
    std::fs::create_dir(&empty).expect("the name is free");
    installation.venv.write("_app.pth", &format!("{}\n{}\n", installation.source("source"), empty.display()));
    assert!(installation.assert_same(0).stdout.contains("source-that-is-empty"));
    std::fs::remove_dir(empty).expect("it is empty");
    assert!(!installation.assert_same(0).stdout.contains("source-that-is-empty"));
}

/// What setuptools writes, less what is not needed here.
fn finder(mapping: &str) -> String {
    format!(
        "from __future__ import annotations
import sys
from importlib.util import spec_from_file_location

MAPPING: dict[str, str] = {mapping}

class _EditableFinder:
    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        if fullname in MAPPING:
            return spec_from_file_location(fullname, MAPPING[fullname] + '.py')
        return None

def install():
    if not any(finder == _EditableFinder for finder in sys.meta_path):
        sys.meta_path.append(_EditableFinder)
"
    )
}

#[test]
fn by_an_editable_finder() {
    let installation = Installation::new();
    let mapping = |name: &str| finder(&format!("{{'app': '{}/app'}}", installation.source(name)));
    installation.assert_same(1);
    installation.venv.write("__editable___app_1_0_finder.py", &mapping("source"));
    let line = "import __editable___app_1_0_finder; __editable___app_1_0_finder.install()";
    installation.venv.write("__editable__.app-1.0.pth", line);
    installation.assert_same(0);
    installation.venv.write("__editable___app_1_0_finder.py", &mapping("source-2"));
    let outcome = installation.assert_same(0);
    assert!(outcome.stdout.starts_with("2 "), "{outcome}");
    installation.venv.write("__editable___app_1_0_finder.py", &finder("{}"));
    installation.assert_same(1);
    installation.remove("__editable__.app-1.0.pth");
    installation.assert_same(1);
}

#[test]
fn by_a_line_of_code_that_nobody_knows() {
    let installation = Installation::new();
    let line = |name: &str| format!("import sys; sys.path.append('{}')\n", installation.source(name));
    installation.venv.write("own.pth", &line("source"));
    installation.assert_same(0);
    installation.venv.write("own.pth", &line("source-2"));
    let outcome = installation.assert_same(0);
    assert!(outcome.stdout.starts_with("2 "), "{outcome}");
    // It may go by any variable.
    let line = "import os, sys; sys.path.append(os.environ.get('APP', '/no/source'))\n";
    installation.venv.write("own.pth", line);
    for source in ["source", "source-2", "source"] {
        let outcome = assert_same(|way| {
            let mut command = installation.venv.command(&installation.project, way);
            command.args(["-s", "-q"]).env("APP", installation.project.path(source));
            command
        });
        outcome.ended(End::Code(0));
    }
    installation.assert_same(1);
}

#[test]
fn by_an_archive_on_the_python_path() {
    let project = Project::new(&[("test_a.py", "def test_a():\n    import app\n    print(app.VALUE, app.__file__)\n")]);
    let archive = |files: &[(&str, &str)]| {
        let script = "import sys, zipfile\nwith zipfile.ZipFile('lib.zip', 'w') as archive:\n    \
            for name, text in zip(sys.argv[1::2], sys.argv[2::2]):\n        archive.writestr(name, text)\n";
        let mut command = project.clean(crate::harness::interpreter());
        command.args(["-c", script]).args(files.iter().flat_map(|(name, text)| [*name, *text]));
        crate::harness::Running::start(&mut command).finish().ended(End::Code(0));
    };
    let run = |end| {
        let outcome = assert_alike(|way| {
            let mut command = project.command(way);
            command.args(["-s", "-q", "--tb=line", "-p", "no:cacheprovider"]).env("PYTHONPATH", "lib.zip");
            command
        });
        outcome.ended(End::Code(end))
    };
    run(1);
    archive(&[("app.py", "VALUE = 1")]);
    run(0);
    archive(&[("app.py", "VALUE = 2")]);
    assert!(run(0).stdout.starts_with("2 "));
    archive(&[("app.py", "VALUE = 3"), ("pluggy.py", "raise RuntimeError('not the real one')")]);
    run(1);
    archive(&[("app.py", "VALUE = 4"), ("sitecustomize.py", "import sys\nsys.stderr.write('customized\\n')")]);
    assert!(run(0).stderr.contains("customized"));
    std::fs::remove_file(project.path("lib.zip")).expect("it is there");
    run(1);
}

#[test]
fn a_plugin_is_upgraded() {
    let project = Project::new(&[("test_a.py", "def test_a(version):\n    print(version)\n")]);
    let venv = Venv::new(&project, "venv");
    let install = |version: &str, text: &str| {
        venv.write("pytest_own.py", text);
        let metadata = format!("Metadata-Version: 2.1\nName: pytest-own\nVersion: {version}\n");
        venv.write(&format!("pytest_own-{version}.dist-info/METADATA"), &metadata);
        venv.write(&format!("pytest_own-{version}.dist-info/entry_points.txt"), "[pytest11]\nown = pytest_own\n");
    };
    let fixture = |value: &str| {
        format!("import pytest\n\n@pytest.fixture\ndef version():\n    assert {value}\n    return {value}\n")
    };
    let run = || assert_same(|way| venv.command(&project, way));
    install("1.0", &fixture("1"));
    assert!(run().ended(End::Code(0)).stdout.contains("plugins: own-1.0"));
    std::fs::remove_dir_all(venv.site_packages("pytest_own-1.0.dist-info")).expect("it is installed");
    install("2.0", &fixture("None")); // of another size: Python tells sources apart by size and whole seconds
    assert!(run().ended(End::Code(1)).stdout.contains("plugins: own-2.0"));
    // In place, as an editable one is.
    venv.write("pytest_own-2.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: pytest-own\nVersion: 2.1\n");
    assert!(run().ended(End::Code(1)).stdout.contains("plugins: own-2.1"));
    venv.write("pytest_own-2.0.dist-info/entry_points.txt", "[pytest11]\nown = pytest_own\nother = pytest_other\n");
    assert!(run().stderr.contains("No module named 'pytest_other'"));
    venv.write("pytest_other.py", "def pytest_report_header():\n    return 'the other one'\n");
    assert!(run().stdout.contains("the other one"));
}

#[test]
fn an_environment_is_made_anew_in_place() {
    let project = Project::new(&[("test_a.py", SHOWS_APP)]);
    let run = |way, venv: &Venv| {
        let mut command = venv.command(&project, way);
        command.args(["-s", "-q", "--tb=line"]);
        command
    };
    for value in 1..=3 {
        let venv = Venv::new(&project, "venv");
        venv.write("app.py", &format!("VALUE = {value}\n"));
        let outcome = assert_same(|way: Way| run(way, &venv)).ended(End::Code(0));
        assert!(outcome.stdout.starts_with(&format!("{value} ")), "{outcome}");
        let path: PathBuf = venv.path;
        std::fs::remove_dir_all(path).expect("it is ours");
    }
}

#[test]
fn what_else_an_interpreter_starts_from() {
    let test = "import sys\n\ndef test_a():\n    print(sys.path, getattr(sys, 'mode', None))\n";
    let project = Project::new(&[("test_a.py", test)]);
    let venv = Venv::new(&project, "venv");
    let command = |way, mode: &str| {
        let mut command = venv.command(&project, way);
        command.args(["-s", "-q"]).env("MODE", mode);
        command
    };
    let run = |mode: &str| assert_same(|way| command(way, mode));
    run("one");
    // Settings beside the interpreter come before those above it.
    let settings = std::fs::read_to_string(venv.path.join("pyvenv.cfg")).expect("the environment has them");
    let beside = venv.path.join("bin/pyvenv.cfg");
    std::fs::write(&beside, settings.replace("= false", "= true")).expect("it is ours");
    assert_alike(|way| command(way, "one")); // what the host's own packages start is not known
    std::fs::remove_file(beside).expect("it is there");
    // Code behind a byte order mark is code to some versions.
    venv.write("marked.pth", "\u{feff}import os, sys; sys.mode = os.environ['MODE']\n");
    for mode in ["one", "two"] {
        run(mode);
    }
}

#[test]
fn pytest_itself_is_edited() {
    // Executed before anybody looks at the arguments: as a module, as a script, when it is first needed.
    for file in ["_pytest/terminal.py", "pytest/__main__.py", "_pytest/_argcomplete.py"] {
        let project = Project::new(&[("test_a.py", "def test_a():\n    pass\n")]);
        let venv = Venv::new(&project, "venv");
        let host = std::fs::read_to_string(venv.site_packages("host.pth")).expect("it names the host's packages");
        for package in ["pytest", "_pytest"] {
            let original = Path::new(&host).join(package);
            let copied = Command::new("cp").arg("-R").arg(original).arg(venv.site_packages("")).status();
            assert!(copied.expect("there is a cp").success());
        }
        assert_same(|way| venv.command(&project, way));
        let original = std::fs::read_to_string(venv.site_packages(file)).expect("it was copied");
        venv.write(file, &original.replacen("\nif ", "\nprint('edited')\nif ", 1));
        let edited = assert_alike(|way| venv.command(&project, way)); // what prints at its import is not kept warm
        assert!(edited.stdout.contains("edited"), "{file}: {edited}");
    }
}
