//! mise's shims: what changes the fingerprint, what does not, and what cannot be foretold.

use super::sandbox::{NATIVE, Sandbox};

const DATA: &str = "home/.local/share/mise";

fn mise() -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.program("usr/bin/mise", NATIVE);
    sandbox.link(&format!("{DATA}/shims/python"), sandbox.at("usr/bin/mise"));
    for version in ["3.11.7", "3.12.1"] {
        sandbox.program(&format!("{DATA}/installs/python/{version}/bin/python"), NATIVE);
    }
    sandbox.file("home/.config/mise/config.toml", "[tools]\npython = \"3.11\"\n");
    sandbox.path(&[&format!("{DATA}/shims"), "usr/bin"]);
    sandbox.set("HOME", sandbox.at("home"));
    sandbox.work_in("code/project");
    sandbox
}

#[test]
fn a_shim_is_recognised() {
    let sandbox = mise();
    assert!(sandbox.fingerprint().starts_with("mise:"));
    assert_eq!(sandbox.found(), format!("{DATA}/shims/python"));
}

#[test]
fn every_configuration_file_counts() {
    let mut sandbox = mise();
    for file in [
        "code/project/mise.toml",
        "code/project/mise.ci.local.toml",
        "code/project/.mise/config.toml",
        "code/project/.mise/conf.d/tools.toml",
        "code/.config/mise.toml",
        "code/.config/mise/conf.d/tools.toml",
        "code/.tool-versions",
        "code/.python-version",
        "code/mise.lock",
        "code/.miserc.toml",
        "home/.config/mise/conf.d/tools.toml",
        "home/.config/mise/config.local.toml",
    ] {
        sandbox.changes(|sandbox| sandbox.file(file, "python = \"3.12\"\n"));
        sandbox.changes(|sandbox| sandbox.file(file, "python = \"3.11\"\n"));
    }
}

#[test]
fn variables_and_installed_versions_count() {
    let mut sandbox = mise();
    sandbox.changes(|sandbox| sandbox.set("MISE_PYTHON_VERSION", "3.12"));
    sandbox.changes(|sandbox| sandbox.set("MISE_ENV", "ci"));
    sandbox.changes(|sandbox| sandbox.remove(&format!("{DATA}/installs/python/3.12.1")));
    sandbox.changes(|sandbox| sandbox.directory(&format!("{DATA}/installs/node/22.1.0")));
    sandbox.keeps(|sandbox| sandbox.file("code/project/test_it.py", ""));
    sandbox.keeps(|sandbox| sandbox.file("code/project/pyproject.toml", ""));
    sandbox.keeps(|sandbox| sandbox.set("DATABASE_URL", "sqlite://"));
}

#[test]
fn a_configuration_that_looks_elsewhere_cannot_be_foretold() {
    for configuration in [
        "[env]\n_.file = \".env\"\n",
        "[env]\n_ = { source = \"env.sh\" }\n",
        "[env]\n\"_\".file = \".env\"\n",
        "[env._]\nfile = \".env\"\n",
        "[env]\nX = \"{{ exec(command='date') }}\"\n",
        "[tools]\npython = \"path:/opt/python\"\n",
        "[settings]\nenv_file = \".env\"\n",
    ] {
        mise().spoils("configuration", |sandbox| {
            sandbox.file("code/mise.toml", configuration);
        });
    }
    mise().spoils("variable", |sandbox| sandbox.set("MISE_ENV_FILE", ".env"));
    mise().spoils("plugin", |sandbox| {
        sandbox.directory(&format!("{DATA}/plugins/python"));
    });
}

#[test]
fn a_configuration_that_only_adds_to_path_is_foretold() {
    let mut sandbox = mise();
    sandbox.changes(|sandbox| {
        let configuration = "[env]\nMY_NAME = \"{{config_root}}\"\n_.path = [\"{{ config_root }}/bin\"]\n";
        sandbox.file("code/mise.toml", configuration);
    });
}
