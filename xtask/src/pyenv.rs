//! The Pythons that pyenv has installed. Its shims on `PATH` run only those that were chosen for a directory.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The interpreters of version `X.Y`, the newest first.
pub(crate) fn interpreters(version: &str) -> Vec<PathBuf> {
    let root = env::var_os("PYENV_ROOT").map(PathBuf::from);
    let root = root.or_else(|| Some(env::home_dir()?.join(".pyenv")));
    root.map_or_else(Vec::new, |root| below(&root.join("versions"), version))
}

fn below(versions: &Path, version: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(versions).into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let patch = name.strip_prefix(version)?.strip_prefix('.')?.parse().ok()?;
            Some((patch, entry.path().join("bin/python")))
        })
        .collect();
    found.sort();
    found.into_iter().rev().map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::below;

    #[test]
    fn the_newest_of_a_version_comes_first_and_no_other_version() {
        let versions = tempfile::tempdir().expect("a directory can be made");
        for name in ["3.9.2", "3.9.18", "3.10.1", "3.9-dev", "pypy3.9-7.3"] {
            fs::create_dir(versions.path().join(name)).expect("it can be made");
        }
        let expected = ["3.9.18", "3.9.2"].map(|name| versions.path().join(name).join("bin/python"));
        assert_eq!(below(versions.path(), "3.9"), expected);
        assert!(below(&versions.path().join("nowhere"), "3.9").is_empty());
    }
}
