//! What two runs must have in common to be served by forks of one process. See `docs/design/daemon.md`.

use std::ffi::OsString;
use std::path::PathBuf;

/// Variables that an interpreter, the loader, a library or a zygote reads when it starts; `*` stands for any ending.
///
/// What else warm code reads is found out by watching it, and compared before each run.
const READ_AT_START: &[&str] = &[
    "PYTHON*",
    "__PYVENV_LAUNCHER__",
    "HOME",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "LOCPATH",
    "LD_*",
    "DYLD_*",
    "MALLOC_*",
    "GLIBC_*",
    "GCONV_PATH",
    "OPENSSL_*",
    "OMP_*",
    "MKL_*",
    "OPENBLAS_*",
    "GOTO_*",
    "NUMEXPR_*",
    "VECLIB_*",
    "BLIS_*",
    "KMP_*",
    "RPYTEST_SHELF",
];

/// The key of a context: same key, same warm process, as long as that is up to date.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ContextKey {
    /// As it is executed: not resolved, since that is what a virtual environment goes by.
    pub interpreter: PathBuf,
    /// What a version manager's choice depends on, where the interpreter is its shim.
    pub shim: Option<String>,
    /// Device and inode of the working directory.
    pub directory: (u64, u64),
    /// Its path; empty where it has none any more.
    pub directory_name: PathBuf,
    /// `NAME=value` of every variable that is read at start, in the order given; all of them where a shim is run.
    pub environment: Vec<OsString>,
}

/// Whether a variable of this name is part of the key.
pub(super) fn is_read_at_start(name: &[u8]) -> bool {
    READ_AT_START.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix.as_bytes()),
        None => name == pattern.as_bytes(),
    })
}
