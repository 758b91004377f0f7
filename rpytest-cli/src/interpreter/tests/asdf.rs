//! asdf's shims: what changes the fingerprint, what does not, and what cannot be foretold.

use super::sandbox::{NATIVE, Sandbox};
use crate::interpreter::Launcher;

const SHIM: &str = "#!/usr/bin/env bash\n# asdf-plugin: python 3.11.7\n# asdf-plugin: python 3.12.1\n\
                    exec asdf exec \"python\" \"$@\"";

fn asdf() -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.program("home/.asdf/shims/python", SHIM);
    sandbox.program("usr/bin/asdf", NATIVE);
    for version in ["3.11.7", "3.12.1"] {
        sandbox.program(&format!("home/.asdf/installs/python/{version}/bin/python"), NATIVE);
    }
    sandbox.program("home/.asdf/plugins/python/bin/list-legacy-filenames", "");
    sandbox.file("home/.tool-versions", "python 3.11.7\n");
    sandbox.path(&["home/.asdf/shims", "usr/bin"]);
    sandbox.set("HOME", sandbox.at("home"));
    sandbox.work_in("code/project");
    sandbox
}

#[test]
fn shims_of_both_implementations_are_recognised() {
    let sandbox = asdf();
    assert!(sandbox.fingerprint().starts_with("asdf:"));
    let of_shell = "#!/usr/bin/env bash\n# asdf-plugin: python 3.11.7\n\
                    exec /home/me/.asdf/bin/asdf exec \"python\" \"$@\" # asdf_allow: ' asdf '\n";
    sandbox.program("home/.asdf/shims/python", of_shell);
    assert!(sandbox.fingerprint().starts_with("asdf:"));
}

#[test]
fn files_and_variables_count() {
    let mut sandbox = asdf();
    sandbox.changes(|sandbox| sandbox.file("code/project/.tool-versions", "python 3.12.1\n"));
    sandbox.changes(|sandbox| sandbox.file("code/.tool-versions", "python 3.11.7\n"));
    sandbox.changes(|sandbox| sandbox.file("code/.python-version", "3.11.7\n"));
    sandbox.changes(|sandbox| sandbox.file("home/.tool-versions", "python 3.12.1\n"));
    sandbox.changes(|sandbox| sandbox.file("home/.asdfrc", "legacy_version_file = yes\n"));
    sandbox.changes(|sandbox| sandbox.set("ASDF_PYTHON_VERSION", "3.12.1"));
    sandbox.changes(|sandbox| sandbox.remove("home/.asdf/installs/python/3.12.1"));
    sandbox.changes(|sandbox| sandbox.set("ASDF_DEFAULT_TOOL_VERSIONS_FILENAME", "versions"));
    sandbox.changes(|sandbox| sandbox.file("code/project/versions", "python 3.12.1\n"));
    sandbox.keeps(|sandbox| sandbox.file("code/project/test_it.py", ""));
    sandbox.keeps(|sandbox| sandbox.set("DATABASE_URL", "sqlite://"));
}

#[test]
fn what_else_takes_part_cannot_be_foretold() {
    asdf().spoils("plugin", |sandbox| {
        sandbox.program("home/.asdf/plugins/python/bin/exec-env", "");
    });
    asdf().spoils("hook", |sandbox| {
        sandbox.file("home/.asdfrc", "pre_python_python = echo hello\n");
    });
    asdf().spoils("path", |sandbox| {
        sandbox.file("code/.tool-versions", "python path:/opt/python\n");
    });
    asdf().spoils("HOME", |sandbox| sandbox.unset("HOME"));
}

#[test]
fn shims_of_other_plugins_and_edited_ones_are_unknown() {
    let sandbox = asdf();
    for text in [
        SHIM.replace("# asdf-plugin: python 3.11.7", "# asdf-plugin: miniconda 3.11.7"),
        SHIM.replace("exec asdf", "PATH=/x exec asdf"),
        SHIM.replace("\"python\"", "\"python3\""),
        SHIM.replace("exec asdf exec", "exec $(x)/asdf exec"),
    ] {
        sandbox.program("home/.asdf/shims/python", &text);
        assert!(matches!(sandbox.launcher(), Launcher::Unknown { .. }), "{text}");
    }
}
