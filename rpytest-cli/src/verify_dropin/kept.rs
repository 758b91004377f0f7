//! A file or directory that runs change: remembered as it was found, and put back before each run and at the end.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// Something of the user's, and a copy of it.
#[derive(Debug)]
pub(super) struct Kept {
    path: PathBuf,
    /// Not there: neither was the original.
    copy: PathBuf,
}

impl Kept {
    /// Copy what is at `path` to `copy`.
    pub(super) fn remember(path: PathBuf, copy: PathBuf) -> io::Result<Self> {
        if let Ok(metadata) = fs::metadata(&path) {
            if metadata.is_dir() { copy_directory(&path, &copy)? } else { copy_file(&path, &copy)? }
        }
        Ok(Self { path, copy })
    }

    /// There is a copy already.
    pub(super) fn with_copy(path: PathBuf, copy: PathBuf) -> Self {
        Self { path, copy }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Make it what it was. A directory stays the same directory, also behind a link; what is in it is made anew.
    pub(super) fn put_back(&self) -> io::Result<()> {
        if !self.copy.exists() {
            return remove(&self.path);
        }
        if !self.copy.is_dir() {
            return copy_file(&self.copy, &self.path);
        }
        if self.path.is_dir() {
            for entry in fs::read_dir(&self.path)? {
                remove(&entry?.path())?;
            }
        }
        copy_directory(&self.copy, &self.path)
    }
}

/// Whether `path` is no place that may be emptied: it holds the working directory.
pub(super) fn is_too_much(path: &Path, directory: &Path) -> bool {
    let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    real(directory).starts_with(real(path))
}

fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn copy_directory(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy_directory(&entry.path(), &target)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, &target)?;
        } else {
            copy_file(&entry.path(), &target)?;
        }
    }
    fs::set_permissions(to, fs::metadata(from)?.permissions())
}

/// With its mode and the time of its last change.
fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    let modified = fs::metadata(from)?.modified()?;
    fs::File::open(to)?.set_modified(modified)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{Kept, is_too_much};

    /// What is below a directory, as names and texts.
    fn all(directory: &Path) -> Vec<(String, String)> {
        let mut found: Vec<_> = fs::read_dir(directory)
            .into_iter()
            .flatten()
            .map(|entry| entry.expect("it can be read").path())
            .flat_map(|path| {
                if path.is_dir() {
                    all(&path)
                } else {
                    vec![(path.display().to_string(), fs::read_to_string(&path).expect("it is text"))]
                }
            })
            .collect();
        found.sort();
        found
    }

    #[test]
    fn a_directory_is_put_back_as_it_was() {
        let root = tempfile::tempdir().expect("a directory can be made");
        let cache = root.path().join("cache");
        fs::create_dir_all(cache.join("v")).expect("it can be made");
        fs::write(cache.join("v/kept"), "1").expect("it can be written");
        let before = all(&cache);
        let kept = Kept::remember(cache.clone(), root.path().join("copy")).expect("it can be copied");
        fs::write(cache.join("v/kept"), "2").expect("it can be written");
        fs::write(cache.join("new"), "2").expect("it can be written");
        for _ in 0..2 {
            kept.put_back().expect("it can be put back");
            assert_eq!(all(&cache), before);
        }
        fs::remove_dir_all(&cache).expect("it is there");
        kept.put_back().expect("it can be put back");
        assert_eq!(all(&cache), before);
    }

    #[test]
    fn what_was_not_there_is_removed() {
        let root = tempfile::tempdir().expect("a directory can be made");
        let cache = root.path().join("cache");
        let kept = Kept::remember(cache.clone(), root.path().join("copy")).expect("there is nothing to copy");
        kept.put_back().expect("there is nothing to remove");
        fs::create_dir(&cache).expect("it can be made");
        kept.put_back().expect("it can be removed");
        assert!(!cache.exists());
    }

    #[test]
    fn the_working_directory_is_never_emptied() {
        assert!(is_too_much(Path::new("/"), Path::new("/tmp")));
        assert!(is_too_much(Path::new("/tmp"), Path::new("/tmp")));
        assert!(!is_too_much(Path::new("/tmp/a/.pytest_cache"), Path::new("/tmp/a")));
    }
}
