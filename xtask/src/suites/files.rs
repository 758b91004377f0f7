//! The files of a project: the same before each run, and listed after it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Removes what an earlier run left. Bytecode stays.
pub(crate) fn reset(directory: &Path, more: &[PathBuf]) -> io::Result<()> {
    let cache = PathBuf::from(".pytest_cache");
    for left in more.iter().chain([&cache]) {
        let path = directory.join(left);
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// One line per file below `directory`, in the order of names: the path and a hash of the content. The content of
/// bytecode does not count: it holds the times of files.
pub(crate) fn list(directory: &Path) -> io::Result<Vec<String>> {
    let mut lines = Vec::new();
    visit(directory, Path::new(""), &mut lines)?;
    lines.sort();
    Ok(lines)
}

fn visit(directory: &Path, below: &Path, lines: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = below.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            visit(&entry.path(), &name, lines)?;
        } else if kind.is_file() && name.extension().is_none_or(|extension| extension != "pyc") {
            let content = hash(&fs::read(entry.path())?);
            lines.push(format!("{} (content {content:016x})", name.display()));
        } else {
            lines.push(name.display().to_string());
        }
    }
    Ok(())
}

fn hash(content: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::{list, reset};

    #[test]
    fn a_changed_file_has_another_line() {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let file = directory.path().join("a");
        fs::write(&file, "1").expect("it can be written");
        let before = list(directory.path()).expect("it can be read");
        fs::write(&file, "2").expect("it can be written");
        let after = list(directory.path()).expect("it can be read");
        assert_eq!(before.len(), 1);
        assert_ne!(before, after);
    }

    #[test]
    fn what_a_run_left_is_removed_and_bytecode_kept() {
        let directory = tempfile::tempdir().expect("a directory can be made");
        for name in [".pytest_cache", ".hypothesis", "__pycache__"] {
            let directory = directory.path().join(name);
            fs::create_dir(&directory).expect("it can be made");
            fs::write(directory.join("a.pyc"), "1").expect("it can be written");
        }
        reset(directory.path(), &[PathBuf::from(".hypothesis")]).expect("it can be removed");
        assert_eq!(list(directory.path()).expect("it can be read"), ["__pycache__/a.pyc"]);
    }
}
