//! What a piece of knowledge came from, and whether that is still so.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::{CWD, Mode, OFlags, openat};
use sha2::{Digest, Sha256};

use crate::failure::first_eight;
use crate::parallel::map_chunks;
use crate::{COARSEST_STAMP, Fingerprint, ObserveError};

/// Something on disk that an entry of the inventory was made from: a test file, a conftest, an ini file, a plugin, the
/// interpreter, the names in a directory. The entry is valid while none of its origins has changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// Where.
    pub path: PathBuf,
    /// What was there.
    pub seen: Seen,
}

/// What was seen at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// A file, or its absence.
    File(Fingerprint),
    /// Which names were in a directory, as a digest, and which of them were directories; `None` if it was not there. Its
    /// time stamps say too little and too much: a run that writes bytecode changes them.
    Names(Option<u64>),
    /// What kind of thing was there, and where a link led, as a digest: somebody has asked for no more.
    Kind(u64),
    /// A file that had been written just before, and might be written again without a visible trace: never current.
    Unsettled,
}

/// Directories that runs make by themselves. No test is ever in them.
const MADE_BY_RUNS: [&str; 4] = ["__pycache__", ".pytest_cache", ".rpytest", ".mypy_cache"];

/// How many are looked at together: enough to have their directory open for many of them, few enough to share the work.
const AT_ONCE: usize = 64;

/// Stands among names for: all of them count.
const ALL_COUNT: &[u8] = b"/";

impl Origin {
    /// The file that is at `path` now, or its absence. To be called *before* the file is read.
    pub fn observe_file(path: impl Into<PathBuf>) -> Result<Self, ObserveError> {
        let path = path.into();
        let now = SystemTime::now();
        let fingerprint = Fingerprint::observe(&path)?;
        let settled = fingerprint.is_settled_at(now, COARSEST_STAMP);
        Ok(Self { path, seen: if settled { Seen::File(fingerprint) } else { Seen::Unsettled } })
    }

    /// The file that was at `path` at a time that has passed, or its absence: what was read since then was this, unless it
    /// is [`Seen::Unsettled`].
    pub fn observe_file_since(path: impl Into<PathBuf>, then: SystemTime) -> Result<Self, ObserveError> {
        let path = path.into();
        let fingerprint = Fingerprint::observe(&path)?;
        let settled = fingerprint.is_settled_at(then, fingerprint.coarseness());
        Ok(Self { path, seen: if settled { Seen::File(fingerprint) } else { Seen::Unsettled } })
    }

    /// The directory at `path`, in which somebody has seen these names: `/` is behind those of directories, `/@/` behind
    /// those of links to directories, `/@-` of links to something else, `/@` of links to nothing. What runs leave there
    /// does not count, unless `/` is among the names.
    pub fn of_names(path: impl Into<PathBuf>, names: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let names: Vec<_> = names.into_iter().collect();
        let do_all_count = names.iter().any(|name| name == ALL_COUNT);
        let digest = digest(if do_all_count { names } else { without_made_by_runs(names) });
        Self { path: path.into(), seen: Seen::Names(Some(digest)) }
    }

    /// A path at which somebody has seen something of this kind: `d` is a directory, `f` a file, `o` something else, `-`
    /// nothing. Before that, a link has `l`, its text, and a zero byte.
    pub fn of_kind(path: impl Into<PathBuf>, kind: &[u8]) -> Self {
        Self { path: path.into(), seen: Seen::Kind(first_eight(&Sha256::digest(kind))) }
    }

    /// What kind of thing is at `path` now.
    pub fn observe_kind(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let kind = kind_at(&path);
        Self::of_kind(path, &kind)
    }

    /// The names that are in the directory at `path` now.
    pub fn observe_names(path: impl Into<PathBuf>) -> Result<Self, ObserveError> {
        let path = path.into();
        let seen = Seen::Names(names(&path)?.map(|names| digest(without_made_by_runs(names))));
        Ok(Self { path, seen })
    }

    /// Whether what is there now is what was seen.
    pub fn is_current(&self) -> Result<bool, ObserveError> {
        self.seen.is_current_at(&self.path)
    }
}

/// Of so many origins by their numbers, whether what is there now is what was seen. It is quickest where they are in the
/// order of their paths.
pub(crate) fn are_current<'path>(
    length: usize,
    origin: impl Fn(usize) -> (&'path Path, Seen) + Sync,
) -> Result<Vec<bool>, ObserveError> {
    let chunks = map_chunks(length, AT_ONCE, 1, |chunk| -> Result<Vec<_>, _> {
        let mut directory = OpenDirectory::default();
        chunk.map(&origin).map(|(path, seen)| seen.is_current_in(&mut directory, path)).collect()
    });
    Ok(chunks.into_iter().collect::<Result<Vec<_>, _>>()?.concat())
}

impl Seen {
    fn is_current_at(self, path: &Path) -> Result<bool, ObserveError> {
        match self {
            Self::File(fingerprint) => fingerprint.is_current(path),
            Self::Names(seen) => Ok(match (seen, names(path)?) {
                (Some(seen), Some(names)) => {
                    let all = [&names[..], &[ALL_COUNT.to_vec()]].concat();
                    [without_made_by_runs(names), all].into_iter().any(|names| digest(names) == seen)
                }
                (seen, names) => seen.is_none() && names.is_none(),
            }),
            Self::Kind(_) => Ok(Origin::observe_kind(path).seen == self),
            Self::Unsettled => Ok(false),
        }
    }

    fn is_current_in(self, last: &mut OpenDirectory, path: &Path) -> Result<bool, ObserveError> {
        match (self, last.enter(path)) {
            (Self::File(fingerprint), Some((directory, name))) => Fingerprint::observe_in(directory, name)
                .map(|now| now == fingerprint)
                .map_err(|error| ObserveError::new(path, error.into())),
            _ => self.is_current_at(path),
        }
    }
}

/// The directory that was looked into last, so that its path is not walked again for each file in it.
#[derive(Default)]
struct OpenDirectory {
    path: Option<PathBuf>,
    descriptor: Option<OwnedFd>,
}

impl OpenDirectory {
    /// The directory of this path, once that comes for the second time in a row, and the name in it.
    fn enter<'a>(&'a mut self, path: &'a Path) -> Option<(BorrowedFd<'a>, &'a Path)> {
        let (parent, name) = (path.parent()?, path.file_name()?);
        if self.path.as_ref().map(|path| path.as_os_str()) != Some(parent.as_os_str()) {
            *self = Self { path: Some(parent.to_owned()), descriptor: None };
            return None;
        }
        if self.descriptor.is_none() {
            self.descriptor = openat(CWD, parent, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).ok();
        }
        Some((self.descriptor.as_ref()?.as_fd(), Path::new(name)))
    }
}

/// See [`Origin::of_kind`].
fn kind_at(path: &Path) -> Vec<u8> {
    let behind = match fs::metadata(path) {
        Ok(found) if found.is_dir() => b'd',
        Ok(found) if found.is_file() => b'f',
        Ok(_) => b'o',
        Err(_) => b'-',
    };
    let link = fs::read_link(path).map(|target| [b"l", target.as_os_str().as_bytes(), b"\0"].concat());
    [link.unwrap_or_default(), vec![behind]].concat()
}

fn names(directory: &Path) -> Result<Option<Vec<Vec<u8>>>, ObserveError> {
    match list(directory) {
        Ok(names) => Ok(Some(names)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(source) => Err(ObserveError::new(directory, source)),
    }
}

fn digest(mut names: Vec<Vec<u8>>) -> u64 {
    names.sort_unstable();
    let mut digest = Sha256::new();
    for name in names {
        digest.update(name);
        digest.update([0]);
    }
    first_eight(&digest.finalize())
}

fn without_made_by_runs(mut names: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    names.retain(|name| !is_made_by_runs(name));
    names
}

fn is_made_by_runs(name: &[u8]) -> bool {
    MADE_BY_RUNS.iter().any(|made| name.strip_suffix(b"/").unwrap_or(name) == made.as_bytes())
}

fn list(directory: &Path) -> io::Result<Vec<Vec<u8>>> {
    use std::os::unix::ffi::OsStringExt;

    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let mut name = entry.file_name().into_vec();
        name.extend_from_slice(kind(&entry));
        names.push(name);
    }
    Ok(names)
}

/// What is behind a name, see [`Origin::of_names`].
fn kind(entry: &fs::DirEntry) -> &'static [u8] {
    match entry.file_type() {
        Ok(kind) if kind.is_symlink() => match fs::metadata(entry.path()) {
            Ok(target) if target.is_dir() => b"/@/",
            Ok(_) => b"/@-",
            Err(_) => b"/@",
        },
        Ok(kind) if kind.is_dir() => b"/",
        _ => b"",
    }
}
