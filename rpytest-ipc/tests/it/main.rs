//! What carries the messages, and what they look like on the way.

#![cfg(unix)]

mod channel;
mod descriptors;
mod frames;
mod lock;
mod runtime_dir;
mod socket_paths;
mod wire;
