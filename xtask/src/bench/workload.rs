//! What is measured: one TOML file of `xtask/bench/` each.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Deserialize;
use thiserror::Error;

/// A project and what is run in it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Workload {
    /// Of the file, without its ending.
    #[serde(skip)]
    pub(crate) name: String,
    /// What it is, for the reader of the tables.
    pub(crate) title: String,
    pub(crate) source: Source,
    /// What pip installs into the environment, beside the project itself.
    pub(crate) requirements: Vec<String>,
    /// What `[tool.rpytest]` of the project names for `preload`.
    #[serde(default)]
    pub(crate) preload: Vec<String>,
    /// The node id of one test.
    pub(crate) one_test: String,
    /// The arguments that run all tests, where that is measured.
    pub(crate) whole: Option<Vec<String>>,
    /// An expression of `-k` that selects one test of all, where that is measured.
    pub(crate) keyword: Option<String>,
    /// Files that a developer edits before running `one_test`.
    #[serde(default)]
    pub(crate) edits: Vec<Edit>,
}

/// Where the files come from.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Source {
    /// Files of 48 tests each, in the shape that speed is compared on.
    SmallFiles { files: usize },
    /// Many files of few tests.
    ManyFiles { files: usize, tests: usize },
    /// A small application that imports much.
    Imports,
    /// The sdist of a project from PyPI.
    Sdist { name: String, version: String },
}

/// A file, and what it is to the project.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edit {
    /// Such as `a source file`.
    pub(crate) what: String,
    pub(crate) file: PathBuf,
}

/// Why the data could not be used.
#[derive(Debug, Error)]
pub(crate) enum WorkloadError {
    #[error("failed to read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("failed to understand {}", path.display())]
    Parse { path: PathBuf, source: Box<toml::de::Error> },
    #[error("there is no workload `{name}`; there are {}", known.join(", "))]
    Unknown { name: String, known: Vec<String> },
}

/// The workloads with these names, or all, in the order of the alphabet.
pub(crate) fn load(directory: &Path, names: &[String]) -> Result<Vec<Workload>, WorkloadError> {
    let known = known(directory).map_err(|source| WorkloadError::Read { path: directory.to_path_buf(), source })?;
    if let Some(unknown) = names.iter().find(|name| !known.contains(name)) {
        return Err(WorkloadError::Unknown { name: unknown.clone(), known });
    }
    let wanted = known.into_iter().filter(|name| names.is_empty() || names.contains(name));
    wanted.map(|name| read(directory, name)).collect()
}

fn known(directory: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let stem = path.file_stem().filter(|_| path.extension().is_some_and(|extension| extension == "toml"));
        names.extend(stem.map(|stem| stem.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

fn read(directory: &Path, name: String) -> Result<Workload, WorkloadError> {
    let path = directory.join(&name).with_extension("toml");
    let text = fs::read_to_string(&path).map_err(|source| WorkloadError::Read { path: path.clone(), source })?;
    let workload: Workload =
        toml::from_str(&text).map_err(|source| WorkloadError::Parse { path, source: Box::new(source) })?;
    Ok(Workload { name, ..workload })
}

#[cfg(test)]
mod tests {
    use super::{WorkloadError, load};
    use crate::workspace::Workspace;

    #[test]
    fn every_workload_of_the_repository_is_understood() {
        let workspace = Workspace::find().expect("tests run in the workspace");
        let workloads = load(&workspace.root().join("xtask/bench"), &[]).expect("the files are right");
        assert!(workloads.iter().any(|workload| workload.name == "suite480"));
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let workspace = Workspace::find().expect("tests run in the workspace");
        let error = load(&workspace.root().join("xtask/bench"), &["suite".into()]).expect_err("no such file");
        assert!(matches!(error, WorkloadError::Unknown { known, .. } if known.contains(&"suite480".into())));
    }
}
