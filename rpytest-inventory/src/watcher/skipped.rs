//! What is not worth watching: no test and no module of the project is in it, and much happens there.

use std::path::Path;

const NAMES: [&str; 12] = [
    ".git",
    ".hg",
    ".svn",
    ".jj",
    ".rpytest",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".tox",
    ".nox",
    "__pycache__",
    "node_modules",
];

/// Whether a file or directory is skipped for its name.
pub(super) fn is_skipped(path: &Path) -> bool {
    path.file_name().is_some_and(|name| NAMES.iter().any(|skipped| name == *skipped))
}

/// Whether a directory is a virtual environment.
pub(super) fn is_environment(directory: &Path) -> bool {
    ["pyvenv.cfg", "conda-meta"].iter().any(|mark| directory.join(mark).exists())
}
