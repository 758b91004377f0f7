//! How a command ended and what it wrote.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Output};

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With this exit status.
    Code(i32),
    /// By this signal; whether it left a core is in [`Outcome::dumped_core`].
    Signal(i32),
}

impl From<ExitStatus> for End {
    fn from(status: ExitStatus) -> Self {
        match status.code() {
            Some(code) => Self::Code(code),
            None => Self::Signal(status.signal().expect("a process that has not exited was killed")),
        }
    }
}

/// Which way a run went, as `RPYTEST_LOG` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionPath {
    /// Served by a warm process that was there.
    Warm,
    /// Served by one that was started for it.
    First,
    /// Plain pytest.
    Plain,
}

/// A command that has ended.
#[derive(Clone)]
pub(crate) struct Outcome {
    pub(crate) end: End,
    pub(crate) dumped_core: bool,
    /// Without `notes`, as is `stderr`.
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The lines that rpytest wrote on standard error because `RPYTEST_LOG` is set, wherever that leads.
    pub(crate) notes: Vec<String>,
}

impl Outcome {
    /// Bytes that are no UTF-8 are shown as escapes, so that they can be compared.
    pub(crate) fn new(output: &Output) -> Self {
        let (mut notes, stdout) = notes_and_rest(&text(&output.stdout));
        let (more, stderr) = notes_and_rest(&text(&output.stderr));
        notes.extend(more);
        Self { end: output.status.into(), dumped_core: output.status.core_dumped(), stdout, stderr, notes }
    }

    /// Which way the run went; None where rpytest did not say.
    pub(crate) fn path(&self) -> Option<SessionPath> {
        self.notes.iter().find_map(|note| path_of(note))
    }

    /// Fail the test unless the run ended so.
    #[track_caller]
    pub(crate) fn ended(self, end: End) -> Self {
        assert_eq!(self.end, end, "{self}");
        self
    }

    /// Fail the test unless the run went this way.
    #[track_caller]
    pub(crate) fn went(self, path: SessionPath) -> Self {
        assert_eq!(self.path(), Some(path), "{self}");
        self
    }

    /// What must be the same in two runs: all but measured times, and the rulers that leave room for them.
    #[track_caller]
    pub(crate) fn assert_like(&self, other: &Self, whose: &str) {
        let differs = |what: &str| format!("{what} differs from {whose}\n{self}\n--- {whose}:\n{other}");
        assert_eq!(timeless(&self.stdout), timeless(&other.stdout), "{}", differs("standard output"));
        assert_eq!(timeless(&self.stderr), timeless(&other.stderr), "{}", differs("standard error"));
        assert_eq!(self.end, other.end, "{}", differs("the end"));
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { end, stdout, stderr, notes, .. } = self;
        write!(formatter, "{end:?} {notes:?}\n--- stdout:\n{stdout}--- stderr:\n{stderr}---")
    }
}

/// The lines of rpytest's own, and what is left without them. The session does not wait until they are written: they may
/// come in the middle of a line of its own.
fn notes_and_rest(text: &str) -> (Vec<String>, String) {
    let (mut notes, mut rest) = (Vec::new(), String::new());
    for line in text.split_inclusive('\n') {
        match line.find("rpytest: ").filter(|start| path_of(&line[*start..]).is_some()) {
            Some(start) => {
                rest.push_str(&line[..start]);
                notes.push(line[start..].trim_end().to_owned());
            }
            None => rest.push_str(line),
        }
    }
    (notes, rest)
}

fn path_of(note: &str) -> Option<SessionPath> {
    let told = note.strip_prefix("rpytest: ")?;
    let paths = [
        ("Warm session, process ", SessionPath::Warm),
        ("First session, process ", SessionPath::First),
        ("plain pytest: ", SessionPath::Plain),
    ];
    paths.into_iter().find_map(|(words, path)| told.starts_with(words).then_some(path))
}

/// Bytes that are no UTF-8 become escapes.
pub(super) fn text(bytes: &[u8]) -> String {
    bytes.utf8_chunks().fold(String::new(), |mut text, chunk| {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
        text
    })
}

/// `text` with every duration (`0.01s`) made the same, and the rulers on both sides of such made short.
pub(crate) fn timeless(text: &str) -> String {
    text.split_inclusive('\n').map(timeless_line).collect()
}

fn timeless_line(line: &str) -> String {
    let words: Vec<String> = line.split(' ').map(timeless_word).collect();
    let same = words.join(" ");
    if same == line { same } else { without_rulers(&same) }
}

/// `0.01s`, also with a colour or a line's end beside it.
fn timeless_word(word: &str) -> String {
    let Some(point) = word.find('.') else { return word.to_owned() };
    let (before, after) = (&word[..point], &word[point + 1..]);
    let seconds = after.trim_start_matches(|character: char| character.is_ascii_digit());
    let head = before.trim_end_matches(|character: char| character.is_ascii_digit());
    let is_time = head.len() < before.len() && seconds.len() < after.len() && seconds.starts_with('s');
    if is_time { format!("{head}<time>{seconds}") } else { word.to_owned() }
}

fn without_rulers(line: &str) -> String {
    let mut short = String::new();
    for character in line.chars() {
        if character != '=' || !short.ends_with('=') {
            short.push(character);
        }
    }
    short
}

#[test]
fn only_times_and_their_rulers_are_passed_over() {
    assert_eq!(timeless("=== 1 passed in 0.01s ===\n=== a ===\n"), "= 1 passed in <time>s =\n=== a ===\n");
    assert_eq!(timeless("\u{1b}[32min 12.01s\u{1b}[0m=="), "\u{1b}[32min <time>s\u{1b}[0m=");
    assert_eq!(timeless("version 1.2 of x.s, 3.s"), "version 1.2 of x.s, 3.s");
}
