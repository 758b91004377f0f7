//! The slowest path: become `python -m pytest ARGS`. `docs/drop-in-compatibility.md` lists when.

use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rpytest_ipc::End;

use crate::ending::INTERNAL_ERROR;
use crate::note;

/// Become plain pytest: same process, same descriptors, same signals. Returns only if that fails.
pub(crate) fn exec(interpreter: &Path, arguments: &[OsString], reason: &str) -> End {
    note::log(format_args!("plain pytest: {reason}"));
    let fixed = [interpreter.as_os_str().as_bytes(), b"-m", b"pytest"];
    let words = fixed.into_iter().chain(arguments.iter().map(|word| word.as_bytes()));
    let words: Result<Vec<CString>, _> = words.map(CString::new).collect();
    let failed = match words {
        // Not the standard library's: it would reset SIGPIPE.
        Ok(words) => {
            nix::unistd::execv(&words[0], &words).map_or_else(|errno| errno.to_string(), |never| match never {})
        }
        Err(error) => error.to_string(),
    };
    note::say(format_args!("cannot run {}: {failed}", interpreter.display()));
    INTERNAL_ERROR
}
