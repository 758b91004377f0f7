//! The tests that prove something: those that pass under plain pytest each time, and would not pass under any command.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::outer::{Outer, Runner, Selection};
use super::{VerifyError, broken};

/// What is known of pytest's tests under plain pytest.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Baseline {
    /// What it depends on.
    key: u64,
    pub(crate) tests: Vec<String>,
    /// Tests that reach the runner and pass, but not each time.
    pub(crate) unsteady: usize,
    /// Tests that pass also with a command that does nothing.
    pub(crate) indifferent: usize,
}

impl Baseline {
    /// The one that was found before, if nothing has changed since, or a new one.
    pub(crate) fn get(outer: &Outer<'_>, tests: Selection<'_>, key: u64, file: &Path) -> Result<Self, VerifyError> {
        let known = fs::read_to_string(file).ok().and_then(|text| serde_json::from_str::<Self>(&text).ok());
        if let Some(known) = known.filter(|known| known.key == key) {
            return Ok(known);
        }
        let found = Self::find(outer, tests, key)?;
        let text = serde_json::to_string(&found).map_err(|error| VerifyError::file(file, error.into()))?;
        fs::write(file, text).map_err(|error| VerifyError::file(file, error))?;
        Ok(found)
    }

    fn find(outer: &Outer<'_>, tests: Selection<'_>, key: u64) -> Result<Self, VerifyError> {
        let once = outer.run("plain 1", Runner::Control, tests)?.results.passed_through_the_runner();
        // Before the second run: it is quick, and what it finds needs no second run.
        let nothing = outer.run("nothing", Runner::Command(&broken::nothing(outer)), Selection::Only(&once))?.results;
        let (indifferent, telling): (Vec<_>, Vec<_>) = once.into_iter().partition(|test| nothing.passed(test));
        let twice = outer.run("plain 2", Runner::Control, Selection::Only(&telling))?.results;
        let (tests, unsteady): (Vec<_>, Vec<_>) = telling.into_iter().partition(|test| twice.passed(test));
        Ok(Self { key, tests, unsteady: unsteady.len(), indifferent: indifferent.len() })
    }
}

/// A number for all that a baseline depends on: these texts, and the files of the harness.
pub(crate) fn key(texts: &[&str], harness: &Path) -> Result<u64, VerifyError> {
    let mut hasher = DefaultHasher::new();
    texts.hash(&mut hasher);
    for path in sources(&harness.join("rpytest_verify"))? {
        fs::read(&path).map_err(|error| VerifyError::file(&path, error))?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}

fn sources(directory: &Path) -> Result<Vec<PathBuf>, VerifyError> {
    let entries = fs::read_dir(directory).map_err(|error| VerifyError::file(directory, error))?;
    let mut paths: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "py"));
    paths.sort();
    Ok(paths)
}
