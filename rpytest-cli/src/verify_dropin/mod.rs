//! `rpytest --verify-dropin ARGS`: whether `rpytest ARGS` does what `python -m pytest ARGS` does, on the user's own suite.
//!
//! [`runs`] runs both on [`sides`] that differ in nothing else, [`record`] is what each run has left, [`comparison`] is
//! the rule for what counts, [`report`] is the answer. `docs/design/verify-dropin.md` tells the whole, with the reasons.

mod attendant;
mod comparison;
mod files;
mod kept;
mod normalise;
mod record;
mod report;
mod runs;
mod sides;
mod testimony;
mod text;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use rpytest_ipc::{End, RuntimeDirError};

pub(crate) use self::normalise::Mask;
use self::report::{Report, Verdict};
use self::runs::Verification;
use crate::arguments::VerifyArguments;
use crate::command::print;
use crate::ending::{INTERNAL_ERROR, OK, TESTS_FAILED};
use crate::interpreter::NotFound;
use crate::note;

/// Why there was nothing to compare.
#[derive(Debug, thiserror::Error)]
enum VerifyError {
    #[error(transparent)]
    NoInterpreter(#[from] NotFound),
    #[error("no pytest in {}", .0.display())]
    NoPytest(PathBuf),
    #[error("the working directory cannot be told: {0}")]
    Here(#[source] io::Error),
    #[error("what the runs leave cannot be kept or put back: {}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{} holds the working directory: it cannot be put back before each run", .0.display())]
    TooMuch(PathBuf),
    #[error(transparent)]
    RuntimeDir(#[from] RuntimeDirError),
    #[error("signals cannot be handled: {0}")]
    Signals(#[source] io::Error),
    #[error("{} cannot be run: {source}", program.display())]
    Start { program: OsString, source: io::Error },
    #[error("a run cannot be waited for: {0}")]
    Wait(#[source] io::Error),
    #[error("ended by signal {0}")]
    Interrupted(i32),
}

/// Compare, tell, and end: 0 identical, 1 different, 3 not run.
pub(crate) fn verify(arguments: &VerifyArguments) -> End {
    let report = match Verification::of(arguments).and_then(Verification::report) {
        Ok(report) => report,
        Err(VerifyError::Interrupted(signal)) => return End::Signal(signal),
        Err(error) => Report::could_not_run(&error),
    };
    let told = if arguments.json { report.as_json() } else { text::render(&report, arguments.verbose) };
    match report.verdict {
        Verdict::CouldNotRun if !arguments.json => note::say(told.trim_end()),
        Verdict::Identical | Verdict::Different | Verdict::CouldNotRun => {
            print(&told);
        }
    }
    match report.verdict {
        Verdict::Identical => OK,
        Verdict::Different => TESTS_FAILED,
        Verdict::CouldNotRun => INTERNAL_ERROR,
    }
}
