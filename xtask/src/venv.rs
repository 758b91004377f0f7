//! Virtual environments under `target/`: made once, remade when broken or when their requirements change.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use thiserror::Error;

use crate::command::{CommandError, capture};
use crate::progress::Progress;
use crate::python::{Python, PythonError};
use crate::workspace::Workspace;

/// Written last, so that an environment whose making was interrupted has none. Holds the requirements installed.
const STAMP: &str = ".complete";

/// A virtual environment that may or may not exist yet.
#[derive(Debug)]
pub(crate) struct Venv {
    name: &'static str,
    directory: PathBuf,
    requirements: PathBuf,
    modules: &'static str,
}

/// Why a virtual environment could not be made.
#[derive(Debug, Error)]
pub(crate) enum VenvError {
    #[error(transparent)]
    Python(#[from] PythonError),
    #[error("failed to make a virtual environment")]
    Command(#[from] CommandError),
    #[error("failed to prepare {}", path.display())]
    File { path: PathBuf, source: io::Error },
}

impl Venv {
    /// The environment of a user of rpytest: pytest and nothing else.
    pub(crate) fn for_tests(workspace: &Workspace) -> Self {
        Self {
            name: "environment with pytest",
            directory: workspace.target("venv"),
            requirements: workspace.requirements("tests.txt"),
            modules: "import pytest",
        }
    }

    /// The tools that check our own Python.
    pub(crate) fn for_lint(workspace: &Workspace) -> Self {
        Self {
            name: "environment with ruff and mypy",
            directory: workspace.target("lint-venv"),
            requirements: workspace.requirements("lint.txt"),
            modules: "import importlib.util as i, pytest; assert i.find_spec('ruff') and i.find_spec('mypy')",
        }
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where its programs are.
    pub(crate) fn bin(&self) -> PathBuf {
        self.directory.join("bin")
    }

    pub(crate) fn python(&self) -> PathBuf {
        self.bin().join("python")
    }

    /// Makes the environment unless it is there, complete and working.
    pub(crate) fn ensure(&self, progress: &Progress) -> Result<(), VenvError> {
        let wanted = fs::read_to_string(&self.requirements).map_err(|source| file(&self.requirements, source))?;
        if self.is_complete(&wanted) {
            return Ok(());
        }
        let work = progress.start(self.name);
        remove(&self.directory)?;
        let python = Python::find()?;
        capture(Command::new(python.executable()).args(["-m", "venv"]).arg(&self.directory), |line| work.note(line))?;
        capture(self.pip_install().arg("--requirement").arg(&self.requirements), |line| work.note(line))?;
        let stamp = self.directory.join(STAMP);
        fs::write(&stamp, wanted).map_err(|source| file(&stamp, source))?;
        work.done();
        Ok(())
    }

    /// `pip install` of this environment, with nothing yet to install.
    pub(crate) fn pip_install(&self) -> Command {
        let mut command = Command::new(self.python());
        command.args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check"]);
        command
    }

    fn is_complete(&self, wanted: &str) -> bool {
        let stamped = fs::read_to_string(self.directory.join(STAMP)).is_ok_and(|stamp| stamp == wanted);
        // The interpreter that it was made with may be gone since.
        stamped && capture(Command::new(self.python()).args(["-c", self.modules]), |_| ()).is_ok()
    }
}

fn remove(directory: &Path) -> Result<(), VenvError> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(file(directory, error)),
        _ => Ok(()),
    }
}

fn file(path: &Path, source: io::Error) -> VenvError {
    VenvError::File { path: path.to_path_buf(), source }
}
