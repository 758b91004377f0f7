//! The daemon: one per user and host, serving every context.
//!
//! Four threads of activity meet in one loop ([`serve`]): commands at the front door (a short-lived thread each), the
//! zygotes (a thread each), what changes in the directories of runs, and time. Each becomes an `Event`; the
//! `Dispatcher`, which does no I/O, decides; `Hands` does what it decided. See
//! `docs/design/daemon.md`.

mod dispatcher;
mod event;
mod front_door;
mod hands;
mod log;
mod server;
mod status;
mod stream;
mod watching;

pub use log::log_in;
pub use server::{DaemonError, DaemonOptions, serve};
