//! Where an inventory lives.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::{MovedAside, Snapshot, SnapshotError, durable};

/// The name of the directory in the rootdir.
const NAME: &str = ".rpytest";

/// What version control and backups leave out, as pytest's own cache directory has it.
const FILES: [(&str, &str); 2] = [
    (".gitignore", "# Created by rpytest.\n*\n"),
    (
        "CACHEDIR.TAG",
        "Signature: 8a477f597d28d172789f06886806bc55\n\
         # This file is a cache directory tag created by rpytest.\n\
         # For information about cache directory tags, see:\n\
         #\thttps://bford.info/cachedir/spec.html\n",
    ),
];

/// A directory for one inventory: `.rpytest` in the rootdir, with a `.gitignore` and a `CACHEDIR.TAG` of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventoryDirectory {
    path: PathBuf,
}

/// Why there is no directory for an inventory.
#[derive(Debug, thiserror::Error)]
#[error("make {}: {source}", path.display())]
pub struct DirectoryError {
    /// Which file or directory could not be made.
    pub path: PathBuf,
    source: io::Error,
}

impl InventoryDirectory {
    /// The one of `rootdir`, whether it is there or not.
    pub fn of_rootdir(rootdir: &Path) -> Self {
        Self { path: rootdir.join(NAME) }
    }

    /// The one of `rootdir`, made if it is not there; where the rootdir cannot be written, `elsewhere`: a directory in the
    /// user's cache that is this rootdir's alone.
    pub fn create(rootdir: &Path, elsewhere: &Path) -> Result<Self, DirectoryError> {
        match Self::of_rootdir(rootdir).make() {
            Err(error) if error.is_refusal() => Self { path: elsewhere.to_owned() }.make(),
            made => made,
        }
    }

    /// One at a place of its own, in the user's cache.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Make it, if it is not there. What is in its way, or in that of something in it, is moved aside: a file where a
    /// directory belongs, or the other way round. The last such is returned.
    pub fn ensure(&self) -> Result<Option<MovedAside>, DirectoryError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| DirectoryError { path, source }
        };
        let mut moved = None;
        for path in self.path.parent().into_iter().chain([self.path.as_path()]) {
            moved = make_way(path, true).map_err(failed(path))?.or(moved);
        }
        fs::create_dir_all(&self.path).map_err(failed(&self.path))?;
        for (path, is_directory) in [
            (self.snapshot(), false),
            (self.lock(), false),
            (self.database(), true),
            (self.database().with_extension("closed"), false),
            (self.database().with_extension("opening"), false),
        ] {
            moved = make_way(&path, is_directory).map_err(failed(&path))?.or(moved);
        }
        Ok(moved)
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where readers find the [`Snapshot`](crate::Snapshot).
    pub fn snapshot(&self) -> PathBuf {
        self.path.join("inventory.rkyv")
    }

    /// Move a snapshot that cannot be read aside, so that another one is made. None: it is not there, or no longer, as
    /// somebody else has replaced it.
    pub fn move_snapshot_aside(&self, reason: &SnapshotError) -> io::Result<Option<MovedAside>> {
        // It may be whole all the same where the system has refused to read it.
        let is_damaged = matches!(reason, SnapshotError::Format { .. });
        if !is_damaged || Snapshot::open(&self.snapshot()).is_ok_and(|snapshot| snapshot.verify().is_ok()) {
            return Ok(None);
        }
        match move_aside(&self.snapshot()) {
            Ok(to) => Ok(Some(MovedAside { to, reason: reason.to_string() })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Leaves a text of this name beside the inventory, in the place of whatever has that name.
    pub fn remember(&self, name: &str, text: &str) -> io::Result<()> {
        let path = self.path.join(name);
        durable::make_free(&path)?;
        fs::File::create_new(path)?.write_all(text.as_bytes())
    }

    /// What was [remembered](Self::remember). None: nothing that can be read.
    pub fn recall(&self, name: &str) -> Option<String> {
        let path = self.path.join(name);
        let is_file = fs::metadata(&path).is_ok_and(|found| found.is_file()); // to open a pipe would wait
        is_file.then(|| fs::read_to_string(path).ok()).flatten()
    }

    /// Where the [`Store`](crate::Store) has its database.
    pub fn database(&self) -> PathBuf {
        self.path.join("db")
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.path.join("lock")
    }

    fn make(self) -> Result<Self, DirectoryError> {
        fs::create_dir_all(&self.path).map_err(|source| DirectoryError { path: self.path.clone(), source })?;
        for (name, content) in FILES {
            let path = self.path.join(name);
            create_new(&path, content).map_err(|source| DirectoryError { path, source })?;
        }
        Ok(self)
    }
}

impl DirectoryError {
    fn is_refusal(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
    }
}

/// What tells the file of one inventory from that of another: the name of the directory that it is in.
pub(crate) fn place_of(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_default();
    path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned()
}

/// Move what is of another kind aside.
fn make_way(path: &Path, is_directory: bool) -> io::Result<Option<MovedAside>> {
    let reason = match fs::metadata(path) {
        Ok(found) if !found.is_file() && !is_directory => "it is no file",
        Ok(found) if !found.is_dir() && is_directory => "it is no directory",
        Err(_) if path.is_symlink() => "it leads nowhere",
        Ok(_) | Err(_) => return Ok(None),
    };
    Ok(Some(MovedAside { to: move_aside(path)?, reason: reason.to_owned() }))
}

/// Give a file or directory a name that ends in `.aside`, in the place of the last one. Returns that.
pub(crate) fn move_aside(path: &Path) -> io::Result<PathBuf> {
    let mut name = path.to_owned().into_os_string();
    name.push(".aside");
    let to = PathBuf::from(name);
    fs::symlink_metadata(path)?; // else there is nothing to take the place of the last one
    match fs::symlink_metadata(&to) {
        Ok(last) if last.is_dir() => fs::remove_dir_all(&to)?,
        Ok(_) => fs::remove_file(&to)?,
        Err(_) => {}
    }
    fs::rename(path, &to)?;
    Ok(to)
}

/// What is there already may be the user's own.
fn create_new(path: &Path, content: &str) -> io::Result<()> {
    match fs::File::options().write(true).create_new(true).open(path) {
        Ok(mut file) => file.write_all(content.as_bytes()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}
