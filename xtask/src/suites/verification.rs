//! One suite under `rpytest --verify-dropin`, which runs and compares everything, and what that says.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

use super::sides;
use super::suite::Suite;
use crate::progress::Work;
use crate::project::{Project, ProjectError};

/// What is printed, as JSON: the parts of it that are needed here.
#[derive(Debug, Deserialize)]
pub(crate) struct Verification {
    pub(crate) error: Option<String>,
    pub(crate) tests: usize,
    pub(crate) runs: Vec<Run>,
    pub(crate) differences: Vec<Different>,
    pub(crate) flaky: Vec<Flaky>,
}

/// One run of either side.
#[derive(Debug, Deserialize)]
pub(crate) struct Run {
    pub(crate) name: String,
    pub(crate) exit: String,
    pub(crate) seconds: f64,
    /// `warm`, `first` or `fallback`, for a run of rpytest.
    pub(crate) path: Option<String>,
    pub(crate) reason: Option<String>,
}

/// One place where runs of rpytest differ from those of plain pytest.
#[derive(Debug, Deserialize)]
pub(crate) struct Different {
    pub(crate) subject: String,
    pub(crate) runs: Vec<String>,
    pub(crate) pytest: Vec<String>,
    pub(crate) rpytest: Vec<String>,
}

/// One place where two runs of plain pytest differ.
#[derive(Debug, Deserialize)]
pub(crate) struct Flaky {
    pub(crate) subject: String,
    pub(crate) one: Vec<String>,
    pub(crate) other: Vec<String>,
}

/// Why a suite could not be verified. What the runner does wrong is a difference, not an error.
#[derive(Debug, Error)]
pub(crate) enum RunError {
    #[error(transparent)]
    Outputs(#[from] ProjectError),
    #[error("failed to start {}", program.display())]
    Start { program: PathBuf, source: io::Error },
    #[error("failed to read or write {}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("failed to understand what `--verify-dropin --json` says")]
    Nonsense(#[source] serde_json::Error),
    #[error("{0}")]
    CouldNotRun(String),
    #[error("plain pytest ended with {exit}; its output is in {}", outputs.display())]
    Plain { exit: String, outputs: PathBuf },
}

impl Verification {
    /// Verifies `runner`, which is often `rpytest` itself.
    pub(crate) fn of(suite: &Suite, project: &Project, rpytest: &Path, runner: &Path) -> Result<Self, RunError> {
        project.clear_outputs()?;
        let work = Work::streaming(suite.name.clone());
        let mut command = sides::command(project, rpytest);
        command.args(["--verify-dropin", "--json", "--verify-runner"]).arg(runner);
        command.arg("--verify-output").arg(project.outputs());
        for path in &suite.data.reset {
            command.arg("--verify-restore").arg(path);
        }
        for (pattern, replacement) in &suite.masks {
            command.arg(format!("--verify-mask={pattern} => {replacement}"));
        }
        command.envs(&suite.data.environment).args(suite.arguments());
        // A file, not a pipe: a daemon that holds on to it cannot keep us waiting.
        let answer = project.outputs().join("verification.json");
        let file = |source| RunError::File { path: answer.clone(), source };
        command.stdout(File::create(&answer).map_err(file)?);
        command.status().map_err(|source| RunError::Start { program: rpytest.to_path_buf(), source })?;
        let verification: Self =
            serde_json::from_slice(&fs::read(&answer).map_err(file)?).map_err(RunError::Nonsense)?;
        work.done();
        verification.check(project)
    }

    /// It must be worth having: all tests were run (pytest: 0), perhaps with failures (1).
    fn check(self, project: &Project) -> Result<Self, RunError> {
        if let Some(error) = self.error {
            return Err(RunError::CouldNotRun(error));
        }
        match self.runs.first() {
            Some(plain) if !matches!(plain.exit.as_str(), "0" | "1") => {
                Err(RunError::Plain { exit: plain.exit.clone(), outputs: project.outputs() })
            }
            _ => Ok(self),
        }
    }
}
