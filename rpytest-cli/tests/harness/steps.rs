//! What a user does in a project, step by step: with plain pytest, and again with rpytest.

use std::process::Command;

use super::{Files, Outcome, Project, Running, SessionPath, Way};

/// A user who has come so far.
pub(crate) struct Steps<'a> {
    pub(crate) project: &'a Project,
    way: Way,
    seen: Vec<(Outcome, Files)>,
}

impl Steps<'_> {
    /// Run the tests; all that the run leaves in the project, in the home directory and in that for temporary files is
    /// compared as well.
    #[track_caller]
    pub(crate) fn run(&mut self, arguments: &[&str]) -> Outcome {
        self.run_as(|way| {
            let mut command = self.project.command(way);
            command.args(arguments);
            command
        })
    }

    /// Run them twice at the same time. Who of the two comes first shows in the files, so these are not compared.
    #[track_caller]
    pub(crate) fn run_together(&mut self, arguments: &[&str]) {
        let start = || Running::start(self.project.command(self.way).args(arguments));
        for outcome in [start(), start()].map(Running::finish) {
            self.seen.push((outcome, Files::default()));
        }
    }

    /// The same by another command.
    #[track_caller]
    pub(crate) fn run_as(&mut self, command: impl Fn(Way) -> Command) -> Outcome {
        let outcome = Running::start(&mut command(self.way)).finish();
        self.seen.push((outcome.clone(), self.project.files()));
        outcome
    }
}

/// Plain pytest and rpytest, cold and then warm, go the same steps in the same directory, laid out anew each time: each
/// run ends and writes the same and leaves the same files, and the last run of all is warm.
#[track_caller]
pub(crate) fn assert_same_steps(project: &Project, steps: impl Fn(&mut Steps<'_>)) {
    let go = |way| {
        project.lay_out_anew();
        let mut taken = Steps { project, way, seen: Vec::new() };
        steps(&mut taken);
        taken.seen
    };
    let plain = go(Way::Plain);
    for round in ["cold", "warm"] {
        let seen = go(Way::Rpytest);
        assert_eq!(seen.len(), plain.len(), "the steps depend on the way");
        for (step, ((outcome, files), (plain, plain_files))) in seen.iter().zip(&plain).enumerate() {
            let whose = format!("plain pytest ({round}, run {step})");
            outcome.assert_like(plain, &whose);
            files.assert_like(plain_files, &whose);
        }
        let last = &seen.last().expect("there are runs").0;
        assert!(round == "cold" || last.path() == Some(SessionPath::Warm), "{last}");
    }
}
