//! What tests exist in a context, what is remembered of them, and whether it is still true.
//!
//! Read [`Fingerprint`] first, by which a file is known to be unchanged, then [`FileRecord`], what is known of one test
//! file and what that came from. The [`Store`] keeps the records from one process to the next; a [`Snapshot`] is what
//! readers select tests from; a [`Watcher`] says which files change. How it works is told in
//! `docs/design/inventory.md`.

#[cfg(not(unix))]
compile_error!("rpytest-inventory compares what only Unix tells of a file: it is for Unix only");

mod archive;
mod collection;
mod directory;
mod durable;
mod envelope;
mod failure;
mod fingerprint;
mod history;
mod origin;
mod parallel;
mod past_run;
mod record;
mod snapshot;
mod store;
mod watcher;

pub use collection::{Collection, Defaults, Environment};
pub use directory::{DirectoryError, InventoryDirectory};
pub use envelope::FormatError;
pub use failure::FailureFingerprint;
pub use fingerprint::{COARSEST_STAMP, FileStamp, Fingerprint, ObserveError};
pub use history::{History, Streak};
pub use origin::{Origin, Seen};
pub use past_run::PastRun;
pub use record::{FileRecord, TestRecord};
pub use snapshot::{SelectedTest, Snapshot, SnapshotError, StaleFile, Staleness};
pub use store::{MovedAside, Store, StoreError};
pub use watcher::{Changes, WatchError, Watcher};

/// The example of the README, compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
