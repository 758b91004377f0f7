//! How a run ended, and pytest's exit codes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The exit code of a pytest run: the documented ones are constants, plugins and `pytest.exit` may choose any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExitCode(i32);

impl ExitCode {
    /// Tests passed.
    pub const OK: Self = Self(0);
    /// Tests failed.
    pub const TESTS_FAILED: Self = Self(1);
    /// The run was interrupted: by the user, by `pytest.exit`, or by errors during collection.
    pub const INTERRUPTED: Self = Self(2);
    /// An internal error got in the way.
    pub const INTERNAL_ERROR: Self = Self(3);
    /// pytest was misused.
    pub const USAGE_ERROR: Self = Self(4);
    /// pytest could not find tests.
    pub const NO_TESTS_COLLECTED: Self = Self(5);
    /// All tests pass, but there were more warnings than `--max-warnings` allows (pytest 9.1 and later).
    pub const MAX_WARNINGS_ERROR: Self = Self(6);

    /// The exit code with this number, whatever it means.
    pub const fn new(code: i32) -> Self {
        Self(code)
    }

    /// The number that was chosen in Python.
    pub const fn code(self) -> i32 {
        self.0
    }

    /// What the parent process sees of it on Unix: the low eight bits (`sys.exit(256)` looks like success).
    pub const fn as_seen_by_parent(self) -> u8 {
        self.0.to_le_bytes()[0]
    }
}

impl fmt::Display for ExitCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// How the session's process ended; in JSON `{"code": 1}` or `{"signal": 9}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExitStatus {
    /// It exited with this code.
    Code(ExitCode),
    /// It was killed by the signal with this number.
    Signal(i32),
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(formatter, "exit code {code}"),
            Self::Signal(number) => write!(formatter, "signal {number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_sees_eight_bits() {
        let seen = [0, 5, 255, 256, 300, -1].map(|code| ExitCode::new(code).as_seen_by_parent());
        assert_eq!(seen, [0, 5, 255, 0, 44, 255]);
    }

    #[test]
    fn an_end_reads_as_a_phrase() {
        assert_eq!(ExitStatus::Code(ExitCode::INTERRUPTED).to_string(), "exit code 2");
        assert_eq!(ExitStatus::Signal(9).to_string(), "signal 9");
    }
}
