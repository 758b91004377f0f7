//! `xtask/verify/pytest.toml`: which pytest, what its tests need, and which of them are known to differ.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Deserialize;
use thiserror::Error;

/// The file's content.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Data {
    /// Versions of pytest, the one for samples first.
    pub(crate) versions: Vec<String>,
    /// What pip installs beside pytest.
    pub(crate) requirements: Vec<String>,
    /// Node ids of tests that are in every sample.
    pub(crate) always: Vec<String>,
    #[serde(default)]
    pub(crate) known: Vec<Known>,
}

/// A test that differs under rpytest, and why no user can notice what it shows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    /// The start of node ids.
    test: String,
    #[expect(dead_code, reason = "demanded of whoever writes the file")]
    reason: String,
}

/// Why the file could not be used.
#[derive(Debug, Error)]
pub(crate) enum DataError {
    #[error("failed to read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("failed to understand {}", path.display())]
    Parse { path: PathBuf, source: Box<toml::de::Error> },
}

impl Data {
    pub(crate) fn load(path: &Path) -> Result<Self, DataError> {
        let text = fs::read_to_string(path).map_err(|source| DataError::Read { path: path.to_path_buf(), source })?;
        toml::from_str(&text).map_err(|source| DataError::Parse { path: path.to_path_buf(), source: Box::new(source) })
    }

    /// Whether a difference of the test with this node id is a known one.
    pub(crate) fn is_known(&self, test: &str) -> bool {
        self.known.iter().any(|known| test.starts_with(&known.test))
    }
}

#[cfg(test)]
mod tests {
    use super::Data;
    use crate::workspace::Workspace;

    #[test]
    fn the_file_of_the_repository_is_understood_and_short() {
        let workspace = Workspace::find().expect("tests run in the workspace");
        let data = Data::load(&workspace.root().join("xtask/verify/pytest.toml")).expect("the file is right");
        assert!(!data.versions.is_empty());
        assert!(data.known.len() < 10);
    }
}
