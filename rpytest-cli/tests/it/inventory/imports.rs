//! What a collection imports comes, changes and goes.

use std::fs;

use super::assert_command_lists;
use crate::harness::{End, Project, Running, interpreter};
use crate::venv::Venv;

/// One test for each value of `app`, or one for the lack of it.
const TESTS: &str = "\
import pytest

try:
    from app import VALUES
except ImportError:
    VALUES = ['none']

@pytest.mark.parametrize('value', VALUES)
def test_a(value): pass
";

struct Installation {
    project: Project,
    venv: Venv,
}

impl Installation {
    fn new(tests: &str) -> Self {
        // pytest itself looks nowhere else.
        let project = Project::new(&[("tests/test_a.py", tests), ("pytest.ini", "[pytest]\ntestpaths = tests\n")]);
        let venv = Venv::new(&project, "venv");
        Self { project, venv }
    }

    /// A list is right, and is known from then on.
    #[track_caller]
    fn assert_lists(&self) {
        let lists = || assert_command_lists(|way| self.venv.command(&self.project, way), &[]);
        lists();
        assert!(!lists(), "it is known");
    }

    fn path(&self, name: &str) -> String {
        self.project.path(name).to_str().expect("its path is text").to_owned()
    }
}

#[test]
fn by_a_path_file() {
    let installation = Installation::new(TESTS);
    installation.project.write("source/app.py", "VALUES = [1]\n");
    installation.project.write("source-2/app.py", "VALUES = [1, 2]\n");
    installation.assert_lists();
    for name in ["source", "source-2", "missing"] {
        installation.venv.write("app.pth", &installation.path(name));
        installation.assert_lists();
    }
    installation.project.write("missing/app.py", "VALUES = [1, 2, 3]\n");
    installation.assert_lists();
}

#[test]
fn from_a_package() {
    let tests = TESTS.replace("app import", "app.parts.values import");
    let installation = Installation::new(&tests);
    installation.project.write("source/app/__init__.py", "");
    installation.venv.write("app.pth", &installation.path("source"));
    installation.assert_lists();
    installation.project.write("source/app/parts/__init__.py", "");
    installation.assert_lists();
    installation.project.write("source/app/parts/values.py", "VALUES = ['module']\n");
    installation.assert_lists();
    installation.project.write("source/app/parts/values/__init__.py", "VALUES = ['package']\n");
    installation.assert_lists();
    fs::remove_dir_all(installation.path("source/app/parts")).expect("it is there");
    installation.assert_lists();
}

#[test]
fn from_an_archive() {
    let installation = Installation::new(TESTS);
    let archive = installation.path("lib.zip");
    installation.venv.write("app.pth", &archive);
    installation.assert_lists();
    for values in ["VALUES = [1]", "VALUES = [1, 2]"] {
        let script = "import sys, zipfile; zipfile.ZipFile(sys.argv[1], 'w').writestr('app.py', sys.argv[2])";
        let mut command = installation.project.clean(interpreter());
        Running::start(command.args(["-c", script, &archive, values])).finish().ended(End::Code(0));
        installation.assert_lists();
    }
    fs::remove_file(&archive).expect("it is there");
    installation.assert_lists();
}
