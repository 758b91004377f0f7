//! Virtual environments in which suites are run.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::stamp::Stamp;
use super::{ProjectError, file, remove};
use crate::command::capture;
use crate::progress::{Progress, Work};

/// Makes an environment at `venv` with what `arguments` make pip install.
pub(crate) fn make<A: AsRef<OsStr>>(
    venv: &Path,
    python: &Path,
    arguments: impl IntoIterator<Item = A>,
    work: &Work,
) -> Result<(), ProjectError> {
    capture(Command::new(python).args(["-m", "venv"]).arg(venv), |line| work.note(line))?;
    let mut pip = Command::new(venv.join("bin/python"));
    pip.args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check"]).args(arguments);
    capture(&mut pip, |line| work.note(line))?;
    Ok(())
}

/// The environment that all canaries share for these requirements and this Python, made unless it is there.
pub(crate) fn shared(
    suites: &Path,
    name: &str,
    requirements: &Path,
    python: &Path,
    progress: &Progress,
) -> Result<PathBuf, ProjectError> {
    let wanted = fs::read_to_string(requirements).map_err(|source| file(requirements, source))?;
    let directory = suites.join("environments").join(name.replace(" Python ", "-python"));
    let venv = directory.join("venv");
    let stamp = Stamp::new(&directory, python, &wanted);
    if stamp.is_there() {
        return Ok(venv);
    }
    let work = progress.start(format!("environment {name}"));
    remove(&directory)?;
    make(&venv, python, [OsStr::new("--requirement"), requirements.as_os_str()], &work)?;
    stamp.write()?;
    work.done();
    Ok(venv)
}
