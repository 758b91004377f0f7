//! The Python interpreter of this machine that virtual environments are made with.

use std::ffi::OsStr;
use std::iter;
use std::path::{Path, PathBuf};
use std::process::Command;

use thiserror::Error;

use crate::pyenv;

/// The oldest Python that rpytest keeps warm processes for.
const OLDEST: (u32, u32) = (3, 9);

/// Names to try on `PATH`, in order.
const NAMES: &[&str] =
    &["python3", "python", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10", "python3.9"];

/// Prints the version, whether a virtual environment can be made (Debian packs `ensurepip` apart), and the real
/// interpreter behind a version manager's shim.
const QUESTION: &str = "\
import importlib.util, sys
able = all(importlib.util.find_spec(name) for name in ('venv', 'ensurepip'))
print(sys.version_info[0], sys.version_info[1], int(able), sys.executable)";

/// An interpreter that can make virtual environments.
#[derive(Debug)]
pub(crate) struct Python {
    executable: PathBuf,
    version: (u32, u32),
}

/// No interpreter on `PATH` will do.
#[derive(Debug, Error)]
pub(crate) enum PythonError {
    #[error("failed to find Python {}.{} or newer on PATH; tried {}", OLDEST.0, OLDEST.1, NAMES.join(", "))]
    NotFound,
    #[error("failed to make {} answer as Python does", .0.display())]
    NoPython(PathBuf),
    #[error("failed to find a Python that can make virtual environments; {} lacks `venv` or `ensurepip`", .0.display())]
    NoVenv(PathBuf),
}

/// What an interpreter answers to [`QUESTION`].
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    version: (u32, u32),
    makes_environments: bool,
    executable: PathBuf,
}

impl Python {
    /// The first interpreter of [`NAMES`] that runs, is new enough and can make a virtual environment.
    pub(crate) fn find() -> Result<Self, PythonError> {
        choose(NAMES.iter().filter_map(ask))
    }

    /// This interpreter.
    pub(crate) fn at(path: &Path) -> Result<Self, PythonError> {
        let answer = ask(path).ok_or_else(|| PythonError::NoPython(path.to_path_buf()))?;
        Ok(Self { executable: path.to_path_buf(), version: answer.version })
    }

    /// The interpreter of version `X.Y`: `pythonX.Y` on `PATH`, else pyenv's.
    pub(crate) fn of_version(version: &str) -> Option<Self> {
        let on_path = PathBuf::from(format!("python{version}"));
        let able = |program: PathBuf| ask(&program).filter(|answer| answer.makes_environments);
        let mut found = iter::once(on_path).chain(pyenv::interpreters(version)).filter_map(able).map(Python::from);
        found.find(|python| python.version() == version)
    }

    pub(crate) fn executable(&self) -> &Path {
        &self.executable
    }

    /// `X.Y`.
    pub(crate) fn version(&self) -> String {
        format!("{}.{}", self.version.0, self.version.1)
    }

    #[cfg(test)]
    pub(crate) fn of_test(executable: &str, version: (u32, u32)) -> Self {
        Self { executable: executable.into(), version }
    }
}

impl From<Answer> for Python {
    fn from(answer: Answer) -> Self {
        Self { executable: answer.executable, version: answer.version }
    }
}

impl PythonError {
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            PythonError::NoPython(_) => "name the program `python` of an installation or of a virtual environment",
            PythonError::NotFound => "install Python, or put its directory on PATH",
            PythonError::NoVenv(_) => {
                "on Debian and Ubuntu: `apt install python3-venv`; elsewhere install a Python that has ensurepip"
            }
        }
    }
}

fn choose(answers: impl Iterator<Item = Answer>) -> Result<Python, PythonError> {
    let mut error = PythonError::NotFound;
    for answer in answers.filter(|answer| answer.version >= OLDEST) {
        if answer.makes_environments {
            return Ok(answer.into());
        }
        if let PythonError::NotFound = error {
            error = PythonError::NoVenv(answer.executable);
        }
    }
    Err(error)
}

/// `None` when there is no such program or it does not work: a shim without a Python behind it fails like that.
fn ask(program: impl AsRef<OsStr>) -> Option<Answer> {
    let output = Command::new(program).args(["-c", QUESTION]).output().ok()?;
    output.status.success().then(|| parse(&String::from_utf8_lossy(&output.stdout)))?
}

fn parse(text: &str) -> Option<Answer> {
    let mut words = text.trim_end().splitn(4, ' ');
    let version = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let makes_environments = words.next()? == "1";
    Some(Answer { version, makes_environments, executable: PathBuf::from(words.next()?) })
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{Answer, PythonError, choose, parse};

    fn answer(text: &str) -> Answer {
        parse(text).expect("four words")
    }

    #[test]
    fn an_answer_may_have_spaces_in_its_path() {
        let executable = PathBuf::from("/opt/my python/bin/python3");
        let expected = Answer { version: (3, 12), makes_environments: true, executable };
        assert_eq!(parse("3 12 1 /opt/my python/bin/python3\n"), Some(expected));
    }

    #[test]
    fn chatter_is_no_answer() {
        assert_eq!(parse("command not found"), None);
    }

    #[test]
    fn the_first_able_interpreter_is_taken() {
        let found = choose([answer("2 7 1 /a"), answer("3 11 0 /b"), answer("3 10 1 /c")].into_iter());
        assert_eq!(found.expect("/c is able").executable(), Path::new("/c"));
    }

    #[test]
    fn an_interpreter_without_ensurepip_is_named() {
        let error = choose([answer("3 11 0 /b"), answer("3 12 0 /c")].into_iter()).expect_err("none is able");
        assert!(matches!(error, PythonError::NoVenv(path) if path == Path::new("/b")));
    }

    #[test]
    fn old_interpreters_count_as_none() {
        let error = choose([answer("3 8 1 /a")].into_iter()).expect_err("too old");
        assert!(matches!(error, PythonError::NotFound));
    }
}
