//! `cargo xtask suites`: the tests of well-known projects, run by pytest and by rpytest, must not differ.
//!
//! A suite is a file of `xtask/suites/` ([`suite::Suite`]). [`project`] gets and installs it,
//! [`verification`] has `rpytest --verify-dropin` run it and compare, and [`report`] tells.

mod project;
mod report;
mod sides;
mod suite;
mod verdict;
mod verification;

use std::io;
use std::path::{self, Path, PathBuf};

use thiserror::Error;

use self::project::{Project, ProjectError};
use self::report::Report;
use self::suite::{Suite, SuiteError};
pub(crate) use self::verdict::Verdict;
use self::verification::{RunError, Verification};
use crate::arguments::SuitesOptions;
use crate::progress::Progress;
use crate::python::{Python, PythonError};
use crate::workspace::Workspace;

/// Why the suites, or one of them, could not be run.
#[derive(Debug, Error)]
pub(crate) enum SuitesError {
    #[error(transparent)]
    Suite(#[from] SuiteError),
    #[error(transparent)]
    Project(#[from] ProjectError),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Python(#[from] PythonError),
    #[error("failed to find {}", .0.display())]
    NoRunner(PathBuf),
    #[error("failed to tell the current directory")]
    Here(#[source] io::Error),
}

impl SuitesError {
    /// Advice that stands apart from the message, when there is any.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            SuitesError::Python(error) => Some(error.hint()),
            SuitesError::NoRunner(_) => Some("`cargo build --release` makes it; `--runner` names another"),
            SuitesError::Suite(_) | SuitesError::Project(_) | SuitesError::Run(_) | SuitesError::Here(_) => None,
        }
    }
}

/// Runs the chosen suites one after the other and reports each as it ends. A suite that cannot be run does not keep
/// the others from it.
pub(crate) fn run(workspace: &Workspace, progress: &Progress, options: &SuitesOptions) -> Result<Verdict, SuitesError> {
    let suites = suite::load(&workspace.root().join("xtask/suites"), &options.names)?;
    let all = Suites {
        directory: workspace.target("suites"),
        rpytest: existing(workspace.release_binary())?,
        runner: runner(workspace, options)?,
        python: python(options)?,
        keep: options.keep,
    };
    let verdicts = suites.iter().map(|suite| match all.run(suite, progress) {
        Ok(verdict) => verdict,
        Err(error) => {
            report::could_not_run(suite, &error);
            Verdict::CouldNotRun
        }
    });
    Ok(verdicts.max().unwrap_or(Verdict::Identical))
}

/// What all suites share.
#[derive(Debug)]
struct Suites {
    directory: PathBuf,
    rpytest: PathBuf,
    runner: PathBuf,
    python: PathBuf,
    keep: bool,
}

impl Suites {
    fn run(&self, suite: &Suite, progress: &Progress) -> Result<Verdict, SuitesError> {
        let project = Project::prepare(suite, &self.python, &self.directory, progress)?;
        let found = Verification::of(suite, &project, &self.rpytest, &self.runner)?;
        let report = Report::new(suite, &found);
        report.print();
        if report.verdict() == Verdict::Identical && !self.keep {
            project.remove_outputs();
        } else {
            report::outputs(&project.outputs());
        }
        Ok(report.verdict())
    }
}

fn runner(workspace: &Workspace, options: &SuitesOptions) -> Result<PathBuf, SuitesError> {
    existing(match &options.runner {
        Some(runner) => path::absolute(runner).map_err(SuitesError::Here)?,
        None => workspace.release_binary(),
    })
}

fn existing(program: PathBuf) -> Result<PathBuf, SuitesError> {
    if program.is_file() { Ok(program) } else { Err(SuitesError::NoRunner(program)) }
}

fn python(options: &SuitesOptions) -> Result<PathBuf, SuitesError> {
    match &options.python {
        Some(python) => Ok(python.clone()),
        None => Ok(Python::find().map(|python| Path::to_path_buf(python.executable()))?),
    }
}
