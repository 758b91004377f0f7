//! What tests exist in a context, what is remembered of them, and whether it is still true.
//!
//! Read [`Fingerprint`] first, by which a file is known to be unchanged, then [`History`], what is remembered of one
//! test's [`PastRun`]s.

#[cfg(not(unix))]
compile_error!("rpytest-inventory compares what only Unix tells of a file: it is for Unix only");

mod fingerprint;
mod history;
mod past_run;

pub use fingerprint::{COARSEST_STAMP, FileStamp, Fingerprint, ObserveError};
pub use history::{History, Streak};
pub use past_run::PastRun;

/// The example of the README, compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
