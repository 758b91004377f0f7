//! Runs from end to end: what a user sees of `rpytest ARGS` is what `python -m pytest ARGS` shows, on every path.

#![cfg(target_os = "linux")]

#[path = "../harness/mod.rs"]
mod harness;

mod exit_codes;
