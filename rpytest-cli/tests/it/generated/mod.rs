//! Generated projects, and edits of them: what a program can see is what it sees under plain pytest.
//!
//! `PROPTEST_CASES` is how many are drawn; without it there are 3, always the same.

mod project;

use std::collections::BTreeMap;
use std::process::Command;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestCaseResult, TestRng, TestRunner};

use self::project::{Plan, plan};
use crate::harness::{End, Outcome, Project, Running, Way};
use crate::levels::{From, from, go_to_by};

/// How many runs there are of what need not go as far as the tests.
const RUNS: u32 = 3;
/// A project is smaller after each, and each takes seconds.
const SHRINKS: u32 = 80;
/// Milliseconds.
const LONGEST_SHRINK: u32 = 120_000;

/// The runs of a project in one of its states, against what plain pytest shows of it.
struct Checked<'a> {
    project: &'a Project,
    variables: &'a BTreeMap<&'static str, &'static str>,
    plain: Outcome,
}

impl<'a> Checked<'a> {
    fn new(project: &'a Project, variables: &'a BTreeMap<&'static str, &'static str>) -> Self {
        let run = || Running::start(&mut command(project, variables, Way::Plain)).finish();
        run(); // what is left by it is there for all others
        Self { project, variables, plain: ends_apart(run()) }
    }

    #[track_caller]
    fn run(&self) {
        let outcome = Running::start(&mut command(self.project, self.variables, Way::Rpytest)).finish();
        ends_apart(outcome).assert_like(&self.plain, "plain pytest");
    }
}

/// What objects print when the interpreter takes them down, in order of their names: the collector's own order depends on
/// how much there was to collect before.
fn ends_apart(mut outcome: Outcome) -> Outcome {
    let (mut ends, rest): (Vec<_>, Vec<_>) =
        outcome.stdout.split_inclusive('\n').partition(|line| line.starts_with("end of "));
    ends.sort_unstable();
    outcome.stdout = [rest, ends].concat().concat();
    outcome
}

fn command(project: &Project, variables: &BTreeMap<&'static str, &'static str>, way: Way) -> Command {
    let mut command = project.command(way);
    command.args(["-s", "-v"]).envs(variables);
    command
}

/// In each state, each run is the same as plain pytest, and leaves no other files. Where nothing must be done anew in each
/// run, runs come from a process that has gone as far as the tests, at first and after each edit that lets them pass.
fn check(plan: &Plan) -> TestCaseResult {
    let states = plan.states();
    let project = Project::new(&[]).with("PYTHONHASHSEED", "7");
    let mut known = BTreeMap::new();
    for (number, (files, variables)) in states.iter().enumerate() {
        for path in known.keys().filter(|path| !files.contains_key(*path)) {
            std::fs::remove_file(project.path(path)).expect("it is there");
        }
        for (path, text) in files.iter().filter(|(path, text)| known.get(*path) != Some(*text)) {
            project.write(path, text);
        }
        known.clone_from(files);
        let checked = Checked::new(&project, variables);
        let left = project.files();
        let passes = checked.plain.end == End::Code(0);
        if number == 0 && !plan.each_run && !passes {
            return Err(TestCaseError::reject("nothing can be seen of what goes as far as the tests"));
        }
        if plan.each_run || !passes {
            (0..RUNS).for_each(|_| checked.run());
        } else {
            checked.run();
            go_to_by(&project, From::BeforeTests, || checked.run());
            checked.run();
            assert_eq!(from(&project), Some(From::BeforeTests));
        }
        project.files().assert_like(&left, "plain pytest");
    }
    Ok(())
}

#[test]
fn what_a_program_sees_is_the_same() {
    let drawn = std::env::var("PROPTEST_CASES").ok().map(|cases| cases.parse().expect("a number of cases"));
    let config = Config {
        cases: drawn.unwrap_or(3),
        failure_persistence: None,
        max_shrink_iters: SHRINKS,
        max_shrink_time: LONGEST_SHRINK,
        ..Config::default()
    };
    let mut runner = match drawn {
        Some(_) => TestRunner::new(config),
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    };
    if let Err(error) = runner.run(&plan(), |plan| check(&plan)) {
        panic!("{error}");
    }
}
