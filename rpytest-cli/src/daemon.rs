//! `rpytest --rpytest-daemon`: what a command that found no daemon has started. See `docs/design/daemon.md`.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use rpytest_ipc::{End, Lock, RuntimeDir};
use rpytest_py::daemon::{DaemonOptions, serve as serve_commands};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::ending::{INTERNAL_ERROR, OK};
use crate::{descriptors, link, note};

const IDLE_TIMEOUT: u64 = 60 * 60;
const MAX_CONTEXTS: u64 = 24;
const MAX_MEMORY_MIB: u64 = 2048;
/// After so many runs a zygote is renewed, and with it what all its forks share: the seed of text hashes.
const MAX_RUNS: u64 = 100;

/// Be the daemon, until it is told to leave or has been idle for long enough.
pub(crate) fn serve() -> End {
    let options = match options() {
        Ok(options) => options,
        Err(message) => {
            note::say(message);
            return INTERNAL_ERROR;
        }
    };
    // A session of its own: no terminal can hang up on it. A command has just forked it, so it leads no group yet.
    let _ = rustix::process::setsid();
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    // The mask is the first command's; a signal must be able to end the daemon, and its children start with none.
    let _ = nix::sys::signal::SigSet::empty().thread_set_mask();
    raise_descriptor_limit();
    // The C library's default would end the daemon when a peer goes; a handler, not "ignore", which children inherit.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGPIPE, Arc::new(AtomicBool::new(false)));
    match serve_commands(options) {
        Ok(()) => OK,
        Err(error) => {
            note::say(error);
            INTERNAL_ERROR
        }
    }
}

/// The limit of the command that happened to start the daemon may be a low one; each session gets that of its own.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    // It is allowed; if it were not, commands would wait for one another.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

fn options() -> Result<DaemonOptions, String> {
    let runtime_dir = link::runtime_dir().map_err(|error| error.to_string())?;
    let (lock, ready) =
        handed_over().ok_or("--rpytest-daemon is for rpytest's own use: any run starts the daemon it needs")?;
    Ok(DaemonOptions {
        lock: Lock::inherited(lock, &runtime_dir.lock()),
        ready: Some(ready),
        hello: link::hello(),
        confinement: rpytest_ipc::confinement(),
        cache: directory("XDG_CACHE_HOME", ".cache").unwrap_or_else(|| runtime_dir.path().to_owned()),
        state: state_dir(&runtime_dir),
        idle_timeout: Duration::from_secs(number("RPYTEST_DAEMON_IDLE_TIMEOUT", IDLE_TIMEOUT)),
        max_contexts: usize::try_from(number("RPYTEST_MAX_CONTEXTS", MAX_CONTEXTS)).unwrap_or(usize::MAX),
        max_memory: number("RPYTEST_MAX_MEMORY_MIB", MAX_MEMORY_MIB).saturating_mul(1 << 20),
        max_runs: MAX_RUNS,
        runtime_dir,
    })
}

/// The lock and the pipe that the command which started us has passed on.
fn handed_over() -> Option<(OwnedFd, OwnedFd)> {
    Some((descriptors::take(link::LOCK)?, descriptors::take(link::READY)?))
}

/// Where its log is.
pub(crate) fn state_dir(runtime_dir: &RuntimeDir) -> PathBuf {
    directory("XDG_STATE_HOME", ".local/state").unwrap_or_else(|| runtime_dir.path().to_owned())
}

/// The user's directory of a kind, for rpytest.
pub(crate) fn directory(variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute(variable)
        .or_else(|| absolute("HOME").filter(|home| home.is_dir()).map(|home| home.join(below_home)))?;
    Some(base.join("rpytest"))
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}
