//! `--list`, `--slowest`, `--inventory-status`: what is known of the tests, without Python where that still holds; and
//! what `--turbo` makes of it.
//!
//! See `docs/design/inventory.md`.

mod answer;
mod known;
mod listing;
pub(crate) mod place;
mod refresh;
mod selecting;
mod status;
mod turbo;

pub(crate) use answer::answer;
pub(crate) use turbo::{distrust, plan};
