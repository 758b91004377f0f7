//! The words that all rpytest crates share: node ids, tests, how they are selected, outcomes, events, exit codes.
//!
//! Read [`TestEvent`] first: it is what a run says, one event after the other, and `rpytest --events` prints it as
//! one JSON object a line. Then [`NodeId`], the name of a test, and [`RunTally`], which folds the events of a run
//! into counts and an [`ExitCode`]. A [`Selection`] says which [`TestItem`]s pytest would run. Nothing here does I/O or
//! looks at a clock.

mod event;
mod exit;
mod expression;
mod item;
mod node_id;
mod outcome;
mod report;
mod selection;
mod tally;

pub use event::{CollectError, CollectionFinished, RunFinished, RunPath, RunStarted, TestEvent, TestStarted};
pub use event::{EVENT_FORMAT, Location, Warning};
pub use exit::{ExitCode, ExitStatus};
pub use expression::{Expression, ExpressionError, Grammar, Literal, SyntaxError, Term, Undecided};
pub use item::{Mark, Parameter, TestItem, Value};
pub use node_id::NodeId;
pub use outcome::{Outcome, Phase};
pub use report::{Section, TestReport};
pub use selection::{Candidate, CollectionArgument, Selection, SelectionError};
pub use tally::{RunTally, Verdict};

/// The example of the README, compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
