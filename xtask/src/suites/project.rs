//! A project on disk: its sdist, unpacked, and a virtual environment with it and what its tests need.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use thiserror::Error;

use super::suite::Suite;
use crate::command::{CommandError, capture};
use crate::progress::{Progress, Work};

/// Written last, so that a preparation that was interrupted has none. Holds what the preparation depended on.
const STAMP: &str = "complete";

/// A project that is ready to be tested.
#[derive(Debug)]
pub(crate) struct Project {
    directory: PathBuf,
}

/// Why a project could not be made ready.
#[derive(Debug, Error)]
pub(crate) enum ProjectError {
    #[error("failed to get or install the project")]
    Command(#[from] CommandError),
    #[error("failed to prepare {}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("failed to find the sdist that pip put into {}", .0.display())]
    NoSdist(PathBuf),
}

impl Project {
    /// Gets, unpacks and installs the project below `suites`, unless that was done with the same data before.
    pub(crate) fn prepare(
        suite: &Suite,
        python: &Path,
        suites: &Path,
        progress: &Progress,
    ) -> Result<Self, ProjectError> {
        let project = Self { directory: suites.join(&suite.name) };
        let stamp = project.directory.join(STAMP);
        let wanted = format!("{}\n{}", python.display(), suite.text);
        if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
            return Ok(project);
        }
        let work = progress.start(format!("{}: installation", suite.name));
        remove(&project.directory)?;
        create(&project.directory)?;
        project.unpack(suite, python, &work)?;
        project.install(suite, python, &work)?;
        fs::write(&stamp, wanted).map_err(|source| file(&stamp, source))?;
        work.done();
        Ok(project)
    }

    /// Where pytest is run.
    pub(crate) fn source(&self) -> PathBuf {
        self.directory.join("source")
    }

    pub(crate) fn venv(&self) -> PathBuf {
        self.directory.join("venv")
    }

    /// Where the output of the runs is.
    pub(crate) fn outputs(&self) -> PathBuf {
        self.directory.join("outputs")
    }

    /// An empty [`Project::outputs`].
    pub(crate) fn clear_outputs(&self) -> Result<(), ProjectError> {
        remove(&self.outputs())?;
        create(&self.outputs())
    }

    /// Takes the outputs away when nobody wants to see them.
    pub(crate) fn remove_outputs(&self) {
        // Left-overs below `target/` hurt nobody, and the next run clears them.
        let _ = fs::remove_dir_all(self.outputs());
    }

    fn unpack(&self, suite: &Suite, python: &Path, work: &Work) -> Result<(), ProjectError> {
        let sdist = self.directory.join("sdist");
        capture(
            Command::new(python)
                .args(["-m", "pip", "download", "--no-input", "--no-deps", "--no-binary"])
                .arg(&suite.name)
                .arg("--dest")
                .arg(&sdist)
                .arg(format!("{}=={}", suite.name, suite.data.version)),
            |line| work.note(line),
        )?;
        let source = self.source();
        create(&source)?;
        capture(
            Command::new("tar")
                .arg("--extract")
                .arg("--file")
                .arg(only_file(&sdist)?)
                .arg("--directory")
                .arg(source)
                .arg("--strip-components=1"),
            |line| work.note(line),
        )?;
        Ok(())
    }

    /// Editable, as those who work on the project have it.
    fn install(&self, suite: &Suite, python: &Path, work: &Work) -> Result<(), ProjectError> {
        capture(Command::new(python).args(["-m", "venv"]).arg(self.venv()), |line| work.note(line))?;
        capture(
            Command::new(self.venv().join("bin/python"))
                .args(["-m", "pip", "install", "--no-input"])
                .args(&suite.data.requirements)
                .arg("--editable")
                .arg(self.source()),
            |line| work.note(line),
        )?;
        Ok(())
    }
}

fn only_file(directory: &Path) -> Result<PathBuf, ProjectError> {
    fs::read_dir(directory)
        .map_err(|source| file(directory, source))?
        .next()
        .and_then(Result::ok)
        .map(|entry| entry.path())
        .ok_or_else(|| ProjectError::NoSdist(directory.to_path_buf()))
}

fn create(directory: &Path) -> Result<(), ProjectError> {
    fs::create_dir_all(directory).map_err(|source| file(directory, source))
}

fn remove(directory: &Path) -> Result<(), ProjectError> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(file(directory, error)),
        _ => Ok(()),
    }
}

fn file(path: &Path, source: io::Error) -> ProjectError {
    ProjectError::File { path: path.to_path_buf(), source }
}
