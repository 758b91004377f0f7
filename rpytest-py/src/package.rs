//! The Python package that is built into this binary, laid out on disk for interpreters to import.

use std::io;
use std::path::{Path, PathBuf};

// `FILES`, and `WITNESS`: the plugin of `--verify-dropin`, which must leave no mark and is apart from the rest. `BUILD` is
// a hash of `FILES`.
include!(concat!(env!("OUT_DIR"), "/package.rs"));

/// The name of that plugin.
pub const WITNESS_PLUGIN: &str = "rpytest_witness";

/// A hash of what is built in: two builds that differ in it must not share a daemon.
pub fn build() -> &'static str {
    BUILD
}

/// Have the package below `cache`, in a directory of its version; a damaged file is written anew.
pub(crate) fn install(cache: &Path) -> io::Result<PathBuf> {
    let directory = cache.join(directory_name());
    for (name, content) in FILES {
        let path = directory.join(name);
        if std::fs::read(&path).is_ok_and(|found| found == content.as_bytes()) {
            continue;
        }
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        // Written aside and renamed: an interpreter that is importing it sees the old file or the new one.
        let part = path.with_extension(format!("{}.part", std::process::id()));
        std::fs::write(&part, content)?;
        std::fs::rename(&part, &path)?;
    }
    // For `remove_stale`. That it was used is no reason to fail.
    let _ = std::fs::File::open(&directory).and_then(|opened| opened.set_modified(std::time::SystemTime::now()));
    Ok(directory)
}

fn directory_name() -> String {
    format!("python-{}-{BUILD}", env!("CARGO_PKG_VERSION"))
}

/// Have the plugin [`WITNESS_PLUGIN`] below `directory`, which is then to be on `PYTHONPATH`.
pub fn install_witness(directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory.join(WITNESS_PLUGIN))?;
    WITNESS.iter().try_for_each(|(name, content)| std::fs::write(directory.join(name), content))
}

/// Remove the packages of other versions that have not been used since `older_than`.
pub(crate) fn remove_stale(cache: &Path, older_than: std::time::SystemTime) -> io::Result<usize> {
    let ours = directory_name();
    let mut removed = 0;
    for entry in std::fs::read_dir(cache)? {
        let entry = entry?;
        let name = entry.file_name();
        let stale = name.to_string_lossy().starts_with("python-")
            && name.to_string_lossy() != ours
            && entry.metadata()?.modified()? < older_than;
        if stale {
            std::fs::remove_dir_all(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}
