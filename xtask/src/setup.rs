//! `cargo xtask setup`: from a machine with cargo and Python to a release binary and an environment to try it in.

use std::path::PathBuf;

use thiserror::Error;

use crate::cmake;
use crate::command::{CommandError, capture};
use crate::progress::Progress;
use crate::venv::{Venv, VenvError};
use crate::workspace::Workspace;

/// What the set-up leaves behind for the other tasks.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// The environment with pytest.
    pub(crate) venv: Venv,
    /// The release build of `rpytest`.
    pub(crate) binary: PathBuf,
}

/// What the set-up could not do.
#[derive(Debug, Error)]
pub(crate) enum SetupError {
    #[error(transparent)]
    Venv(#[from] VenvError),
    #[error("failed to get cmake")]
    Cmake(#[source] CommandError),
    #[error("failed to build rpytest")]
    Build(#[source] CommandError),
}

impl SetupError {
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            SetupError::Venv(VenvError::Python(error)) => Some(error.hint()),
            SetupError::Cmake(_) => Some("or install cmake with the machine's own package manager"),
            SetupError::Venv(_) | SetupError::Build(_) => None,
        }
    }
}

/// Does what is not done yet: a second call takes as long as cargo takes to see that nothing has changed.
pub(crate) fn run(workspace: &Workspace, progress: &Progress) -> Result<Prepared, SetupError> {
    let venv = Venv::for_tests(workspace);
    venv.ensure(progress)?;
    cmake::ensure(workspace, &venv, progress).map_err(SetupError::Cmake)?;
    let work = progress.start("release build");
    let mut build = workspace.cargo();
    build.args(["build", "--release", "--package", "rpytest-cli"]);
    capture(&mut build, |line| work.note(line)).map_err(SetupError::Build)?;
    work.done();
    Ok(Prepared { venv, binary: workspace.release_binary() })
}
