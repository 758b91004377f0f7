//! Changes of a project in random order.

use std::fs;

use super::assert_command_lists;
use super::turbo::assert_command_turbo;
use crate::harness::Project;
use crate::venv::Venv;

/// As many changes, unless `RPYTEST_TEST_CASES` says otherwise.
const CHANGES: u64 = 15;

/// A project that is changed at random, by a seed that is told when it fails.
struct Changing {
    project: Project,
    venv: Venv,
    seed: u64,
    random: u64,
    variables: Vec<(&'static str, &'static str)>,
    told: Vec<String>,
}

impl Changing {
    fn below(&mut self, limit: usize) -> usize {
        // xorshift
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random % limit as u64).expect("it is below a usize")
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// Not settled, as in the hands of a person: neither is it waited for.
    fn write(&self, path: &str, text: &str) {
        let path = self.project.path(path);
        fs::create_dir_all(path.parent().expect("it is below the project")).expect("it can be made");
        fs::write(path, text).expect("it can be written");
    }

    fn remove(&self, path: &str) {
        let path = self.project.path(path);
        // It may not be there.
        let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    }

    fn file(&mut self) -> String {
        let directory = self.one_of(&["", "tests/", "tests/deep/", "other/"]);
        format!("{directory}test_{}.py", self.one_of(&["one", "two", "three"]))
    }

    fn change(&mut self) {
        let kind = self.below(15);
        let file = self.file();
        match kind {
            0..=2 => {
                let count = self.below(4) + 1;
                let text = format!(
                    "import pytest, os\nfrom helper import NAMES\n\n\
                     @pytest.mark.parametrize('n', range({count}))\ndef test_number(n): pass\n\n\
                     @pytest.mark.slow\n@pytest.mark.parametrize('name', NAMES)\ndef test_name(name): pass\n\n\
                     class TestClass:\n    def test_method(self): pass\n    def check_it(self): pass\n"
                );
                self.write(&file, &text);
            }
            3 => self.remove(&file),
            4 => {
                let to = self.file();
                let to = self.project.path(to);
                fs::create_dir_all(to.parent().expect("a directory")).expect("it can be made");
                // There may be nothing to rename.
                let _ = fs::rename(self.project.path(&file), to);
            }
            5 => {
                let names = self.one_of(&["NAMES = ['a', 'b']\n", "NAMES = ['a', 'c']\n", "NAMES = ['x y', 'ü']\n"]);
                self.write("helper.py", names);
            }
            6 => {
                let ini = self.one_of(&[
                    "[pytest]\nmarkers = slow\n",
                    "[pytest]\npython_functions = test check\n",
                    "[pytest]\naddopts = -m 'not slow'\n",
                    "[pytest]\naddopts = -k number\n",
                    "[pytest]\ntestpaths = tests\n",
                    "[pytest]\npython_files = test_o*.py\nnorecursedirs = deep\n",
                    "[pytest]\naddopts = -p plug\n",
                ]);
                self.write("pytest.ini", ini);
            }
            7 => self.remove("pytest.ini"),
            8 => {
                let directory = self.one_of(&["", "tests/", "tests/deep/"]);
                let text = self.one_of(&[
                    "collect_ignore = ['test_one.py']\n",
                    "def pytest_collection_modifyitems(items): items.reverse()\n",
                    "import pytest\n\n@pytest.fixture(params=[1, 2], scope='session', autouse=True)\ndef each(request): pass\n",
                    "import os\ncollect_ignore = ['test_two.py'] if os.environ.get('MODE') else []\n",
                    "import json, pathlib\nDATA = pathlib.Path(__file__).with_name('data.json')\n\
                     collect_ignore = json.loads(DATA.read_text()) if DATA.exists() else []\n",
                    "def pytest_itemcollected(item): item.add_marker('slow')\n",
                ]);
                self.write(&format!("{directory}conftest.py"), text);
            }
            9 => {
                let directory = self.one_of(&["", "tests/", "tests/deep/"]);
                self.remove(&format!("{directory}conftest.py"));
            }
            10 => {
                let names = self.one_of(&["[\"test_two.py\"]", "[]", "[\"test_three.py\"]"]);
                let directory = self.one_of(&["", "tests/"]);
                self.write(&format!("{directory}data.json"), names);
            }
            11 => {
                let plugin = self.one_of(&[
                    "def pytest_generate_tests(metafunc): pass\n",
                    "def pytest_ignore_collect(collection_path): return True if collection_path.name == 'other' else None\n",
                ]);
                self.write("plug.py", plugin);
            }
            12 => self.install(),
            13 => self.uninstall(),
            _ => {
                let variables = [&[][..], &[("MODE", "1")], &[("PYTEST_ADDOPTS", "-k name")], &[("OTHER", "1")]];
                self.variables = self.one_of(&variables).to_vec();
            }
        }
        self.told.push(format!("{kind} {file} {:?}", self.variables));
    }

    /// Another version of a distribution with a plugin, in the place of any other.
    fn install(&mut self) {
        self.uninstall();
        let plugin = self.one_of(&[
            "def pytest_collection_modifyitems(items): items.reverse()\n",
            "def pytest_ignore_collect(collection_path): return collection_path.name == 'test_one.py' or None\n",
            "import pytest\n\n@pytest.fixture(params=['x', 'y'], autouse=True)\ndef each_own(request): pass\n",
        ]);
        let version = self.one_of(&["1.0", "2.0"]);
        let files = [
            ("pytest_own.py".to_owned(), plugin.to_owned()),
            (format!("pytest_own-{version}.dist-info/METADATA"), format!("Name: pytest-own\nVersion: {version}\n")),
            (format!("pytest_own-{version}.dist-info/entry_points.txt"), "[pytest11]\nown = pytest_own\n".to_owned()),
        ];
        for (path, text) in files {
            self.write(self.venv.site_packages(&path).to_str().expect("its path is text"), &text);
        }
    }

    fn uninstall(&self) {
        for name in ["pytest_own.py", "pytest_own-1.0.dist-info", "pytest_own-2.0.dist-info"] {
            self.remove(self.venv.site_packages(name).to_str().expect("its path is text"));
        }
    }

    fn check(&mut self) {
        let file = self.file();
        let test = format!("{file}::test_name");
        let all = [
            &[][..],
            &["-k", "number and not 2"],
            &["-m", "slow"],
            &[&file],
            &[&test],
            &["tests"],
            &["--deselect", &test],
            &["tests", "-k", "TestClass or ü"],
            &["-k", "a b"],
            &["tests", "rest", "-k", "test_name"],
        ];
        let arguments = all[self.below(all.len())];
        self.told.push(format!("--list {arguments:?}"));
        let command = |way| {
            let mut command = self.venv.command(&self.project, way);
            command.envs(self.variables.iter().copied());
            command
        };
        assert_command_lists(command, arguments);
        assert_command_turbo(command, arguments);
    }
}

impl Drop for Changing {
    /// Cargo shows what a failed test has written.
    #[expect(clippy::print_stderr, reason = "it is for whoever reads why the test has failed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{:#?}\nagain with RPYTEST_TEST_SEED={}", self.told, self.seed);
        }
    }
}

#[test]
fn neither_a_list_nor_a_selection_is_ever_wrong() {
    let number = |name: &str| std::env::var(name).ok().and_then(|number| number.parse::<u64>().ok());
    let seed = number("RPYTEST_TEST_SEED").unwrap_or_else(|| u64::from(std::process::id()) | 1 << 40);
    let project = Project::new(&[
        ("helper.py", "NAMES = ['a', 'b']\n"),
        ("plug.py", ""),
        ("tests/test_one.py", "def test_a(): pass\n"),
    ]);
    for number in 0..8 {
        project.write(&format!("rest/test_rest_{number}.py"), "def test_rest(): pass\n"); // so that there is something to leave out
    }
    let venv = Venv::new(&project, "venv");
    let mut changing = Changing { project, venv, seed, random: seed, variables: Vec::new(), told: Vec::new() };
    for _ in 0..number("RPYTEST_TEST_CASES").unwrap_or(CHANGES) {
        for _ in 0..=changing.below(2) {
            changing.change();
        }
        changing.check();
        changing.check();
    }
}
