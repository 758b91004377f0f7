//! The Python half of rpytest: the processes kept warm, their contexts, and the daemon that serves them.
//!
//! Read [`daemon::serve`] first (the loop), then [`ContextKey`] (which runs may share a warm process). What runs inside
//! the interpreters is the Python package beside this crate, `rpytest-py/python/`, which is built into it ([`build`]).
//! `docs/design/daemon.md` and `docs/design/zygote.md` tell the whole.

#[cfg(not(unix))]
compile_error!("rpytest-py forks warm processes: it is for Unix only");

mod context;
pub mod daemon;
mod learning;
mod package;
#[cfg(target_os = "linux")]
#[path = "platform/linux.rs"]
mod platform;
#[cfg(not(target_os = "linux"))]
#[path = "platform/macos.rs"]
mod platform;
mod process;

pub use context::ContextKey;
pub use package::{WITNESS_PLUGIN, build, install_witness};
