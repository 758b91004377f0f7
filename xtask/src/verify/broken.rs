//! Runners that are broken on purpose: a harness that does not notice them proves nothing.

use std::path::PathBuf;

use super::VerifyError;
use super::outer::{Outer, Runner, Selection};

/// What is wrong with each, and the script of `xtask/verify/broken/` that does it.
const BROKEN: &[(&str, &str)] =
    &[("drops a flag", "drops_a_flag"), ("serves a stale conftest", "stale_conftest"), ("does nothing", NOTHING)];

const NOTHING: &str = "does_nothing";

/// The runner that does nothing, with success.
pub(crate) fn nothing(outer: &Outer<'_>) -> PathBuf {
    scripts(outer).join(NOTHING)
}

/// How many tests of a sample of `tests` notice each of them.
pub(crate) fn noticed(outer: &Outer<'_>, tests: &[String]) -> Result<Vec<(&'static str, usize)>, VerifyError> {
    let failures = |name, script| -> Result<usize, VerifyError> {
        let script = scripts(outer).join(script);
        Ok(outer.run(name, Runner::Command(&script), Selection::SampleOf(tests))?.results.failures())
    };
    BROKEN.iter().map(|(name, script)| Ok((*name, failures(name, script)?))).collect()
}

fn scripts(outer: &Outer<'_>) -> PathBuf {
    outer.harness.join("broken")
}
