//! Runs from end to end: what a user sees of `rpytest ARGS` is what `python -m pytest ARGS` shows, on every path.

#![cfg(target_os = "linux")]

#[path = "../harness/mod.rs"]
mod harness;

mod argv;
mod contexts;
mod environment;
mod exit_codes;
mod job_control;
mod process_facts;
mod processes;
mod signals;
mod staleness;
mod streams;
mod terminal;
mod venv;
mod verify_dropin;
