//! Who runs which test next: pure scheduling of tests over workers and shards.
//!
//! Read [`TimedTest`] first, a test and how long it takes, then [`shards`], which divides tests among machines that do
//! not talk to each other, and [`ShardChoice`], the one of them that a command asks for. Nothing here does I/O, looks at
//! a clock or draws a random number: the same tests give the same shards everywhere.

mod shard;
mod shard_choice;
mod timed_test;

pub use shard::{KeepTogether, Shard, shards};
pub use shard_choice::{ParseShardChoiceError, ShardChoice};
pub use timed_test::TimedTest;

/// The example of the README, compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
