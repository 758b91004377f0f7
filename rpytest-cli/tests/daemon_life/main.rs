//! The life of a daemon, from the first command to the last: who starts it, what it survives, what it tells, how it ends.

#![cfg(target_os = "linux")]

#[path = "../harness/mod.rs"]
mod harness;

mod abuse;
mod confusion;
mod daemon;
mod directories;
mod keeping;
mod killed_daemon;
mod killed_learning;
mod killed_zygote;
mod peer;
mod starting;
mod status;
mod stopping;
mod versions;
mod waiting_test;
