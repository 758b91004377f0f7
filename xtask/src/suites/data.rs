//! The shape of a suite's TOML file. Whoever reads one of them finds here what may stand in it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

/// The file's content.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Data {
    /// Of the project; a canary has none.
    pub(crate) version: Option<String>,
    /// What pip installs beside the project itself. A canary is run in the environments of the [`super::matrix`].
    #[serde(default)]
    pub(crate) requirements: Vec<String>,
    /// `X.Y` of the Pythons that the project and its requirements are for; any, where there is none.
    #[serde(default)]
    pub(crate) pythons: Vec<String>,
    /// Given to pytest before those of the line and the deselections.
    #[serde(default)]
    pub(crate) arguments: Vec<String>,
    /// Variables that both sides have beside those of the caller.
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
    /// Each is a comparison of its own; none is one with nothing more.
    #[serde(default)]
    pub(crate) line: Vec<Line>,
    /// Files and directories that a run leaves and the next must not see, beside `.pytest_cache`.
    #[serde(default)]
    pub(crate) reset: Vec<PathBuf>,
    #[serde(default)]
    pub(crate) deselect: Vec<Deselect>,
    #[serde(default)]
    pub(crate) mask: Vec<Mask>,
}

/// One command line of a suite that has several.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) arguments: Vec<String>,
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
}

/// Tests that are run on neither side.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deselect {
    /// The start of node ids, as `--deselect` takes it.
    pub(crate) test: String,
    #[expect(dead_code, reason = "demanded of whoever writes the file")]
    reason: String,
}

/// Text that differs by chance between two runs of plain pytest, often enough to be known.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mask {
    pub(crate) pattern: String,
    #[serde(default)]
    pub(crate) replacement: String,
    #[expect(dead_code, reason = "demanded of whoever writes the file")]
    reason: String,
}
