//! Virtual environments that a test can change.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::harness::{End, Project, Running, Way, interpreter, write_settled};

/// An environment without pip. It is removed with its project.
pub(crate) struct Venv {
    pub(crate) path: PathBuf,
}

impl Venv {
    /// One that has nothing.
    pub(crate) fn empty(project: &Project, name: &str) -> Self {
        let path = project.root().join(name);
        let mut command = project.clean(interpreter());
        let outcome = Running::start(command.args(["-m", "venv", "--without-pip"]).arg(&path)).finish();
        outcome.ended(End::Code(0));
        Self { path }
    }

    /// One that sees the packages of the tests' interpreter, pytest among them.
    pub(crate) fn new(project: &Project, name: &str) -> Self {
        let venv = Self::empty(project, name);
        let script = "import os, pytest; print(os.path.dirname(os.path.dirname(pytest.__file__)), end='')";
        let outcome = Running::start(project.clean(interpreter()).args(["-c", script])).finish();
        venv.write("host.pth", &outcome.stdout);
        venv
    }

    /// The interpreter.
    pub(crate) fn python(&self) -> PathBuf {
        self.path.join("bin/python")
    }

    /// Where its packages are, or something there.
    pub(crate) fn site_packages(&self, below: &str) -> PathBuf {
        let lib = fs::read_dir(self.path.join("lib")).expect("a virtual environment has lib");
        let python = lib.flatten().map(|entry| entry.path()).find(|path| path.join("site-packages").is_dir());
        python.expect("it has a directory for packages").join("site-packages").join(below)
    }

    /// Write a file among its packages.
    pub(crate) fn write(&self, path: &str, text: &str) {
        write_settled(&self.site_packages(path), text);
    }

    /// Run the tests of a project with it, as if it were activated.
    pub(crate) fn command(&self, project: &Project, way: Way) -> Command {
        let mut command = match way {
            Way::Plain => project.clean(self.python()),
            Way::Rpytest => project.clean(env!("CARGO_BIN_EXE_rpytest")),
        };
        if way == Way::Plain {
            command.args(["-m", "pytest"]);
        }
        command.env("VIRTUAL_ENV", &self.path);
        command.env("PATH", format!("{}:/usr/bin:/bin", self.path.join("bin").display()));
        command
    }
}
