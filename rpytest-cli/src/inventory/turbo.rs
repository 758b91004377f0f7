//! `--turbo`: which files are to be collected, by an inventory that holds.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use rpytest_inventory::{Collection, SelectedTest, SnapshotError};
use rpytest_ipc::{Collect, Turbo};

use super::known::Known;
use super::place;
use super::refresh::{Lacking, Refreshed, refresh};
use super::selecting::Selecting;
use crate::arguments::RunArguments;
use crate::interpreter::Interpreter;
use crate::note;

/// So much text can be handed over.
const MOST: usize = 1 << 19;

/// Why everything is collected.
#[derive(Debug)]
pub(crate) struct Everything {
    pub(crate) reason: String,
    pub(crate) lacking: Option<Lacking>,
}

impl<Reason: Into<String>> From<Reason> for Everything {
    fn from(reason: Reason) -> Self {
        Self { reason: reason.into(), lacking: None }
    }
}

/// What a run with these arguments has to collect.
pub(crate) fn plan(arguments: &RunArguments, interpreter: &Interpreter, directory: &Path) -> Result<Turbo, Everything> {
    let selecting = Selecting::read(&arguments.pytest).ok_or("what the arguments do beside selecting is not known")?;
    let named = &selecting.named;
    if !selecting.selects() {
        return Err("the arguments have no -k, -m or --deselect".into());
    }
    if !named.is_empty() && !named.iter().any(|path| directory.join(path).is_dir()) {
        return Err("the arguments name it".into());
    }
    let place = match &named[..] {
        [] => place::of_all(interpreter, directory),
        named => place::of_named(interpreter, directory, named),
    };
    let known = current(&place.ok_or("there can be no inventory here")?, arguments, named)?;
    let collection = known.collection().ok_or("not all tests are known")?;
    if let Some(reason) = obstacle(collection) {
        return Err(reason.into());
    }
    if let Some(gone) = collection.bytecode.iter().find(|path| !path.exists()) {
        return Err(format!("the compiler may warn of what it has to compile: {} is gone", gone.display()).into());
    }
    let wanted = selecting.of(collection).map_err(|undecided| undecided.to_string())?;
    let tests = known.select(&wanted).map_err(|error| error.to_string())?;
    let turbo = of(&known, collection, &tests).map_err(|error| error.to_string())?;
    let words =
        turbo.kept.iter().chain(&turbo.selected).chain(turbo.paths.iter().flat_map(|(file, path)| [file, path]));
    if words.clone().map(String::len).sum::<usize>() > MOST
        || 2 * known.snapshot.files_of(&tests).count() > known.snapshot.files().len()
    {
        return Err("there is not much to leave out".into());
    }
    if words.into_iter().any(|text| text.contains('\\')) {
        return Err("a name is not plain text".into());
    }
    Ok(turbo)
}

/// What is known, if it holds. Where nothing is known, that is found out now. Where something has changed, a collection
/// of everything is needed anyway; another one, which takes longer, is for the next run. It is for nobody where it would
/// most likely be of no use.
fn current(place: &Path, arguments: &RunArguments, named: &[OsString]) -> Result<Known, Everything> {
    let known = Known::open(place).filter(|known| known.collection().is_some());
    let reasons = match &known {
        Some(known) => known.staleness().map_err(|error| error.to_string())?,
        None => vec!["nothing is known yet".to_owned()],
    };
    if let Some(collection) = known.as_ref().and_then(Known::collection)
        && let Some(obstacle) = obstacle(collection)
        && !may_be_gone(obstacle, &reasons[collection.doubts.len()..])
    {
        return Err(obstacle.into());
    }
    let collect = if named.is_empty() { Collect::All } else { Collect::Named };
    if let Some(known) = known {
        let Some(reason) = reasons.first() else { return Ok(known) };
        let lacking = Lacking { directory: place.to_owned(), collect, arguments: named.to_owned() };
        return Err(Everything {
            reason: format!("{reason}; pytest is asked behind this run"),
            lacking: Some(lacking),
        });
    }
    note::log(format_args!("asking pytest: {}", reasons[0]));
    match refresh(place, collect, arguments.python.as_ref(), named) {
        Refreshed::Known(known) => Ok(*known),
        Refreshed::Failed(_) => Err("pytest cannot collect everything".into()),
        Refreshed::Untold => Err("there is no warm process for this".into()),
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
