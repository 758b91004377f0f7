//! The runs of a verification, one after the other: plain pytest twice, then rpytest without a daemon, and twice with it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rpytest_report::{Progress, Reporter};

use super::VerifyError;
use super::attendant::Attendant;
use super::files::{Tree, tell_of_bytecode};
use super::kept::{Kept, is_too_much};
use super::record::{EVENTS, JUNIT, Record, STDERR, STDOUT};
use super::report::Report;
use super::sides::Sides;
use crate::arguments::VerifyArguments;
use crate::interpreter::Interpreter;
use crate::note;

/// A run of rpytest hangs when it takes so many times as long as plain pytest, and a minute more.
const PATIENCE: u32 = 10;
const MORE_PATIENCE: Duration = Duration::from_secs(60);

/// What all runs share.
pub(super) struct Verification<'a> {
    arguments: &'a VerifyArguments,
    directory: PathBuf,
    sides: Sides,
    attendant: Attendant,
    kept: Vec<Kept>,
    knows_cache: bool,
}

impl<'a> Verification<'a> {
    /// Prepare, without running anything.
    pub(super) fn of(arguments: &'a VerifyArguments) -> Result<Self, VerifyError> {
        let directory = std::env::current_dir().map_err(VerifyError::Here)?;
        let interpreter = Interpreter::find_here(arguments.python.as_deref(), &directory)?;
        let sides = Sides::new(arguments, &interpreter)?;
        let attendant = Attendant::new().map_err(VerifyError::Signals)?;
        let mut verification = Self { arguments, directory, sides, attendant, kept: Vec::new(), knows_cache: false };
        for (index, path) in arguments.restore.iter().enumerate() {
            let path = verification.directory.join(path);
            let copy = verification.sides.directory().join(format!("restore-{index}"));
            let kept = Kept::remember(path.clone(), copy).map_err(|error| file(&path, error))?;
            verification.keep(kept)?;
        }
        Ok(verification)
    }

    /// Run everything and compare.
    pub(super) fn report(mut self) -> Result<Report, VerifyError> {
        let mut first = self.plain("plain 1")?;
        if !first.witnessed && !self.sides.has_pytest()? {
            return Err(VerifyError::NoPytest(self.sides.plain().get_program().into()));
        }
        if tell_of_bytecode(first.of(super::record::Subject::Files)) {
            // Code that is compiled can warn, code that is read from bytecode cannot: all runs are to read it.
            first = self.plain("plain 1")?;
        }
        let mut plain = vec![first, self.plain("plain 2")?];
        let slowest = plain.iter().map(|run| run.attended.wall).max().unwrap_or_default();
        let deadline = slowest * PATIENCE + MORE_PATIENCE;
        let rpytest = ["cold", "warm 1", "warm 2"]
            .into_iter()
            .map(|name| self.rpytest(name, deadline))
            .collect::<Result<Vec<_>, _>>()?;
        let mut report = Report::new(&plain, &rpytest);
        if report.is_different() {
            // Chance may have been kind to plain pytest twice.
            plain.push(self.plain("plain 3")?);
            report = Report::new(&plain, &rpytest);
        }
        self.put_back()?;
        if let Some(output) = &self.arguments.output {
            self.hand_out(output)?;
        }
        Ok(report)
    }

    fn plain(&mut self, name: &'static str) -> Result<Record, VerifyError> {
        self.once(name, self.sides.plain(), None)
    }

    fn rpytest(&mut self, name: &'static str, deadline: Duration) -> Result<Record, VerifyError> {
        let mut record = self.once(name, self.sides.rpytest(), Some(deadline))?;
        (record.path, record.reason) = self.sides.latest_path();
        Ok(record)
    }

    fn once(
        &mut self,
        name: &'static str,
        mut command: Command,
        deadline: Option<Duration>,
    ) -> Result<Record, VerifyError> {
        self.put_back()?;
        let outputs = self.sides.outputs().join(name.replace(' ', "-"));
        fs::create_dir_all(&outputs).map_err(|error| file(&outputs, error))?;
        // Files, not pipes: nobody who holds on to them can keep us waiting.
        for (stream, redirect) in
            [(STDOUT, Command::stdout as fn(&mut Command, File) -> &mut Command), (STDERR, Command::stderr)]
        {
            let path = outputs.join(stream);
            redirect(&mut command, File::create(&path).map_err(|error| file(&path, error))?);
        }
        let before = self.look();
        let mut progress = Watched::new(name, self.sides.reports().join(EVENTS));
        let attended = self.attendant.run(&mut command, deadline, || progress.look())?;
        progress.end();
        let junit = self.junit();
        let files = self.look().changes_since(&before, junit.as_deref());
        self.take_reports(junit.as_deref(), &outputs)?;
        let record = Record::read(name, attended, &outputs, files, &self.arguments.masks)
            .map_err(|error| file(&outputs, error))?;
        note::say(format_args!("{name}: {} tests, {:.2} s", record.tests(), attended.wall.as_secs_f64()));
        Ok(record)
    }

    fn look(&self) -> Tree {
        Tree::look(&self.directory, self.sides.directory())
    }

    /// Where this run's `JUnit` file is.
    fn junit(&self) -> Option<PathBuf> {
        fs::read(self.sides.reports().join("junit")).ok().map(OsString::from_vec).map(PathBuf::from)
    }

    /// Moves what the plugin has written to the run's other output, and learns where the cache is.
    fn take_reports(&mut self, junit: Option<&Path>, outputs: &Path) -> Result<(), VerifyError> {
        let reports = self.sides.reports();
        if let Some(junit) = junit {
            // One that was not written is told of by its absence.
            let _ = fs::copy(junit, outputs.join(JUNIT));
        }
        for name in [EVENTS, JUNIT, "junit"] {
            let _ = fs::rename(reports.join(name), outputs.join(name));
        }
        if let Ok(path) = fs::read(reports.join("cache-dir"))
            && !self.knows_cache
        {
            self.knows_cache = true;
            self.keep(Kept::with_copy(OsString::from_vec(path).into(), reports.join("cache")))?;
        }
        Ok(())
    }

    fn keep(&mut self, kept: Kept) -> Result<(), VerifyError> {
        if is_too_much(kept.path(), &self.directory) {
            return Err(VerifyError::TooMuch(kept.path().to_owned()));
        }
        self.kept.push(kept);
        Ok(())
    }

    fn put_back(&self) -> Result<(), VerifyError> {
        self.kept.iter().try_for_each(|kept| kept.put_back().map_err(|error| file(kept.path(), error)))
    }

    fn hand_out(&self, output: &Path) -> Result<(), VerifyError> {
        let outputs = self.sides.outputs();
        let copied = fs::create_dir_all(output).and_then(|()| {
            for run in fs::read_dir(outputs)? {
                let run = run?;
                let target = output.join(run.file_name());
                fs::create_dir_all(&target)?;
                for part in fs::read_dir(run.path())? {
                    let part = part?;
                    fs::copy(part.path(), target.join(part.file_name()))?;
                }
            }
            Ok(())
        });
        copied.map_err(|error| file(output, error))
    }
}

impl Drop for Verification<'_> {
    fn drop(&mut self) {
        // After an error or a signal; otherwise it is done already.
        let _ = self.put_back();
    }
}

/// A run that goes on, as its events tell.
struct Watched {
    path: PathBuf,
    events: Option<BufReader<File>>,
    line: String,
    progress: Box<Progress>,
}

impl Watched {
    fn new(name: &str, path: PathBuf) -> Self {
        Self { path, events: None, line: String::new(), progress: Box::new(Progress::named_on_stderr(name)) }
    }

    /// Show what has happened since.
    fn look(&mut self) {
        if self.events.is_none() {
            self.events = File::open(&self.path).ok().map(BufReader::new);
        }
        let Some(events) = &mut self.events else { return };
        // What cannot be read is read again at the end; here it is only not shown.
        while events.read_line(&mut self.line).is_ok_and(|read| read > 0) && self.line.ends_with('\n') {
            if let Ok(event) = serde_json::from_str(&self.line) {
                let _ = self.progress.receive(&event);
            }
            self.line.clear();
        }
    }

    fn end(self) {
        let _ = self.progress.finish();
    }
}

fn file(path: &Path, source: std::io::Error) -> VerifyError {
    VerifyError::File { path: path.to_path_buf(), source }
}
