//! Runs from end to end: what a user sees of `rpytest ARGS` is what `python -m pytest ARGS` shows, on every path.

#![cfg(target_os = "linux")]

#[path = "../harness/mod.rs"]
mod harness;

mod ahead;
mod argv;
mod bodies;
mod capture;
mod constants;
mod contexts;
mod deeper;
mod edited;
mod ends;
mod environment;
mod events;
mod exit_codes;
mod files_left;
mod further;
mod generated;
mod import_time;
mod installs;
mod inventory;
mod job_control;
mod levels;
mod process_facts;
mod processes;
mod settings;
mod signals;
mod staleness;
mod streams;
mod terminal;
mod venv;
mod verify_dropin;
