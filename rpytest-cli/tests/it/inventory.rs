//! `--list` and its like: always what pytest itself collects, whatever has happened to the project.

mod broken;
mod changes;
mod chosen;
mod commands;
mod damaged;
mod imports;
mod lessons;
mod others;
mod overlooked;
mod turbo;

use std::process::Command;

use crate::harness::{End, Outcome, Project, Running, Way};

/// How pytest names the tests that it would run, and how that ended.
#[track_caller]
fn collected(mut command: Command, arguments: &[&str]) -> (Vec<String>, End, String) {
    command.args(["--collect-only", "-qq", "--no-header", "--verbosity=-1"]).args(arguments);
    let outcome = Running::start(&mut command).finish();
    (lines(&outcome), outcome.end, outcome.stderr)
}

/// Node ids.
fn lines(outcome: &Outcome) -> Vec<String> {
    outcome.stdout.lines().filter(|line| line.contains("::")).map(str::to_owned).collect()
}

/// [`assert_command_lists`] in a project.
#[track_caller]
fn assert_lists(project: &Project, arguments: &[&str]) -> bool {
    assert_command_lists(|way| project.command(way), arguments)
}

/// The same with a variable.
#[track_caller]
fn assert_lists_with(project: &Project, (name, value): (&str, &str), arguments: &[&str]) -> bool {
    let with_variable = |way| {
        let mut command = project.command(way);
        command.env(name, value);
        command
    };
    assert_command_lists(with_variable, arguments)
}

/// `--list` names the tests that pytest names, ends alike, and says of an error what pytest says. Returns whether pytest
/// had to be asked for that.
#[track_caller]
fn assert_command_lists(command: impl Fn(Way) -> Command, arguments: &[&str]) -> bool {
    let (expected, end, errors) = collected(command(Way::Plain), arguments);
    let outcome = Running::start(command(Way::Rpytest).arg("--list").args(arguments)).finish();
    if end == End::Code(0) || end == End::Code(5) {
        assert_eq!(lines(&outcome), expected, "{arguments:?}\n{outcome}");
    } else {
        assert!(outcome.stderr.contains(errors.trim()), "{arguments:?}: pytest says {errors}\n{outcome}");
    }
    assert_eq!(outcome.end, end, "{arguments:?}\n{outcome}");
    outcome.stderr.contains("asking pytest")
}
