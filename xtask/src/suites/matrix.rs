//! In which environments the canaries are run: `xtask/canaries/matrix.toml`.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Deserialize;
use thiserror::Error;

/// The environments, the preferred one first.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Matrix {
    pub(crate) environment: Vec<Packages>,
}

/// What is installed together, and for which Pythons.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Packages {
    /// A file for pip; relative to the matrix's in its text, absolute once read.
    pub(crate) requirements: PathBuf,
    /// `X.Y` each.
    pub(crate) pythons: Vec<String>,
}

/// Why the matrix could not be used.
#[derive(Debug, Error)]
pub(crate) enum MatrixError {
    #[error("failed to read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("failed to understand {}", path.display())]
    Parse { path: PathBuf, source: Box<toml::de::Error> },
}

impl Matrix {
    pub(crate) fn read(path: &Path) -> Result<Self, MatrixError> {
        let text = fs::read_to_string(path).map_err(|source| MatrixError::Read { path: path.to_path_buf(), source })?;
        let mut matrix: Self = toml::from_str(&text)
            .map_err(|source| MatrixError::Parse { path: path.to_path_buf(), source: Box::new(source) })?;
        for packages in &mut matrix.environment {
            packages.requirements = path.with_file_name(&packages.requirements);
        }
        Ok(matrix)
    }

    /// The preferred packages for this Python.
    pub(crate) fn first(&self, version: &str) -> Option<&Packages> {
        self.environment.iter().find(|packages| packages.fit(version))
    }
}

impl Packages {
    /// What they are called: `pytest-9`.
    pub(crate) fn name(&self) -> String {
        self.requirements.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn fit(&self, version: &str) -> bool {
        self.pythons.iter().any(|python| python == version)
    }
}

#[cfg(test)]
mod tests {
    use super::Matrix;
    use crate::workspace::Workspace;

    fn of_the_repository() -> Matrix {
        let workspace = Workspace::find().expect("tests run in the workspace");
        Matrix::read(&workspace.root().join("xtask/canaries/matrix.toml")).expect("the file is right")
    }

    #[test]
    fn every_environment_has_its_requirements() {
        for packages in of_the_repository().environment {
            assert!(packages.requirements.is_file(), "{}", packages.requirements.display());
            assert!(!packages.pythons.is_empty());
        }
    }

    #[test]
    fn the_first_that_has_the_python_is_preferred() {
        let matrix = of_the_repository();
        assert_eq!(matrix.first("3.11").map(super::Packages::name), Some("pytest-9".into()));
        assert_eq!(matrix.first("3.9").map(super::Packages::name), Some("pytest-8".into()));
        assert!(matrix.first("2.7").is_none());
    }
}
