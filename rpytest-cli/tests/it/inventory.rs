//! `--list` and its like: always what pytest itself collects, whatever has happened to the project.

mod changes;
mod commands;
mod lessons;

use crate::harness::{End, Outcome, Project, Running, Way};

/// How pytest names the tests that it would run, and how that ended.
#[track_caller]
fn collected(project: &Project, arguments: &[&str], variables: &[(&str, &str)]) -> (Vec<String>, End, String) {
    let mut command = project.command(Way::Plain);
    command.args(["--collect-only", "-qq", "-p", "no:cacheprovider", "--no-header", "--verbosity=-1"]).args(arguments);
    let outcome = Running::start(command.envs(variables.iter().copied())).finish();
    (lines(&outcome), outcome.end, outcome.stderr)
}

/// What `--list` answers.
#[track_caller]
fn listed(project: &Project, arguments: &[&str], variables: &[(&str, &str)]) -> (Vec<String>, Outcome) {
    let mut command = project.command(Way::Rpytest);
    command.arg("--list").args(arguments);
    let outcome = Running::start(command.envs(variables.iter().copied())).finish();
    (lines(&outcome), outcome)
}

/// Node ids.
fn lines(outcome: &Outcome) -> Vec<String> {
    outcome.stdout.lines().filter(|line| line.contains("::")).map(str::to_owned).collect()
}

/// `--list` names the tests that pytest names, ends alike, and says of an error what pytest says. Returns whether pytest
/// had to be asked for that.
#[track_caller]
fn assert_lists(project: &Project, arguments: &[&str], variables: &[(&str, &str)]) -> bool {
    let (expected, end, errors) = collected(project, arguments, variables);
    let (listed, outcome) = listed(project, arguments, variables);
    if end == End::Code(0) || end == End::Code(5) {
        assert_eq!(listed, expected, "{arguments:?}\n{outcome}");
    } else {
        assert!(outcome.stderr.contains(errors.trim()), "{arguments:?}: pytest says {errors}\n{outcome}");
    }
    assert_eq!(outcome.end, end, "{arguments:?}\n{outcome}");
    outcome.stderr.contains("asking pytest")
}
