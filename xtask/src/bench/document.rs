//! The figures for people: tables in Markdown, and the charts beside them.

use std::fmt::Write as _;
use std::fs;
use std::io::{Write, stdout};
use std::path::Path;
use std::time::Duration;

use super::chart::{self, Bar};
use super::measurement::{Contender, Measured};
use super::workload::Workload;
use super::{BenchError, Results, machine};
use crate::arguments::BenchOptions;
use crate::figures::{median, milliseconds, ratio};

const HEAD: &str = "# Benchmarks

Written by `cargo xtask bench`, which runs all contenders in turn, in the same directory and environment, with bytecode
caching on, and takes medians. Before `one test`, `all tests`, `one test of all` and each kind of edit `rpytest` alone
is run, with pauses of four seconds and at most twelve times, until its runs begin as late as they can: before the first
test, or within the file that is edited. The runs that are measured follow each other without a pause. A ratio is to the
median of `python -m pytest` in the same row; the range in parentheses is that of the single runs. Exit statuses were
the same in every round. Lists are thrown away, and made without a daemon at work.
";

/// What is to be told.
#[derive(Debug)]
pub(super) struct Document<'a> {
    pub(super) workloads: &'a [Workload],
    pub(super) results: &'a Results,
    pub(super) options: &'a BenchOptions,
}

impl Document<'_> {
    /// The tables on standard output.
    pub(super) fn print(&self) {
        // A closed pipe wants no tables.
        let _ = write!(stdout(), "{}", self.tables());
    }

    /// `benchmarks.md` and its charts in `directory`.
    pub(super) fn write(&self, directory: &Path) -> Result<(), BenchError> {
        let write = |name: &str, text: &str| {
            let path = directory.join(name);
            fs::write(&path, text).map_err(|source| BenchError::Write { path, source })
        };
        let charts = [("benchmarks-one-test.svg", "one test"), ("benchmarks-all-tests.svg", "all tests")];
        let mut images = String::new();
        for (name, what) in charts {
            write(name, &chart::draw(&self.bars(what))?)?;
            // Writing to a string cannot fail.
            let _ = write!(images, "\n![{what}: rpytest as a part of python -m pytest]({name})\n");
        }
        let text = format!(
            "{HEAD}\nMachine: {}. {} rounds.\n{images}{}",
            machine::describe(),
            self.options.rounds,
            self.tables()
        );
        write("benchmarks.md", &text)
    }

    fn bars(&self, what: &str) -> Vec<Bar> {
        let chosen = self.results.measured.iter().filter(|measured| measured.what.starts_with(what));
        let bar = |measured: &Measured| Bar {
            label: format!("{}{}", measured.workload, measured.what.trim_start_matches(what)),
            ratio: measured.ratio_of(&Contender::Rpytest),
        };
        chosen.map(bar).collect()
    }

    fn tables(&self) -> String {
        let mut text = String::new();
        for workload in self.workloads {
            let (name, title) = (&workload.name, &workload.title);
            let versions = self.results.versions.get(name).map_or("", String::as_str);
            let _ = write!(
                text,
                "\n## {name}\n\n{title}. {versions}.\n\n| what | contender | time | × pytest |\n|---|---|---|---|\n"
            );
            for measured in self.results.measured.iter().filter(|measured| measured.workload == *name) {
                text += &measured.rows();
            }
        }
        text + &self.memory()
    }

    fn memory(&self) -> String {
        let mebibytes = |bytes: u64| format!("{}.{} MiB", bytes >> 20, ((bytes & 0xf_ffff) * 10) >> 20);
        let mut text = String::from("\n## Memory\n\n| process | memory |\n|---|---|\n");
        let _ = writeln!(text, "| the command, at its peak | {} |", mebibytes(self.results.command_peak));
        for sizes in &self.results.sizes {
            let _ = writeln!(text, "| {}: the daemon, resident | {} |", sizes.workload, mebibytes(sizes.daemon));
            let warm = mebibytes(sizes.warm_process);
            let _ = writeln!(text, "| {}: the warm process, proportional | {warm} |", sizes.workload);
        }
        text
    }
}

impl Measured {
    fn reference(&self) -> Duration {
        self.times.first().map_or(Duration::ZERO, |(_, times)| median(times))
    }

    fn ratio_of(&self, contender: &Contender) -> f64 {
        let times = self.times.iter().find(|(each, _)| each == contender);
        times.map_or(f64::NAN, |(_, times)| ratio(median(times), self.reference()))
    }

    fn rows(&self) -> String {
        let row = |(contender, times): &(Contender, Vec<Duration>)| {
            let range = [times.iter().min(), times.iter().max()].map(|time| time.copied().unwrap_or_default());
            let [least, most] = range.map(milliseconds);
            let (time, part) = (milliseconds(median(times)), self.ratio_of(contender));
            format!("| {} | {} | {time} ({least} – {most}) | {part:.2} |\n", self.what, contender.name())
        };
        self.times.iter().map(row).collect()
    }
}
