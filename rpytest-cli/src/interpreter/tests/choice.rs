//! Which path is found: the order of the rules, the search of `PATH`, and the errors.

use super::sandbox::{NATIVE, Sandbox};
use crate::interpreter::{Launcher, Origin};

fn everything() -> Sandbox {
    let mut sandbox = Sandbox::new();
    for program in [
        "named/python",
        "variable/python",
        "own/bin/python",
        "bin/python",
        "venv/bin/python",
        "conda/bin/python",
        "bin3/python3",
    ] {
        sandbox.program(program, NATIVE);
    }
    sandbox.file("own/pyvenv.cfg", "");
    sandbox.path(&["bin", "bin3"]);
    sandbox.set("RPYTEST_PYTHON", sandbox.at("variable/python"));
    sandbox.run_as(sandbox.at("own/bin/rpytest"));
    sandbox.set("VIRTUAL_ENV", sandbox.at("venv"));
    sandbox.set("CONDA_PREFIX", sandbox.at("conda"));
    sandbox
}

#[test]
fn the_rules_are_tried_in_order() {
    let mut sandbox = everything();
    assert_eq!(sandbox.found(), "variable/python");
    sandbox.unset("RPYTEST_PYTHON");
    assert_eq!(sandbox.found(), "own/bin/python");
    sandbox.remove("own/bin/python");
    assert_eq!(sandbox.found(), "bin/python");
    sandbox.remove("bin/python");
    assert_eq!(sandbox.found(), "venv/bin/python");
    sandbox.set("VIRTUAL_ENV", "");
    assert_eq!(sandbox.found(), "conda/bin/python");
    sandbox.remove("conda");
    assert_eq!(sandbox.found(), "bin3/python3");
    let origin = sandbox.find().map(|found| found.origin);
    assert_eq!(origin, Ok(Origin::Python3OnPath));
}

#[test]
fn the_option_comes_before_everything_and_must_be_right() {
    let mut sandbox = everything();
    sandbox.ask_for("../named/python");
    assert_eq!(sandbox.found(), "work/../named/python");
    sandbox.ask_for("python3");
    assert_eq!(sandbox.found(), "bin3/python3");
    sandbox.ask_for("./python");
    assert_eq!(sandbox.error(), "no Python interpreter at ~/work/./python, which --python names: it does not exist");
    sandbox.ask_for("../named");
    assert!(sandbox.error().ends_with("it is a directory"));
    sandbox.ask_for("");
    assert!(sandbox.error().starts_with("no Python interpreter ``"));
}

#[test]
fn a_wrong_variable_is_not_passed_over() {
    let mut sandbox = everything();
    sandbox.set("RPYTEST_PYTHON", "python9");
    assert_eq!(sandbox.error(), "no Python interpreter `python9`, which RPYTEST_PYTHON names, on PATH (~/bin:~/bin3)");
    sandbox.set("RPYTEST_PYTHON", "");
    assert_eq!(sandbox.found(), "own/bin/python");
}

#[test]
fn beside_counts_only_in_an_environment() {
    let mut sandbox = everything();
    sandbox.unset("RPYTEST_PYTHON");
    sandbox.remove("own/pyvenv.cfg");
    assert_eq!(sandbox.found(), "bin/python");
    sandbox.directory("own/conda-meta");
    assert_eq!(sandbox.found(), "own/bin/python");
    sandbox.run_as("../own/bin/rpytest");
    assert_eq!(sandbox.found(), "work/../own/bin/python");
    // A tool installer's link: the private environment that it leads to is not the user's.
    sandbox.link("tools/rpytest", sandbox.at("own/bin/rpytest"));
    sandbox.run_as(sandbox.at("tools/rpytest"));
    assert_eq!(sandbox.found(), "bin/python");
}

#[test]
fn links_are_kept() {
    let mut sandbox = Sandbox::new();
    sandbox.program("usr/bin/python3.11", NATIVE);
    sandbox.file("venv/pyvenv.cfg", "");
    sandbox.link("venv/bin/python", sandbox.at("usr/bin/python3.11"));
    sandbox.link("alias", sandbox.at("venv"));
    sandbox.path(&["alias/bin"]);
    assert_eq!(sandbox.found(), "alias/bin/python");
    assert_eq!(sandbox.launcher(), Launcher::Binary);
}

#[test]
fn path_is_searched_as_by_execvp() {
    let mut sandbox = Sandbox::new();
    sandbox.file("plain/python", NATIVE);
    sandbox.directory("directory/python");
    sandbox.link("dangling/python", "nowhere");
    sandbox.program("good/python", NATIVE);
    sandbox.path(&["missing", "plain", "directory", "dangling", "good"]);
    assert_eq!(sandbox.found(), "good/python");

    sandbox.program("work/python", NATIVE);
    sandbox.program("work/relative/python", NATIVE);
    sandbox.set("PATH", "relative:/nowhere");
    assert_eq!(sandbox.found(), "work/relative/python");
    for empty_element in ["", ":/nowhere", "/nowhere:", "/nowhere::/nowhere"] {
        sandbox.set("PATH", empty_element);
        assert_eq!(sandbox.found(), "work/python", "PATH={empty_element:?}");
    }
}

#[test]
fn without_path_the_system_is_searched() {
    let mut sandbox = Sandbox::new();
    sandbox.unset("PATH");
    sandbox.ask_for("sh");
    assert_eq!(sandbox.found(), "/bin/sh");
    sandbox.ask_for("no-such-python");
    assert!(sandbox.error().ends_with("on PATH (not set, so /bin:/usr/bin)"));
}

#[test]
fn the_error_names_every_place() {
    let mut sandbox = Sandbox::new();
    sandbox.set("CONDA_PREFIX", sandbox.at("conda"));
    assert_eq!(
        sandbox.error(),
        "no Python interpreter found: looked for `python` beside rpytest (which is not in an environment), \
         `python` on PATH (~/empty), VIRTUAL_ENV (not set), CONDA_PREFIX (~/conda), `python3` on PATH"
    );
    sandbox.file("own/pyvenv.cfg", "");
    sandbox.run_as(sandbox.at("own/bin/rpytest"));
    assert!(sandbox.error().contains("beside rpytest (~/own/bin)"));
}
