//! What one collection by pytest found out beside the tests themselves.

use std::collections::BTreeMap;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::Origin;
use crate::failure::first_eight;

/// What is known of the collection that the records of a snapshot came from, and what must be as it was for the next one
/// to find the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Collection {
    /// When it began, in nanoseconds since 1970.
    pub began_ns: u64,
    /// pytest's rootdir.
    pub rootdir: PathBuf,
    /// pytest's version.
    pub pytest: String,
    /// What all files came from: conftests, ini files and places where there are none, modules, directories, data that was
    /// read, the interpreter.
    pub origins: Vec<Origin>,
    /// The environment variables that matter.
    pub environment: Environment,
    /// Why the next collection may find something else though nothing of all that has changed.
    pub doubts: Vec<String>,
    /// Why a part of the project need not give the same tests as that part does here.
    pub indivisible: Vec<String>,
    /// Why not even a file without selected tests can be left out of a collection.
    pub inseparable: Vec<String>,
    /// Test files that leave something behind beside their tests, so that they are always to be collected.
    pub needed: Vec<String>,
    /// Bytecode of the project's that it was made from, without the compiler: that may warn where some is no longer there.
    pub bytecode: Vec<PathBuf>,
    /// Directories that went to the front of `sys.path`, each with the file whose import put it there, in their order.
    pub paths: Vec<(String, String)>,
    /// What the ini file selects by, where the command line does not say otherwise.
    pub defaults: Defaults,
    /// Names of marks that are not registered are errors.
    pub strict_marks: bool,
    /// All node ids in their order, where it is not that of the files.
    pub order: Vec<String>,
}

/// What selects tests where nothing is said on the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Defaults {
    /// `-k`
    pub keyword: String,
    /// `-m`
    pub mark: String,
    /// `--deselect`
    pub deselected: Vec<String>,
}

/// Environment variables as they were, by digests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    variables: BTreeMap<String, Option<u64>>,
    any: bool,
}

/// Variables that say where a command was typed: they count only if they were looked for by name.
const OF_THE_SHELL: [&str; 6] = ["_", "SHLVL", "PWD", "OLDPWD", "COLUMNS", "LINES"];
/// Variables that count even if nobody was seen to read them.
const ALWAYS: [&str; 5] = ["PYTHON", "PYTEST", "LC_", "LANG", "TZ"];

impl Environment {
    /// The variables that were looked for, with what was there. With `any`, all others count too.
    pub fn new(variables: impl IntoIterator<Item = (String, Option<String>)>, any: bool) -> Self {
        let digested = variables.into_iter().map(|(name, value)| (name, value.as_deref().map(digest)));
        Self { variables: digested.filter(|(name, _)| counts(name)).collect(), any }
    }

    pub(crate) const fn from_digests(variables: BTreeMap<String, Option<u64>>, any: bool) -> Self {
        Self { variables, any }
    }

    pub(crate) fn digests(&self) -> impl Iterator<Item = (&String, &Option<u64>)> {
        self.variables.iter()
    }

    pub(crate) const fn is_any(&self) -> bool {
        self.any
    }

    /// The first variable that is not as it was, among all that there are now.
    pub fn first_change(&self, now: &BTreeMap<String, String>) -> Option<String> {
        let changed = self.variables.iter().find(|(name, then)| now.get(*name).map(|value| digest(value)) != **then);
        let is_new = |name: &str| self.any && !OF_THE_SHELL.contains(&name);
        let matters = |name: &str| counts(name) && (is_new(name) || ALWAYS.iter().any(|start| name.starts_with(start)));
        let mut new = now.keys().filter(|name| matters(name) && !self.variables.contains_key(*name));
        changed.map(|(name, _)| name).or_else(|| new.next()).cloned()
    }
}

fn counts(name: &str) -> bool {
    !name.starts_with("RPYTEST_") && !matches!(name, "PYTEST_CURRENT_TEST" | "PYTEST_VERSION" | "PYTHONUNBUFFERED")
}

fn digest(value: &str) -> u64 {
    first_eight(&Sha256::digest(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(any: bool, now: &[(&str, &str)]) -> Option<String> {
        let then = [("READ", Some("1")), ("ABSENT", None)];
        let then = then.map(|(name, value)| (name.to_owned(), value.map(str::to_owned)));
        let now = now.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Environment::new(then, any).first_change(&now)
    }

    #[test]
    fn variables_that_matter_are_compared() {
        assert_eq!(changed(false, &[("READ", "1"), ("OTHER", "2"), ("PWD", "/")]), None);
        assert_eq!(changed(false, &[("READ", "2")]).as_deref(), Some("READ"));
        assert_eq!(changed(false, &[]).as_deref(), Some("READ"));
        assert_eq!(changed(false, &[("READ", "1"), ("ABSENT", "")]).as_deref(), Some("ABSENT"));
        assert_eq!(changed(false, &[("READ", "1"), ("PYTEST_ADDOPTS", "-x")]).as_deref(), Some("PYTEST_ADDOPTS"));
        assert_eq!(changed(true, &[("READ", "1"), ("OTHER", "2")]).as_deref(), Some("OTHER"));
        assert_eq!(changed(true, &[("READ", "1"), ("PWD", "/")]), None);
    }
}
