//! The outer run: pytest's own tests by plain pytest, in several processes, with the inner runs going to a runner.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{fs, io};

use thiserror::Error;

use super::results::Results;
use super::shards::{ShardError, Shards};
use super::soak::Soak;
use crate::progress::Progress;
use crate::project::Project;
use crate::sandbox::Sandbox;

/// A sample is one test in so many.
const SAMPLE: u32 = 16;

/// How often somebody looks at the run.
const TICK: Duration = Duration::from_secs(2);

/// Which command the inner runs go through.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Runner<'a> {
    /// `python -m pytest`.
    Control,
    Command(&'a Path),
    /// The same, each time after a run of it in the same place that does nothing.
    Warm(&'a Path),
}

/// Which tests are run.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Selection<'a> {
    All,
    /// The same ones each time.
    Sample,
    Only(&'a [String]),
    SampleOf(&'a [String]),
}

/// What all outer runs with one pytest share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outer<'a> {
    pub(crate) project: &'a Project,
    /// The directory with the Python package `rpytest_verify`.
    pub(crate) harness: &'a Path,
    /// Tests of every sample.
    pub(crate) always: &'a [String],
    pub(crate) progress: &'a Progress,
    /// How many processes share the tests.
    pub(crate) shards: usize,
    /// The version of pytest, for those who watch.
    pub(crate) version: &'a str,
}

/// What an outer run leaves.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) results: Results,
    pub(crate) soak: Soak,
}

/// Why there was no outer run to speak of.
#[derive(Debug, Error)]
pub(crate) enum OuterError {
    #[error("failed to prepare {}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("failed to make a temporary directory")]
    Temporary(#[source] io::Error),
    #[error(transparent)]
    Shard(#[from] ShardError),
}

impl Outer<'_> {
    /// Runs the tests to the end of the last one. `name` is that of the directory for the output.
    pub(crate) fn run(&self, name: &str, runner: Runner<'_>, tests: Selection<'_>) -> Result<Ran, OuterError> {
        let work = self.progress.start(format!("pytest {}: {name}", self.version));
        let directory = self.project.outputs().join(name.replace(' ', "-"));
        fresh(&directory)?;
        let words = self.words(runner);
        let mut sandbox = Sandbox::new(&self.project.source(), &self.project.venv(), &words[0]).map_err(temporary)?;
        // A short path: that of a socket, which a test may make, has at most 107 bytes.
        let basetemp = tempfile::Builder::new().prefix("verify-").tempdir().map_err(temporary)?;
        let mut shards = Shards::default();
        for shard in 0..self.shards {
            let mut command = self.command(&sandbox, &directory, &words, tests)?;
            command.args(matches!(runner, Runner::Warm(_)).then_some("--verify-warm"));
            command.arg(format!("--verify-shard={shard}/{}", self.shards));
            command.arg(format!("--verify-results={}", results_of(&directory, shard).display()));
            command.arg(format!("--basetemp={}", basetemp.path().join(shard.to_string()).display()));
            shards.start(&mut command, directory.join(format!("{shard}.out")))?;
        }
        let mut soak = Soak::default();
        while shards.wait(TICK)? {
            if let Runner::Command(_) | Runner::Warm(_) = runner {
                soak.look(&mut sandbox);
            }
            work.note(&format!("{} tests", self.read(&directory)?.len()));
        }
        drop(sandbox);
        soak.stopped();
        work.done();
        Ok(Ran { results: self.read(&directory)?, soak })
    }

    /// The command of inner runs, short of their arguments.
    fn words(&self, runner: Runner<'_>) -> Vec<PathBuf> {
        match runner {
            Runner::Control => vec![self.project.venv().join("bin/python"), "-m".into(), "pytest".into()],
            Runner::Command(path) | Runner::Warm(path) => vec![path.to_path_buf()],
        }
    }

    /// What all parts have in common.
    fn command(
        &self,
        sandbox: &Sandbox,
        directory: &Path,
        words: &[PathBuf],
        tests: Selection<'_>,
    ) -> Result<Command, OuterError> {
        let mut command = sandbox.pytest(&["-p", "rpytest_verify.outer", "-p", "no:cacheprovider", "--quiet"]);
        command.env("PYTHONPATH", self.harness);
        // Each test has a HOME of its own, and the daemon has files that outlive them.
        command.env("XDG_CACHE_HOME", directory.join("cache")).env("XDG_STATE_HOME", directory.join("state"));
        let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
        command.arg(format!("--verify-runner={}", serde_json::json!(words)));
        if let Selection::Sample | Selection::SampleOf(_) = tests {
            command.arg(format!("--verify-sample={SAMPLE}"));
            command.args(self.always.iter().map(|test| format!("--verify-always={test}")));
        }
        if let Selection::Only(ids) | Selection::SampleOf(ids) = tests {
            let path = directory.join("tests");
            fs::write(&path, ids.join("\n")).map_err(|error| prepared(&path, error))?;
            command.arg(format!("--verify-select={}", path.display()));
        }
        Ok(command)
    }

    fn read(&self, directory: &Path) -> Result<Results, OuterError> {
        let mut results = Results::default();
        for shard in 0..self.shards {
            let path = results_of(directory, shard);
            results.read(&path).map_err(|error| prepared(&path, error))?;
        }
        Ok(results)
    }
}

fn results_of(directory: &Path, shard: usize) -> PathBuf {
    directory.join(format!("{shard}.jsonl"))
}

fn fresh(directory: &Path) -> Result<(), OuterError> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(prepared(directory, error)),
        _ => fs::create_dir_all(directory).map_err(|error| prepared(directory, error)),
    }
}

fn temporary(source: io::Error) -> OuterError {
    OuterError::Temporary(source)
}

fn prepared(path: &Path, source: io::Error) -> OuterError {
    OuterError::File { path: path.to_path_buf(), source }
}
