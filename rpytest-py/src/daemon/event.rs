//! What happens to a daemon: everything that wakes its loop.

use std::os::fd::OwnedFd;

use rpytest_ipc::{ClientToDaemon, Connection, RunRequest};

use super::dispatcher::ZygoteId;
use super::watching::Sight;
use crate::process::ZygoteNews;

/// One thing that happened.
#[derive(Debug)]
pub(super) enum Event {
    /// A command asks for a run.
    Run(Box<Asked>),
    /// A command asks for anything else.
    Client(Connection, ClientToDaemon),
    /// From a zygote.
    Zygote(ZygoteId, ZygoteNews),
    /// From the thread that watches.
    Seen(Sight),
    /// A bulk answer has been given, or has failed.
    Answered,
}

/// A run that was asked for, with all that its session needs.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) connection: Connection,
    pub(super) request: Box<RunRequest>,
    pub(super) body: Vec<u8>,
    pub(super) descriptors: Vec<OwnedFd>,
}
