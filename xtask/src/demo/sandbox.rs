//! Where the demo takes place: a copy of the example suite, an environment, and a daemon of its own.

use std::env;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::DemoError;
use crate::command::{CommandError, capture};
use crate::venv::Venv;
use crate::workspace::Workspace;

/// Variables that would make the two commands differ from what a user types in a fresh shell: the first two make
/// Python itself slow, the others choose what runs.
const UNSET: &[&str] = &[
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONUNBUFFERED",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTEST_ADDOPTS",
    "PYTEST_PLUGINS",
    "RPYTEST_FALLBACK",
    "RPYTEST_LOG",
    "RPYTEST_PYTHON",
];

/// A temporary directory with all that the demo touches. When dropped, its daemon is stopped and it is removed.
#[derive(Debug)]
pub(super) struct Sandbox {
    directory: TempDir,
    program: PathBuf,
    python: PathBuf,
    environment: Vec<(&'static str, OsString)>,
    daemon_may_run: bool,
}

impl Sandbox {
    /// Copies the example suite. `program` is what is timed as `rpytest`.
    pub(super) fn new(workspace: &Workspace, venv: &Venv, program: &Path) -> Result<Self, DemoError> {
        let program = program.canonicalize().map_err(DemoError::Prepare)?;
        let directory = tempfile::Builder::new()
            .prefix("rpytest-demo-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()
            .map_err(DemoError::Prepare)?;
        copy(&workspace.root().join("xtask/demo"), &directory.path().join("suite")).map_err(DemoError::Prepare)?;
        let environment = vec![
            ("VIRTUAL_ENV", venv.directory().into()),
            ("PATH", search_path(venv)),
            ("RPYTEST_RUNTIME_DIR", directory.path().join("run").into()),
        ];
        let python = venv.python();
        Ok(Self { directory, program, python, environment, daemon_may_run: false })
    }

    /// `python -m pytest` with these arguments.
    pub(super) fn pytest(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(&self.python);
        command.args(["-m", "pytest"]).args(arguments);
        command
    }

    /// `rpytest` with these arguments, which may leave a daemon behind.
    pub(super) fn rpytest(&mut self, arguments: &[&str]) -> Command {
        self.daemon_may_run = true;
        let mut command = self.command(&self.program);
        command.args(arguments);
        command
    }

    /// Stops the daemon if one may be running.
    pub(super) fn stop_daemon(&mut self) -> Result<(), CommandError> {
        if std::mem::take(&mut self.daemon_may_run) {
            capture(self.command(&self.program).arg("--daemon-stop"), |_| ())?;
        }
        Ok(())
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.directory.path().join("suite"));
        for name in UNSET {
            command.env_remove(name);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Reached with a daemon only after another error, which is the one to tell; the daemon leaves when idle.
        let _ = self.stop_daemon();
    }
}

/// `PATH` as it is once the environment has been activated.
fn search_path(venv: &Venv) -> OsString {
    let mut path = OsString::from(venv.bin());
    if let Some(rest) = env::var_os("PATH") {
        path.push(":");
        path.push(rest);
    }
    path
}

/// Copies a directory short of caches and hidden files.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == "__pycache__" || name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to.join(name))?;
        } else {
            fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}
