//! `--turbo`: which files are to be collected, by an inventory that holds.

use std::collections::BTreeSet;
use std::path::Path;

use rpytest_core::NodeId;
use rpytest_inventory::{Collection, SelectedTest};
use rpytest_ipc::{Collect, Turbo};

use super::known::Known;
use super::place;
use super::refresh::{Refreshed, refresh};
use super::selecting::Selecting;
use crate::arguments::RunArguments;
use crate::interpreter::Interpreter;
use crate::note;

/// So much text can be handed over.
const MOST: usize = 1 << 19;

/// What a run with these arguments has to collect. An error is the reason why that is everything.
pub(crate) fn plan(arguments: &RunArguments, interpreter: &Interpreter, directory: &Path) -> Result<Turbo, String> {
    let selecting = Selecting::read(&arguments.pytest).ok_or("what the arguments do beside selecting is not known")?;
    let base = place::of_all(interpreter, directory).ok_or("there can be no inventory here")?;
    let known = current(&base, arguments)?;
    let collection = known.collection().ok_or("not all tests are known")?;
    if let Some(reason) = obstacle(collection) {
        return Err(reason.to_owned());
    }
    let selection = selecting.of(collection).map_err(|undecided| undecided.to_string())?;
    let tests = known.select(&selection).map_err(|error| error.to_string())?;
    let turbo = of(&known, collection, &tests);
    let texts =
        turbo.kept.iter().chain(&turbo.selected).chain(turbo.paths.iter().flat_map(|(file, path)| [file, path]));
    if texts.clone().map(String::len).sum::<usize>() > MOST || 2 * turbo.kept.len() > known.snapshot.files().len() {
        return Err("there is not much to leave out".to_owned());
    }
    if texts.into_iter().any(|text| text.contains('\\')) {
        return Err("a name is not plain text".to_owned());
    }
    Ok(turbo)
}

/// What is known, if it holds, else what is found out now. Where that would be of no use, nobody is asked.
fn current(base: &Path, arguments: &RunArguments) -> Result<Known, String> {
    let known = Known::open(base).filter(|known| known.collection().is_some());
    let reason = match &known {
        None => "nothing is known yet".to_owned(),
        Some(known) => match known.staleness().map_err(|error| error.to_string())?.into_iter().next() {
            None => String::new(),
            Some(reason) => {
                let obstacle = known.collection().and_then(obstacle);
                obstacle.map_or(Ok(reason), |obstacle| Err(format!("{obstacle} (when --list last asked)")))?
            }
        },
    };
    if let (Some(known), "") = (known, reason.as_str()) {
        return Ok(known);
    }
    note::log(format_args!("asking pytest: {reason}"));
    match refresh(base, Collect::All, arguments.python.as_ref(), &[]) {
        Refreshed::Known(known) => Ok(*known),
        Refreshed::Failed(_) => Err("pytest cannot collect everything".to_owned()),
        Refreshed::Untold => Err("there is no warm process for this".to_owned()),
    }
}

/// Why nothing can be left out though all is known.
fn obstacle(collection: &Collection) -> Option<&str> {
    let sorted = (!collection.order.is_empty()).then_some("the tests are not in the order of their files");
    collection.doubts.iter().chain(&collection.inseparable).map(String::as_str).next().or(sorted)
}

fn of(known: &Known, collection: &Collection, tests: &[SelectedTest]) -> Turbo {
    let holding: BTreeSet<&str> = known.snapshot.files_of(tests).collect();
    let needed: BTreeSet<&str> = collection.needed.iter().map(String::as_str).collect();
    let is_package = |file: &str| file.rsplit('/').next() == Some("__init__.py");
    let is_kept = |file: &&str| holding.contains(file) || needed.contains(file) || is_package(file);
    let files = known.snapshot.files().map(|(file, _)| file).filter(is_kept);
    let origins = collection.origins.iter().filter(|origin| origin.path.ends_with("conftest.py"));
    let conftests = origins.filter_map(|origin| origin.path.strip_prefix(&collection.rootdir).ok()?.to_str());
    Turbo {
        rootdir: collection.rootdir.to_string_lossy().into_owned(),
        kept: files.chain(conftests).map(str::to_owned).collect(),
        paths: collection.paths.clone(),
        known: known.snapshot.files().map(|(_, tests)| u64::from(tests)).sum(),
        selected: tests.iter().map(|test| &test.nodeid).map(NodeId::to_string).collect(),
    }
}
