//! Whether a zygote is what a start now would make: every file and directory it came from, looked at before each run.
//!
//! See `docs/design/daemon.md`.

use std::collections::{BTreeSet, HashSet};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rpytest_inventory::Fingerprint;
use rpytest_ipc::SessionFacts;

use crate::context::Recipe;

/// How coarse time stamps are where environments live: file systems of Linux and macOS stamp by a clock that ticks every
/// few milliseconds.
const STAMP: Duration = Duration::from_millis(20);

/// What a zygote was made from, as it was then.
#[derive(Debug)]
pub(crate) struct Facts {
    session: SessionFacts,
    recipe: Recipe,
    fingerprints: Vec<(PathBuf, Option<Fingerprint>)>,
    /// Entries that would shadow a module of the start, by directory of `sys.path`, as they were: they were imported.
    /// None: there was no such directory.
    shadows: Vec<(PathBuf, Option<BTreeSet<OsString>>)>,
    /// What was imported at the start, and is not warm.
    start_names: HashSet<String>,
    /// The modules that stay imported in every run: what is called so shadows them in the working directory, which comes
    /// before all others.
    warm_names: HashSet<String>,
}

/// Why a zygote cannot serve a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Staleness {
    /// Another zygote could.
    Changed(String),
    /// The run must be plain: even a new zygote would have imported something else than the run will.
    Shadowed(PathBuf),
}

impl fmt::Display for Staleness {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed(what) => write!(formatter, "{what} has changed since the warm process was started"),
            Self::Shadowed(path) => write!(formatter, "{} shadows a module that pytest imports", path.display()),
        }
    }
}

impl Facts {
    /// Look at everything that a zygote says it was made from.
    pub(crate) fn observe(mut session: SessionFacts, recipe: Recipe) -> Self {
        let named = [&recipe.interpreter, &PathBuf::from(&session.executable)].map(PathBuf::clone);
        let paths = session.files.iter().chain(&session.directories).map(PathBuf::from).chain(named);
        let fingerprints = paths.map(|path| (path.clone(), Fingerprint::observe(&path).ok())).collect();
        let warm_names = std::mem::take(&mut session.names).into_iter().collect();
        let start_names = std::mem::take(&mut session.start_names).into_iter().collect();
        let mut facts = Self { session, recipe, fingerprints, shadows: Vec::new(), warm_names, start_names };
        let paths = facts.session.path.iter().map(PathBuf::from);
        facts.shadows = paths.map(|path| (path.clone(), facts.entries(&path, Self::is_of_the_start))).collect();
        facts
    }

    /// What the zygote said.
    pub(crate) fn session(&self) -> &SessionFacts {
        &self.session
    }

    /// Whether something was changed while the zygote was being made, or so shortly before that it may have been.
    pub(crate) fn changed_since(&self, started: SystemTime) -> Option<&Path> {
        let settled = |seen: &Option<Fingerprint>| seen.is_some_and(|seen| seen.is_settled_at(started, STAMP));
        self.fingerprints.iter().find(|(_, seen)| !settled(seen)).map(|(path, _)| path.as_path())
    }

    /// Why the zygote cannot serve a run of this recipe; None where it can.
    pub(crate) fn staleness(&self, run: &Recipe) -> Option<Staleness> {
        if let Some((path, _)) = self.fingerprints.iter().find(|(path, then)| !is_as_then(path, then.as_ref())) {
            return Some(Staleness::Changed(path.display().to_string()));
        }
        if let Some((path, _)) =
            self.shadows.iter().find(|(path, then)| self.entries(path, Self::is_of_the_start) != *then)
        {
            return Some(Staleness::Changed(path.display().to_string()));
        }
        self.unfitness(run)
    }

    /// The same where everything has just been observed.
    pub(crate) fn unfitness(&self, run: &Recipe) -> Option<Staleness> {
        if let Some(name) = self.differing_variable(run) {
            return Some(Staleness::Changed(format!("${name}")));
        }
        if self.session.safe_path {
            return None;
        }
        let first = self.entries(&run.directory_path(), Self::is_warm)?.into_iter().next()?;
        Some(Staleness::Shadowed(run.directory_name.join(first)))
    }

    fn differing_variable(&self, run: &Recipe) -> Option<String> {
        match &self.session.variables {
            Some(names) => names.iter().find(|name| self.recipe.variable(name) != run.variable(name)).cloned(),
            None => self.any_difference(run).map(|name| name.to_string_lossy().into_owned()),
        }
    }

    /// The entries of a directory that the import system would take for one of these modules. A plain directory without
    /// `__init__` comes after every module, so it shadows none. None: there is no such directory, and `site` leaves it out.
    fn entries(&self, directory: &Path, shadows: impl Fn(&Self, &str) -> bool) -> Option<BTreeSet<OsString>> {
        let listing = match std::fs::read_dir(directory) {
            Ok(listing) => listing,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return None,
            Err(_) => return Some(BTreeSet::new()),
        };
        let names = listing.flatten().map(|entry| entry.file_name());
        let shadowing = names.filter(|name| self.module(name).is_some_and(|module| shadows(self, module)));
        Some(shadowing.filter(|name| is_module(&directory.join(name))).collect())
    }

    /// The module that the import system would take a file or directory of this name for.
    fn module<'a>(&self, name: &'a OsStr) -> Option<&'a str> {
        let name = name.to_str()?; // names of modules come from Python as text
        let Some(end) = name.find('.') else { return Some(name) };
        let (module, suffix) = name.split_at(end);
        self.session.suffixes.iter().any(|known| known == suffix).then_some(module)
    }

    fn is_warm(&self, module: &str) -> bool {
        self.warm_names.contains(module)
    }

    fn is_of_the_start(&self, module: &str) -> bool {
        self.is_warm(module) || self.start_names.contains(module)
    }

    fn any_difference(&self, run: &Recipe) -> Option<OsString> {
        let then: HashSet<_> = self.recipe.variables().collect();
        let now: HashSet<_> = run.variables().collect();
        then.symmetric_difference(&now).map(|(name, _)| *name).find(|name| !is_of_the_shell(name)).map(OsStr::to_owned)
    }
}

/// What could not be looked at may be anything.
fn is_as_then(path: &Path, then: Option<&Fingerprint>) -> bool {
    then.is_some_and(|then| then.is_current(path).unwrap_or(false))
}

/// Variables that a shell or a terminal sets for itself; no start-up code goes by them.
fn is_of_the_shell(name: &OsStr) -> bool {
    ["_", "SHLVL", "PWD", "OLDPWD", "COLUMNS", "LINES"].iter().any(|known| name == *known)
}

fn is_module(path: &Path) -> bool {
    if !path.is_dir() {
        return path.extension().is_some();
    }
    std::fs::read_dir(path).is_ok_and(|listing| {
        listing.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("__init__."))
    })
}
