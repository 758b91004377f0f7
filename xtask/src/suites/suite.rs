//! What is known of a suite: one TOML file of `xtask/suites/` each, named for the project.

use std::path::{Path, PathBuf};
use std::{fs, io};

use regex::Regex;
use serde::Deserialize;
use thiserror::Error;

/// A project whose tests are run, and how.
#[derive(Debug)]
pub(crate) struct Suite {
    /// The project's name, as pip takes it.
    pub(crate) name: String,
    pub(crate) data: Data,
    /// `mask` of the data, compiled.
    pub(crate) masks: Vec<(Regex, String)>,
    /// The file as it is, to notice changes.
    pub(crate) text: String,
}

/// The file's content.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Data {
    pub(crate) version: String,
    /// Given to pytest before the deselections.
    #[serde(default)]
    arguments: Vec<String>,
    /// What pip installs beside the project itself.
    pub(crate) requirements: Vec<String>,
    /// Files and directories that a run leaves and the next must not see, beside `.pytest_cache`.
    #[serde(default)]
    pub(crate) reset: Vec<PathBuf>,
    #[serde(default)]
    deselect: Vec<Deselect>,
    #[serde(default)]
    mask: Vec<Mask>,
}

/// Tests that are run on neither side.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Deselect {
    /// The start of node ids, as `--deselect` takes it.
    test: String,
    #[expect(dead_code, reason = "demanded of whoever writes the file")]
    reason: String,
}

/// Text that differs by chance between two runs of plain pytest, often enough to be known.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mask {
    pattern: String,
    #[serde(default)]
    replacement: String,
    #[expect(dead_code, reason = "demanded of whoever writes the file")]
    reason: String,
}

/// Why the data of the suites could not be used.
#[derive(Debug, Error)]
pub(crate) enum SuiteError {
    #[error("failed to read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("failed to understand {}", path.display())]
    Parse { path: PathBuf, source: Box<toml::de::Error> },
    #[error("failed to understand a mask of {}", path.display())]
    Mask { path: PathBuf, source: Box<regex::Error> },
    #[error("there is no suite `{name}`; there are {}", known.join(", "))]
    Unknown { name: String, known: Vec<String> },
}

impl Suite {
    /// What the command line of both sides ends with.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let deselect = self.data.deselect.iter().map(|deselect| format!("--deselect={}", deselect.test));
        self.data.arguments.iter().cloned().chain(deselect).collect()
    }

    fn parse(path: &Path, name: &str, text: String) -> Result<Self, SuiteError> {
        let data: Data = toml::from_str(&text)
            .map_err(|source| SuiteError::Parse { path: path.to_path_buf(), source: Box::new(source) })?;
        let masks = data
            .mask
            .iter()
            .map(|mask| Ok((Regex::new(&mask.pattern)?, mask.replacement.clone())))
            .collect::<Result<_, regex::Error>>()
            .map_err(|source| SuiteError::Mask { path: path.to_path_buf(), source: Box::new(source) })?;
        Ok(Self { name: name.to_owned(), data, masks, text })
    }
}

/// The suites with these names, in that order; all in the order of the alphabet for none.
pub(crate) fn load(directory: &Path, names: &[String]) -> Result<Vec<Suite>, SuiteError> {
    let known = known(directory)?;
    if let Some(unknown) = names.iter().find(|name| !known.contains(name)) {
        return Err(SuiteError::Unknown { name: unknown.clone(), known });
    }
    let wanted = if names.is_empty() { &known } else { names };
    wanted
        .iter()
        .map(|name| {
            let path = directory.join(name).with_extension("toml");
            let text = fs::read_to_string(&path).map_err(|source| unreadable(&path, source))?;
            Suite::parse(&path, name, text)
        })
        .collect()
}

fn known(directory: &Path) -> Result<Vec<String>, SuiteError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).map_err(|source| unreadable(directory, source))? {
        let path = entry.map_err(|source| unreadable(directory, source))?.path();
        if path.extension().is_some_and(|extension| extension == "toml")
            && let Some(stem) = path.file_stem()
        {
            names.push(stem.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn unreadable(path: &Path, source: io::Error) -> SuiteError {
    SuiteError::Read { path: path.to_path_buf(), source }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{Suite, SuiteError, load};
    use crate::workspace::Workspace;

    fn directory() -> PathBuf {
        let workspace = Workspace::find().expect("tests run in the workspace");
        workspace.root().join("xtask/suites")
    }

    #[test]
    fn every_suite_of_the_repository_is_understood() {
        let suites = load(&directory(), &[]).expect("the files are right");
        assert!(suites.len() >= 5);
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = load(&directory(), &["clack".into()]).expect_err("no such file");
        assert!(matches!(error, SuiteError::Unknown { known, .. } if known.contains(&"click".into())));
    }

    #[test]
    fn what_is_deselected_comes_after_the_arguments() {
        let text = "version = '1'\narguments = ['-q']\nrequirements = []\n\
                    [[deselect]]\ntest = 'test_a.py::test_b'\nreason = 'network'\n";
        let suite = Suite::parse(Path::new("x.toml"), "x", text.into()).expect("the text is right");
        assert_eq!(suite.arguments(), ["-q", "--deselect=test_a.py::test_b"]);
    }

    #[test]
    fn a_deselection_needs_a_reason() {
        let text = "version = '1'\nrequirements = []\n[[deselect]]\ntest = 'test_a.py'\n";
        let error = Suite::parse(Path::new("x.toml"), "x", text.into()).expect_err("no reason");
        assert!(matches!(error, SuiteError::Parse { .. }));
    }
}
