//! The `rpytest` command.
fn main() {}
