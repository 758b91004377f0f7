//! A progress bar. indicatif stops here.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rpytest_core::{Outcome, RunTally, TestEvent};

use crate::{ReportError, Reporter};

/// How the bar looks once the number of tests is known.
const TEMPLATE: &str = "{prefix}{bar:30} {pos}/{len} {wide_msg}";

/// How it looks before.
const TEMPLATE_OPEN: &str = "{prefix}{spinner} {elapsed} {wide_msg}";

/// The outcomes worth a number, in the order of pytest's last line.
const COUNTED: [Outcome; 6] =
    [Outcome::Failed, Outcome::Passed, Outcome::Skipped, Outcome::Xfailed, Outcome::Xpassed, Outcome::Error];

/// A bar of the tests that have finished, the counts so far, and the test that began last.
///
/// It goes to stderr and leaves nothing behind; when stderr is no terminal, nothing is drawn.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    tally: RunTally,
    latest: String,
}

impl Progress {
    /// A bar on stderr.
    pub fn on_stderr() -> Self {
        Self::on(ProgressDrawTarget::stderr())
    }

    /// A bar on stderr behind the name of its run, for one of several runs.
    pub fn named_on_stderr(run: &str) -> Self {
        let progress = Self::on_stderr();
        progress.bar.set_style(style(TEMPLATE_OPEN));
        progress.bar.set_prefix(format!("{run} "));
        progress
    }

    /// A bar that nobody sees; it counts all the same.
    pub fn hidden() -> Self {
        Self::on(ProgressDrawTarget::hidden())
    }

    fn on(target: ProgressDrawTarget) -> Self {
        let bar = ProgressBar::with_draw_target(None, target);
        Self { bar, tally: RunTally::default(), latest: String::new() }
    }

    /// How many tests have finished, and of how many, once that is known.
    pub fn position(&self) -> (u64, Option<u64>) {
        (self.bar.position(), self.bar.length())
    }

    /// The text beside the bar: `1 failed, 2 passed: test_cart.py::test_total`.
    pub fn text(&self) -> String {
        self.bar.message()
    }

    fn draw(&self) {
        self.bar.set_message(format!("{}{}", counts(&self.tally), self.latest));
        self.bar.set_position(self.tally.finished() as u64);
    }
}

fn counts(tally: &RunTally) -> String {
    let count = |outcome: Outcome| match tally.count(outcome) {
        0 => None,
        count => Some(format!("{count} {outcome}")),
    };
    COUNTED.into_iter().filter_map(count).collect::<Vec<_>>().join(", ")
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates are constants that the tests parse")
}

impl Reporter for Progress {
    fn receive(&mut self, event: &TestEvent) -> Result<(), ReportError> {
        self.tally.receive(event);
        match event {
            TestEvent::CollectionFinished(_) => {
                self.bar.set_style(style(TEMPLATE));
                self.bar.set_length(self.tally.collected().unwrap_or_default() as u64);
            }
            TestEvent::TestStarted(test) => self.latest = format!(": {}", test.nodeid),
            TestEvent::RunStarted(_)
            | TestEvent::TestReport(_)
            | TestEvent::Warning(_)
            | TestEvent::CollectError(_)
            | TestEvent::RunFinished(_) => {}
        }
        self.draw();
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), ReportError> {
        self.bar.finish_and_clear();
        Ok(())
    }
}
