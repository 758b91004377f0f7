//! Collections in which the project looks at what was selected, changes it, or might.

use super::assert_lists;
use super::turbo::assert_turbo;
use crate::harness::Project;

const TEST: &str =
    "import pytest\n\n@pytest.mark.slow\ndef test_slow(): pass\n\ndef test_fast(): pass\n\ndef test_last(): pass\n";

fn project(conftest: &str) -> Project {
    let project = Project::new(&[("conftest.py", conftest), ("pytest.ini", "[pytest]\nmarkers = slow: x\n")]);
    for number in 0..4 {
        project.write(&format!("tests/test_{number}.py"), TEST);
    }
    project
}

/// Nobody need look at it for that.
#[test]
fn what_a_conftest_selects_by_itself() {
    for conftest in [
        "def pytest_configure(config):\n    config.option.markexpr = 'not slow'\n",
        "import pytest\n\n@pytest.hookimpl(tryfirst=True)\ndef pytest_configure(config):\n    \
         setattr(config.option, 'mark' + 'expr', 'slow')\n",
        "def pytest_sessionstart(session):\n    session.config.option.keyword = 'fast'\n",
        "def pytest_configure(config):\n    config.option.deselect = ['tests/test_1.py']\n",
        "import copy\n\ndef pytest_configure(config):\n    config.option.__dict__.update(copy.deepcopy(config.option).__dict__, markexpr='slow')\n",
        "def pytest_configure(config):\n    vars(config.option)['keyword'] = 'last'\n",
    ] {
        let project = project(conftest);
        for arguments in [&[][..], &["-m", "slow"], &["-k", "1"], &["--deselect", "tests/test_2.py", "-k", "2 or last"]]
        {
            assert_lists(&project, arguments);
            if !arguments.is_empty() {
                assert_turbo(&project, arguments);
            }
        }
    }
}

/// What stands where pytest's own things did is what they were.
#[test]
fn what_pytest_made_is_of_its_own_classes() {
    let project = project(
        "import argparse, pickle, pytest\n\ndef pytest_generate_tests(metafunc):\n    config = metafunc.config\n    \
         metafunc.fixturenames.append('n')\n    metafunc.parametrize('n', [type(config) is pytest.Config, \
         type(config.option) is argparse.Namespace, len(pickle.loads(pickle.dumps(argparse.Namespace(a=1))).__dict__)])\n",
    );
    assert_lists(&project, &[]);
}

/// `-s` has pytest capture nothing, `--pdb` registers a plugin: that is there for who asks.
#[test]
fn what_pytest_makes_of_flags() {
    let project = project(
        "def pytest_generate_tests(metafunc):\n    plugins = metafunc.config.pluginmanager\n    \
         metafunc.fixturenames.append('n')\n    \
         metafunc.parametrize('n', [plugins.getplugin('capturemanager').is_globally_capturing(), plugins.hasplugin('pdbinvoke')])\n",
    );
    for arguments in [&[][..], &["-s"], &["--pdb"], &["-s", "-k", "1"]] {
        assert_lists(&project, arguments);
    }
}

/// Every list is a collection, and a header shows no tests.
#[test]
fn what_a_conftest_asks_to_no_effect() {
    let project = project(
        "def pytest_configure(config):\n    if config.option.collectonly:\n        return\n\n\
         def pytest_report_header(config):\n    return str(config.getoption('verbose'))\n",
    );
    assert_lists(&project, &[]);
    assert!(!assert_lists(&project, &["-k", "fast"]), "it is a part of what is known");
}
