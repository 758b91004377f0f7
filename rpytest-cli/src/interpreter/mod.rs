//! Which interpreter `python -m pytest` would run here, and what that answer depends on.
//!
//! [`Interpreter::find`] is the one entry. Its order, the reasons for it and the rules for version managers' shims are in
//! `docs/design/interpreter.md`. It looks at the file system and at what [`Surroundings`] holds, never at the process's
//! own environment, and it never runs anything.

mod asdf;
mod inputs;
mod launcher;
mod mise;
mod not_found;
mod own_path;
mod path_search;
mod pyenv;
#[cfg(test)]
mod tests;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

pub(crate) use inputs::{Manager, ShimFingerprint};
pub(crate) use launcher::Launcher;
pub(crate) use not_found::NotFound;
pub(crate) use own_path::own_path;

/// Everything that the choice of an interpreter may look at, besides files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surroundings<'a> {
    /// The value of `--python`, when given.
    pub(crate) python: Option<&'a OsStr>,
    /// The path by which this `rpytest` was executed, symbolic links unresolved (see [`own_path()`]).
    pub(crate) own_path: Option<&'a Path>,
    /// The absolute working directory.
    pub(crate) directory: &'a Path,
    /// The environment, in its own order: of two entries of one name the first counts, as for `getenv`.
    pub(crate) environment: &'a [(OsString, OsString)],
}

impl<'a> Surroundings<'a> {
    /// The value of `name`; `None` when it is not set.
    pub(crate) fn variable(&self, name: &str) -> Option<&'a OsStr> {
        self.environment.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_os_str())
    }

    /// The value of `name`; `None` when it is not set or empty.
    fn filled(&self, name: &str) -> Option<&'a OsStr> {
        self.variable(name).filter(|value| !value.is_empty())
    }

    /// `path` as seen from the working directory: absolute, symbolic links unresolved.
    fn absolute(&self, path: impl AsRef<Path>) -> PathBuf {
        self.directory.join(path)
    }
}

/// What to execute, and how far its answer can be foretold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Interpreter {
    /// The absolute path to execute. Symbolic links are kept: a virtual environment's `python` is one, and says by its
    /// place which environment it belongs to.
    pub(crate) path: PathBuf,
    /// What stands at that path.
    pub(crate) launcher: Launcher,
    /// Which rule found it.
    pub(crate) origin: Origin,
}

/// The rules, in the order in which they are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// `--python`.
    Option,
    /// `RPYTEST_PYTHON`.
    Variable,
    /// The environment that `rpytest` is installed in.
    BesideRpytest,
    /// `python` on `PATH`.
    Path,
    /// `$VIRTUAL_ENV/bin/python`.
    VirtualEnv,
    /// `$CONDA_PREFIX/bin/python`.
    CondaPrefix,
    /// `python3` on `PATH`.
    Python3OnPath,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Option => "--python",
            Self::Variable => "RPYTEST_PYTHON",
            Self::BesideRpytest => "python beside rpytest",
            Self::Path => "python on PATH",
            Self::VirtualEnv => "VIRTUAL_ENV",
            Self::CondaPrefix => "CONDA_PREFIX",
            Self::Python3OnPath => "python3 on PATH",
        })
    }
}

impl Interpreter {
    /// The interpreter that `python -m pytest` means here: [`Self::find`] with what this process itself has around it.
    pub(crate) fn find_here(python: Option<&OsStr>, directory: &Path) -> Result<Self, NotFound> {
        let environment: Vec<(OsString, OsString)> = std::env::vars_os().collect();
        let own_path = own_path();
        Self::find(&Surroundings { python, own_path: own_path.as_deref(), directory, environment: &environment })
    }

    /// The interpreter that `python -m pytest` means in these surroundings.
    ///
    /// # Errors
    /// An interpreter that was named but does not exist, or none found by any rule.
    pub(crate) fn find(surroundings: &Surroundings<'_>) -> Result<Self, NotFound> {
        let (path, origin) = match named(surroundings)? {
            Some(found) => found,
            None => implied(surroundings).ok_or_else(|| NotFound::nowhere(surroundings))?,
        };
        let launcher = Launcher::classify(surroundings, &path);
        Ok(Self { path, launcher, origin })
    }
}

/// The interpreter that the user named, which must exist: a wrong name is never passed over for the next rule.
fn named(surroundings: &Surroundings<'_>) -> Result<Option<(PathBuf, Origin)>, NotFound> {
    let option = surroundings.python.map(|name| (name, Origin::Option));
    let variable = surroundings.filled("RPYTEST_PYTHON").map(|name| (name, Origin::Variable));
    let Some((name, origin)) = option.or(variable) else {
        return Ok(None);
    };
    match path_search::find(surroundings, name) {
        Some(path) => Ok(Some((path, origin))),
        None => Err(NotFound::named(surroundings, name, origin)),
    }
}

/// The interpreter that follows from where `rpytest` stands and from the environment.
fn implied(surroundings: &Surroundings<'_>) -> Option<(PathBuf, Origin)> {
    let on_path = |name: &str| path_search::find(surroundings, OsStr::new(name));
    let in_prefix = |variable| {
        let prefix = surroundings.filled(variable)?;
        executable(surroundings.absolute(prefix).join("bin/python"))
    };
    None.or_else(|| beside(surroundings).map(|path| (path, Origin::BesideRpytest)))
        .or_else(|| on_path("python").map(|path| (path, Origin::Path)))
        .or_else(|| in_prefix("VIRTUAL_ENV").map(|path| (path, Origin::VirtualEnv)))
        .or_else(|| in_prefix("CONDA_PREFIX").map(|path| (path, Origin::CondaPrefix)))
        .or_else(|| on_path("python3").map(|path| (path, Origin::Python3OnPath)))
}

/// The `python` beside `rpytest`, when that stands in an environment's `bin` directory.
fn beside(surroundings: &Surroundings<'_>) -> Option<PathBuf> {
    let bin = environment_bin(surroundings)?;
    executable(bin.join("python"))
}

/// The directory of `rpytest`, when it is the `bin` of a virtual or a conda environment.
fn environment_bin(surroundings: &Surroundings<'_>) -> Option<PathBuf> {
    let own_path = surroundings.absolute(surroundings.own_path?);
    let bin = own_path.parent()?;
    if bin.file_name()? != "bin" {
        return None;
    }
    let prefix = bin.parent()?;
    let marked = prefix.join("pyvenv.cfg").exists() || prefix.join("conda-meta").exists();
    marked.then(|| bin.to_path_buf())
}

fn executable(path: PathBuf) -> Option<PathBuf> {
    path_search::is_executable(&path).then_some(path)
}
