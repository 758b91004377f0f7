//! pyenv's shims: what changes the fingerprint, what does not, and what cannot be foretold.

use super::sandbox::{NATIVE, Sandbox};
use crate::interpreter::Launcher;

/// A pyenv at `home/.pyenv` with two versions, and a project in `home/code/project`.
fn pyenv() -> Sandbox {
    let mut sandbox = Sandbox::new();
    let root = sandbox.at("home/.pyenv").to_string_lossy().into_owned();
    sandbox.program("home/.pyenv/shims/python", &shim(&root));
    sandbox.program("home/.pyenv/libexec/pyenv", "#!/usr/bin/env bash\n");
    sandbox.file("home/.pyenv/version", "3.11.7\n");
    for version in ["3.11.7", "3.12.1"] {
        sandbox.program(&format!("home/.pyenv/versions/{version}/bin/python"), NATIVE);
    }
    sandbox.file("home/.pyenv/pyenv.d/exec/pip-rehash.bash", "");
    let virtualenv = "home/.pyenv/plugins/pyenv-virtualenv/etc/pyenv.d/which";
    sandbox.file(&format!("{virtualenv}/system-site-packages.bash"), "");
    sandbox.directory("usr/bin");
    sandbox.path(&["home/.pyenv/shims", "usr/bin"]);
    sandbox.set("HOME", sandbox.at("home"));
    sandbox.work_in("home/code/project");
    sandbox
}

/// The text that `pyenv rehash` of 2.6 writes.
fn shim(root: &str) -> String {
    [
        "#!/usr/bin/env bash",
        "set -e",
        "[ -n \"$PYENV_DEBUG\" ] && set -x",
        "",
        "program=\"${0##*/}\"",
        "",
        &format!("export PYENV_ROOT=\"{root}\""),
        "SHIM_PATH=${0%/*}",
        &format!("if [[ $SHIM_PATH != \"{root}/shims\" ]]; then"),
        "  export _PYENV_SHIM_PATH=\"$SHIM_PATH\"",
        "fi",
        &format!("exec \"{root}/libexec/pyenv\" exec \"$program\" \"$@\""),
        "",
    ]
    .join("\n")
}

/// The text that versions of pyenv up to 2.5 write.
fn shorter_shim(root: &str) -> String {
    let text = shim(root);
    let lines = text.lines().enumerate();
    let kept = lines.filter(|(number, _)| !(7..=10).contains(number));
    let lines: Vec<_> = kept.map(|(_, line)| line).collect();
    lines.join("\n")
}

#[test]
fn a_shim_is_recognised() {
    let sandbox = pyenv();
    let fingerprint = sandbox.fingerprint();
    assert!(fingerprint.starts_with("pyenv:"));
    assert_eq!(fingerprint.len(), "pyenv:".len() + 32);
    assert_eq!(sandbox.found(), "home/.pyenv/shims/python", "the shim itself is executed");
}

#[test]
fn a_shim_of_an_older_pyenv_is_recognised() {
    let sandbox = pyenv();
    let root = sandbox.at("home/.pyenv").to_string_lossy().into_owned();
    sandbox.program("home/.pyenv/shims/python", &shorter_shim(&root));
    assert!(sandbox.fingerprint().starts_with("pyenv:"));
}

#[test]
fn version_files_count_here_and_above() {
    let mut sandbox = pyenv();
    sandbox.changes(|sandbox| sandbox.file("home/code/project/.python-version", "3.12.1\n"));
    sandbox.changes(|sandbox| sandbox.file("home/code/project/.python-version", "3.11.7\n"));
    sandbox.changes(|sandbox| sandbox.file("home/code/.python-version", "3.12\n"));
    sandbox.changes(|sandbox| sandbox.remove("home/code/.python-version"));
    sandbox.changes(|sandbox| sandbox.file("home/.pyenv/version", "3.12.1\n"));
}

#[test]
fn version_files_count_on_the_logical_path_and_in_pyenv_dir() {
    let mut sandbox = pyenv();
    sandbox.directory("elsewhere/deep");
    sandbox.link("elsewhere/deep/link", sandbox.at("home/code/project"));
    sandbox.changes(|sandbox| sandbox.set("PWD", sandbox.at("elsewhere/deep/link")));
    sandbox.changes(|sandbox| sandbox.file("elsewhere/.python-version", "3.12.1\n"));
    sandbox.unset("PWD");
    sandbox.keeps(|sandbox| sandbox.file("elsewhere/.python-version", "3.11.7\n"));
    sandbox.changes(|sandbox| sandbox.set("PYENV_DIR", sandbox.at("elsewhere/deep")));
    sandbox.changes(|sandbox| sandbox.file("elsewhere/.python-version", "3.12.1\n"));
}

#[test]
fn variables_count() {
    let mut sandbox = pyenv();
    sandbox.changes(|sandbox| sandbox.set("PYENV_VERSION", "3.12.1"));
    sandbox.changes(|sandbox| sandbox.set("PYENV_VERSION", "3.11.7"));
    sandbox.changes(|sandbox| sandbox.unset("PYENV_VERSION"));
    sandbox.changes(|sandbox| sandbox.path(&["home/.pyenv/shims", "usr/bin", "empty"]));
    sandbox.changes(|sandbox| sandbox.set("HOME", sandbox.at("home/code")));
    sandbox.keeps(|sandbox| sandbox.set("DATABASE_URL", "sqlite://"));
}

#[test]
fn installed_versions_count() {
    let mut sandbox = pyenv();
    let newer = "home/.pyenv/versions/3.13.0/bin/python";
    sandbox.changes(|sandbox| sandbox.program(newer, NATIVE));
    sandbox.changes(|sandbox| sandbox.remove(newer));
    sandbox.changes(|sandbox| sandbox.remove("home/.pyenv/versions/3.13.0"));
    sandbox.changes(|sandbox| sandbox.set("PYENV_VERSION", "3.11.7/envs/web"));
    let environment = "home/.pyenv/versions/3.11.7/envs/web/bin/python";
    sandbox.changes(|sandbox| {
        sandbox.link(environment, sandbox.at("home/.pyenv/versions/3.11.7/bin/python"));
    });
}

#[test]
fn what_pyenv_puts_onto_path_counts() {
    let mut sandbox = pyenv();
    sandbox.changes(|sandbox| sandbox.directory("home/.pyenv/plugins/doctor"));
    sandbox.changes(|sandbox| sandbox.directory("home/.pyenv/plugins/doctor/bin"));
}

#[test]
fn the_systems_interpreters_count() {
    let mut sandbox = pyenv();
    sandbox.set("PYENV_VERSION", "system");
    sandbox.changes(|sandbox| sandbox.program("usr/bin/python", NATIVE));
}

#[test]
fn other_files_do_not_count() {
    let mut sandbox = pyenv();
    sandbox.keeps(|sandbox| sandbox.file("home/code/project/test_it.py", "def test(): pass\n"));
    sandbox.keeps(|sandbox| sandbox.file("home/code/project/sub/.python-version", "3.12.1\n"));
    sandbox.keeps(|sandbox| sandbox.file("home/.pyenv/versions/3.11.7/lib/x.py", ""));
    sandbox.keeps(|sandbox| sandbox.program("usr/bin/ls", NATIVE));
    sandbox.file("home/code/project/.python-version", "3.11.7\n");
    sandbox.keeps(|sandbox| sandbox.file("home/code/project/.python-version", "3.11.7\n"));
}

#[test]
fn the_name_it_is_called_by_counts() {
    let mut sandbox = pyenv();
    let text = shim(&sandbox.at("home/.pyenv").to_string_lossy());
    sandbox.program("home/.pyenv/shims/python3", &text);
    sandbox.changes(|sandbox| sandbox.ask_for("python3"));
}

#[test]
fn what_else_takes_part_cannot_be_foretold() {
    pyenv().spoils("plugin", |sandbox| {
        sandbox.file("home/.pyenv/plugins/x/etc/pyenv.d/version-name/x.bash", "");
    });
    pyenv().spoils("plugin", |sandbox| {
        sandbox.file("hooks/exec/x.bash", "");
        sandbox.set("PYENV_HOOK_PATH", sandbox.at("hooks"));
    });
    pyenv().spoils("BASH_ENV", |sandbox| sandbox.set("BASH_ENV", "~/.bashrc"));
    pyenv().spoils("PYENV_DEBUG", |sandbox| sandbox.set("PYENV_DEBUG", "1"));
    pyenv().spoils("PYENV_DIR", |sandbox| sandbox.set("PYENV_DIR", "sub"));
    pyenv().spoils("not there", |sandbox| sandbox.remove("home/.pyenv/libexec"));
}

#[test]
fn an_edited_shim_is_unknown() {
    let sandbox = pyenv();
    let root = sandbox.at("home/.pyenv").to_string_lossy().into_owned();
    let text = shim(&root);
    for edited in [
        text.replace("set -e\n", "set -e\nexport PYENV_VERSION=$(cat /tmp/version)\n"),
        text.replace("#!/usr/bin/env bash", "#!/bin/sh"),
        text.replace(&root, "$HOME/.pyenv"),
        text.replace("export PYENV_ROOT", "PYENV_ROOT"),
    ] {
        sandbox.program("home/.pyenv/shims/python", &edited);
        assert!(matches!(sandbox.launcher(), Launcher::Unknown { .. }), "{edited}");
    }
}
