//! What else decides which tests there are: pytest's cache, and collectors that are not for Python files.

use super::assert_lists;
use crate::harness::{End, Project};

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
