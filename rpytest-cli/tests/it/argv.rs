//! Arguments: rpytest's own flags are picked out, every other byte reaches pytest as it was typed.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use crate::harness::{End, Project, Running, SessionPath, Way, assert_same, interpreter};

const SHOWS_ARGUMENTS: &str = "\
import sys

def pytest_configure(config):
    print(ascii(sys.argv[1:]), ascii(sys.orig_argv[1:]) if hasattr(sys, 'orig_argv') else '')
    print(ascii(config.invocation_params.args), config.invocation_params.dir == config.rootpath)
";

const TESTS: &str = "\
import pytest

def test_a():
    print('in a')

@pytest.mark.parametrize('value', ['x-y', 'with space', 'ä', '[x]'])
def test_p(value):
    assert value != 'x-y'
";

fn project() -> Project {
    Project::new(&[("conftest.py", SHOWS_ARGUMENTS), ("test_a.py", TESTS), ("words.txt", "-v\n-k\ntest_a\n")])
}

#[test]
fn arguments_of_pytest_are_left_alone() {
    let project = project();
    for arguments in [
        &["-xvs"][..],
        &["-p", "no:cacheprovider", "-pno:doctest"],
        &["-k", "not a", "-rA", "--tb=line"],
        &["test_a.py::test_p[x-y]", "test_a.py::test_p[with space]", "-v"],
        &["test_a.py::test_p[[x]]"],
        &["test_a.py::test_p[no such]"],
        &["-q", "--", "test_a.py"],
        &["-q", "--co", "-o", "console_output_style=count"],
        &["-q", "-c", "/dev/null", "--rootdir", "."],
        &["@words.txt"],
        &["-q", ""],
        &["--version"],
    ] {
        project.assert_same(arguments);
    }
}

#[test]
fn help_is_that_of_pytest() {
    let outcome = project().assert_same(&["--help"]).ended(End::Code(0));
    assert!(!outcome.stdout.contains("rpytest"), "{outcome}");
}

#[test]
fn unknown_flags_are_refused_by_pytest() {
    let project = project();
    let ours_beside_a_command = ["--json", "--force", "--cleanup-max-age=1h", "--verify-verbose", "--verify-mask=x"];
    for flag in ["--no-such-flag", "--pyth", "--daemon-statu", "--daemon", "--inventory=x", "-Z"]
        .into_iter()
        .chain(ours_beside_a_command)
    {
        project.assert_same(&[flag]).ended(End::Code(4));
    }
}

#[test]
fn a_plugin_may_have_a_flag_that_modifies_our_commands() {
    let conftest = "\
def pytest_addoption(parser):
    parser.addoption('--json', action='store_true')
    parser.addoption('--force')

def pytest_report_header(config):
    return f'json={config.option.json} force={config.option.force}'
";
    let project = Project::new(&[("conftest.py", conftest), ("test_a.py", "def test_a(): pass\n")]);
    let outcome = project.assert_same(&["--json", "--force", "x"]).ended(End::Code(0));
    assert!(outcome.stdout.contains("json=True force=x"), "{outcome}");
}

#[test]
fn arguments_need_not_be_text() {
    let project = project();
    let odd = OsString::from_vec(b"test_\xff.py".to_vec());
    let deselect = OsString::from_vec(b"--deselect=test_\xfe".to_vec());
    std::fs::write(project.path(&odd), "def test_odd(): pass\n").expect("a name is bytes");
    for arguments in [vec![odd.clone()], vec![deselect], vec!["-q".into(), OsString::new(), odd]] {
        assert_same(|way| {
            let mut command = project.command(way);
            command.args(&arguments);
            command
        });
    }
}

#[test]
fn our_flags_are_picked_out_wherever_they_stand() {
    let project = project();
    let python = interpreter().to_str().expect("its path is text");
    let plain = project.run_plain(&["-q", "-s", "test_a.py"]);
    project.run(&["-q"]);
    let attached = format!("--python={python}");
    for arguments in [
        &["-q", "--python", python, "-s", "test_a.py"][..],
        &[attached.as_str(), "-q", "-s", "test_a.py"],
        &["-q", "-s", "test_a.py", "--daemon-idle-timeout", "90s"],
    ] {
        project.run(arguments).went(SessionPath::Warm).assert_like(&plain, "plain pytest");
    }
}

#[test]
fn behind_two_dashes_nothing_is_ours() {
    let project = project();
    for arguments in [&["-q", "--", "--python"][..], &["--", "--daemon-status"], &["-q", "--", "--rpytest-help"]] {
        project.assert_same(arguments).ended(End::Code(4));
    }
}

#[test]
fn the_value_of_a_flag_is_never_a_flag() {
    // pytest takes no value that looks like a flag, so `--python` behind `-k` is ours.
    let project = project();
    let python = interpreter().to_str().expect("its path is text");
    let plain = project.run_plain(&["-k"]);
    project.run(&["-k", "--python", python]).assert_like(&plain, "plain pytest");
}

#[test]
fn wrong_use_of_our_flags_is_4() {
    let project = project();
    for (arguments, message) in [
        (&["--python"][..], "a value is required for '--python <PATH>' but none was supplied"),
        (&["--daemon-idle-timeout", "soon"], "invalid value 'soon' for '--daemon-idle-timeout <AGE>'"),
        (&["--daemon-status", "test_a.py"], "unexpected argument test_a.py: this command runs no tests"),
        (&["--daemon-status", "--daemon-stop"], "the argument '--daemon-status' cannot be used with '--daemon-stop'"),
        (&["--verify-dropin", "--verify-mask", "("], "invalid value '(' for '--verify-mask <REGEX>'"),
        (&["--verify-dropin", "--events", "x"], "the argument '--verify-dropin' cannot be used with '--events <FILE>'"),
        (&["--python", "/no/such/python"], "no Python interpreter at /no/such/python, which --python names"),
        (&["--python", "no-such-python"], "no Python interpreter `no-such-python`, which --python names, on PATH"),
    ] {
        let outcome = project.run(arguments).ended(End::Code(4));
        assert!(outcome.stderr.starts_with(&format!("rpytest: {message}")), "{outcome}");
        assert_eq!(outcome.stdout, "", "{outcome}");
    }
}

#[test]
fn our_own_help_and_version() {
    let project = project();
    let help = project.run(&["--rpytest-help"]).ended(End::Code(0));
    assert!(help.stdout.contains("--daemon-status"), "{help}");
    let version = Running::start(project.command(Way::Rpytest).arg("--rpytest-version")).finish();
    assert_eq!(version.stdout, format!("rpytest {}\n", env!("CARGO_PKG_VERSION")));
}
