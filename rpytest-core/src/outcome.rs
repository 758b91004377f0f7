//! How a test, or one phase of it, ended.

use std::fmt;

use serde::{Deserialize, Serialize};

/// pytest's word for how a phase of a test ended: the category of `pytest_report_teststatus`, except that a set-up
/// and a teardown without trouble, which have no category there, are [`Passed`](Self::Passed).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It did what it should.
    Passed,
    /// The test function raised, or a strict xfail passed.
    Failed,
    /// Skipped by a mark or from inside.
    Skipped,
    /// Failed, and was expected to.
    Xfailed,
    /// Passed, though a non-strict mark expected it to fail.
    Xpassed,
    /// The set-up or the teardown raised.
    Error,
}

impl Outcome {
    /// Whether a run with this outcome in it has failed (pytest: counts towards `session.testsfailed`).
    pub const fn is_failure(self) -> bool {
        match self {
            Self::Failed | Self::Error => true,
            Self::Passed | Self::Skipped | Self::Xfailed | Self::Xpassed => false,
        }
    }

    /// The word as pytest writes it: `passed`, `failed`, …
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Xfailed => "xfailed",
            Self::Xpassed => "xpassed",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

/// Which part of running a test a report is about (pytest: `report.when`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The fixtures are made.
    Setup,
    /// The test function runs; left out when the set-up did not pass.
    Call,
    /// The fixtures are finalised. Always the last report of a test.
    Teardown,
}

impl Phase {
    /// The word as pytest writes it: `setup`, `call`, `teardown`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Call => "call",
            Self::Teardown => "teardown",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}
