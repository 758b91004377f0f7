//! `cargo xtask suites`: the tests of well-known projects and the canaries of plugins, run by pytest and by rpytest, must
//! not differ.
//!
//! A suite is a file ([`suite::Suite`]). [`plan`] decides with which Python and packages it is run, [`Project`] gets
//! and installs it, [`verification`] has `rpytest --verify-dropin` run each of its command lines and compare, and [`report`]
//! tells.

mod data;
mod matrix;
mod plan;
mod report;
mod sides;
mod suite;
mod verdict;
mod verification;

use std::io;
use std::path::{self, Path, PathBuf};

use thiserror::Error;

use self::matrix::{Matrix, MatrixError};
use self::plan::{Job, Place};
use self::report::Report;
use self::suite::{Suite, SuiteError};
pub(crate) use self::verdict::Verdict;
use self::verification::{RunError, Verification};
use crate::arguments::SuitesOptions;
use crate::progress::Progress;
use crate::project::{Project, ProjectError, Sdist, environment};
use crate::python::{Python, PythonError};
use crate::workspace::Workspace;

/// Why the suites, or one of them, could not be run.
#[derive(Debug, Error)]
pub(crate) enum SuitesError {
    #[error(transparent)]
    Suite(#[from] SuiteError),
    #[error(transparent)]
    Matrix(#[from] MatrixError),
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
            SuitesError::Suite(_)
            | SuitesError::Matrix(_)
            | SuitesError::Project(_)
            | SuitesError::Run(_)
            | SuitesError::Here(_) => None,
        }
    }
}

/// Runs the chosen suites one after the other and reports each as it ends. A suite that cannot be run does not keep
/// the others from it.
pub(crate) fn run(workspace: &Workspace, progress: &Progress, options: &SuitesOptions) -> Result<Verdict, SuitesError> {
    let canaries = workspace.root().join("xtask/canaries");
    let matrix = Matrix::read(&canaries.join("matrix.toml"))?;
    let suites = chosen(suite::load(&workspace.root().join("xtask/suites"), &canaries)?, options)?;
    let all = Suites {
        directory: workspace.target("suites"),
        rpytest: existing(workspace.release_binary())?,
        runner: runner(workspace, options.runner.as_deref())?,
        keep: options.keep,
    };
    let mut told = Vec::new();
    for job in plan::plan(suites, &python(options.python.as_deref())?, &matrix, options.matrix) {
        told.extend(all.run(&job, progress));
    }
    report::summary(&told);
    Ok(told.into_iter().max().unwrap_or(Verdict::Identical))
}

fn chosen(suites: Vec<Suite>, options: &SuitesOptions) -> Result<Vec<Suite>, SuiteError> {
    if !options.names.is_empty() {
        return suite::named(&suites, &options.names);
    }
    Ok(suites.into_iter().filter(|suite| suite.is_canary() || !options.canaries).collect())
}

/// What all suites share.
#[derive(Debug)]
struct Suites {
    directory: PathBuf,
    rpytest: PathBuf,
    runner: PathBuf,
    keep: bool,
}

impl Suites {
    /// Prepares a suite and compares each of its lines.
    fn run(&self, job: &Job, progress: &Progress) -> Vec<Verdict> {
        let suite = &job.suite;
        let place = match &job.place {
            Ok(place) => place,
            Err(why) => return vec![report::skipped(suite, why)],
        };
        let project = match self.prepare(suite, place, progress) {
            Ok(project) => project,
            Err(error) => return vec![report::could_not_run(suite, &error)],
        };
        let compare = |line: &Suite| {
            let compared = self.compare(line, &project.for_line(&line.name));
            compared.unwrap_or_else(|error| report::could_not_run(line, &error))
        };
        suite.in_place(place).lines().iter().map(compare).collect()
    }

    fn prepare(&self, suite: &Suite, place: &Place, progress: &Progress) -> Result<Project, ProjectError> {
        match place {
            Place::Own { version, python } => {
                let requirements = &suite.data.requirements;
                let sdist = Sdist { name: &suite.name, version, requirements, editable: true };
                Project::of_sdist(&sdist, python, &self.directory.join(&suite.name), progress)
            }
            Place::Shared { tests, name, requirements, python } => {
                let venv = environment::shared(&self.directory, name, requirements, python, progress)?;
                Project::of_canary(tests, venv, self.directory.join(&suite.name))
            }
        }
    }

    fn compare(&self, suite: &Suite, project: &Project) -> Result<Verdict, SuitesError> {
        let found = Verification::of(suite, project, &self.rpytest, &self.runner)?;
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

/// The absolute path of what is compared with plain pytest: the release binary unless another is named.
pub(crate) fn runner(workspace: &Workspace, named: Option<&Path>) -> Result<PathBuf, SuitesError> {
    existing(match named {
        Some(runner) => path::absolute(runner).map_err(SuitesError::Here)?,
        None => workspace.release_binary(),
    })
}

fn existing(program: PathBuf) -> Result<PathBuf, SuitesError> {
    if program.is_file() { Ok(program) } else { Err(SuitesError::NoRunner(program)) }
}

/// What virtual environments are made with: the first able interpreter on `PATH` unless another is named.
pub(crate) fn python(named: Option<&Path>) -> Result<Python, SuitesError> {
    Ok(named.map_or_else(Python::find, Python::at)?)
}
