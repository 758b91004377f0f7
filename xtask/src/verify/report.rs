//! What is told of a comparison with pytest's own tests.

use std::fmt::{self, Write as _};
use std::io::{Write as _, stdout};

use super::baseline::Baseline;
use super::data::Data;
use super::soak::Soak;
use crate::suites::Verdict;

/// How many differences are shown in full.
const SHOWN: usize = 12;
/// How many lines of each: the end, where the assertion and the output are.
const LINES: usize = 30;

/// A test of the baseline that does not pass with the runner.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) test: String,
    pub(crate) why: String,
}

/// What came out of one run of the baseline.
#[derive(Debug)]
pub(crate) struct Compared {
    /// What it was that ran.
    pub(crate) name: &'static str,
    pub(crate) differences: Vec<Difference>,
    /// Tests that did not pass once, and then with the runner each time, or with plain pytest not each time.
    pub(crate) unsteady: Vec<String>,
    pub(crate) soak: Soak,
}

/// What came out for one version of pytest.
#[derive(Debug)]
pub(crate) struct Findings<'a> {
    pub(crate) version: &'a str,
    pub(crate) baseline: &'a Baseline,
    pub(crate) data: &'a Data,
    /// Without one, each run would be plain pytest, and prove nothing.
    pub(crate) has_daemon: bool,
    pub(crate) compared: Vec<Compared>,
    /// How many tests notice each of the broken runners.
    pub(crate) broken: Vec<(&'static str, usize)>,
}

impl Findings<'_> {
    pub(crate) fn verdict(&self) -> Verdict {
        let same = |compared: &Compared| {
            compared.soak.is_bounded()
                && compared.soak.has_seen_a_daemon() >= self.has_daemon
                && compared.differences.iter().all(|difference| self.data.is_known(&difference.test))
        };
        let noticed = self.broken.iter().all(|(_, tests)| *tests > 0);
        let proof = !self.baseline.tests.is_empty();
        if proof && noticed && self.compared.iter().all(same) { Verdict::Identical } else { Verdict::Different }
    }

    pub(crate) fn print(&self) {
        // The exit code tells those who have closed the pipe.
        let _ = stdout().write_all(self.text().as_bytes());
    }

    fn text(&self) -> String {
        let Baseline { tests, indifferent, unsteady, .. } = self.baseline;
        let mut text = format!("pytest {}: {}\n", self.version, self.verdict());
        let counts = format_args!(
            "  {} tests count; not so {indifferent} that pass whatever the runner does, and {unsteady} that plain \
             pytest does not repeat\n",
            tests.len(),
        );
        add(&mut text, counts);
        for (name, noticed) in &self.broken {
            add(&mut text, format_args!("  a runner that {name}: noticed by {noticed} tests\n"));
        }
        for compared in &self.compared {
            self.add_compared(&mut text, compared);
        }
        text
    }

    fn add_compared(&self, text: &mut String, compared: &Compared) {
        let (known, unknown): (Vec<_>, Vec<_>) =
            compared.differences.iter().partition(|difference| self.data.is_known(&difference.test));
        let counts = format_args!(
            "  {}: {} unknown differences, {} known, {} unsteady tests\n{}",
            compared.name,
            unknown.len(),
            known.len(),
            compared.unsteady.len(),
            compared.soak,
        );
        add(text, counts);
        for test in &compared.unsteady {
            add(text, format_args!("  unsteady: {test}\n"));
        }
        for difference in known {
            add(text, format_args!("  known: {}\n", difference.test));
        }
        for (number, difference) in unknown.into_iter().enumerate() {
            add(text, format_args!("  different: {}\n", difference.test));
            let lines: Vec<_> = difference.why.trim_end().lines().collect();
            let left_out = if number < SHOWN { lines.len().saturating_sub(LINES) } else { lines.len() };
            for line in &lines[left_out..] {
                add(text, format_args!("    | {line}\n"));
            }
        }
    }
}

fn add(text: &mut String, more: fmt::Arguments<'_>) {
    // Writing into memory does not fail.
    let _ = text.write_fmt(more);
}
