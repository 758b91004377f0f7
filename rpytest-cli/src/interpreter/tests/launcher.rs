//! What a file at an interpreter's path is taken for.

use super::sandbox::{NATIVE, Sandbox};
use crate::interpreter::Launcher;

fn launcher_of(contents: &str) -> Launcher {
    let mut sandbox = Sandbox::new();
    sandbox.program("bin/python", contents);
    sandbox.path(&["bin"]);
    sandbox.launcher()
}

#[test]
fn a_native_python_is_a_binary() {
    assert_eq!(launcher_of(NATIVE), Launcher::Binary);
}

#[test]
fn what_is_not_recognised_is_unknown() {
    let long = format!("#!/usr/bin/env bash\n{}", "#\n".repeat(10_000));
    for contents in [
        "",
        "MZ",
        "no interpreter line",
        "#!/bin/sh\nexec python3 \"$@\"\n",
        "#!/usr/bin/env bash\n# not pyenv, not asdf exec\nexec /usr/bin/python3 \"$@\"\n",
        &long,
    ] {
        assert!(matches!(launcher_of(contents), Launcher::Unknown { .. }));
    }
}

#[test]
fn a_native_program_in_shims_or_of_another_name_is_unknown() {
    let mut sandbox = Sandbox::new();
    sandbox.program("usr/bin/python3", NATIVE);
    sandbox.program("usr/bin/rye", NATIVE);
    sandbox.link("shims/python", sandbox.at("usr/bin/python3"));
    sandbox.link("renamed/python", sandbox.at("usr/bin/rye"));
    for directory in ["shims", "renamed"] {
        sandbox.path(&[directory]);
        assert!(matches!(sandbox.launcher(), Launcher::Unknown { .. }));
    }
}
