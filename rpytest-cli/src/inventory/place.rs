//! Where inventories are: one for each interpreter and directory, and one for each selection that is not a part of it.

use std::ffi::OsString;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::daemon;
use crate::interpreter::{Interpreter, Launcher};

/// So much of the digest is in the name, in bytes.
const NAMED: usize = 16;

/// The directory of the inventory of runs in this directory. None: there is no place to keep it, or what the interpreter is
/// cannot be foretold.
pub(crate) fn of_all(interpreter: &Interpreter, directory: &Path) -> Option<PathBuf> {
    of(interpreter, directory, "inventories", &[])
}

/// The directory of everything that these paths and node ids name.
pub(super) fn of_named(interpreter: &Interpreter, directory: &Path, named: &[OsString]) -> Option<PathBuf> {
    let words: Vec<OsString> = std::iter::once(OsString::from("\n")).chain(named.iter().cloned()).collect();
    of(interpreter, directory, "selections", &words)
}

/// The directory of what just these arguments select.
pub(super) fn of_exactly(interpreter: &Interpreter, directory: &Path, arguments: &[OsString]) -> Option<PathBuf> {
    of(interpreter, directory, "selections", arguments)
}

fn of(interpreter: &Interpreter, directory: &Path, kind: &str, arguments: &[OsString]) -> Option<PathBuf> {
    let shim = match &interpreter.launcher {
        Launcher::Binary => String::new(),
        Launcher::Shim(fingerprint) => fingerprint.to_string(),
        Launcher::Unknown { .. } => return None,
    };
    let mut digest = Sha256::new();
    let words = [kind.as_ref(), interpreter.path.as_os_str(), shim.as_ref(), directory.as_os_str()];
    for word in words.into_iter().chain(arguments.iter().map(OsString::as_os_str)) {
        digest.update(word.as_bytes());
        digest.update([0]);
    }
    let mut name = String::with_capacity(2 * NAMED);
    for byte in &digest.finalize()[..NAMED] {
        write!(name, "{byte:02x}").expect("a string takes everything");
    }
    Some(daemon::directory("XDG_CACHE_HOME", ".cache")?.join(kind).join(name))
}
