//! Why a task ended without success, and how that is told to the person who started it.

use std::fmt;
use std::process::ExitCode;

use thiserror::Error;

use crate::bench::BenchError;
use crate::demo::DemoError;
use crate::setup::SetupError;
use crate::suites::{SuitesError, Verdict};
use crate::test::TestError;
use crate::verify::VerifyError;
use crate::workspace::WorkspaceError;

/// A task that did not succeed.
#[derive(Debug, Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error(transparent)]
    Demo(#[from] DemoError),
    #[error(transparent)]
    Test(#[from] TestError),
    #[error(transparent)]
    Suites(#[from] SuitesError),
    #[error(transparent)]
    Verify(#[from] VerifyError),
    #[error(transparent)]
    Bench(#[from] BenchError),
}

impl Error {
    /// Advice that stands apart from the message, when there is any.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Error::Setup(error)
            | Error::Demo(DemoError::Setup(error))
            | Error::Test(TestError::Setup(error))
            | Error::Bench(BenchError::Setup(error)) => error.hint(),
            Error::Suites(error) | Error::Verify(VerifyError::Suites(error)) => error.hint(),
            Error::Workspace(_) | Error::Demo(_) | Error::Test(_) | Error::Bench(_) | Error::Verify(_) => None,
        }
    }

    /// What the process ends with.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Error::Suites(_) | Error::Verify(_) => Verdict::CouldNotRun.exit_code(),
            Error::Workspace(_) | Error::Setup(_) | Error::Demo(_) | Error::Test(_) | Error::Bench(_) => {
                ExitCode::FAILURE
            }
        }
    }
}

/// An error with its causes, one per line.
pub(crate) struct Chain<'a>(pub(crate) &'a dyn std::error::Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "error: {}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            writeln!(formatter, "  because: {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
