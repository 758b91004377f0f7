//! What CI checks, as data: a new check is a new entry of [`STEPS`].

use std::process::Command;

use crate::setup::Prepared;
use crate::venv::Venv;
use crate::workspace::Workspace;

/// One check.
#[derive(Debug)]
pub(crate) struct Step {
    /// What it is called on the command line and in the log.
    pub(crate) name: &'static str,
    pub(crate) tool: Tool,
    pub(crate) arguments: &'static [&'static str],
    pub(crate) environment: &'static [(&'static str, &'static str)],
    /// A path below the top of the repository without which there is nothing to check.
    pub(crate) needs: Option<&'static str>,
    pub(crate) output: Output,
}

/// What runs a step. All of them run at the top of the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    Cargo,
    /// `python -m` in the environment that has ruff and mypy.
    LintModule,
    /// The differential probes, which may stand beside the checkout: small projects run by plain pytest and by rpytest.
    Probes,
}

/// What becomes of a step's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// Shown when the step fails.
    OnFailure,
    /// Shown as it comes.
    Streamed,
}

const PROBES: &str = "../shared/probes/run.py";

/// All steps, the quick ones first; the tests come last, so that their results close the log.
pub(crate) const STEPS: &[Step] = &[
    Step { arguments: &["fmt", "--all", "--check"], ..Step::new("format", Tool::Cargo) },
    Step { arguments: &["ruff", "check"], ..Step::new("ruff", Tool::LintModule) },
    Step { arguments: &["ruff", "format", "--check"], ..Step::new("ruff-format", Tool::LintModule) },
    // Apart from each other, because modules of the two may have the same name.
    Step {
        arguments: &["mypy", "--strict", "rpytest-py/python"],
        needs: Some("rpytest-py/python"),
        ..Step::new("mypy", Tool::LintModule)
    },
    Step { arguments: &["mypy", "--strict", "xtask/demo"], ..Step::new("mypy-demo", Tool::LintModule) },
    Step { arguments: &["mypy", "--strict", "xtask/verify"], ..Step::new("mypy-verify", Tool::LintModule) },
    Step {
        arguments: &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
        ..Step::new("clippy", Tool::Cargo)
    },
    Step {
        arguments: &["doc", "--workspace", "--no-deps"],
        environment: &[("RUSTDOCFLAGS", "-D warnings")],
        ..Step::new("doc", Tool::Cargo)
    },
    // Those of the kit's files that hold no known difference (docs/drop-in-compatibility.md) and no race with the clock.
    Step {
        arguments: &["-j2", "ending", "environment", "interpreter", "warning"],
        needs: Some(PROBES),
        ..Step::new("probes", Tool::Probes)
    },
    Step { arguments: &["xtask", "verify", "--sample"], ..Step::new("verify", Tool::Cargo) },
    Step { arguments: &["test", "--workspace"], output: Output::Streamed, ..Step::new("test", Tool::Cargo) },
];

impl Step {
    /// A step that shows its output when it fails and needs no particular path.
    const fn new(name: &'static str, tool: Tool) -> Self {
        Self { name, tool, arguments: &[], environment: &[], needs: None, output: Output::OnFailure }
    }

    /// The command of this step. Tests are told where pytest and the release binary are.
    pub(crate) fn command(&self, workspace: &Workspace, prepared: &Prepared, lint: &Venv) -> Command {
        let mut command = match self.tool {
            Tool::Cargo => workspace.cargo(),
            Tool::LintModule => {
                let mut python = Command::new(lint.python());
                python.current_dir(workspace.root()).arg("-m");
                python
            }
            Tool::Probes => {
                let mut python = Command::new(prepared.venv.python());
                let stop = format!("{} --daemon-stop", prepared.binary.display());
                python.current_dir(workspace.root()).args([PROBES, "--finally", &stop, "--runner"]);
                python.arg(&prepared.binary).env_remove("PYTHONDONTWRITEBYTECODE").env_remove("PYTHONUNBUFFERED");
                python
            }
        };
        command
            .args(self.arguments)
            .env("RPYTEST_TEST_PYTHON", prepared.venv.python())
            .env("RPYTEST_TEST_BINARY", &prepared.binary)
            .envs(self.environment.iter().copied());
        command
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::STEPS;

    #[test]
    fn every_step_has_a_name_of_its_own() {
        let names: HashSet<_> = STEPS.iter().map(|step| step.name).collect();
        assert_eq!(names.len(), STEPS.len());
    }
}
