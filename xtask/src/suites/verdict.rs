//! What came out of a comparison, and the exit code that says so.

use std::fmt;
use std::process::ExitCode;

/// What came out, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// The machine has not what it takes, or nobody claims that it works.
    Skipped,
    /// The runner gave what pytest gave.
    Identical,
    /// There was nothing to compare.
    CouldNotRun,
    /// The runner gave something else.
    Different,
}

impl Verdict {
    /// What the process ends with.
    pub(crate) fn exit_code(self) -> ExitCode {
        match self {
            Verdict::Skipped | Verdict::Identical => ExitCode::SUCCESS,
            Verdict::CouldNotRun => ExitCode::from(3),
            Verdict::Different => ExitCode::from(1),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Verdict::Skipped => "skipped",
            Verdict::Identical => "identical",
            Verdict::CouldNotRun => "could not run",
            Verdict::Different => "DIFFERENT",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict;

    #[test]
    fn a_difference_outweighs_what_could_not_run() {
        assert!(Verdict::Different > Verdict::CouldNotRun);
        assert!(Verdict::CouldNotRun > Verdict::Identical);
        assert!(Verdict::Identical > Verdict::Skipped);
    }
}
