//! Every message between rpytest's processes, and what carries it.
//!
//! Read [`ClientToDaemon`] and [`DaemonToClient`] first (what is said), then [`Connection`] (the front door: a Unix
//! stream socket that carries frames and descriptors) and [`Channel`] (NNG, for streams and bulk answers).
//! `docs/design/handshake.md` tells the order in which they are used.

#[cfg(not(unix))]
compile_error!("rpytest-ipc passes descriptors over Unix sockets: it is for Unix only");

mod channel;
mod confinement;
mod connection;
mod frame;
mod lock;
mod messages;
#[cfg(target_os = "linux")]
#[path = "platform/linux.rs"]
mod platform;
#[cfg(not(target_os = "linux"))]
#[path = "platform/macos.rs"]
mod platform;
mod runtime_dir;
mod short_path;

pub use channel::{Channel, ChannelError, ChannelListener, remove_abandoned_channels};
pub use confinement::confinement;
pub use connection::{Connection, ConnectionError, Listener, Received};
pub use frame::{Frame, FrameError, MAX_BODY, MAX_HEAD, MAX_PASSED};
pub use lock::Lock;
pub use messages::{
    ClientToDaemon, Collect, ContextStatus, DaemonStatus, DaemonToClient, DaemonToZygote, End, Hello, Lesson, Limit,
    PROTOCOL, RecentRun, RunRequest, Scheduling, SessionFacts, Shelf, Stage, ToSession, Told, Turbo, ZygoteToDaemon,
};
pub use runtime_dir::{RuntimeDir, RuntimeDirError};

/// The example of the README, compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
