//! Whether a test failed as it did before.

use std::fmt;

use sha2::{Digest, Sha256};

/// What is kept of a failure's message: two failures with the same one failed alike, as far as one can tell from what
/// they said. Numbers count as equal, because addresses, times and counters change from run to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FailureFingerprint(u64);

impl FailureFingerprint {
    /// Of the message of a failure.
    pub fn of(message: &str) -> Self {
        let mut digest = Sha256::new();
        // A word that begins with a digit: `3`, `0x7f3a`, `12ms`.
        let is_word = |character: char| character.is_alphanumeric() || character == '_';
        for word in message.split_inclusive(|character| !is_word(character)) {
            let number = word.starts_with(|character: char| character.is_ascii_digit());
            digest.update(if number { word.trim_start_matches(is_word) } else { word });
        }
        Self(first_eight(&digest.finalize()))
    }

    pub(crate) const fn from_number(number: u64) -> Self {
        Self(number)
    }

    pub(crate) const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for FailureFingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

/// Enough of a digest to tell a few thousand things apart.
pub(crate) fn first_eight(digest: &[u8]) -> u64 {
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_from_run_to_run_makes_no_difference() {
        let of = FailureFingerprint::of;
        assert_eq!(of("<Cart object at 0x7f3a> took 3 s"), of("<Cart object at 0x1c9e> took 12 s"));
        assert_ne!(of("assert total == 3"), of("assert price == 3"));
        assert_ne!(of("KeyError: 'x'"), of("KeyError: 'y'"));
    }
}
