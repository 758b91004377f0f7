//! What pytest reports of one phase of one test.

use serde::{Deserialize, Serialize};

use crate::{NodeId, Outcome, Phase};

/// One phase of one test, as pytest's `TestReport` tells it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestReport {
    /// Which test.
    pub nodeid: NodeId,
    /// Which phase of it.
    pub when: Phase,
    /// How the phase ended.
    pub outcome: Outcome,
    /// Seconds that the phase took, as pytest measured them. Below zero when the test moved the clock.
    pub duration: f64,
    /// The one thing to say about it, where there is one: the message of the crash (`report.longrepr.reprcrash`),
    /// the reason of a skip without `Skipped: `, the reason of an xfail without `reason: `.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The whole explanation without colours (`report.longreprtext`); for a skip `path:line: reason`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longrepr: Option<String>,
    /// What was captured of the test so far, in pytest's order (`report.sections`): a teardown repeats what its call had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<Section>,
}

/// A captured stream of one phase; in JSON the pair `["Captured stdout call", "text"]`, as pytest keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(String, String)", into = "(String, String)")]
pub struct Section {
    /// pytest's heading, such as `Captured stdout call`.
    pub title: String,
    /// What was captured.
    pub content: String,
}

impl From<(String, String)> for Section {
    fn from((title, content): (String, String)) -> Self {
        Self { title, content }
    }
}

impl From<Section> for (String, String) {
    fn from(section: Section) -> Self {
        (section.title, section.content)
    }
}
