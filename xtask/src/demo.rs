//! `cargo xtask demo`: the example suite by `python -m pytest` and by `rpytest`, the times side by side, the output
//! compared.

mod normalise;
mod table;

use std::fs;
use std::io::{self, Write, stdout};
use std::path::Path;
use std::time::Duration;

use thiserror::Error;

use self::table::Row;
use crate::arguments::DemoOptions;
use crate::command::CommandError;
use crate::figures::median;
use crate::progress::{Progress, Work};
use crate::sandbox::Sandbox;
use crate::setup::{self, SetupError};
use crate::timed::Timed;
use crate::workspace::Workspace;

/// What is timed: a name for the table and the arguments of both commands.
const SCENARIOS: &[(&str, &[&str])] = &[
    ("the whole suite", &[]),
    ("one test", &["tests/test_invoice.py::test_total_is_the_sum_of_the_lines"]),
    ("chosen by -k, verbose", &["-v", "-k", "ledger or money"]),
];

/// Warm runs before the first that counts: a daemon learns from a run what to keep warm for the next.
const RUNS_TO_WARM_UP: u32 = 2;

/// Why there is no table, or why it is worth nothing.
#[derive(Debug, Error)]
pub(crate) enum DemoError {
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error("failed to prepare the demo")]
    Prepare(#[source] io::Error),
    #[error("failed to run {command}")]
    Run { command: &'static str, source: io::Error },
    #[error("failed to stop the daemon of the demo")]
    Stop(#[from] CommandError),
    #[error("the example suite does not pass by itself:\n{0}")]
    Suite(String),
    #[error("`rpytest` and `python -m pytest` differ in {scenario} ({state}): {difference}")]
    Different { scenario: &'static str, state: &'static str, difference: String },
    #[error("failed to print the table")]
    Print(#[source] io::Error),
}

/// Prepares the machine, times all scenarios, prints the table. An error when any output differs.
pub(crate) fn run(workspace: &Workspace, progress: &Progress, options: &DemoOptions) -> Result<(), DemoError> {
    let prepared = setup::run(workspace, progress)?;
    let program = options.rpytest.as_ref().unwrap_or(&prepared.binary);
    let directory = tempfile::Builder::new().prefix("rpytest-demo-").tempdir().map_err(DemoError::Prepare)?;
    copy(&workspace.root().join("xtask/demo"), directory.path()).map_err(DemoError::Prepare)?;
    let mut sandbox = Sandbox::new(directory.path(), prepared.venv.directory(), program).map_err(DemoError::Prepare)?;
    let mut rows = Vec::new();
    for &(name, arguments) in SCENARIOS {
        let work = progress.start(name);
        rows.push(Scenario { name, arguments, sandbox: &mut sandbox, work: &work }.measure(options)?);
        work.done();
    }
    sandbox.stop_daemon()?;
    print(&rows, options).map_err(DemoError::Print)
}

/// One scenario while it is measured.
struct Scenario<'a> {
    name: &'static str,
    arguments: &'static [&'static str],
    sandbox: &'a mut Sandbox,
    work: &'a Work,
}

impl Scenario<'_> {
    /// Ends without a daemon running, unless it fails.
    fn measure(&mut self, options: &DemoOptions) -> Result<Row, DemoError> {
        // Writes the bytecode that all later runs of both commands read.
        self.pytest()?;
        let (mut plain, mut cold, mut warm) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..options.cold_runs {
            let (pytest, rpytest) = self.pair("without a daemon")?;
            plain.push(pytest);
            cold.push(rpytest);
            self.sandbox.stop_daemon()?;
        }
        for _ in 0..RUNS_TO_WARM_UP {
            self.pair("warming up")?;
        }
        for _ in 0..options.runs {
            let (pytest, rpytest) = self.pair("warm")?;
            plain.push(pytest);
            warm.push(rpytest);
        }
        self.sandbox.stop_daemon()?;
        Ok(Row { name: self.name, plain: median(&plain), cold: median(&cold), warm: median(&warm) })
    }

    /// Runs both commands, one after the other, and compares them.
    fn pair(&mut self, state: &'static str) -> Result<(Duration, Duration), DemoError> {
        let pytest = self.pytest()?;
        self.work.note(&format!("rpytest, {state}"));
        let mut command = self.sandbox.rpytest(self.arguments);
        let rpytest = Timed::run(&mut command).map_err(|source| DemoError::Run { command: "rpytest", source })?;
        match normalise::difference(&pytest, &rpytest) {
            None => Ok((pytest.elapsed, rpytest.elapsed)),
            Some(difference) => Err(DemoError::Different { scenario: self.name, state, difference }),
        }
    }

    fn pytest(&mut self) -> Result<Timed, DemoError> {
        self.work.note("python -m pytest");
        let mut command = self.sandbox.pytest(self.arguments);
        let run = Timed::run(&mut command).map_err(|source| DemoError::Run { command: "python -m pytest", source })?;
        if run.status.success() { Ok(run) } else { Err(DemoError::Suite(run.stdout + &run.stderr)) }
    }
}

fn print(rows: &[Row], options: &DemoOptions) -> io::Result<()> {
    let mut out = stdout().lock();
    write!(out, "\n{}\n", table::render(rows))?;
    writeln!(
        out,
        "Medians of {} alternating runs ({} without a daemon); × is relative to `python -m pytest`.",
        options.runs, options.cold_runs
    )?;
    writeln!(out, "Output and exit codes: the same in all runs, apart from measured times.")
}

/// Copies a directory short of caches and hidden files.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == "__pycache__" || name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to.join(name))?;
        } else {
            fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}
