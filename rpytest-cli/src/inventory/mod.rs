//! `--list`, `--slowest`, `--inventory-status`: what is known of the tests, without Python where that still holds.
//!
//! See `docs/design/inventory.md`.

mod answer;
mod known;
mod listing;
pub(crate) mod place;
mod refresh;
mod selecting;
mod status;

pub(crate) use answer::answer;
