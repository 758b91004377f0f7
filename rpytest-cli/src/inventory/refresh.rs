//! A collection by the real pytest, when what is known no longer holds.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use rpytest_ipc::{Collect, End};

use super::known::Known;
use crate::ending::INTERNAL_ERROR;

/// What came of it.
pub(super) enum Refreshed {
    /// It is known now.
    Known(Box<Known>),
    /// pytest has failed.
    Failed(Failure),
    /// pytest has collected, but told nothing: there was no session for it.
    Untold,
}

/// What pytest said when it failed, and how it ended.
pub(super) struct Failure {
    said: Vec<u8>,
    end: End,
}

impl Failure {
    pub(super) fn of(output: Output) -> Self {
        let killed = || output.status.signal().map_or(INTERNAL_ERROR, End::Signal);
        let end = output.status.code().map_or_else(killed, End::Code);
        Self { said: [output.stdout, output.stderr].concat(), end }
    }

    /// Whether something has broken, and not only what was collected is wrong.
    pub(super) fn is_internal(&self) -> bool {
        self.end == INTERNAL_ERROR
    }

    /// Tell the user, in its own words.
    pub(super) fn tell(&self) -> End {
        // Nobody reads it: then nobody misses it.
        let _ = std::io::stderr().write_all(&self.said);
        self.end
    }
}

/// Collect with these arguments for the inventory in a directory.
pub(super) fn refresh(
    directory: &Path,
    collect: Collect,
    python: Option<&OsString>,
    arguments: &[OsString],
) -> Refreshed {
    let began = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let what = match collect {
        Collect::All => "all",
        Collect::Named => "named",
        Collect::Exact => "exact",
    };
    let mut command = Command::new("/proc/self/exe");
    command.arg("--rpytest-inventory").arg(directory).args(["--rpytest-collect", what]);
    if let Some(python) = python {
        command.arg("--python").arg(python);
    }
    command.arg("--collect-only").args(arguments).stdin(Stdio::null());
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            let said = format!("rpytest: pytest cannot be asked: {error}\n").into_bytes();
            return Refreshed::Failed(Failure { said, end: INTERNAL_ERROR });
        }
    };
    let known = Known::look(directory)
        .ok()
        .filter(|known| known.collection().is_some_and(|collection| u128::from(collection.began_ns) >= began))
        .filter(Known::is_of_here);
    match (output.status.code(), known) {
        (Some(0 | 5), Some(known)) => Refreshed::Known(Box::new(known)),
        (Some(0 | 5), None) => Refreshed::Untold,
        _ => Refreshed::Failed(Failure::of(output)),
    }
}
