//! A project on disk: its tests, and a virtual environment with it and what the tests need.

pub(crate) mod environment;
mod stamp;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use thiserror::Error;

use self::stamp::Stamp;
use crate::command::{CommandError, capture};
use crate::progress::{Progress, Work};

/// What to get and install.
#[derive(Debug)]
pub(crate) struct Sdist<'a> {
    /// The project's name, as pip takes it.
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    /// What pip installs beside the project itself.
    pub(crate) requirements: &'a [String],
    /// As those have it who work on the project, not as its users.
    pub(crate) editable: bool,
}

/// A project that is ready to be tested.
#[derive(Debug)]
pub(crate) struct Project {
    directory: PathBuf,
    venv: PathBuf,
    outputs: PathBuf,
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
    fn new(directory: PathBuf, venv: PathBuf) -> Self {
        let outputs = directory.join("outputs");
        Self { directory, venv, outputs }
    }

    /// Gets, unpacks and installs a project in `directory`, unless that was done with the same data before.
    pub(crate) fn of_sdist(
        sdist: &Sdist<'_>,
        python: &Path,
        directory: &Path,
        progress: &Progress,
    ) -> Result<Self, ProjectError> {
        let stamp = Stamp::new(directory, python, &format!("{sdist:?}"));
        let title = format!("{} {}: installation", sdist.name, sdist.version);
        Self::made_once(&stamp, directory, progress, title, |project, work| {
            project.unpack(sdist, python, work)?;
            project.install(sdist, python, work)
        })
    }

    /// Writes files into `directory` and makes an environment with what `requirements` name, unless that was done
    /// before with the same `description`.
    pub(crate) fn of_files(
        description: &str,
        requirements: &[String],
        python: &Path,
        directory: &Path,
        progress: &Progress,
        write: impl FnOnce(&Path) -> io::Result<()>,
    ) -> Result<Self, ProjectError> {
        let stamp = Stamp::new(directory, python, &format!("{description}\n{requirements:?}"));
        let title = format!("{}: preparation", directory.display());
        Self::made_once(&stamp, directory, progress, title, |project, work| {
            let source = project.source();
            create(&source)?;
            write(&source).map_err(|error| file(&source, error))?;
            environment::make(&project.venv, python, requirements, work)
        })
    }

    fn made_once(
        stamp: &Stamp,
        directory: &Path,
        progress: &Progress,
        title: String,
        make: impl FnOnce(&Self, &Work) -> Result<(), ProjectError>,
    ) -> Result<Self, ProjectError> {
        let project = Self::new(directory.to_path_buf(), directory.join("venv"));
        if !stamp.is_there() {
            let work = progress.start(title);
            remove(directory)?;
            create(directory)?;
            make(&project, &work)?;
            stamp.write()?;
            work.done();
        }
        Ok(project)
    }

    /// The tests of a canary, copied into `directory`, with an environment that is there.
    pub(crate) fn of_canary(tests: &Path, venv: PathBuf, directory: PathBuf) -> Result<Self, ProjectError> {
        let project = Self::new(directory, venv);
        remove(&project.directory)?;
        create(&project.directory)?;
        capture(Command::new("cp").arg("-R").arg(tests).arg(project.source()), |_| ())?;
        Ok(project)
    }

    /// The same project, with the outputs of its line of this name.
    pub(crate) fn for_line(&self, name: &str) -> Self {
        let outputs = self.directory.join("outputs").join(name.replace(' ', "-"));
        Self { directory: self.directory.clone(), venv: self.venv.clone(), outputs }
    }

    /// Where pytest is run.
    pub(crate) fn source(&self) -> PathBuf {
        self.directory.join("source")
    }

    pub(crate) fn venv(&self) -> PathBuf {
        self.venv.clone()
    }

    /// Where the output of the runs is.
    pub(crate) fn outputs(&self) -> PathBuf {
        self.outputs.clone()
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

    fn unpack(&self, sdist: &Sdist<'_>, python: &Path, work: &Work) -> Result<(), ProjectError> {
        let Sdist { name, version, .. } = sdist;
        let download = self.directory.join("sdist");
        capture(
            Command::new(python)
                .args(["-m", "pip", "download", "--no-input", "--no-deps", "--no-binary", name, "--dest"])
                .arg(&download)
                .arg(format!("{name}=={version}")),
            |line| work.note(line),
        )?;
        let source = self.source();
        create(&source)?;
        capture(
            Command::new("tar")
                .arg("--extract")
                .arg("--file")
                .arg(only_file(&download)?)
                .arg("--directory")
                .arg(source)
                .arg("--strip-components=1"),
            |line| work.note(line),
        )?;
        Ok(())
    }

    fn install(&self, sdist: &Sdist<'_>, python: &Path, work: &Work) -> Result<(), ProjectError> {
        let requirements = sdist.requirements.iter().map(OsString::from);
        let editable = sdist.editable.then(|| OsString::from("--editable"));
        let project = editable.into_iter().chain([self.source().into_os_string()]);
        environment::make(&self.venv, python, requirements.chain(project), work)
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
