//! What else decides which tests there are: pytest's cache, collectors that are not for Python files, directories and links,
//! and variables.

use super::{assert_lists, assert_lists_with};
use crate::harness::{End, Project, wait_for};

#[test]
fn what_the_cache_remembers() {
    let project = Project::new(&[
        ("test_a.py", "def test_1(): pass\n\ndef test_2(): assert 0\n\ndef test_3(): pass\n"),
        ("test_b.py", "def test_4(): assert 0\n\ndef test_5(): pass\n"),
        ("test_c.py", "def test_6(): pass\n"),
    ]);
    let flags: [&[&str]; 7] = [
        &["--lf"],
        &["--ff"],
        &["--nf"],
        &["--sw"],
        &["--lf", "--lfnf=none"],
        &["--lf", "-k", "4"],
        &["--ff", "test_b.py", "test_a.py"],
    ];
    let assert_all_list = || {
        for arguments in flags {
            assert_lists(&project, arguments);
        }
        assert_lists(&project, &[]);
    };
    assert_all_list();
    project.run(&["-q"]).ended(End::Code(1));
    assert_all_list();
    assert_all_list();
    project.write("test_a.py", "def test_1(): assert 0\n\ndef test_2(): pass\n\ndef test_7(): pass\n");
    project.write("test_d.py", "def test_8(): pass\n");
    assert_all_list();
    project.run_plain(&["-q", "--sw"]).ended(End::Code(2)); // of which nobody has told us
    assert_all_list();
    project.run(&["-q", "--cache-clear", "test_c.py"]).ended(End::Code(0));
    assert_all_list();
}

const CONFTEST: &str = "\
import pytest

def pytest_collect_file(parent, file_path):
    if file_path.suffix == '.lines':
        return Lines.from_parent(parent, path=file_path)

class Lines(pytest.File):
    def collect(self):
        for line in self.path.read_text().split():
            item = Line.from_parent(self, name=line)
            item.add_marker(line)
            yield item

class Line(pytest.Item):
    def runtest(self):
        assert self.name != 'wrong'
";

#[test]
fn what_is_no_function() {
    let project = Project::new(&[
        ("conftest.py", CONFTEST),
        ("a.lines", "one two wrong"),
        ("pytest.ini", "[pytest]\naddopts = --doctest-modules --doctest-glob=*.rst\n"),
        ("module.py", "def double(n):\n    '''\n    >>> double(2)\n    4\n    '''\n    return 2 * n\n"),
        ("notes.rst", ">>> 1 + 1\n3\n"),
    ]);
    project.run(&["-q"]).ended(End::Code(1));
    let selections: [&[&str]; 5] = [&[], &["-k", "one or double"], &["-m", "two"], &["a.lines"], &["-k", "notes"]];
    for (path, text) in [("b.lines", "one"), ("a.lines", "two three"), ("module.py", ""), ("notes.rst", "none\n")] {
        for arguments in selections {
            assert_lists(&project, arguments);
            assert!(!assert_lists(&project, arguments), "{arguments:?} is known");
        }
        project.write(path, text);
    }
    assert_lists(&project, &[]);
}

/// Each time something else is in the place of a file, or of nothing.
#[test]
fn what_names_stand_for() {
    let project = Project::new(&[
        ("test_a.py", "def test_a(): pass\n"),
        ("data", "text"),
        ("pytest.ini", "[pytest]\ntestpaths = . pk/*/tests a/nope\nnorecursedirs = testsold pk a\n"),
        ("testsold/text", ""),
        ("env3.1/pyvenv.cfg", ""),
        ("env3.1/test_e.py", "def test_e(): pass\n"),
        ("pk/b/text", ""),
    ]);
    for (link, target) in [("test_link.py", "later/t.py"), ("loop", "loop")] {
        std::os::unix::fs::symlink(target, project.path(link)).expect("the directory takes a link");
    }
    let steps: [&dyn Fn(); 6] = [
        &|| {
            std::fs::remove_file(project.path("data")).expect("it is there");
            project.write("data/test_d.py", "def test_d(): pass\n");
        },
        &|| project.write("later/t.py", "def test_l(): pass\n"),
        &|| std::fs::remove_file(project.path("env3.1/pyvenv.cfg")).expect("it is there"),
        &|| project.write("a/nope/test_n.py", "def test_n(): pass\n"),
        &|| project.write("pk/b/tests/test_p.py", "def test_p(): pass\n"),
        &|| project.write("testsold/conftest.py", "def pytest_collection_modifyitems(items): items.reverse()\n"),
    ];
    for step in steps {
        wait_for("a list that holds", || (!assert_lists(&project, &[])).then_some(()));
        step();
        assert!(assert_lists(&project, &[]), "something has changed");
    }
}

#[test]
fn what_a_conftest_sets_and_what_nobody_can_look_at() {
    let project = Project::new(&[
        (
            "test_a.py",
            "import pytest, conftest\n\n@pytest.mark.parametrize('n', conftest.VALUES)\ndef test_a(n): pass\n",
        ),
        (
            "conftest.py",
            "import os\n\nVALUES = [1, 2] if os.environ.get('MODE') == 'x' else [1]\nos.environ['MODE'] = 'x'\n\
             os.path.exists('x' * 400)\n",
        ),
    ]);
    wait_for("a list that holds", || (!assert_lists(&project, &[])).then_some(()));
    for mode in ["x", "y"] {
        assert_lists_with(&project, ("MODE", mode), &[]);
    }
}

/// pytest looks at its cache when it has selected in every other way.
#[test]
fn a_cache_that_an_ini_file_asks_for() {
    let project = Project::new(&[
        ("test_a.py", "class TestX:\n    def test_f(self): assert 0\n\n    def test_p(self): pass\n"),
        ("test_b.py", "def test_q(): pass\n"),
    ]);
    project.run(&["-q"]).ended(End::Code(1));
    project.write("pytest.ini", "[pytest]\naddopts = --lf\n");
    for _ in 0..2 {
        for arguments in [&["-k", "test_p"][..], &["-k", "q"], &["--deselect", "test_a.py::TestX::test_f"], &[]] {
            assert_lists(&project, arguments);
        }
    }
}
