//! The daemon: one per user and host, serving every context.
//!
//! Three threads of activity meet in one loop ([`serve`]): commands at the front door (a short-lived thread each), the
//! zygotes (a thread each), and time. Each becomes an `Event`; the
//! `Dispatcher`, which does no I/O, decides; `Hands` does what it decided. See
//! `docs/design/daemon.md`.

mod dispatcher;
mod event;
mod front_door;
mod hands;
mod lessons;
mod log;
mod server;
mod status;
mod stream;

pub use server::{DaemonError, DaemonOptions, serve};
