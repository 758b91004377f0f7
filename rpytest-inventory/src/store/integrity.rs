//! Whether a database that was closed is still what it was.
//!
//! sled finds most damage by itself, but answers some of it with a panic, which ends a process that is built to abort.
//! So it is not shown what is known to be damaged.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::StoreError;
use crate::durable;
use crate::envelope::{seal, unseal};

/// The length and the checksum of every file of a closed database.
#[derive(Debug)]
pub(super) struct Manifest {
    path: PathBuf,
}

/// What a manifest says of a database.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is byte for byte what was closed.
    Whole,
    /// It was not closed.
    Unknown,
    /// It is not what was closed.
    Damaged,
}

impl Manifest {
    pub(super) const fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// To be called when nobody writes to the database.
    pub(super) fn write(&self, database: &Path) -> Result<(), StoreError> {
        let sums = sums(database).map_err(StoreError::io("read", database))?;
        durable::replace(&self.path, &[&seal(&sums)]).map_err(StoreError::io("write", &self.path))
    }

    pub(super) fn compare(&self, database: &Path) -> Result<Verdict, StoreError> {
        let bytes = match fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Verdict::Unknown),
            bytes => bytes.map_err(StoreError::io("read", &self.path))?,
        };
        let Ok(closed) = unseal::<BTreeMap<String, (u64, u32)>>(&bytes) else { return Ok(Verdict::Damaged) };
        let found = sums(database).map_err(StoreError::io("read", database))?;
        Ok(if found == closed { Verdict::Whole } else { Verdict::Damaged })
    }

    /// To be called before anybody writes to the database.
    pub(super) fn remove(&self) -> Result<(), StoreError> {
        remove_if_there(&self.path)
    }
}

pub(super) fn remove_if_there(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(StoreError::io("remove", path)),
    }
}

/// Whether what is in it and in the directories below it are files, and not pipes or links.
pub(super) fn holds_only_files(directory: &Path) -> io::Result<bool> {
    Ok(entries(directory)?.iter().all(|(_, kind)| kind.is_file()))
}

fn sums(directory: &Path) -> io::Result<BTreeMap<String, (u64, u32)>> {
    let mut sums = BTreeMap::new();
    for (path, _) in entries(directory)? {
        let content = fs::read(&path)?;
        let name = path.strip_prefix(directory).unwrap_or(&path).to_string_lossy().into_owned();
        sums.insert(name, (content.len() as u64, crc32fast::hash(&content)));
    }
    Ok(sums)
}

/// All that is in a directory and in those below it, but directories.
fn entries(directory: &Path) -> io::Result<Vec<(PathBuf, fs::FileType)>> {
    let (mut found, mut directories) = (Vec::new(), vec![directory.to_owned()]);
    while let Some(current) = directories.pop() {
        for entry in fs::read_dir(current)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() { directories.push(entry.path()) } else { found.push((entry.path(), kind)) }
        }
    }
    Ok(found)
}
