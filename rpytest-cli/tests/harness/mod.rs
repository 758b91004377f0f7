//! What all end-to-end tests share: a project of its own for each test, with its own daemon, and the two ways to run it.
//!
//! [`Project`] first. [`Project::assert_same`] is the test that most tests are: plain `python -m pytest` and rpytest, first
//! and warm, must end alike and write the same bytes apart from measured times. [`Terminal`] is for what shows on one.

#![allow(dead_code, unused_imports, reason = "each test binary uses its part")]

mod differential;
mod files;
mod interpreter;
mod outcome;
mod processes;
mod project;
mod running;
mod steps;
mod terminal;

use std::time::{Duration, Instant};

pub(crate) use differential::{Way, assert_alike, assert_same};
pub(crate) use files::{Files, write_settled};
pub(crate) use interpreter::interpreter;
pub(crate) use outcome::{End, Outcome, SessionPath, timeless};
pub(crate) use processes::{is_gone, is_stopped, processes_of};
pub(crate) use project::Project;
pub(crate) use running::Running;
pub(crate) use steps::{Steps, assert_same_steps};
pub(crate) use terminal::Terminal;

/// What takes longer does not come at all.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(5);

/// Wait until `look` finds something; fail the test, saying `what` did not come, at the deadline.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "still waiting for {what} after {DEADLINE:?}");
        std::thread::sleep(PAUSE);
    }
}
