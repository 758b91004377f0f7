//! Where the processes of one user meet: a directory that nobody else can write to or look into.
//!
//! See `docs/design/daemon.md`.

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("runtime directory {}: {kind}", path.display())]
pub struct RuntimeDirError {
    /// The directory in question.
    pub path: PathBuf,
    #[source]
    kind: Kind,
}

#[derive(Debug, thiserror::Error)]
enum Kind {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("not a directory")]
    NotADirectory,
    #[error("it belongs to user {0}")]
    Foreign(u32),
    #[error("its mode is {0:03o}, which lets others in; it must be 700")]
    Open(u32),
}

/// A directory of mode 0700 that belongs to this user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeDir {
    path: PathBuf,
}

impl RuntimeDir {
    /// `RPYTEST_RUNTIME_DIR`, else `$XDG_RUNTIME_DIR/rpytest`, else `rpytest-UID` in the system's temporary directory;
    /// made if it is not there, and verified.
    pub fn find(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, RuntimeDirError> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let path = set("RPYTEST_RUNTIME_DIR")
            .or_else(|| set("XDG_RUNTIME_DIR").filter(|path| path.is_dir()).map(|path| path.join("rpytest")))
            .unwrap_or_else(|| PathBuf::from(format!("/tmp/rpytest-{}", rustix::process::getuid().as_raw())));
        Self::at(&path)
    }

    /// This very directory: made if it is not there, and verified.
    pub fn at(path: &Path) -> Result<Self, RuntimeDirError> {
        let fail = |kind: Kind| RuntimeDirError { path: path.to_owned(), kind };
        let path = std::path::absolute(path).map_err(|error| fail(error.into()))?;
        match std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(fail(error.into())),
            _ => {}
        }
        verify(&path).map_err(fail)?;
        Ok(Self { path })
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The front door's address.
    pub fn socket(&self) -> PathBuf {
        self.path.join("daemon.sock")
    }

    /// The file whose lock makes a daemon the only one.
    pub fn lock(&self) -> PathBuf {
        self.path.join("daemon.lock")
    }
}

fn verify(path: &Path) -> Result<(), Kind> {
    let found = std::fs::symlink_metadata(path)?;
    if !found.is_dir() {
        return Err(Kind::NotADirectory);
    }
    if found.uid() != rustix::process::getuid().as_raw() {
        return Err(Kind::Foreign(found.uid()));
    }
    if found.mode() & 0o077 != 0 {
        return Err(Kind::Open(found.mode() & 0o777));
    }
    Ok(())
}
