//! The fingerprint of everything that a shim's answer depends on.

use std::ffi::{OsStr, OsString};
use std::fmt::{self, Write};
use std::fs::{self, File, Metadata};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{Surroundings, path_search};

/// Files of more bytes than this are known by their beginning and their time stamp.
const LONGEST_CONTENTS: u64 = 256 * 1024;

/// The version managers whose shims are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manager {
    /// pyenv, with or without pyenv-virtualenv.
    Pyenv,
    /// asdf, of either implementation.
    Asdf,
    /// mise.
    Mise,
}

impl fmt::Display for Manager {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Pyenv => "pyenv",
            Self::Asdf => "asdf",
            Self::Mise => "mise",
        })
    }
}

/// Equal fingerprints: the shim would start the same interpreter, with the same changes to the environment.
///
/// Its text (`pyenv:` and 32 hexadecimal digits) is opaque and goes into the context key. It means the same to every
/// process of one version of rpytest, and nothing to another version.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ShimFingerprint(String);

impl fmt::Display for ShimFingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Collects what an answer depends on. Each `record_*` method looks at one thing and returns what it saw, so that rules
/// cannot look at anything without recording it.
pub(super) struct Inputs<'a> {
    surroundings: &'a Surroundings<'a>,
    hasher: Sha256,
}

impl<'a> Inputs<'a> {
    pub(super) fn new(surroundings: &'a Surroundings<'a>) -> Self {
        let mut inputs = Self { surroundings, hasher: Sha256::new() };
        inputs.record(b'D', &[surroundings.directory.as_os_str().as_bytes()]);
        inputs
    }

    /// The fingerprint of what was recorded.
    pub(super) fn finish(self, manager: Manager) -> ShimFingerprint {
        let mut text = format!("{manager}:");
        for byte in &self.hasher.finalize()[..16] {
            // Writing to a `String` cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        ShimFingerprint(text)
    }

    /// Bytes that the caller has already looked at.
    pub(super) fn record_bytes(&mut self, bytes: &[u8]) {
        self.record(b'B', &[bytes]);
    }

    /// The variables whose name `wanted` accepts, whatever their order.
    pub(super) fn record_variables(&mut self, wanted: impl Fn(&[u8]) -> bool) {
        let mut variables: Vec<_> = self
            .surroundings
            .environment
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .filter(|(name, _)| wanted(name))
            .collect();
        // Stable: of two entries of one name the order counts.
        variables.sort_by_key(|(name, _)| *name);
        for (name, value) in variables {
            self.record(b'V', &[name, value]);
        }
    }

    /// What a file says, or nothing when there is none.
    pub(super) fn record_contents(&mut self, path: &Path) -> Vec<u8> {
        let mut contents = Vec::new();
        // A FIFO or a device would block or never end; no manager reads its configuration from one.
        let metadata = fs::metadata(path).ok().filter(Metadata::is_file);
        let opened = metadata.as_ref().and_then(|_| File::open(path).ok());
        let read = opened.and_then(|file| {
            let mut beginning = file.take(LONGEST_CONTENTS);
            beginning.read_to_end(&mut contents).ok()
        });
        let state: &[u8] = match read {
            Some(_) => b"read",
            None if metadata.is_some() => b"unreadable",
            None => b"absent",
        };
        self.record(b'C', &[path.as_os_str().as_bytes(), state, &contents]);
        if metadata.is_some_and(|metadata| metadata.len() > LONGEST_CONTENTS) {
            self.record_stamp(path);
        }
        contents
    }

    /// Whether a file is there, and whether it is still the same one: time, size, inode and mode, through links.
    pub(super) fn record_stamp(&mut self, path: &Path) -> bool {
        let metadata = fs::metadata(path);
        let stamp = metadata.as_ref().map_or([0; 6], |found| {
            [
                found.mtime(),
                found.mtime_nsec(),
                found.size().cast_signed(),
                found.ino().cast_signed(),
                found.dev().cast_signed(),
                i64::from(found.mode()),
            ]
        });
        let mut bytes = [0; 48];
        for (slot, number) in bytes.chunks_exact_mut(8).zip(stamp) {
            slot.copy_from_slice(&number.to_le_bytes());
        }
        self.record(b'S', &[path.as_os_str().as_bytes(), &bytes]);
        metadata.is_ok()
    }

    /// The names in a directory, sorted; none when it cannot be listed.
    pub(super) fn record_names(&mut self, directory: &Path) -> Vec<OsString> {
        self.record_names_where(directory, |_| true)
    }

    /// The names in a directory that `wanted` accepts, sorted; none when it cannot be listed. The others are not recorded.
    pub(super) fn record_names_where(&mut self, directory: &Path, wanted: impl Fn(&OsStr) -> bool) -> Vec<OsString> {
        let listing = fs::read_dir(directory);
        let state: &[u8] = if listing.is_ok() { b"listed" } else { b"absent" };
        self.record(b'N', &[directory.as_os_str().as_bytes(), state]);
        let mut names: Vec<_> = listing
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok().map(|entry| entry.file_name()))
            .filter(|name| wanted(name))
            .collect();
        names.sort_unstable();
        for name in &names {
            self.record(b'n', &[name.as_bytes()]);
        }
        names
    }

    /// What a search of `PATH` for `name` would see: a manager may fall through to the system's interpreter.
    pub(super) fn record_search(&mut self, name: &OsStr) {
        let surroundings = self.surroundings;
        for directory in path_search::directories(surroundings) {
            self.record_stamp(&directory.join(name));
        }
    }

    /// One record. Lengths go first, so that no two different sequences of records are the same bytes.
    fn record(&mut self, kind: u8, fields: &[&[u8]]) {
        self.hasher.update([kind]);
        for field in fields {
            self.hasher.update(field.len().to_le_bytes());
            self.hasher.update(field);
        }
    }
}

/// The variables by which any shim that is a `bash` script is steered, whatever the manager. `LC_*` orders what `sort` sees.
pub(super) fn steers_shell(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 8] =
        [b"PATH", b"HOME", b"PWD", b"CDPATH", b"GLOBIGNORE", b"POSIXLY_CORRECT", b"LANG", b"VIRTUAL_ENV"];
    NAMES.contains(&name) || name.starts_with(b"BASH") || name.starts_with(b"LC_")
}

/// Why a `bash` script cannot be foretold here, if so: files and options that the shell takes from the environment.
pub(super) fn shell_surprise(surroundings: &Surroundings<'_>) -> Result<(), &'static str> {
    for (name, why) in [
        ("BASH_ENV", "BASH_ENV makes the shim's shell run a file first"),
        ("SHELLOPTS", "SHELLOPTS changes how the shim's shell behaves"),
        ("BASHOPTS", "BASHOPTS changes how the shim's shell behaves"),
    ] {
        if surroundings.filled(name).is_some() {
            return Err(why);
        }
    }
    Ok(())
}

/// The working directory and all its parents, and those of `PWD`, which a shell believes when it names the same directory.
pub(super) fn directories_upwards(surroundings: &Surroundings<'_>) -> Vec<PathBuf> {
    let logical =
        surroundings.filled("PWD").map(Path::new).filter(|path| path.is_absolute() && *path != surroundings.directory);
    let mut directories: Vec<PathBuf> = surroundings
        .directory
        .ancestors()
        .chain(logical.into_iter().flat_map(Path::ancestors))
        .map(Path::to_path_buf)
        .collect();
    let mut seen = std::collections::HashSet::new();
    directories.retain(|directory| seen.insert(directory.clone()));
    directories
}
