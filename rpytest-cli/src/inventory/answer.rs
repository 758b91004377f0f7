//! From a question to its answer: the inventory's, where it holds, or pytest's.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rpytest_core::{Selection, SelectionError};
use rpytest_inventory::{Collection, SelectedTest, SnapshotError};
use rpytest_ipc::{Collect, End};

use super::known::Known;
use super::refresh::{Failure, Refreshed, refresh};
use super::selecting::Selecting;
use super::{listing, place, status};
use crate::arguments::{InventoryArguments, Question};
use crate::command::print;
use crate::ending::{INTERNAL_ERROR, NO_TESTS, USAGE_ERROR};
use crate::interpreter::Interpreter;
use crate::{asking, note};

/// Answer on standard output.
pub(crate) fn answer(arguments: &InventoryArguments) -> End {
    let directory = std::env::current_dir().unwrap_or_default();
    let interpreter = match Interpreter::find_here(arguments.python.as_deref(), &directory) {
        Ok(interpreter) => interpreter,
        Err(not_found) => {
            note::say(not_found);
            return USAGE_ERROR;
        }
    };
    let asked = Asked { arguments, interpreter: &interpreter, directory };
    let Some(base) = place::of_all(&interpreter, &asked.directory) else { return asked.ask_pytest() };
    if arguments.json || arguments.question != Question::List {
        asking::catch_up(&base); // they tell how tests went
    }
    if arguments.question == Question::Status {
        return status::show(&base, arguments.json);
    }
    match asked.tests(&base) {
        Ok((known, tests)) => {
            let history = (known.path.parent() != Some(&base)).then(|| Known::open(&base)).flatten();
            listing::show(arguments, &known, &tests, history.as_ref())
        }
        Err(end) => end,
    }
}

struct Asked<'a> {
    arguments: &'a InventoryArguments,
    interpreter: &'a Interpreter,
    directory: PathBuf,
}

/// Why nothing is known.
enum Unknown {
    Failed(Failure),
    Untold,
}

/// Tests of an inventory; otherwise how the command ends.
type Tests = Result<(Known, Vec<SelectedTest>), End>;

impl Asked<'_> {
    fn tests(&self, base: &Path) -> Tests {
        // A path too: what else is imported may make a difference to what is collected there.
        let Some(selecting) = Selecting::read(&self.arguments.pytest).filter(|selecting| selecting.named.is_empty())
        else {
            return self.exactly();
        };
        if self.arguments.stale_ok {
            return as_known(base, &selecting);
        }
        let known = Known::open(base).filter(|known| known.collection().is_some());
        // What the last collection could not be divided for is asked again in the whole, whether it still holds or not.
        let divides = |known: &Known| known.collection().map(|collection| selecting.of(collection)).transpose().is_ok();
        if known.as_ref().is_some_and(|known| !divides(known)) {
            return self.exactly();
        }
        let known = match self.current(known, base, Collect::All) {
            Ok(known) => known,
            // It may be that what is asked for can be collected.
            Err(Unknown::Failed(_)) if !self.arguments.pytest.is_empty() => return self.exactly(),
            Err(unknown) => return Err(self.end(&unknown)),
        };
        let Some(collection) = known.collection() else { return Err(INTERNAL_ERROR) };
        let Ok(selection) = selecting.of(collection) else { return self.exactly() };
        match known.select(&selection) {
            Ok(tests) => Ok((known, tests)),
            Err(SnapshotError::Selection(SelectionError::Usage(message))) => Err(usage(&message)),
            Err(_) => self.exactly(),
        }
    }

    /// The answer of a collection with just these arguments.
    fn exactly(&self) -> Tests {
        let Some(place) = place::of_exactly(self.interpreter, &self.directory, &self.arguments.pytest) else {
            return Err(self.ask_pytest());
        };
        let known = Known::open(&place);
        let known = match known {
            Some(known) if self.arguments.stale_ok => known,
            None if self.arguments.stale_ok => return Err(nothing_known()),
            known => self.current(known, &place, Collect::Exact).map_err(|unknown| self.end(&unknown))?,
        };
        let tests = known.select(&Selection::default()).map_err(|error| {
            note::say(error);
            INTERNAL_ERROR
        })?;
        Ok((known, tests))
    }

    /// What is known, if it holds, else what is found out now.
    fn current(&self, known: Option<Known>, place: &Path, collect: Collect) -> Result<Known, Unknown> {
        let reasons = match &known {
            Some(known) => known.staleness().unwrap_or_else(|error| vec![error.to_string()]),
            None => vec!["nothing is known yet".to_owned()],
        };
        if let (Some(known), []) = (known, &reasons[..]) {
            return Ok(known);
        }
        let more = if reasons.len() > 1 { format!(", and {} more", reasons.len() - 1) } else { String::new() };
        note::say(format_args!("asking pytest: {}{more}", reasons[0]));
        let arguments = match collect {
            Collect::All | Collect::Named => &[][..],
            Collect::Exact => &self.arguments.pytest,
        };
        match refresh(place, collect, self.arguments.python.as_ref(), arguments) {
            Refreshed::Known(known) => Ok(*known),
            Refreshed::Failed(failure) => Err(Unknown::Failed(failure)),
            Refreshed::Untold => Err(Unknown::Untold),
        }
    }

    fn end(&self, unknown: &Unknown) -> End {
        match unknown {
            // Without anything of ours in its traceback.
            Unknown::Failed(failure) if failure.is_internal() && self.is_plain() => self.ask_pytest(),
            Unknown::Failed(failure) => failure.tell(),
            Unknown::Untold => self.ask_pytest(),
        }
    }

    /// Whether names are asked for, which pytest tells as well.
    fn is_plain(&self) -> bool {
        self.arguments.question == Question::List && !self.arguments.json
    }

    /// Where there can be no inventory, pytest lists the tests itself.
    fn ask_pytest(&self) -> End {
        if !self.is_plain() {
            note::say("there is no warm process for this, and without one nothing is known of the tests");
            return INTERNAL_ERROR;
        }
        note::log("plain pytest: there is no inventory here");
        let mut words = self.arguments.pytest.clone();
        let flags = words.iter().position(|word| word == "--").unwrap_or(words.len());
        // Whatever else says how much to tell: names, a line each.
        words.splice(flags..flags, ["--collect-only".into(), "--verbosity=-1".into()]);
        let mut pytest = Command::new(&self.interpreter.path);
        match pytest.args(["-m", "pytest"]).args(&words).stdin(Stdio::null()).output() {
            Ok(output) if matches!(output.status.code(), Some(0 | 5)) => {
                // Behind the names are an empty line and a summary.
                let names = output.stdout.split_inclusive(|byte| *byte == b'\n').take_while(|line| *line != b"\n");
                let printed = print(names.collect::<Vec<_>>().concat());
                if output.status.success() { printed } else { NO_TESTS }
            }
            Ok(output) => Failure::of(output).tell(),
            Err(error) => {
                note::say(format_args!("cannot run {}: {error}", self.interpreter.path.display()));
                INTERNAL_ERROR
            }
        }
    }
}

/// All that is known, whether it still holds or not.
fn as_known(base: &Path, selecting: &Selecting) -> Tests {
    let Some(known) = Known::open(base) else { return Err(nothing_known()) };
    // Names without a collection are selected from as the newest pytest does it.
    let newest = Collection { pytest: "9.0".to_owned(), ..Collection::default() };
    let selection = selecting.of(known.collection().unwrap_or(&newest));
    let tests = selection.map_err(|undecided| SelectionError::from(undecided).into()).and_then(|it| known.select(&it));
    match tests {
        Ok(tests) => Ok((known, tests)),
        Err(SnapshotError::Selection(SelectionError::Usage(message))) => Err(usage(&message)),
        Err(error) => {
            note::say(error);
            Err(INTERNAL_ERROR)
        }
    }
}

fn nothing_known() -> End {
    note::say("nothing is known of the tests here yet");
    NO_TESTS
}

/// pytest's own words.
fn usage(message: &str) -> End {
    // Nobody reads it: then nobody misses it.
    let _ = writeln!(std::io::stderr(), "ERROR: {message}\n");
    USAGE_ERROR
}
