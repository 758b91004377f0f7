//! `--turbo`: which files are to be collected, by an inventory that holds.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rpytest_inventory::{Collection, InventoryDirectory, SelectedTest, SnapshotError};
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
/// The file that says which collection for the inventory is not trusted, by when it began.
const DISTRUSTED: &str = "distrusted";
/// The file that says what the last run found changed.
const CHANGES: &str = "changes";
const CANNOT: &str = "pytest cannot collect everything";
/// Behind the changes for which pytest could not.
const IN_VAIN: &str = "in vain";

/// What a run with these arguments has to collect. An error is the reason why that is everything.
pub(crate) fn plan(arguments: &RunArguments, interpreter: &Interpreter, directory: &Path) -> Result<Turbo, String> {
    let selecting = Selecting::read(&arguments.pytest).ok_or("what the arguments do beside selecting is not known")?;
    let named = &selecting.named;
    if !selecting.selects() {
        return Err("the arguments have no -k, -m or --deselect".to_owned());
    }
    if !named.is_empty() && !named.iter().any(|path| directory.join(path).is_dir()) {
        return Err("the arguments name it".to_owned());
    }
    let place = place_of(named, interpreter, directory).ok_or("there can be no inventory here")?;
    let known = current(&place, arguments, named)?;
    let collection = known.collection().ok_or("not all tests are known")?;
    if let Some(reason) = obstacle(collection) {
        return Err(reason.to_owned());
    }
    if let Some(gone) = collection.bytecode.iter().find(|path| !path.exists()) {
        return Err(format!("the compiler may warn of what it has to compile: {} is gone", gone.display()));
    }
    let wanted = selecting.of(collection).map_err(|undecided| undecided.to_string())?;
    let tests = known.select(&wanted).map_err(|error| error.to_string())?;
    let turbo = of(&known, collection, &tests).map_err(|error| known.unread(error).to_string())?;
    let words =
        turbo.kept.iter().chain(&turbo.selected).chain(turbo.paths.iter().flat_map(|(file, path)| [file, path]));
    if words.clone().map(String::len).sum::<usize>() > MOST
        || 2 * known.snapshot.files_of(&tests).count() > known.snapshot.files().len()
    {
        return Err("there is not much to leave out".to_owned());
    }
    if words.into_iter().any(|text| text.contains('\\')) {
        return Err("a name is not plain text".to_owned());
    }
    Ok(turbo)
}

/// A run with a plan has found other tests than are known, so there is something that nobody has seen: all are collected
/// until there has been another collection for the inventory.
pub(crate) fn distrust(arguments: &RunArguments, interpreter: &Interpreter, directory: &Path) {
    let selecting = Selecting::read(&arguments.pytest);
    let place = selecting.and_then(|selecting| place_of(&selecting.named, interpreter, directory));
    if let Some(place) = place
        && let Ok(known) = Known::look(&place)
        && let Some(began) = known.collection().map(|collection| collection.began_ns)
    {
        let _ = known.directory.remember(DISTRUSTED, &began.to_string()); // else the next run ends in the same way
    }
}

fn place_of(named: &[OsString], interpreter: &Interpreter, directory: &Path) -> Option<PathBuf> {
    match named {
        [] => place::of_all(interpreter, directory),
        named => place::of_named(interpreter, directory, named),
    }
}

/// What is known, if it holds, else what is found out now. Where that would most likely be of no use, nobody is asked; nor
/// as long as something changes from run to run, as that takes longer than to collect everything in the run.
fn current(place: &Path, arguments: &RunArguments, named: &[OsString]) -> Result<Known, String> {
    let directory = InventoryDirectory::at(place);
    let (known, reasons) = match Known::open(place) {
        Ok(known) => {
            let reasons = known.staleness().map_err(|error| error.to_string())?;
            (Some(known).filter(|known| known.collection().is_some()), reasons)
        }
        Err(nothing) => (None, vec![nothing.to_string()]),
    };
    if let Some(collection) = known.as_ref().and_then(Known::collection)
        && directory.recall(DISTRUSTED).is_some_and(|began| began == collection.began_ns.to_string())
    {
        return Err("the last run with --turbo found other tests than are known".to_owned());
    }
    if let Some(collection) = known.as_ref().and_then(Known::collection)
        && let Some(obstacle) = obstacle(collection)
        && !may_be_gone(obstacle, &reasons[collection.doubts.len()..])
    {
        return Err(obstacle.to_owned());
    }
    let mut changes = String::new();
    if let Some(known) = known {
        let Some(reason) = reasons.first() else { return Ok(known) };
        changes = known.changes().map_err(|error| error.to_string())?;
        let before = directory.recall(CHANGES).unwrap_or_default();
        if before != changes {
            if before.strip_prefix(&changes) == Some(IN_VAIN) {
                return Err(CANNOT.to_owned());
            }
            if directory.remember(CHANGES, &changes).is_ok() {
                return Err(format!("{reason}; pytest is asked when nothing else changes before the next run"));
            }
        }
    }
    note::log(format_args!("asking pytest: {}", reasons[0]));
    let collect = if named.is_empty() { Collect::All } else { Collect::Named };
    match refresh(place, collect, arguments.python.as_ref(), named) {
        Refreshed::Known(known) => Ok(*known),
        Refreshed::Failed(_) => {
            let _ = directory.remember(CHANGES, &(changes + IN_VAIN)); // else it is asked again
            Err(CANNOT.to_owned())
        }
        Refreshed::Untold => Err("there is no warm process for this".to_owned()),
    }
}

/// Whether the file that is in the way is among what has changed.
fn may_be_gone(obstacle: &str, changes: &[String]) -> bool {
    let mut files = obstacle.split(' ').filter(|word| word.starts_with('/')).peekable();
    let is_named = files.peek().is_some();
    !changes.is_empty() && (!is_named || files.any(|file| changes.iter().any(|change| change.starts_with(file))))
}

/// Why nothing can be left out though all is known.
fn obstacle(collection: &Collection) -> Option<&str> {
    let sorted = (!collection.order.is_empty()).then_some("the tests are not in the order of their files");
    collection.doubts.iter().chain(&collection.inseparable).map(String::as_str).next().or(sorted)
}

fn of(known: &Known, collection: &Collection, tests: &[SelectedTest]) -> Result<Turbo, SnapshotError> {
    let holding: BTreeSet<&str> = known.snapshot.files_of(tests).collect();
    let needed: BTreeSet<&str> = collection.needed.iter().map(String::as_str).collect();
    let is_package = |file: &str| file.rsplit('/').next() == Some("__init__.py");
    let is_kept = |file: &&str| holding.contains(file) || needed.contains(file) || is_package(file);
    let files = known.snapshot.files().map(|(file, _)| file).filter(is_kept);
    let origins = collection.origins.iter().filter(|origin| origin.path.ends_with("conftest.py"));
    let conftests = origins.filter_map(|origin| origin.path.strip_prefix(&collection.rootdir).ok()?.to_str());
    Ok(Turbo {
        rootdir: collection.rootdir.to_string_lossy().into_owned(),
        kept: files.chain(conftests).map(str::to_owned).collect(),
        paths: collection.paths.clone(),
        known: known.snapshot.files().map(|(_, tests)| u64::from(tests)).sum(),
        selected: known.snapshot.nodeids(tests)?,
    })
}
