//! What became of the tests of an outer run, as the plugin `rpytest_verify.outer` writes it.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use serde::Deserialize;

/// What became of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    Passed,
    Failed,
    /// Or expected to fail.
    Skipped,
}

/// One line of the file.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct TestResult {
    id: String,
    outcome: Outcome,
    /// How many inner runs went to the runner.
    reached: u32,
    /// Where it failed: the traceback and what was captured.
    why: String,
}

/// By node id.
#[derive(Debug, Default)]
pub(crate) struct Results(BTreeMap<String, TestResult>);

impl Results {
    /// Adds what a file has. One that is not there has nothing: no test has ended.
    pub(crate) fn read(&mut self, path: &Path) -> io::Result<()> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            read => read?,
        };
        for line in text.lines() {
            let result: TestResult = serde_json::from_str(line)?;
            self.0.insert(result.id.clone(), result);
        }
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn failures(&self) -> usize {
        self.0.values().filter(|result| result.outcome == Outcome::Failed).count()
    }

    pub(crate) fn passed(&self, test: &str) -> bool {
        self.0.get(test).is_some_and(|result| result.outcome == Outcome::Passed)
    }

    /// The tests that passed and gave the runner something to do, which can be proof of something.
    pub(crate) fn passed_through_the_runner(&self) -> Vec<String> {
        let able = |result: &&TestResult| result.outcome == Outcome::Passed && result.reached > 0;
        self.0.values().filter(able).map(|result| result.id.clone()).collect()
    }

    /// Why a test did not pass. A test without a result was not run to its end.
    pub(crate) fn why(&self, test: &str) -> &str {
        match self.0.get(test) {
            None => "the test was not run, or the run was cut off",
            Some(TestResult { outcome: Outcome::Skipped, .. }) => "the test was skipped",
            Some(result) => &result.why,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Results;

    fn read(text: &str) -> Results {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let path = directory.path().join("results");
        fs::write(&path, text).expect("it can be written");
        let mut results = Results::default();
        results.read(&path).expect("it can be read");
        results
    }

    fn line(id: &str, outcome: &str, reached: u32) -> String {
        format!(r#"{{"id": "{id}", "outcome": "{outcome}", "reached": {reached}, "why": ""}}"#) + "\n"
    }

    #[test]
    fn only_tests_that_pass_through_the_runner_are_proof() {
        let lines = [line("a", "passed", 2), line("b", "passed", 0), line("c", "failed", 1), line("d", "skipped", 1)];
        assert_eq!(read(&lines.concat()).passed_through_the_runner(), ["a"]);
    }

    #[test]
    fn a_test_without_a_result_has_not_passed() {
        let results = read(&line("a", "passed", 1));
        assert!(results.passed("a"));
        assert!(!results.passed("b"));
        assert!(!results.why("b").is_empty());
    }
}
