//! What is known of a suite: one TOML file each. Those of `xtask/suites/` are named for projects, whose sdist holds the
//! tests; `xtask/canaries/NAME/canary.toml` stands beside tests of ours.

use std::path::{Path, PathBuf};
use std::{fs, io};

use regex::Regex;
use thiserror::Error;

use super::data::{Data, Line};
use super::plan::Place;

/// The file of a canary.
const CANARY: &str = "canary.toml";

/// Tests that are run, and how.
#[derive(Debug, Clone)]
pub(crate) struct Suite {
    /// A project's name, as pip takes it, or `canary-` and the name of a canary's directory.
    pub(crate) name: String,
    pub(crate) source: Source,
    pub(crate) data: Data,
    /// `mask` of the data, compiled.
    pub(crate) masks: Vec<(Regex, String)>,
}

/// Where the tests come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// The sdist of this version.
    Sdist(String),
    /// This directory of the repository.
    Canary(PathBuf),
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
    #[error("failed to find a `version` in {}", .0.display())]
    NoVersion(PathBuf),
    #[error("there is no suite `{name}`; there are {}", known.join(", "))]
    Unknown { name: String, known: Vec<String> },
}

impl Suite {
    /// What the command line of both sides ends with.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let deselect = self.data.deselect.iter().map(|deselect| format!("--deselect={}", deselect.test));
        self.data.arguments.iter().cloned().chain(deselect).collect()
    }

    /// The suite once for each of its command lines, which its name then tells.
    pub(crate) fn lines(&self) -> Vec<Self> {
        if self.data.line.is_empty() {
            return vec![self.clone()];
        }
        let with = |line: &Line| {
            let mut suite = self.clone();
            suite.name = format!("{} {}", self.name, line.name);
            suite.data.arguments.extend(line.arguments.iter().cloned());
            suite.data.environment.extend(line.environment.clone());
            suite
        };
        self.data.line.iter().map(with).collect()
    }

    pub(crate) fn is_canary(&self) -> bool {
        matches!(self.source, Source::Canary(_))
    }

    /// The suite as it is run there: the name tells which of several environments it is.
    pub(crate) fn in_place(&self, place: &Place) -> Self {
        match place {
            Place::Own { .. } => self.clone(),
            Place::Shared { name, .. } => Self { name: format!("{} {name}", self.name), ..self.clone() },
        }
    }

    /// What is run, for people: the name, and the version of a project.
    pub(crate) fn title(&self) -> String {
        match &self.source {
            Source::Sdist(version) => format!("{} {version}", self.name),
            Source::Canary(_) => self.name.clone(),
        }
    }

    #[cfg(test)]
    pub(crate) fn of_test(source: Source, pythons: &[&str]) -> Self {
        let mut suite =
            Self::parse(Path::new("x.toml"), "x".into(), Some(Path::new("x")), "").expect("nothing need stand in it");
        suite.data.pythons = pythons.iter().map(ToString::to_string).collect();
        Self { source, ..suite }
    }

    fn read(path: &Path, name: String, canary: Option<&Path>) -> Result<Self, SuiteError> {
        let text = fs::read_to_string(path).map_err(|source| unreadable(path, source))?;
        Self::parse(path, name, canary, &text)
    }

    fn parse(path: &Path, name: String, canary: Option<&Path>, text: &str) -> Result<Self, SuiteError> {
        let mut data: Data = toml::from_str(text)
            .map_err(|source| SuiteError::Parse { path: path.to_path_buf(), source: Box::new(source) })?;
        let masks = data
            .mask
            .iter()
            .map(|mask| Ok((Regex::new(&mask.pattern)?, mask.replacement.clone())))
            .collect::<Result<_, regex::Error>>()
            .map_err(|source| SuiteError::Mask { path: path.to_path_buf(), source: Box::new(source) })?;
        let source = match (canary, data.version.take()) {
            (Some(directory), _) => Source::Canary(directory.to_path_buf()),
            (None, Some(version)) => Source::Sdist(version),
            (None, None) => return Err(SuiteError::NoVersion(path.to_path_buf())),
        };
        Ok(Self { name, source, data, masks })
    }
}

/// All suites, projects first, each kind in the order of the alphabet.
pub(crate) fn load(projects: &Path, canaries: &Path) -> Result<Vec<Suite>, SuiteError> {
    let mut suites = Vec::new();
    for path in entries(projects)? {
        if path.extension().is_some_and(|extension| extension == "toml") {
            suites.push(Suite::read(&path, stem(&path), None)?);
        }
    }
    for directory in entries(canaries)? {
        let path = directory.join(CANARY);
        if path.is_file() {
            suites.push(Suite::read(&path, format!("canary-{}", stem(&directory)), Some(&directory))?);
        }
    }
    Ok(suites)
}

/// Those of `suites` with these names, in that order.
pub(crate) fn named(suites: &[Suite], names: &[String]) -> Result<Vec<Suite>, SuiteError> {
    let known = || suites.iter().map(|suite| suite.name.clone()).collect();
    names
        .iter()
        .map(|name| {
            let found = suites.iter().find(|suite| suite.name == *name);
            found.cloned().ok_or_else(|| SuiteError::Unknown { name: name.clone(), known: known() })
        })
        .collect()
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>, SuiteError> {
    let read = || fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>();
    let mut paths = read().map_err(|source| unreadable(directory, source))?;
    paths.sort();
    Ok(paths)
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn unreadable(path: &Path, source: io::Error) -> SuiteError {
    SuiteError::Read { path: path.to_path_buf(), source }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{Source, Suite, SuiteError, load, named};
    use crate::workspace::Workspace;

    fn of_the_repository() -> Vec<Suite> {
        let root = Workspace::find().expect("tests run in the workspace").root().join("xtask");
        load(&root.join("suites"), &root.join("canaries")).expect("the files are right")
    }

    fn parse(text: &str) -> Result<Suite, SuiteError> {
        Suite::parse(Path::new("x.toml"), "x".into(), None, text)
    }

    #[test]
    fn every_suite_of_the_repository_is_understood() {
        let suites = of_the_repository();
        let canaries = suites.iter().filter(|suite| suite.is_canary()).count();
        assert!(canaries >= 15);
        assert!(suites.len() - canaries >= 8);
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = named(&of_the_repository(), &["clack".into()]).expect_err("no such file");
        assert!(matches!(error, SuiteError::Unknown { known, .. } if known.contains(&"click".into())));
    }

    #[test]
    fn what_is_deselected_comes_after_the_arguments() {
        let text = "version = '1'\narguments = ['-q']\n[[deselect]]\ntest = 'test_a.py::test_b'\nreason = 'network'\n";
        let suite = parse(text).expect("the text is right");
        assert_eq!(suite.arguments(), ["-q", "--deselect=test_a.py::test_b"]);
    }

    #[test]
    fn each_line_adds_to_what_all_have() {
        let text = "version = '1'\narguments = ['-q']\nenvironment = { A = '1' }\n\
                    [[line]]\nname = 'one'\n[[line]]\nname = 'two'\narguments = ['-x']\nenvironment = { A = '2' }\n";
        let [one, two] = <[Suite; 2]>::try_from(parse(text).expect("the text is right").lines()).expect("two lines");
        assert_eq!((one.name.as_str(), one.arguments().join(" ")), ("x one", "-q".into()));
        assert_eq!((two.name.as_str(), two.arguments().join(" ")), ("x two", "-q -x".into()));
        assert_eq!((&one.data.environment["A"], &two.data.environment["A"]), (&"1".into(), &"2".into()));
    }

    #[test]
    fn a_suite_without_lines_is_one() {
        assert_eq!(parse("version = '1'").expect("the text is right").lines().len(), 1);
    }

    #[test]
    fn a_project_needs_a_version_and_a_canary_does_not() {
        assert!(matches!(parse(""), Err(SuiteError::NoVersion(_))));
        let directory = PathBuf::from("/canaries/x");
        let suite = Suite::parse(Path::new("x.toml"), "x".into(), Some(&directory), "");
        assert_eq!(suite.expect("the text is right").source, Source::Canary(directory));
    }

    #[test]
    fn a_deselection_needs_a_reason() {
        let error = parse("version = '1'\n[[deselect]]\ntest = 'test_a.py'\n").expect_err("no reason");
        assert!(matches!(error, SuiteError::Parse { .. }));
    }
}
