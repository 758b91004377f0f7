//! What a run leaves in a directory: the files that it has written, changed or removed.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// What the system knows of every file below a directory.
#[derive(Debug)]
pub(super) struct Tree {
    root: PathBuf,
    files: BTreeMap<PathBuf, Facts>,
}

/// Any write changes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Facts {
    inode: u64,
    size: u64,
    mode: u32,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl From<&Metadata> for Facts {
    fn from(metadata: &Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            // A directory's size and times change with what is in it, which has entries of its own.
            size: if metadata.is_dir() { 0 } else { metadata.size() },
            mode: metadata.mode(),
            modified: if metadata.is_dir() { (0, 0) } else { (metadata.mtime(), metadata.mtime_nsec()) },
            changed: if metadata.is_dir() { (0, 0) } else { (metadata.ctime(), metadata.ctime_nsec()) },
        }
    }
}

impl Tree {
    /// Look at everything below `root` that is on the same file system, but for the repository of git, which other
    /// programs write to, and `except`. What cannot be read is not there.
    pub(super) fn look(root: &Path, except: &Path) -> Self {
        let mut tree = Self { root: root.to_owned(), files: BTreeMap::new() };
        if let Ok(metadata) = fs::metadata(root) {
            tree.visit(Path::new(""), metadata.dev(), except);
        }
        tree
    }

    /// One line for each file that is not as it was in `before`: its path, mode and content, or that it is gone.
    /// Bytecode holds the times of files: its content does not count, nor does that of `known`.
    pub(super) fn changes_since(&self, before: &Self, known: Option<&Path>) -> Vec<String> {
        let changed = self.files.iter().filter(|(path, facts)| before.files.get(*path) != Some(facts));
        let gone = before.files.keys().filter(|path| !self.files.contains_key(*path));
        let mut lines: Vec<String> = changed
            .map(|(path, facts)| self.line(path, facts, known))
            .chain(gone.map(|path| format!("{} (gone)", path.display())))
            .collect();
        lines.sort_unstable();
        lines
    }

    fn line(&self, path: &Path, facts: &Facts, known: Option<&Path>) -> String {
        let mode = fs::Permissions::from_mode(facts.mode).mode() & 0o7777;
        let name = path.display();
        let full = self.root.join(path);
        if is_bytecode(path) || known == Some(&full) {
            return format!("{name} (mode {mode:o})");
        }
        match content(&full) {
            Ok(Some(hash)) => format!("{name} (mode {mode:o}, content {hash:016x})"),
            Ok(None) => format!("{name} (mode {mode:o})"),
            Err(error) => format!("{name} (mode {mode:o}, {error})"),
        }
    }

    fn visit(&mut self, below: &Path, device: u64, except: &Path) {
        let Ok(entries) = fs::read_dir(self.root.join(below)) else { return };
        for entry in entries.flatten() {
            let name = below.join(entry.file_name());
            let Ok(metadata) = entry.metadata() else { continue };
            if entry.file_name() == ".git" || metadata.dev() != device || entry.path() == except {
                continue;
            }
            self.files.insert(name.clone(), Facts::from(&metadata));
            if metadata.is_dir() {
                self.visit(&name, device, except);
            }
        }
    }
}

/// Whether one of the lines tells of bytecode that was written.
pub(super) fn tell_of_bytecode(lines: &[String]) -> bool {
    lines.iter().any(|line| line.rsplit_once(" (").is_some_and(|(path, _)| is_bytecode(Path::new(path))))
}

fn is_bytecode(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "pyc")
}

/// A hash of what is in it, for what has a content.
fn content(path: &Path) -> io::Result<Option<u64>> {
    let kind = fs::symlink_metadata(path)?.file_type();
    let bytes = if kind.is_file() {
        fs::read(path)?
    } else if kind.is_symlink() {
        fs::read_link(path)?.into_os_string().into_encoded_bytes()
    } else {
        return Ok(None);
    };
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    Ok(Some(hasher.finish()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use tempfile::TempDir;

    use super::{Tree, tell_of_bytecode};

    /// What is told when `act` is done in a directory with the file `a` and the bytecode `b.pyc`.
    fn changes(act: impl Fn(&Path)) -> Vec<String> {
        let directory = TempDir::new().expect("a directory can be made");
        let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).expect("it can be written");
        write("a", "1");
        write("b.pyc", "1");
        let look = || Tree::look(directory.path(), &directory.path().join("except"));
        let before = look();
        act(directory.path());
        look().changes_since(&before, Some(&directory.path().join("known")))
    }

    fn write(name: &'static str, text: &'static str) -> impl Fn(&Path) {
        move |directory| fs::write(directory.join(name), text).expect("it can be written")
    }

    #[test]
    fn what_is_left_alone_is_not_told() {
        assert_eq!(changes(|_| ()), [""; 0]);
        assert_eq!(changes(write("except", "1")), [""; 0]);
    }

    #[test]
    fn what_is_written_is_told_with_its_content() {
        let one = changes(write("new", "1"));
        assert!(one[0].starts_with("new (mode 6"), "{one:?}");
        assert_eq!(one, changes(write("new", "1")));
        assert_ne!(one, changes(write("new", "2")));
    }

    #[test]
    fn the_same_written_again_is_told() {
        assert_eq!(changes(write("a", "1")).len(), 1);
    }

    #[test]
    fn bytecode_and_what_is_known_is_told_without_its_content() {
        for name in ["b.pyc", "known"] {
            assert_eq!(changes(write(name, "2")), changes(write(name, "3")));
            assert_eq!(changes(write(name, "2")).len(), 1);
        }
        assert!(tell_of_bytecode(&changes(write("b.pyc", "2"))));
        assert!(!tell_of_bytecode(&changes(write("known", "2"))));
    }

    #[test]
    fn what_is_gone_is_told() {
        assert_eq!(changes(|directory| fs::remove_file(directory.join("a")).expect("it is there")), ["a (gone)"]);
    }
}
