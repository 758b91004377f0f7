//! The two sides, plain pytest and the runner: in the same directory, with the same environment.

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::project::Project;
use super::stopwatch;

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

/// How long a daemon may take to leave.
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// Both sides for one suite. Dropping them stops the daemon that the runner has started.
#[derive(Debug)]
pub(crate) struct Sides {
    source: PathBuf,
    venv: PathBuf,
    runner: PathBuf,
    /// Where the runner's sockets are (rpytest: `RPYTEST_RUNTIME_DIR`): fresh, so that the first run finds no daemon,
    /// and of a short path, as sockets need it.
    runtime: TempDir,
}

impl Sides {
    pub(crate) fn new(project: &Project, runner: &Path) -> io::Result<Self> {
        Ok(Self {
            source: project.source(),
            venv: project.venv(),
            runner: runner.to_path_buf(),
            runtime: tempfile::Builder::new().prefix("rpytest-").tempdir()?,
        })
    }

    /// `python -m pytest`, to be followed by the arguments.
    pub(crate) fn pytest(&self) -> Command {
        let mut command = self.command(&self.venv.join("bin/python"));
        command.args(["-m", "pytest"]);
        command
    }

    /// The runner, to be followed by the arguments.
    pub(crate) fn runner(&self) -> Command {
        self.command(&self.runner)
    }

    /// A program in the project's directory and virtual environment.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.source).stdin(Stdio::null());
        for name in UNSET {
            command.env_remove(name);
        }
        command
            .env("VIRTUAL_ENV", &self.venv)
            .env("PATH", path_of(&self.venv))
            .env("RPYTEST_RUNTIME_DIR", self.runtime.path());
        command
    }
}

impl Drop for Sides {
    fn drop(&mut self) {
        let mut stop = self.runner();
        stop.arg("--daemon-stop").stdout(Stdio::null()).stderr(Stdio::null());
        // A runner without a daemon does not know the flag; a daemon without its directory leaves by itself.
        let _ = stopwatch::time(&mut stop, STOP_WITHIN);
    }
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
