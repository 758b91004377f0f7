//! The same command both ways.

use std::process::Command;

use super::{Outcome, Running, SessionPath};

/// The two ways to run a project's tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// `python -m pytest`
    Plain,
    /// `rpytest`
    Rpytest,
}

/// Plain pytest and rpytest, twice, end alike and write the same, and the second run of rpytest is warm. Returns that.
#[track_caller]
pub(crate) fn assert_same(command: impl Fn(Way) -> Command) -> Outcome {
    assert_alike(command).went(SessionPath::Warm)
}

/// The same, whichever way rpytest goes.
#[track_caller]
pub(crate) fn assert_alike(command: impl Fn(Way) -> Command) -> Outcome {
    let plain = Running::start(&mut command(Way::Plain)).finish();
    let first = Running::start(&mut command(Way::Rpytest)).finish();
    first.assert_like(&plain, "plain pytest");
    let mut second = Running::start(&mut command(Way::Rpytest)).finish();
    second.assert_like(&plain, "plain pytest");
    second.notes.splice(0..0, first.notes.iter().map(|note| format!("first run: {note}")));
    second
}
