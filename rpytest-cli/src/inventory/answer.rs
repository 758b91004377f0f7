//! From a question to its answer: the inventory's, where it holds, or pytest's.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rpytest_core::{Selection, SelectionError};
use rpytest_inventory::{Collection, SelectedTest};
use rpytest_ipc::{Collect, End};

use super::known::{Known, Nothing, Unread};
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
    (0..ATTEMPTS).find_map(|_| asked.tell(&base)).unwrap_or_else(|| asked.ask_pytest())
}

/// What is damaged is set aside, and the question asked again: there are two snapshots to look at, at most.
const ATTEMPTS: usize = 3;

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

/// Why there are no tests to show.
enum Unanswered {
    /// It is how the command ends.
    End(End),
    Unread(Unread),
}

impl From<Unread> for Unanswered {
    fn from(unread: Unread) -> Self {
        Self::Unread(unread)
    }
}

/// Tests of an inventory.
type Tests = Result<(Known, Vec<SelectedTest>), Unanswered>;

impl Asked<'_> {
    /// None: something was in the way, and no longer is.
    fn tell(&self, base: &Path) -> Option<End> {
        let shown = self.tests(base).and_then(|(known, tests)| {
            let history = self.history(&known, base);
            Ok(listing::show(self.arguments, &known, &tests, history.as_ref())?)
        });
        match shown {
            Ok(end) | Err(Unanswered::End(end)) => Some(end),
            Err(Unanswered::Unread(Unread::Selection(SelectionError::Usage(message)))) => {
                // pytest's own words. Nobody reads them: then nobody misses them.
                let _ = writeln!(std::io::stderr(), "ERROR: {message}\n");
                Some(USAGE_ERROR)
            }
            Err(Unanswered::Unread(Unread::Selection(undecided))) => {
                note::say(undecided);
                Some(INTERNAL_ERROR)
            }
            Err(Unanswered::Unread(Unread::SetAside(reason))) => {
                note::say(reason);
                None
            }
        }
    }

    fn tests(&self, base: &Path) -> Tests {
        // A path too: what else is imported may make a difference to what is collected there.
        let Some(selecting) = Selecting::read(&self.arguments.pytest).filter(|selecting| selecting.named.is_empty())
        else {
            return self.exactly();
        };
        if self.arguments.stale_ok {
            return as_known(base, &selecting);
        }
        let known = Known::open(base);
        // What the last collection could not be divided for is asked again in the whole, whether it still holds or not.
        let divides = |known: &Known| known.collection().map(|collection| selecting.of(collection)).transpose().is_ok();
        if known.as_ref().is_ok_and(|known| !divides(known)) {
            return self.exactly();
        }
        let known = match self.current(known, base, Collect::All) {
            Ok(known) => known,
            // It may be that what is asked for can be collected.
            Err(Unknown::Failed(_)) if !self.arguments.pytest.is_empty() => return self.exactly(),
            Err(unknown) => return Err(self.end(&unknown)),
        };
        let Some(collection) = known.collection() else { return Err(Unanswered::End(INTERNAL_ERROR)) };
        let Ok(selection) = selecting.of(collection) else { return self.exactly() };
        match known.select(&selection) {
            Ok(tests) => Ok((known, tests)),
            Err(Unread::Selection(SelectionError::Undecided(_))) => self.exactly(),
            Err(unread) => Err(unread.into()),
        }
    }

    /// The answer of a collection with just these arguments.
    fn exactly(&self) -> Tests {
        let Some(place) = place::of_exactly(self.interpreter, &self.directory, &self.arguments.pytest) else {
            return Err(Unanswered::End(self.ask_pytest()));
        };
        let known = Known::open(&place);
        let known = match known {
            Ok(known) if self.arguments.stale_ok => known,
            Err(nothing) if self.arguments.stale_ok => return Err(nothing_known(&nothing)),
            known => self.current(known, &place, Collect::Exact).map_err(|unknown| self.end(&unknown))?,
        };
        let tests = known.select(&Selection::default())?;
        Ok((known, tests))
    }

    /// What remembers how tests went, if that is not what was asked for itself.
    fn history(&self, known: &Known, base: &Path) -> Option<Known> {
        if self.is_plain() || known.directory.path() == base {
            return None;
        }
        open_or_rebuild(base).ok()
    }

    /// What is known, if it holds, else what is found out now.
    fn current(&self, known: Result<Known, Nothing>, place: &Path, collect: Collect) -> Result<Known, Unknown> {
        let reasons = match &known {
            Ok(known) => known.staleness().unwrap_or_else(|error| vec![error.to_string()]),
            Err(nothing) => vec![nothing.to_string()],
        };
        if let (Ok(known), []) = (known, &reasons[..]) {
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

    fn end(&self, unknown: &Unknown) -> Unanswered {
        Unanswered::End(match unknown {
            // Without anything of ours in its traceback.
            Unknown::Failed(failure) if failure.is_internal() && self.is_plain() => self.ask_pytest(),
            Unknown::Failed(failure) => failure.tell(),
            Unknown::Untold => self.ask_pytest(),
        })
    }

    /// Whether names are asked for, which pytest tells as well.
    fn is_plain(&self) -> bool {
        self.arguments.question == Question::List && !self.arguments.json
    }

    /// Where there can be no inventory, pytest lists the tests itself.
    fn ask_pytest(&self) -> End {
        if !self.is_plain() {
            note::say(
                "nothing can be known of the tests here: there is no warm process for this, a name is no text, or what \
                 is known cannot be kept, of which the daemon's log tells",
            );
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
    let known = open_or_rebuild(base).map_err(|nothing| nothing_known(&nothing))?;
    // Names without a collection are selected from as the newest pytest does it.
    let newest = Collection { pytest: "9.0".to_owned(), ..Collection::default() };
    let selection = selecting.of(known.collection().unwrap_or(&newest));
    let tests = selection.map_err(|undecided| Unread::Selection(undecided.into())).and_then(|it| known.select(&it))?;
    Ok((known, tests))
}

/// What is known. The daemon makes it readable again from what it keeps itself, if there is a daemon.
fn open_or_rebuild(base: &Path) -> Result<Known, Nothing> {
    Known::open(base).or_else(|nothing| {
        if let Nothing::Unreadable(reason) = &nothing {
            note::say(reason);
        }
        asking::catch_up(base);
        Known::open(base)
    })
}

fn nothing_known(nothing: &Nothing) -> Unanswered {
    note::say(nothing);
    Unanswered::End(NO_TESTS)
}
