//! `cargo xtask test`: the steps of [`crate::steps`], one after the other.

use std::io::{Write, stderr, stdout};

use thiserror::Error;

use crate::arguments::TestOptions;
use crate::command::{CommandError, capture, stream};
use crate::error::Chain;
use crate::progress::{self, Progress, Work};
use crate::setup::{self, Prepared, SetupError};
use crate::steps::{Output, STEPS, Step};
use crate::venv::{Venv, VenvError};
use crate::workspace::Workspace;

/// Why the check did not pass.
#[derive(Debug, Error)]
pub(crate) enum TestError {
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error("there is no step `{0}`; `cargo xtask test --list` names them all")]
    UnknownStep(String),
    /// What each step had to say has been shown by then.
    #[error("{} of {total} steps failed: {}", failed.len(), failed.join(", "))]
    Failed { failed: Vec<&'static str>, total: usize },
}

impl From<VenvError> for TestError {
    fn from(error: VenvError) -> Self {
        Self::Setup(SetupError::Venv(error))
    }
}

/// Prepares the machine and runs the chosen steps.
pub(crate) fn run(workspace: &Workspace, progress: &Progress, options: &TestOptions) -> Result<(), TestError> {
    if options.list {
        list();
        return Ok(());
    }
    let steps = chosen(&options.steps)?;
    let prepared = setup::run(workspace, progress)?;
    let lint = Venv::for_lint(workspace);
    lint.ensure(progress)?;
    let mut failed = Vec::new();
    for step in &steps {
        if let Err(error) = run_step(step, workspace, &prepared, &lint, progress) {
            // As with all progress: the exit code tells those who cannot read it.
            let _ = write!(stderr(), "{}", Chain(&error));
            failed.push(step.name);
            if !options.no_fail_fast {
                break;
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(TestError::Failed { failed, total: steps.len() }) }
}

fn list() {
    for step in STEPS {
        // A closed pipe wants no more names.
        let _ = writeln!(stdout(), "{:12} {}", step.name, step.arguments.join(" "));
    }
}

/// The steps with these names in the order of [`STEPS`], or all for none.
fn chosen(names: &[String]) -> Result<Vec<&'static Step>, TestError> {
    if let Some(unknown) = names.iter().find(|name| STEPS.iter().all(|step| step.name != *name)) {
        return Err(TestError::UnknownStep(unknown.clone()));
    }
    let wanted = |step: &&Step| names.is_empty() || names.iter().any(|name| name == step.name);
    Ok(STEPS.iter().filter(wanted).collect())
}

fn run_step(
    step: &Step,
    workspace: &Workspace,
    prepared: &Prepared,
    lint: &Venv,
    progress: &Progress,
) -> Result<(), CommandError> {
    if let Some(path) = step.needs.filter(|path| !workspace.root().join(path).exists()) {
        progress::skipped(step.name, format_args!("there is no {path}"));
        return Ok(());
    }
    let mut command = step.command(workspace, prepared, lint);
    let work = match step.output {
        Output::OnFailure => {
            let work = progress.start(step.name);
            capture(&mut command, |line| work.note(line))?;
            work
        }
        Output::Streamed => {
            let work = Work::streaming(step.name);
            stream(&mut command)?;
            work
        }
    };
    work.done();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{STEPS, TestError, chosen};

    #[test]
    fn no_names_mean_all_steps() {
        assert_eq!(chosen(&[]).expect("no name is unknown").len(), STEPS.len());
    }

    #[test]
    fn steps_keep_their_order_whatever_was_typed() {
        let steps = chosen(&["clippy".into(), "format".into()]).expect("both exist");
        assert_eq!(steps.iter().map(|step| step.name).collect::<Vec<_>>(), ["format", "clippy"]);
    }

    #[test]
    fn an_unknown_name_is_an_error() {
        assert!(matches!(chosen(&["tset".into()]), Err(TestError::UnknownStep(name)) if name == "tset"));
    }
}
