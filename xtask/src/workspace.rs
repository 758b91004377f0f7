//! Where things are: the repository, its `target/` and what the set-up puts there.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use thiserror::Error;

/// The repository that this xtask was built from.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
    /// Cargo's directory for the profile-independent part of our target: the parent of `debug/` and `release/`.
    artifacts: PathBuf,
}

/// The place of this program cannot be told.
#[derive(Debug, Error)]
#[error("failed to tell where the workspace is")]
pub(crate) struct WorkspaceError(#[from] io::Error);

impl Workspace {
    pub(crate) fn find() -> Result<Self, WorkspaceError> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
        // `<artifacts>/debug/xtask`, wherever `CARGO_TARGET_DIR` or a configuration file has put it.
        let program = env::current_exe()?;
        let artifacts = program.ancestors().nth(2).map_or_else(|| root.join("target"), Path::to_path_buf);
        Ok(Self { root: root.to_path_buf(), artifacts })
    }

    /// The top of the repository.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// `rpytest` as `cargo build --release` leaves it.
    pub(crate) fn release_binary(&self) -> PathBuf {
        self.artifacts.join("release/rpytest")
    }

    /// A directory below `target/` of the repository itself, where `.cargo/cmake` looks as well.
    pub(crate) fn target(&self, name: &str) -> PathBuf {
        self.root.join("target").join(name)
    }

    /// A file of `xtask/requirements/`, which pip reads.
    pub(crate) fn requirements(&self, name: &str) -> PathBuf {
        self.root.join("xtask/requirements").join(name)
    }

    /// The cargo that runs this program, at the top of the repository.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(&self.root);
        command
    }
}
