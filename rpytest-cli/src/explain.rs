//! `--explain`: says after a run where its time went, and why it did not begin further on.

use std::time::{Duration, Instant};

use rpytest_core::RunPath;
use rpytest_ipc::Stage;

use crate::note;

/// What becomes known of a run while it goes on.
#[derive(Debug)]
pub(crate) struct Explanation {
    asked: Instant,
    began: Option<Began>,
}

/// How its session began.
#[derive(Debug)]
struct Began {
    at: Instant,
    path: RunPath,
    reason: Option<String>,
    stage: Stage,
    no_further: Option<String>,
}

impl Explanation {
    /// The command begins now.
    pub(crate) fn begin() -> Self {
        Self { asked: Instant::now(), began: None }
    }

    /// The session begins now.
    pub(crate) fn began(&mut self, path: RunPath, reason: Option<String>, stage: Stage, no_further: Option<String>) {
        self.began = Some(Began { at: Instant::now(), path, reason, stage, no_further });
    }

    /// The run has ended now: tell the user.
    pub(crate) fn say(&self) {
        let ended = Instant::now();
        let Some(Began { at, path, reason, stage, no_further }) = &self.began else { return };
        note::say(format_args!(
            "{} until the session began (command, daemon, fork), {} until it ended",
            milliseconds(at.duration_since(self.asked)),
            milliseconds(ended.duration_since(*at)),
        ));
        if *path != RunPath::Warm {
            let because = reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
            note::say(format_args!("the {path:?} run of a process{because}"));
        }
        note::say(format_args!("what comes before was done ahead of it: it began {}", place(*stage)));
        if let Some(no_further) = no_further {
            note::say(format_args!("and no further, because: {no_further}"));
        }
    }
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}

fn place(stage: Stage) -> &'static str {
    match stage {
        Stage::Imported => "behind the import of pytest",
        Stage::Arguments => "where pytest looks at its arguments",
        Stage::Preloaded => "where pytest looks at its arguments, behind what is preloaded",
        Stage::Conftests => "before the conftest files",
        Stage::Collection => "before the collection",
        Stage::Tests => "before the first test",
    }
}
