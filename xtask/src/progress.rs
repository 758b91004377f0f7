//! What is going on: a spinner in a terminal, a line at the start and at the end of each piece of work in a log.

use std::fmt;
use std::io::{Write, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often the spinner moves.
const TICK: Duration = Duration::from_millis(120);

/// Tells on standard error what is being done.
#[derive(Debug)]
pub(crate) struct Progress {
    in_terminal: bool,
}

/// One piece of work, from its start to [`Work::done`]. Dropped without that, it has failed.
#[derive(Debug)]
pub(crate) struct Work {
    name: String,
    started: Instant,
    spinner: Option<ProgressBar>,
    ended: bool,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self { in_terminal: !ProgressBar::new_spinner().is_hidden() }
    }

    /// Begins a piece of work whose output is not shown while it runs.
    pub(crate) fn start(&self, name: impl Into<String>) -> Work {
        let name = name.into();
        let spinner = self.in_terminal.then(|| spinner(&name));
        if spinner.is_none() {
            say(format_args!("{name} ..."));
        }
        Work::new(name, spinner)
    }
}

/// Says that a piece of work was not begun.
pub(crate) fn skipped(name: &str, why: impl fmt::Display) {
    say(format_args!("{name}: skipped, {why}"));
}

impl Work {
    /// Begins a piece of work that writes to the terminal or the log itself.
    pub(crate) fn streaming(name: impl Into<String>) -> Self {
        let work = Self::new(name.into(), None);
        say(format_args!("{} ...", work.name));
        work
    }

    fn new(name: String, spinner: Option<ProgressBar>) -> Self {
        Self { name, started: Instant::now(), spinner, ended: false }
    }

    /// Shows the latest line of output beside the spinner; a log does not get it.
    pub(crate) fn note(&self, line: &str) {
        if let Some(spinner) = &self.spinner {
            spinner.set_message(line.trim().to_owned());
        }
    }

    /// The work is done.
    pub(crate) fn done(mut self) {
        self.end("ok");
    }

    fn end(&mut self, word: &str) {
        if let Some(spinner) = self.spinner.take() {
            spinner.finish_and_clear();
        }
        self.ended = true;
        say(format_args!("{}: {word} ({:.1} s)", self.name, self.started.elapsed().as_secs_f64()));
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if !self.ended {
            self.end("FAILED");
        }
    }
}

fn spinner(name: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {prefix} {elapsed} {wide_msg:.dim}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    let spinner = ProgressBar::new_spinner().with_style(style).with_prefix(name.to_owned());
    spinner.enable_steady_tick(TICK);
    spinner
}

fn say(line: fmt::Arguments<'_>) {
    // Progress that nobody can read is no reason to stop the work.
    let _ = writeln!(stderr(), "{line}");
}
