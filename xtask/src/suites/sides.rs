//! What both sides, plain pytest and rpytest, have around them: the project's directory and virtual environment.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::project::Project;

/// Variables that change what pytest or Python do, so that whoever starts the suites may have them.
const UNSET: &[&str] = &[
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONUNBUFFERED",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONHASHSEED",
    "PYTHONWARNINGS",
    "PYTEST_ADDOPTS",
    "PYTEST_PLUGINS",
    "RPYTEST_PYTHON",
    "RPYTEST_LOG",
    "FORCE_COLOR",
    "PY_COLORS",
    "NO_COLOR",
    "COLUMNS",
    "LINES",
];

/// A program in the project's directory and virtual environment.
pub(crate) fn command(project: &Project, program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(project.source()).stdin(Stdio::null());
    for name in UNSET {
        command.env_remove(name);
    }
    command.env("VIRTUAL_ENV", project.venv()).env("PATH", path_of(&project.venv()));
    command
}

/// `PATH` as `activate` of that environment makes it.
fn path_of(venv: &Path) -> OsString {
    let mut path = venv.join("bin").into_os_string();
    if let Some(rest) = env::var_os("PATH") {
        path.push(":");
        path.push(rest);
    }
    path
}
