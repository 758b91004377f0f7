//! Tasks of the project: set-up, demo, test, suites, bench. `cargo xtask --help` lists them.

mod arguments;
mod bench;
mod cmake;
mod command;
mod demo;
mod error;
mod figures;
mod progress;
mod project;
mod pyenv;
mod python;
mod sandbox;
mod setup;
mod steps;
mod suites;
mod test;
mod timed;
mod venv;
mod verify;
mod workspace;

use std::io::{Write, stderr};
use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Task};
use crate::error::{Chain, Error};
use crate::progress::Progress;
use crate::workspace::Workspace;

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(code) => code,
        Err(error) => {
            let hint = error.hint().map_or_else(String::new, |hint| format!("hint: {hint}\n"));
            // Nobody is left to tell when standard error is gone; the exit code still says it.
            let _ = write!(stderr(), "{}{hint}", Chain(&error));
            error.exit_code()
        }
    }
}

fn run(task: Task) -> Result<ExitCode, Error> {
    let workspace = Workspace::find()?;
    let progress = Progress::new();
    let done = match task {
        Task::Setup => setup::run(&workspace, &progress).map(drop).map_err(Error::from),
        Task::Demo(options) => demo::run(&workspace, &progress, &options).map_err(Error::from),
        Task::Bench(options) => bench::run(&workspace, &progress, &options).map_err(Error::from),
        Task::Test(options) => test::run(&workspace, &progress, &options).map_err(Error::from),
        Task::Suites(options) => return Ok(suites::run(&workspace, &progress, &options)?.exit_code()),
        Task::Verify(options) => return Ok(verify::run(&workspace, &progress, &options)?.exit_code()),
    };
    done.map(|()| ExitCode::SUCCESS)
}
