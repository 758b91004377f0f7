//! A directory in which a test lays out files, with an environment and a working directory of its own.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::interpreter::{Interpreter, Launcher, NotFound, Surroundings};

/// Enough of a native program for everything but running it.
pub(super) const NATIVE: &str = "\x7fELF and so on";

pub(super) struct Sandbox {
    root: TempDir,
    environment: Vec<(OsString, OsString)>,
    directory: PathBuf,
    own_path: Option<PathBuf>,
    python: Option<OsString>,
}

impl Sandbox {
    /// A sandbox whose environment has an empty directory as `PATH`, and whose working directory is `work`.
    pub(super) fn new() -> Self {
        let root = tempfile::Builder::new().prefix("interpreter").tempdir().expect("a temporary directory can be made");
        let directory = root.path().join("work");
        let mut sandbox = Self { root, environment: Vec::new(), directory, own_path: None, python: None };
        sandbox.directory("work");
        sandbox.path(&["empty"]);
        sandbox
    }

    pub(super) fn at(&self, relative: &str) -> PathBuf {
        self.root.path().join(relative)
    }

    pub(super) fn directory(&self, relative: &str) {
        fs::create_dir_all(self.at(relative)).expect("the directory can be made");
    }

    /// Writes a file, in place when it exists.
    pub(super) fn file(&self, relative: &str, contents: &str) {
        let path = self.at(relative);
        let parent = path.parent().expect("the file is in the sandbox");
        fs::create_dir_all(parent).expect("the directory can be made");
        fs::write(path, contents).expect("the file can be written");
    }

    pub(super) fn program(&self, relative: &str, contents: &str) {
        self.file(relative, contents);
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.at(relative), executable).expect("the mode can be set");
    }

    pub(super) fn link(&self, relative: &str, target: impl AsRef<Path>) {
        let path = self.at(relative);
        let parent = path.parent().expect("the link is in the sandbox");
        fs::create_dir_all(parent).expect("the directory can be made");
        symlink(target, path).expect("the link can be made");
    }

    pub(super) fn remove(&self, relative: &str) {
        let path = self.at(relative);
        if path.is_dir() {
            fs::remove_dir_all(path).expect("the directory can be removed");
        } else {
            fs::remove_file(path).expect("the file can be removed");
        }
    }

    pub(super) fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.unset(name);
        self.environment.push((name.into(), value.into()));
    }

    pub(super) fn unset(&mut self, name: &str) {
        self.environment.retain(|(key, _)| key != name);
    }

    /// Sets `PATH` to directories of the sandbox.
    pub(super) fn path(&mut self, directories: &[&str]) {
        let list = std::env::join_paths(directories.iter().map(|directory| self.at(directory)))
            .expect("no colon in the sandbox's path");
        self.set("PATH", list);
    }

    pub(super) fn work_in(&mut self, relative: &str) {
        self.directory(relative);
        self.directory = self.at(relative);
    }

    pub(super) fn run_as(&mut self, own_path: impl Into<PathBuf>) {
        self.own_path = Some(own_path.into());
    }

    pub(super) fn ask_for(&mut self, python: &str) {
        self.python = Some(python.into());
    }

    pub(super) fn find(&self) -> Result<Interpreter, NotFound> {
        Interpreter::find(&Surroundings {
            python: self.python.as_deref(),
            own_path: self.own_path.as_deref(),
            directory: &self.directory,
            environment: &self.environment,
        })
    }

    /// The path that is found, relative to the sandbox.
    pub(super) fn found(&self) -> String {
        let found = self.find().expect("an interpreter is found");
        let relative = found.path.strip_prefix(self.root.path());
        relative.unwrap_or(&found.path).to_string_lossy().into_owned()
    }

    /// The error's text, with the sandbox's path written as `~`.
    pub(super) fn error(&self) -> String {
        let error = self.find().expect_err("no interpreter is found");
        let root = self.root.path().to_string_lossy();
        error.to_string().replace(&*root, "~")
    }

    pub(super) fn launcher(&self) -> Launcher {
        self.find().expect("an interpreter is found").launcher
    }

    /// The fingerprint of the shim that is found.
    pub(super) fn fingerprint(&self) -> String {
        match self.launcher() {
            Launcher::Shim(fingerprint) => fingerprint.to_string(),
            other => panic!("expected a shim, found {other:?}"),
        }
    }

    /// Asserts that `change` leads to another fingerprint.
    #[track_caller]
    pub(super) fn changes(&mut self, change: impl FnOnce(&mut Self)) {
        let before = self.fingerprint();
        change(self);
        assert_ne!(before, self.fingerprint());
    }

    /// Asserts that `change` leaves the fingerprint as it is.
    #[track_caller]
    pub(super) fn keeps(&mut self, change: impl FnOnce(&mut Self)) {
        let before = self.fingerprint();
        change(self);
        assert_eq!(before, self.fingerprint());
    }

    /// Asserts that `change` turns the shim into something that cannot be foretold, for a reason that says `word`.
    #[track_caller]
    pub(super) fn spoils(&mut self, word: &str, change: impl FnOnce(&mut Self)) {
        self.fingerprint();
        change(self);
        match self.launcher() {
            Launcher::Unknown { why } => assert!(why.contains(word), "{why}"),
            other => panic!("expected Unknown, found {other:?}"),
        }
    }
}
