//! Where commands are timed: a directory with tests, an environment, and a daemon of its own.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::command::{CommandError, capture};

/// Variables that would make the commands differ from what a user types in a fresh shell: the first two make Python
/// itself slow, the others choose what runs.
const UNSET: &[&str] = &[
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONUNBUFFERED",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONHASHSEED",
    "PYTHONWARNINGS",
    "PYTEST_ADDOPTS",
    "PYTEST_PLUGINS",
    "RPYTEST_FALLBACK",
    "RPYTEST_LOG",
    "RPYTEST_PYTHON",
    "FORCE_COLOR",
    "PY_COLORS",
    "NO_COLOR",
    "COLUMNS",
    "LINES",
];

/// Makes the commands of both sides. When dropped, its daemon is stopped.
#[derive(Debug)]
pub(crate) struct Sandbox {
    directory: PathBuf,
    program: PathBuf,
    environment: PathBuf,
    /// A short path, as sockets need it.
    runtime: TempDir,
    daemon_may_run: bool,
}

impl Sandbox {
    /// For the tests in `directory`, by the virtual environment `environment`. `program` is what runs as `rpytest`.
    pub(crate) fn new(directory: &Path, environment: &Path, program: &Path) -> io::Result<Self> {
        Ok(Self {
            directory: directory.canonicalize()?,
            program: program.canonicalize()?,
            environment: environment.to_path_buf(),
            runtime: tempfile::Builder::new()
                .prefix("rpytest-")
                .permissions(Permissions::from_mode(0o700))
                .tempdir()?,
            daemon_may_run: false,
        })
    }

    /// Where the commands run.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// `python -m pytest` with these arguments.
    pub(crate) fn pytest(&self, arguments: &[impl AsRef<OsStr>]) -> Command {
        let mut command = self.program(&self.environment.join("bin/python"));
        command.args(["-m", "pytest"]).args(arguments);
        command
    }

    /// `rpytest` with these arguments, which may leave a daemon behind.
    pub(crate) fn rpytest(&mut self, arguments: &[impl AsRef<OsStr>]) -> Command {
        self.daemon_may_run = true;
        let mut command = self.program(&self.program);
        command.args(arguments);
        command
    }

    /// Stops the daemon if one may be running.
    pub(crate) fn stop_daemon(&mut self) -> Result<(), CommandError> {
        if std::mem::take(&mut self.daemon_may_run) {
            capture(self.program(&self.program).arg("--daemon-stop"), |_| ())?;
        }
        Ok(())
    }

    /// Any program in this place.
    pub(crate) fn program(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.directory);
        for name in UNSET {
            command.env_remove(name);
        }
        command
            .env("VIRTUAL_ENV", &self.environment)
            .env("PATH", self.search_path())
            .env("XDG_CACHE_HOME", self.runtime.path().join("cache"))
            .env("RPYTEST_RUNTIME_DIR", self.runtime.path());
        command
    }

    /// `PATH` as it is once the environment has been activated.
    fn search_path(&self) -> OsString {
        let mut path = self.environment.join("bin").into_os_string();
        if let Some(rest) = env::var_os("PATH") {
            path.push(":");
            path.push(rest);
        }
        path
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Reached with a daemon only after another error, which is the one to tell; the daemon leaves when idle.
        let _ = self.stop_daemon();
    }
}
