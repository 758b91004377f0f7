//! `[tool.rpytest]` in `pyproject.toml`, and the variables that come before it.
//!
//! The file is that of the working directory or of the nearest directory above which has such a table. One that is no
//! TOML is pytest's to complain of.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use rpytest_ipc::Shelf;
use thiserror::Error;
use toml::{Table, Value};

const FILE: &str = "pyproject.toml";
const VARIABLE: &str = "RPYTEST_SHELF";
const SHELVES: [(&str, Shelf); 3] = [("all", Shelf::All), ("third-party", Shelf::ThirdParty), ("off", Shelf::Off)];

/// What users may choose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    /// What runs may have from processes that have gone further.
    pub(crate) shelf: Shelf,
    /// What is imported, or called, before runs begin: `module` or `module:callable`.
    pub(crate) preload: Vec<String>,
}

/// A setting that cannot be followed.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum SettingsError {
    #[error("{}: tool.rpytest: {value}; expected a table", file.display())]
    NoTable { file: PathBuf, value: String },
    #[error("{}: [tool.rpytest] {key}: {value}; expected {expected}", file.display())]
    Value { file: PathBuf, key: String, value: String, expected: &'static str },
    #[error("{}: [tool.rpytest] {key}: there is no such setting; there are `preload` and `shelf`", file.display())]
    Key { file: PathBuf, key: String },
    #[error("the variable {VARIABLE} is {}; expected {EXPECTED_SHELF}", value.display())]
    Variable { value: OsString },
}

const EXPECTED_SHELF: &str = r#""all", "third-party" or "off""#;
const EXPECTED_PRELOAD: &str = r#"a list of "module" and "module:callable""#;

impl Settings {
    /// Those for runs in this directory.
    pub(crate) fn read(directory: &Path) -> Result<Self, SettingsError> {
        let mut settings = match find(directory) {
            Some((file, value)) => Self::of(&file, value)?,
            None => Self::default(),
        };
        if let Some(value) = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
            let known = value.to_str().and_then(shelf);
            settings.shelf = known.ok_or(SettingsError::Variable { value })?;
        }
        Ok(settings)
    }

    fn of(file: &Path, value: Value) -> Result<Self, SettingsError> {
        let mut settings = Self::default();
        let Value::Table(table) = value else {
            return Err(SettingsError::NoTable { file: file.to_owned(), value: shown(&value) });
        };
        for (key, value) in table {
            let wrong = |value: &Value, expected| SettingsError::Value {
                file: file.to_owned(),
                key: key.clone(),
                value: shown(value),
                expected,
            };
            match key.as_str() {
                "shelf" => {
                    settings.shelf = value.as_str().and_then(shelf).ok_or_else(|| wrong(&value, EXPECTED_SHELF))?;
                }
                "preload" => {
                    let names = value.as_array().ok_or_else(|| wrong(&value, EXPECTED_PRELOAD))?;
                    for name in names {
                        let name = name.as_str().filter(|name| is_target(name));
                        settings.preload.push(name.ok_or_else(|| wrong(&value, EXPECTED_PRELOAD))?.to_owned());
                    }
                }
                _ => return Err(SettingsError::Key { file: file.to_owned(), key }),
            }
        }
        Ok(settings)
    }
}

fn find(directory: &Path) -> Option<(PathBuf, Value)> {
    directory.ancestors().find_map(|directory| {
        let file = directory.join(FILE);
        let text = fs::read_to_string(&file).ok().filter(|text| text.contains("rpytest"))?;
        let mut whole: Table = text.parse().ok()?;
        let settings = whole.get_mut("tool")?.as_table_mut()?.remove("rpytest")?;
        Some((file, settings))
    })
}

fn shown(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn shelf(name: &str) -> Option<Shelf> {
    SHELVES.into_iter().find_map(|(known, shelf)| (known == name).then_some(shelf))
}

/// Whether it is `module` or `module:callable`, as Python would name them.
fn is_target(name: &str) -> bool {
    let is_path = |path: &str| path.split('.').all(is_identifier);
    name.split_once(':').map_or_else(|| is_path(name), |(module, callable)| is_path(module) && is_path(callable))
}

fn is_identifier(word: &str) -> bool {
    word.chars().all(|each| each.is_alphanumeric() || each == '_')
        && word.chars().next().is_some_and(|each| !each.is_numeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Settings, SettingsError> {
        let above = tempfile::tempdir().expect("a temporary directory can be made");
        let directory = above.path().join("below");
        fs::create_dir(&directory).expect("it is fresh");
        fs::write(above.path().join(FILE), text).expect("it is ours");
        fs::write(directory.join(FILE), "[tool.other]\nname = 'rpytest'\n").expect("it is ours");
        Settings::read(&directory)
    }

    #[test]
    fn of_the_nearest_file_that_has_any() {
        let settings = read("[tool.rpytest]\nshelf = 'third-party'\npreload = ['pandas', 'django:setup', 'a.b:C.d']\n");
        let preload = ["pandas", "django:setup", "a.b:C.d"].map(str::to_owned).to_vec();
        assert_eq!(settings, Ok(Settings { shelf: Shelf::ThirdParty, preload }));
        assert_eq!(read("[tool.rpytest]\n"), Ok(Settings::default()));
        assert_eq!(read("[tool.rpytest\n"), Ok(Settings::default()), "pytest says it");
    }

    #[test]
    fn mistakes_are_named() {
        for (text, said) in [
            ("[tool]\nrpytest = 5", "tool.rpytest: 5; expected a table"),
            (
                "[tool.rpytest]\nshelf = 'some'",
                r#"[tool.rpytest] shelf: "some"; expected "all", "third-party" or "off""#,
            ),
            ("[tool.rpytest]\nshelf = true", r#"[tool.rpytest] shelf: true; expected "all", "third-party" or "off""#),
            (
                "[tool.rpytest]\npreload = 'a'",
                r#"[tool.rpytest] preload: "a"; expected a list of "module" and "module:callable""#,
            ),
            ("[tool.rpytest]\npreload = ['a b']", r#"preload: ["a b"]; expected a list"#),
            ("[tool.rpytest]\npreload = ['a:']", r#"preload: ["a:"]; expected a list"#),
            ("[tool.rpytest]\npreload = [1]", "preload: [1]; expected a list"),
            (
                "[tool.rpytest]\nshelve = 'all'",
                "[tool.rpytest] shelve: there is no such setting; there are `preload` and `shelf`",
            ),
        ] {
            let error = read(text).expect_err(text).to_string();
            assert!(error.contains(said) && error.contains(FILE), "{error}");
        }
    }
}
