//! The five runs of a suite and what each has left: twice plain pytest, then the runner cold, warm and warm again.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;
use std::{fs, str};

use thiserror::Error;

use super::project::{Project, ProjectError};
use super::sides::Sides;
use super::stopwatch::{self, Timed};
use super::suite::Suite;
use super::{files, junit, normalise};
use crate::progress::Progress;

/// After this, a run hangs.
const DEADLINE: Duration = Duration::from_secs(20 * 60);

/// The name of the file that is the same for all runs, because pytest prints it.
const JUNIT: &str = "junit.xml";

/// What one run has left, normalised.
#[derive(Debug)]
pub(crate) struct RunResult {
    pub(crate) name: &'static str,
    pub(crate) status: ExitStatus,
    pub(crate) wall: Duration,
    /// Ids of the tests in the order of the `JUnit` file.
    pub(crate) tests: Vec<String>,
    /// The same tests with what became of them.
    pub(crate) outcomes: Vec<String>,
    pub(crate) stdout: Vec<String>,
    pub(crate) stderr: Vec<String>,
    pub(crate) files: Vec<String>,
}

/// What all runs of a suite have left.
#[derive(Debug)]
pub(crate) struct RunResults {
    pub(crate) plain: [RunResult; 2],
    /// Without a daemon, then with the one that was left, twice.
    pub(crate) runner: [RunResult; 3],
}

/// Why a suite could not be run. What the runner does wrong is a difference, not an error.
#[derive(Debug, Error)]
pub(crate) enum RunError {
    #[error("failed to make the directory of the daemon")]
    RuntimeDirectory(#[source] io::Error),
    #[error(transparent)]
    Outputs(#[from] ProjectError),
    #[error("failed to start `{line}`")]
    Start { line: String, source: io::Error },
    #[error("failed to read or write {}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("plain pytest ended with {status}; its output is in {}", outputs.display())]
    Plain { status: ExitStatus, outputs: PathBuf },
}

impl RunResults {
    /// Runs `suite` five times.
    pub(crate) fn collect(
        suite: &Suite,
        project: &Project,
        runner: &Path,
        progress: &Progress,
    ) -> Result<Self, RunError> {
        project.clear_outputs()?;
        let sides = Sides::new(project, runner).map_err(RunError::RuntimeDirectory)?;
        let run = Run { suite, project, progress };
        let plain = [run.plain("plain 1", sides.pytest())?, run.plain("plain 2", sides.pytest())?];
        let runner = [
            run.once("cold", sides.runner())?,
            run.once("warm 1", sides.runner())?,
            run.once("warm 2", sides.runner())?,
        ];
        Ok(Self { plain, runner })
    }
}

/// What all runs of a suite share.
#[derive(Debug, Clone, Copy)]
struct Run<'a> {
    suite: &'a Suite,
    project: &'a Project,
    progress: &'a Progress,
}

impl Run<'_> {
    /// A run that is worth comparing with: all tests were run (pytest: 0), perhaps with failures (1).
    fn plain(self, name: &'static str, command: Command) -> Result<RunResult, RunError> {
        let result = self.once(name, command)?;
        match result.status.code() {
            Some(0 | 1) => Ok(result),
            _ => Err(RunError::Plain { status: result.status, outputs: self.project.outputs() }),
        }
    }

    fn once(self, name: &'static str, mut command: Command) -> Result<RunResult, RunError> {
        let work = self.progress.start(format!("{}: {name}", self.suite.name));
        let source = self.project.source();
        files::reset(&source, &self.suite.data.reset).map_err(|error| file(&source, error))?;
        let junit = self.project.outputs().join(JUNIT);
        command.args(self.suite.arguments()).arg(format!("--junitxml={}", junit.display()));
        let directory = self.project.outputs().join(name.replace(' ', "-"));
        fs::create_dir(&directory).map_err(|error| file(&directory, error))?;
        let timed = timed(&mut command, &directory)?;
        work.done();
        let (tests, outcomes) = self.cases(&junit, &directory)?;
        Ok(RunResult {
            name,
            status: timed.status,
            wall: timed.wall,
            tests,
            outcomes,
            stdout: self.lines(&directory.join("stdout"))?,
            stderr: self.lines(&directory.join("stderr"))?,
            files: files::list(&source).map_err(|error| file(&source, error))?,
        })
    }

    /// The tests of the `JUnit` file, and what became of them. A file that is missing or broken is an outcome too.
    fn cases(self, junit: &Path, directory: &Path) -> Result<(Vec<String>, Vec<String>), RunError> {
        let kept = directory.join(JUNIT);
        match fs::rename(junit, &kept) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok((Vec::new(), vec![String::from("no JUnit file")]));
            }
            renamed => renamed.map_err(|error| file(junit, error))?,
        }
        let text = fs::read(&kept).map_err(|error| file(&kept, error))?;
        let Some(cases) = str::from_utf8(&text).ok().and_then(|text| junit::parse(text).ok()) else {
            return Ok((Vec::new(), vec![String::from("a broken JUnit file")]));
        };
        let normalised = |text: &str| normalise::normalise(text, &self.suite.masks);
        Ok(cases
            .iter()
            .map(|case| {
                let id = normalised(&case.id);
                let outcome = format!("{id}\n{}", normalised(&case.outcome));
                (id, outcome)
            })
            .unzip())
    }

    fn lines(self, path: &Path) -> Result<Vec<String>, RunError> {
        let bytes = fs::read(path).map_err(|error| file(path, error))?;
        let text = String::from_utf8_lossy(&bytes);
        let normalised = normalise::normalise(&text, &self.suite.masks);
        // With their ends, so that a missing newline at the very end shows.
        Ok(normalised.split_inclusive('\n').map(str::to_owned).collect())
    }
}

/// Into files, not pipes: a daemon that holds on to them cannot keep us waiting.
fn timed(command: &mut Command, directory: &Path) -> Result<Timed, RunError> {
    let create = |name| {
        let path = directory.join(name);
        fs::File::create(&path).map_err(|error| file(&path, error))
    };
    command.stdout(create("stdout")?).stderr(create("stderr")?);
    stopwatch::time(command, DEADLINE)
        .map_err(|source| RunError::Start { line: command.get_program().display().to_string(), source })
}

fn file(path: &Path, source: io::Error) -> RunError {
    RunError::File { path: path.to_path_buf(), source }
}
