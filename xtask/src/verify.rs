//! `cargo xtask verify`: the proof that rpytest does what `python -m pytest` does.
//!
//! pytest's own test suite is one part of it, its inner runs going through rpytest. A further part is
//! one more function that returns a [`Verdict`], called by [`run`]. See docs/design/verify.md.

mod baseline;
mod broken;
mod data;
mod outer;
mod report;
mod results;
mod shards;
mod soak;

use std::path::{Path, PathBuf};
use std::{io, thread};

use thiserror::Error;

use self::baseline::Baseline;
use self::data::{Data, DataError};
use self::outer::{Outer, OuterError, Ran, Runner, Selection};
use self::report::{Compared, Difference, Findings};
use self::results::Results;
use crate::arguments::VerifyOptions;
use crate::progress::Progress;
use crate::project::{Project, ProjectError, Sdist};
use crate::suites::{self, SuitesError, Verdict};
use crate::workspace::Workspace;

/// How often both sides are asked again for a test that did not pass.
const AGAIN: u32 = 3;

/// Why nothing could be proved.
#[derive(Debug, Error)]
pub(crate) enum VerifyError {
    #[error(transparent)]
    Suites(#[from] SuitesError),
    #[error(transparent)]
    Data(#[from] DataError),
    #[error(transparent)]
    Project(#[from] ProjectError),
    #[error(transparent)]
    Outer(#[from] OuterError),
    #[error("failed to read or write {}", path.display())]
    File { path: PathBuf, source: io::Error },
}

impl VerifyError {
    fn file(path: &Path, source: io::Error) -> Self {
        Self::File { path: path.to_path_buf(), source }
    }
}

/// Runs all parts and says the worst that came out.
pub(crate) fn run(workspace: &Workspace, progress: &Progress, options: &VerifyOptions) -> Result<Verdict, VerifyError> {
    let harness = workspace.root().join("xtask/verify");
    let data = Data::load(&harness.join("pytest.toml"))?;
    let versions = match (&options.pytest[..], options.sample) {
        ([], true) => &data.versions[..1],
        ([], false) => &data.versions,
        (named, _) => named,
    };
    let part = OwnTests {
        directory: workspace.target("verify"),
        harness,
        runner: suites::runner(workspace, options.runner.as_deref())?,
        python: suites::python(options.python.as_deref())?.executable().to_path_buf(),
        has_daemon: options.runner.is_none(),
        sample: options.sample,
        data: &data,
        progress,
    };
    let mut worst = Verdict::Identical;
    for version in versions {
        worst = worst.max(part.run(version)?);
    }
    Ok(worst)
}

/// pytest's own tests.
#[derive(Debug)]
struct OwnTests<'a> {
    directory: PathBuf,
    harness: PathBuf,
    runner: PathBuf,
    /// Whether the runner is known to have one.
    has_daemon: bool,
    python: PathBuf,
    sample: bool,
    data: &'a Data,
    progress: &'a Progress,
}

impl OwnTests<'_> {
    fn run(&self, version: &str) -> Result<Verdict, VerifyError> {
        let directory = self.directory.join(format!("pytest-{version}"));
        let sdist = Sdist { name: "pytest", version, requirements: &self.data.requirements, editable: false };
        let project = Project::of_sdist(&sdist, &self.python, &directory, self.progress)?;
        let shards = thread::available_parallelism().map_or(2, usize::from);
        let outer = Outer {
            project: &project,
            harness: &self.harness,
            always: &self.data.always,
            progress: self.progress,
            shards,
            version,
        };
        let baseline = self.baseline(&outer, &directory)?;
        let findings = Findings {
            version,
            compared: vec![
                compare(&outer, &baseline, "first", Runner::Command(&self.runner))?,
                compare(&outer, &baseline, "warm", Runner::Warm(&self.runner))?,
            ],
            broken: broken::noticed(&outer, &baseline.tests)?,
            baseline: &baseline,
            data: self.data,
            has_daemon: self.has_daemon,
        };
        findings.print();
        Ok(findings.verdict())
    }

    fn baseline(&self, outer: &Outer<'_>, directory: &Path) -> Result<Baseline, VerifyError> {
        let (tests, name) = if self.sample { (Selection::Sample, "sample") } else { (Selection::All, "baseline") };
        let python = self.python.display().to_string();
        let data = format!("{:?}", (&self.data.requirements, &self.data.always));
        let key = baseline::key(&[outer.version, &python, &data], &self.harness)?;
        Baseline::get(outer, tests, key, &directory.join(name).with_extension("json"))
    }
}

/// Runs the baseline, and asks both sides again for the tests that do not pass.
fn compare(
    outer: &Outer<'_>,
    baseline: &Baseline,
    name: &'static str,
    runner: Runner<'_>,
) -> Result<Compared, VerifyError> {
    let Ran { results, soak } = outer.run(name, runner, Selection::Only(&baseline.tests))?;
    let failed: Vec<_> = baseline.tests.iter().filter(|test| !results.passed(test)).cloned().collect();
    let (different, unsteady) = if failed.is_empty() {
        (Vec::new(), Vec::new())
    } else {
        let plain = again(outer, "plain", Runner::Control, &failed)?;
        let runner = again(outer, name, runner, &failed)?;
        failed.into_iter().partition(|test| steady(&plain, test) && !steady(&runner, test))
    };
    let difference = |test: String| Difference { why: results.why(&test).to_owned(), test };
    let differences = different.into_iter().map(difference).collect();
    Ok(Compared { name, differences, unsteady, soak })
}

/// One test after the other: many of those that do not pass each time measure it.
fn again(outer: &Outer<'_>, name: &str, runner: Runner<'_>, tests: &[String]) -> Result<Vec<Results>, OuterError> {
    let alone = Outer { shards: 1, ..*outer };
    let ask = |time| Ok(alone.run(&format!("{name}, again {time}"), runner, Selection::Only(tests))?.results);
    (1..=AGAIN).map(ask).collect()
}

fn steady(all: &[Results], test: &str) -> bool {
    all.iter().all(|results| results.passed(test))
}
