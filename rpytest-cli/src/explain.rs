//! `--explain`: says after a run where its time went, and why it did not begin further on.

use std::fs;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rpytest_core::RunPath;
use rpytest_ipc::{RuntimeDir, Stage, Told};
use tempfile::NamedTempFile;

use crate::note;

/// What becomes known of a run while it goes on.
#[derive(Debug)]
pub(crate) struct Explanation {
    asked: Instant,
    collects: Option<String>,
    told: Option<NamedTempFile>,
    began: Option<Began>,
}

/// How its session began.
#[derive(Debug)]
struct Began {
    at: Instant,
    seconds: f64,
    path: RunPath,
    reason: Option<String>,
    stage: Stage,
    no_further: Option<String>,
}

impl Explanation {
    /// The command begins now.
    pub(crate) fn begin() -> Self {
        Self { asked: Instant::now(), collects: None, told: None, began: None }
    }

    /// Everything is collected although `--turbo` was given, for this reason.
    pub(crate) fn collects(&mut self, reason: String) {
        self.collects = Some(reason);
    }

    /// Where the session is to tell of itself; nowhere, if no file can be made.
    pub(crate) fn listen(&mut self, runtime_dir: &RuntimeDir) -> Option<String> {
        self.told = NamedTempFile::with_prefix_in("told-", runtime_dir.path()).ok();
        self.told.as_ref()?.path().to_str().map(str::to_owned)
    }

    /// The session begins now.
    pub(crate) fn began(&mut self, path: RunPath, reason: Option<String>, stage: Stage, no_further: Option<String>) {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        self.began = Some(Began { at: Instant::now(), seconds, path, reason, stage, no_further });
    }

    /// The run has ended now: tell the user.
    pub(crate) fn say(self) {
        let ended = Instant::now();
        let Some(began) = &self.began else { return };
        let all = ended.duration_since(began.at).as_secs_f64();
        let ahead = began.at.duration_since(self.asked).as_secs_f64();
        note::say(format_args!(
            "{} until the session began (command, daemon, fork), {} until it ended",
            milliseconds(ahead),
            milliseconds(all),
        ));
        let (times, collects) = self.told();
        if let Some((first, last)) = times {
            note::say(format_args!(
                "of these {} before the first test, {} from there to the end of the last, {} behind it",
                milliseconds(first - began.seconds),
                milliseconds(last - first),
                milliseconds(all - (last - began.seconds)),
            ));
        }
        if let Some(reason) = collects {
            note::say(format_args!("everything is collected: {reason}"));
        }
        began.say();
    }

    /// What the session has told: when the first test began and the last ended, and why everything is collected.
    fn told(&self) -> (Option<(f64, f64)>, Option<String>) {
        let (mut times, mut collects) = (None, self.collects.clone());
        let text = self.told.as_ref().and_then(|file| fs::read_to_string(file.path()).ok()).unwrap_or_default();
        for told in text.lines().filter_map(|line| serde_json::from_str(line).ok()) {
            match told {
                Told::Tests { began, ended } => times = Some((began, ended)),
                Told::Collects(reason) => collects = Some(reason),
            }
        }
        (times, collects)
    }
}

impl Began {
    fn say(&self) {
        if self.path != RunPath::Warm {
            let because = self.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
            note::say(format_args!("the {:?} run of a process{because}", self.path));
        }
        note::say(format_args!("what comes before was done ahead of it: it began {}", place(self.stage)));
        if let Some(no_further) = &self.no_further {
            note::say(format_args!("and no further, because: {no_further}"));
        }
    }
}

fn milliseconds(seconds: f64) -> String {
    format!("{:.1} ms", seconds.max(0.0) * 1000.0)
}

fn place(stage: Stage) -> &'static str {
    match stage {
        Stage::Imported => "behind the import of pytest",
        Stage::Arguments => "where pytest looks at its arguments",
        Stage::Preloaded => "where pytest looks at its arguments, behind what is preloaded",
        Stage::Conftests => "before the conftest files",
        Stage::Collection => "before the collection",
        Stage::Edited => "within a module that is being edited, behind its own imports",
        Stage::Tests => "before the first test",
    }
}
