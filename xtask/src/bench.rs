//! `cargo xtask bench`: rpytest beside `python -m pytest`, in one run, alternating, medians and ratios.
//!
//! [`workload`] says what is measured; [`measurement`] runs the commands, [`memory`] asks
//! for the sizes of the processes, and [`document`] writes all of it down, with the charts of [`chart`].

mod chart;
mod document;
mod generated;
mod machine;
mod measurement;
mod memory;
mod workload;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use self::chart::ChartError;
use self::document::Document;
use self::measurement::{Bench, Measured};
use self::memory::Sizes;
use self::workload::{Source, Workload, WorkloadError};
use crate::arguments::BenchOptions;
use crate::command::CommandError;
use crate::progress::Progress;
use crate::project::{Project, ProjectError, Sdist};
use crate::python::{Python, PythonError};
use crate::setup::{self, SetupError};
use crate::workspace::Workspace;

/// Why there are no figures.
#[derive(Debug, Error)]
pub(crate) enum BenchError {
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error(transparent)]
    Workload(#[from] WorkloadError),
    #[error(transparent)]
    Python(#[from] PythonError),
    #[error(transparent)]
    Project(#[from] ProjectError),
    #[error("failed to prepare a place to run in")]
    Place(#[source] io::Error),
    #[error("failed to change {}", path.display())]
    Edit { path: PathBuf, source: io::Error },
    #[error("failed to run {line}")]
    Run { line: String, source: io::Error },
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error("{line} ended with {found}, and plain pytest with {expected}:\n{output}")]
    Different { line: String, found: String, expected: String, output: String },
    #[error("failed to understand the daemon's status: {0}")]
    Status(String),
    #[error("failed to write {}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Chart(#[from] ChartError),
}

/// What all workloads have given.
#[derive(Debug, Default)]
pub(crate) struct Results {
    measured: Vec<Measured>,
    sizes: Vec<Sizes>,
    /// Of Python and pytest, by workload.
    versions: BTreeMap<String, String>,
    command_peak: u64,
}

/// Measures the chosen workloads and prints the tables; without a choice `docs/benchmarks.md` is written too.
pub(crate) fn run(workspace: &Workspace, progress: &Progress, options: &BenchOptions) -> Result<(), BenchError> {
    let workloads = workload::load(&workspace.root().join("xtask/bench"), &options.names)?;
    let prepared = setup::run(workspace, progress)?;
    let mut results = Results::default();
    for workload in &workloads {
        let project = prepare(workload, workspace, progress)?;
        let mut bench = Bench::new(workload, &project, &prepared.binary, options)?;
        results.measured.extend(bench.measure(progress)?);
        results.sizes.extend(bench.sizes()?);
        results.versions.insert(workload.name.clone(), machine::versions(&project.venv()));
    }
    results.command_peak = memory::peak_of_a_command(&prepared.venv, &prepared.binary)?;
    let document = Document { workloads: &workloads, results: &results, options };
    document.print();
    if options.names.is_empty() || options.write {
        document.write(&workspace.root().join("docs"))?;
    }
    Ok(())
}

/// Makes files and environment of a workload, below `target/bench/`.
fn prepare(workload: &Workload, workspace: &Workspace, progress: &Progress) -> Result<Project, BenchError> {
    let directory = workspace.target("bench").join(&workload.name);
    let found = Python::find()?;
    let (python, requirements) = (found.executable(), workload.requirements.as_slice());
    let description = format!("{:?}", workload.source);
    let generated = |write: &dyn Fn(&Path) -> io::Result<()>| {
        Project::of_files(&description, requirements, python, &directory, progress, write)
    };
    let project = match &workload.source {
        Source::SmallFiles { files } => generated(&|place| generated::small_files(place, *files)),
        Source::ManyFiles { files, tests } => generated(&|place| generated::many_files(place, *files, *tests)),
        Source::Imports => generated(&generated::imports),
        Source::Sdist { name, version } => {
            let sdist = Sdist { name, version, requirements, editable: true };
            Project::of_sdist(&sdist, python, &directory, progress)
        }
    };
    Ok(project?)
}
