//! `cargo xtask suites`: the tests of well-known projects, run by pytest and by rpytest, must not differ.
//!
//! A suite is a file of `xtask/suites/` ([`suite::Suite`]). [`project`] gets and installs it, [`runs`] runs it five
//! times from the same files, [`comparison`] compares what the runs left, and [`report`] tells.

mod comparison;
mod files;
mod junit;
mod normalise;
mod project;
mod report;
mod runs;
mod sides;
mod stopwatch;
mod suite;
mod verdict;

use std::io;
use std::path::{self, Path, PathBuf};

use thiserror::Error;

use self::project::{Project, ProjectError};
use self::report::Report;
use self::runs::{RunError, RunResults};
use self::suite::{Suite, SuiteError};
pub(crate) use self::verdict::Verdict;
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
    #[error("failed to find the runner {}", .0.display())]
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
    runner: PathBuf,
    python: PathBuf,
    keep: bool,
}

impl Suites {
    fn run(&self, suite: &Suite, progress: &Progress) -> Result<Verdict, SuitesError> {
        let project = Project::prepare(suite, &self.python, &self.directory, progress)?;
        let results = RunResults::collect(suite, &project, &self.runner, progress)?;
        let report = Report::new(suite, &results);
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
    let runner = match &options.runner {
        Some(runner) => path::absolute(runner).map_err(SuitesError::Here)?,
        None => workspace.release_binary(),
    };
    if runner.is_file() { Ok(runner) } else { Err(SuitesError::NoRunner(runner)) }
}

fn python(options: &SuitesOptions) -> Result<PathBuf, SuitesError> {
    match &options.python {
        Some(python) => Ok(python.clone()),
        None => Ok(Python::find().map(|python| Path::to_path_buf(python.executable()))?),
    }
}
