//! A workload on disk: its files and its environment, below `target/bench/`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use thiserror::Error;

use super::generated;
use super::workload::{Source, Workload};
use crate::command::{CommandError, capture};
use crate::progress::{Progress, Work};
use crate::python::{Python, PythonError};
use crate::workspace::Workspace;

/// Written last. Holds what the preparation depended on.
const STAMP: &str = "complete";

/// A workload that is ready.
#[derive(Debug)]
pub(crate) struct Place {
    /// Where the commands run.
    pub(crate) files: PathBuf,
    pub(crate) environment: PathBuf,
}

/// Why a workload could not be made ready.
#[derive(Debug, Error)]
pub(crate) enum ProjectError {
    #[error(transparent)]
    Python(#[from] PythonError),
    #[error("failed to get or install what is measured")]
    Command(#[from] CommandError),
    #[error("failed to prepare {}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("failed to find the sdist that pip put into {}", .0.display())]
    NoSdist(PathBuf),
}

/// Makes files and environment, unless that was done with the same data before.
pub(crate) fn prepare(workload: &Workload, workspace: &Workspace, progress: &Progress) -> Result<Place, ProjectError> {
    let directory = workspace.target("bench").join(&workload.name);
    let place = Place { files: directory.join("files"), environment: directory.join("venv") };
    let python = Python::find()?;
    let wanted = format!("{}\n{:?}\n{:?}", python.executable().display(), workload.source, workload.requirements);
    let stamp = directory.join(STAMP);
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(place);
    }
    let work = progress.start(format!("{}: preparation", workload.name));
    match fs::remove_dir_all(&directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(file(&directory, error)),
        _ => {}
    }
    fs::create_dir_all(&place.files).map_err(|error| file(&place.files, error))?;
    lay_out(workload, &place, &directory, python.executable(), &work)?;
    install(workload, &place, python.executable(), &work)?;
    fs::write(&stamp, wanted).map_err(|error| file(&stamp, error))?;
    work.done();
    Ok(place)
}

fn lay_out(
    workload: &Workload,
    place: &Place,
    directory: &Path,
    python: &Path,
    work: &Work,
) -> Result<(), ProjectError> {
    let made = match &workload.source {
        Source::SmallFiles { files } => generated::small_files(&place.files, *files),
        Source::ManyFiles { files, tests } => generated::many_files(&place.files, *files, *tests),
        Source::Imports => generated::imports(&place.files),
        Source::Sdist(requirement) => return unpack(requirement, place, &directory.join("sdist"), python, work),
    };
    made.map_err(|error| file(&place.files, error))
}

fn unpack(requirement: &str, place: &Place, sdist: &Path, python: &Path, work: &Work) -> Result<(), ProjectError> {
    let mut download = Command::new(python);
    let name = requirement.split("==").next().unwrap_or(requirement);
    download.args(["-m", "pip", "download", "--no-input", "--no-deps", "--no-binary", name, "--dest"]);
    capture(download.arg(sdist).arg(requirement), |line| work.note(line))?;
    let archive = fs::read_dir(sdist).map_err(|error| file(sdist, error))?.flatten().next();
    let archive = archive.ok_or_else(|| ProjectError::NoSdist(sdist.to_path_buf()))?;
    let mut tar = Command::new("tar");
    tar.args(["--extract", "--strip-components=1", "--file"]).arg(archive.path());
    capture(tar.arg("--directory").arg(&place.files), |line| work.note(line))?;
    Ok(())
}

fn install(workload: &Workload, place: &Place, python: &Path, work: &Work) -> Result<(), ProjectError> {
    capture(Command::new(python).args(["-m", "venv"]).arg(&place.environment), |line| work.note(line))?;
    let mut pip = Command::new(place.environment.join("bin/python"));
    pip.args(["-m", "pip", "install", "--no-input"]).args(&workload.requirements);
    if matches!(workload.source, Source::Sdist(_)) {
        pip.arg("--editable").arg(&place.files); // as those who work on the project have it
    }
    capture(&mut pip, |line| work.note(line))?;
    Ok(())
}

fn file(path: &Path, source: io::Error) -> ProjectError {
    ProjectError::File { path: path.to_path_buf(), source }
}
