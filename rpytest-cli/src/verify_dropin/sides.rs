//! The two sides, plain pytest and rpytest: in the same directory, with the same environment and the same arguments.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rpytest_core::RunPath;
use rpytest_ipc::RuntimeDir;
use tempfile::TempDir;

use super::VerifyError;
use crate::arguments::VerifyArguments;
use crate::asking;
use crate::interpreter::{Interpreter, own_path};

/// For how many seconds the daemon stays should nobody stop it.
const IDLE_TIMEOUT: &str = "600";

/// A command for each side, and what they share. Dropped, it leaves no daemon and no file behind.
#[derive(Debug)]
pub(super) struct Sides {
    interpreter: PathBuf,
    runner: PathBuf,
    python: Option<OsString>,
    arguments: Vec<OsString>,
    /// Fresh, so that the first run of rpytest finds no daemon.
    runtime_dir: RuntimeDir,
    directory: TempDir,
}

impl Sides {
    /// For these arguments, with this interpreter on both sides.
    pub(super) fn new(arguments: &VerifyArguments, interpreter: &Interpreter) -> Result<Self, VerifyError> {
        let temporary = env::temp_dir();
        let failed = |source| VerifyError::File { path: temporary.clone(), source };
        let directory = tempfile::Builder::new().prefix("rpytest-verify-").tempdir().map_err(failed)?;
        let prepare = || {
            rpytest_py::install_witness(&directory.path().join("plugin"))?;
            fs::create_dir(directory.path().join("reports"))?;
            fs::create_dir(directory.path().join("outputs"))
        };
        prepare().map_err(failed)?;
        Ok(Self {
            interpreter: interpreter.path.clone(),
            runner: arguments.runner.clone().or_else(own_path).unwrap_or_else(|| "rpytest".into()),
            python: arguments.python.clone(),
            arguments: arguments.pytest.clone(),
            runtime_dir: RuntimeDir::at(&directory.path().join("run"))?,
            directory,
        })
    }

    /// `python -m pytest ARGS`.
    pub(super) fn plain(&self) -> Command {
        let mut command = self.command(&self.interpreter);
        command.args(["-m", "pytest"]).args(&self.arguments);
        command
    }

    /// `rpytest ARGS`.
    pub(super) fn rpytest(&self) -> Command {
        let mut command = self.command(&self.runner);
        if let Some(python) = &self.python {
            command.arg("--python").arg(python);
        }
        command.args(&self.arguments);
        command
    }

    /// Whether the interpreter has a pytest at all.
    pub(super) fn has_pytest(&self) -> Result<bool, VerifyError> {
        let mut command = Command::new(&self.interpreter);
        command.args(["-c", "import pytest"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let status = command.status();
        Ok(status.map_err(|source| VerifyError::Start { program: self.interpreter.clone().into(), source })?.success())
    }

    /// Which way the latest run of rpytest took, and why not a faster one.
    pub(super) fn latest_path(&self) -> (Option<RunPath>, Option<String>) {
        let latest = asking::status(&self.runtime_dir).ok().flatten().and_then(|status| status.runs.into_iter().next());
        latest.map_or((None, None), |run| (Some(run.path), run.reason))
    }

    /// Everything of ours.
    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Where the plugin writes: the same place for each run, because pytest prints it.
    pub(super) fn reports(&self) -> PathBuf {
        self.directory.path().join("reports")
    }

    /// Where the output of the runs is kept.
    pub(super) fn outputs(&self) -> PathBuf {
        self.directory.path().join("outputs")
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .stdin(Stdio::null())
            .env_remove("RPYTEST_LOG")
            .env("RPYTEST_RUNTIME_DIR", self.runtime_dir.path())
            .env("RPYTEST_DAEMON_IDLE_TIMEOUT", IDLE_TIMEOUT)
            .env("RPYTEST_WITNESS", self.reports())
            .env("PYTHONPATH", with("PYTHONPATH", ":", self.directory.path().join("plugin").as_os_str()))
            .env("PYTEST_PLUGINS", with("PYTEST_PLUGINS", ",", rpytest_py::WITNESS_PLUGIN.as_ref()));
        command
    }
}

impl Drop for Sides {
    fn drop(&mut self) {
        // One that does not answer leaves when it has been idle for long enough.
        let _: io::Result<()> = asking::stop(&self.runtime_dir).map_err(io::Error::other);
    }
}

/// The value of a variable with one part more.
fn with(variable: &str, separator: &str, ours: &OsStr) -> OsString {
    let mut value = env::var_os(variable).filter(|value| !value.is_empty()).unwrap_or_default();
    if !value.is_empty() {
        value.push(separator);
    }
    value.push(ours);
    value
}
