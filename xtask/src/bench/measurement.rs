//! The runs: all contenders in turn, so that what else the machine does hits all of them alike.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::BenchError;
use super::memory::{self, Sizes};
use super::workload::Workload;
use crate::arguments::BenchOptions;
use crate::progress::{Progress, Work};
use crate::project::Project;
use crate::sandbox::Sandbox;
use crate::timed::Timed;

/// So many runs come before a measurement at most.
const MOST_WARM_UPS: u32 = 12;
/// Between them.
const PAUSE: Duration = Duration::from_secs(4);
/// What `--explain` says where nothing more can be done ahead of a run.
const LATEST: &str = "it began before the first test";
/// What it says where the module that is being edited has been begun ahead of a run.
const WITHIN: &str = "it began within a module that is being edited";

/// Where rpytest's settings begin in a `pyproject.toml`.
const OWN_TABLE: &str = "\n[tool.rpytest]";

/// What is done before each run of a measurement.
#[derive(Debug, Clone, Copy)]
enum Before<'a> {
    Nothing,
    /// No daemon runs, as after the start of the machine.
    StopDaemon,
    /// A line is added to a file.
    Edit(&'a Path, Place),
}

/// Where a developer adds a line.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// In the last function that tells by `return` or `assert` where it is.
    Function,
    /// At the end of the file: another constant for a name that has one.
    Constant,
    /// There: what a call gives.
    Statement,
}

impl Place {
    const ALL: [Self; 3] = [Self::Function, Self::Constant, Self::Statement];

    fn name(self) -> &'static str {
        match self {
            Self::Function => "in a function",
            Self::Constant => "of a constant",
            Self::Statement => "of another statement",
        }
    }

    /// What `--explain` says as soon as no more can be done ahead of a run after such an edit.
    fn latest(self) -> &'static str {
        match self {
            Self::Function | Self::Constant => LATEST,
            Self::Statement => WITHIN,
        }
    }

    /// The text with a line more; as it is where there is no such function.
    fn edited(self, text: &str, round: u32) -> String {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        let is_of_function = |line: &String| {
            let statement = line.trim_start();
            statement.len() < line.len() && (statement.starts_with("return ") || statement.starts_with("assert "))
        };
        match self {
            Self::Constant => lines.push(format!("EDITED = {round}")),
            Self::Statement => lines.push(format!("EDITED = str({round})")),
            Self::Function => {
                if let Some(last) = lines.iter().rposition(is_of_function) {
                    let margin = " ".repeat(lines[last].len() - lines[last].trim_start().len());
                    lines.insert(last, format!("{margin}edited = {round}"));
                }
            }
        }
        lines.join("\n") + "\n"
    }
}

/// Who runs the tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Contender {
    Pytest,
    Rpytest,
    /// `rpytest` that tells nobody how the tests went.
    Untold,
    /// `rpytest --turbo`
    Turbo,
    /// `rpytest --list`
    List,
    /// The same, right behind it: between runs of pytest all that it needs has to come into the processor's caches.
    ListAgain,
    /// pytest-xdist, with so many workers.
    Xdist(u32),
    /// Any other program, with the same arguments.
    Other(String),
}

impl Contender {
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Pytest => "python -m pytest".to_owned(),
            Self::Rpytest => "rpytest".to_owned(),
            Self::Untold => "rpytest, without the inventory".to_owned(),
            Self::Turbo => "rpytest --turbo".to_owned(),
            Self::List => "rpytest --list".to_owned(),
            Self::ListAgain => "rpytest --list, once more".to_owned(),
            Self::Xdist(workers) => format!("pytest-xdist, -n {workers}"),
            Self::Other(program) => program.clone(),
        }
    }
}

/// One row of the tables.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) workload: String,
    pub(crate) what: String,
    /// Of each contender; plain pytest is the first.
    pub(crate) times: Vec<(Contender, Vec<Duration>)>,
}

/// A workload while it is measured.
#[derive(Debug)]
pub(crate) struct Bench<'a> {
    workload: &'a Workload,
    sandbox: Sandbox,
    options: &'a BenchOptions,
}

impl<'a> Bench<'a> {
    pub(crate) fn new(
        workload: &'a Workload,
        project: &Project,
        binary: &Path,
        options: &'a BenchOptions,
    ) -> Result<Self, BenchError> {
        preload(&project.source().join("pyproject.toml"), &workload.preload)?;
        let program = options.rpytest.as_deref().unwrap_or(binary);
        let sandbox = Sandbox::new(&project.source(), &project.venv(), program).map_err(BenchError::Place)?;
        Ok(Self { workload, sandbox, options })
    }

    /// Everything that is measured of this workload. The daemon is left running, for [`Self::sizes`].
    pub(crate) fn measure(&mut self, progress: &Progress) -> Result<Vec<Measured>, BenchError> {
        let work = progress.start(self.workload.name.clone());
        let (workload, rounds) = (self.workload, self.options.rounds);
        let one = std::slice::from_ref(&workload.one_test);
        let both = [Contender::Pytest, Contender::Rpytest];
        let mut measured = Vec::new();
        measured.push(self.rounds("one test, no daemon yet", &both, one, Before::StopDaemon, rounds, &work)?);
        let selecting = workload.keyword.clone().map(|keyword| ["-k".to_owned(), keyword]);
        let few = rounds.div_ceil(3);
        let mut lists = selecting.as_ref().map_or(Ok(Vec::new()), |selecting| self.lists(selecting, few, &work))?;
        self.warm_up(&Contender::Rpytest, one, Before::Nothing, LATEST)?;
        measured.push(self.rounds("one test", &both, one, Before::Nothing, rounds, &work)?);
        for edit in &workload.edits {
            for place in Place::ALL {
                let what = format!("one test, after an edit of {}, {}", edit.what, place.name());
                measured.push(self.edited(&what, one, (&edit.file, place), rounds.div_ceil(2), &work)?);
            }
        }
        if let Some(whole) = &workload.whole {
            self.warm_up(&Contender::Rpytest, whole, Before::Nothing, LATEST)?;
            let has_xdist = workload.requirements.iter().any(|each| each.starts_with("pytest-xdist"));
            let all = [&both[..], &[Contender::Untold], has_xdist.then_some(Contender::Xdist(2)).as_slice()].concat();
            measured.push(self.rounds("all tests", &all, whole, Before::Nothing, few, &work)?);
        }
        if let Some(selecting) = &selecting {
            for (what, contender, until) in [
                ("one test of all, by -k", Contender::Rpytest, LATEST),
                ("the same, with --turbo", Contender::Turbo, LATEST),
            ] {
                self.warm_up(&contender, selecting, Before::Nothing, until)?;
                let of = [Contender::Pytest, contender];
                measured.push(self.rounds(what, &of, selecting, Before::Nothing, few, &work)?);
            }
        }
        measured.append(&mut lists);
        work.done();
        Ok(measured)
    }

    /// Lists, thrown away, without a daemon that makes something ready for the next runs meanwhile: they need none.
    fn lists(&mut self, selecting: &[String], rounds: u32, work: &Work) -> Result<Vec<Measured>, BenchError> {
        run(&mut self.sandbox.rpytest(&["--list"]))?;
        self.sandbox.stop_daemon()?;
        let listing = ["--collect-only", "-q"].map(str::to_owned);
        let listed = [Contender::Pytest, Contender::List, Contender::ListAgain];
        let rows = [("the list of one test, by -k", selecting), ("the list of all tests", &[])];
        let measure = |(what, selecting): (&str, &[String])| {
            self.rounds(what, &listed, &[&listing[..], selecting].concat(), Before::Nothing, rounds, work)
        };
        rows.into_iter().map(measure).collect()
    }

    /// How much memory the daemon and the warm process of this workload take now.
    pub(crate) fn sizes(&mut self) -> Result<Vec<Sizes>, BenchError> {
        let sizes = memory::sizes(&self.workload.name, &mut self.sandbox)?;
        self.sandbox.stop_daemon()?;
        Ok(sizes)
    }

    /// Runs, with the pauses that somebody makes who edits, until `--explain` says this of one: what runs share is made
    /// between them, in the background.
    fn warm_up(
        &mut self,
        contender: &Contender,
        arguments: &[String],
        before: Before<'_>,
        until: &str,
    ) -> Result<(), BenchError> {
        for round in 0..MOST_WARM_UPS {
            self.prepare(before, round)?;
            if run(self.command(contender, arguments).arg("--explain"))?.stderr.contains(until) {
                break;
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    fn edited(
        &mut self,
        what: &str,
        arguments: &[String],
        (file, place): (&Path, Place),
        rounds: u32,
        work: &Work,
    ) -> Result<Measured, BenchError> {
        let file = self.sandbox.directory().join(file);
        let fail = |source| BenchError::Edit { path: file.clone(), source };
        let before = fs::read(&file).map_err(fail)?;
        let both = [Contender::Pytest, Contender::Rpytest];
        let edit = Before::Edit(&file, place);
        let warm = match place {
            // A name that there has not been is another statement.
            Place::Constant => self.prepare(edit, 0).map(|()| Before::Nothing),
            Place::Function | Place::Statement => Ok(edit),
        };
        let warm = warm.and_then(|before| self.warm_up(&Contender::Rpytest, arguments, before, place.latest()));
        let measured = warm.and_then(|()| self.rounds(what, &both, arguments, edit, rounds, work));
        fs::write(&file, before).map_err(fail)?;
        measured
    }

    fn rounds(
        &mut self,
        what: &str,
        contenders: &[Contender],
        arguments: &[String],
        before: Before<'_>,
        rounds: u32,
        work: &Work,
    ) -> Result<Measured, BenchError> {
        let others = self.options.also.iter().cloned().map(Contender::Other);
        let mut times: Vec<_> = contenders.iter().cloned().chain(others).map(|each| (each, Vec::new())).collect();
        let is_list = contenders.contains(&Contender::List);
        for round in 1..=rounds {
            work.note(&format!("{what}, round {round} of {rounds}"));
            let mut expected = None;
            for (contender, its_times) in &mut times {
                self.prepare(before, round)?;
                let mut command = self.command(contender, arguments);
                let run = if is_list { Timed::run_unread(&mut command) } else { Timed::run(&mut command) };
                let run = run.map_err(|source| BenchError::Run { line: format!("{command:?}"), source })?;
                let end = run.status.to_string();
                if let Some(expected) = expected.clone().filter(|expected| *expected != end) {
                    let (line, output) = (format!("{command:?}"), run.stdout + &run.stderr);
                    return Err(BenchError::Different { line, found: end, expected, output });
                }
                expected = Some(end);
                its_times.push(run.elapsed);
            }
        }
        Ok(Measured { workload: self.workload.name.clone(), what: what.to_owned(), times })
    }

    fn command(&mut self, contender: &Contender, arguments: &[String]) -> Command {
        match contender {
            Contender::Pytest => self.sandbox.pytest(arguments),
            Contender::Rpytest => self.sandbox.rpytest(arguments),
            Contender::Untold => {
                let mut command = self.sandbox.rpytest(arguments);
                command.env_remove("HOME").env_remove("XDG_CACHE_HOME"); // there is no place for one
                command
            }
            Contender::Turbo | Contender::List | Contender::ListAgain => {
                let flag = if *contender == Contender::Turbo { "--turbo" } else { "--list" };
                let mut command = self.sandbox.rpytest(&[flag]);
                command.args(arguments);
                command
            }
            Contender::Xdist(workers) => {
                let mut command = self.sandbox.pytest(arguments);
                command.arg("-n").arg(workers.to_string());
                command
            }
            Contender::Other(program) => {
                let mut command = self.sandbox.program(Path::new(program));
                command.args(arguments);
                command
            }
        }
    }

    fn prepare(&mut self, before: Before<'_>, round: u32) -> Result<(), BenchError> {
        match before {
            Before::Nothing => Ok(()),
            Before::StopDaemon => Ok(self.sandbox.stop_daemon()?),
            Before::Edit(path, place) => fs::read_to_string(path)
                .and_then(|text| fs::write(path, place.edited(&text, round)))
                .map_err(|source| BenchError::Edit { path: path.to_path_buf(), source }),
        }
    }
}

/// Has rpytest preload these modules, from now on.
fn preload(file: &Path, modules: &[String]) -> Result<(), BenchError> {
    let fail = |source| BenchError::Edit { path: file.to_path_buf(), source };
    if modules.is_empty() {
        return Ok(());
    }
    let text = if file.exists() { fs::read_to_string(file).map_err(fail)? } else { String::new() };
    let others = text.split(OWN_TABLE).next().unwrap_or_default(); // without what an earlier bench has added
    fs::write(file, format!("{others}{OWN_TABLE}\npreload = {modules:?}\n")).map_err(fail)
}

fn run(command: &mut Command) -> Result<Timed, BenchError> {
    Timed::run(command).map_err(|source| BenchError::Run { line: format!("{command:?}"), source })
}
