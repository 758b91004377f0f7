//! Noticing that files change.

mod error;
mod skipped;

pub use error::WatchError;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use notify::event::{ModifyKind, RenameMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use skipped::{is_environment, is_skipped};

/// How many directories may be watched: the system has a number of watches for each user, which editors need too.
const MOST: usize = 4096;
/// How many times the quiet time the first of a batch of changes may wait for the last.
const LONGEST: u32 = 10;

/// Watches directory trees, and says in batches which paths in them have changed.
///
/// A help to be fast, not to be right: what depends on a file checks the file ([`Fingerprint`](crate::Fingerprint)).
/// Version control's directories, virtual environments, caches and what links lead to are not watched.
#[derive(Debug)]
pub struct Watcher {
    notify: RecommendedWatcher,
    events: Receiver<notify::Result<Event>>,
    roots: BTreeSet<PathBuf>,
    /// Each has a watch of its own: a recursive one would also hold what is to be skipped.
    directories: BTreeSet<PathBuf>,
    quiet: Duration,
}

/// A batch of changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// What was made, written, removed, renamed from or renamed to; directories too. Reading is no change.
    pub paths: BTreeSet<PathBuf>,
    /// Changes were missed: anything below the watched directories may have changed.
    pub missed: bool,
}

impl Watcher {
    /// A watcher of nothing yet, whose batches end when nothing has changed for as long as `quiet`.
    pub fn new(quiet: Duration) -> Result<Self, WatchError> {
        let (sender, events) = mpsc::channel();
        // The receiver is gone when the watcher is being dropped.
        let notify = notify::recommended_watcher(move |event| drop(sender.send(event)));
        let notify = notify.map_err(|error| WatchError::new(Path::new(""), error))?;
        Ok(Self { notify, events, roots: BTreeSet::new(), directories: BTreeSet::new(), quiet })
    }

    /// Watches the tree below `root`, an absolute path of a directory, too.
    pub fn watch(&mut self, root: &Path) -> Result<(), WatchError> {
        self.add(root, &mut BTreeSet::new())?;
        self.roots.insert(root.to_owned());
        Ok(())
    }

    /// Watches the tree below `root` no more.
    pub fn unwatch(&mut self, root: &Path) {
        self.roots.remove(root);
        self.forget(root);
        for other in self.roots.clone() {
            // Roots may lie in each other. What cannot be watched now could be before: it is being removed.
            let _ = self.add(&other, &mut BTreeSet::new());
        }
    }

    /// Waits for the next batch of changes, at most for `timeout`; `None` when there was none.
    pub fn wait(&mut self, timeout: Duration) -> Option<Changes> {
        let mut changes = Changes::default();
        let deadline = Instant::now() + timeout;
        while changes.is_empty() {
            self.receive(deadline.saturating_duration_since(Instant::now()), &mut changes).ok()?;
        }
        let deadline = Instant::now() + self.quiet * LONGEST;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if self.receive(self.quiet.min(left), &mut changes).is_err() {
                return Some(changes);
            }
        }
    }

    fn receive(&mut self, timeout: Duration, changes: &mut Changes) -> Result<(), RecvTimeoutError> {
        match self.events.recv_timeout(timeout)? {
            Ok(event) if event.need_rescan() => self.look_again(changes),
            Ok(event) => self.take(&event, changes),
            Err(_) => changes.missed = true,
        }
        Ok(())
    }

    fn take(&mut self, event: &Event, changes: &mut Changes) {
        if matches!(event.kind, EventKind::Access(_)) {
            return;
        }
        for path in event.paths.iter().filter(|path| !is_skipped(path)) {
            if matches!(event.kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From))) {
                self.forget(path);
            } else if !self.directories.contains(path)
                && is_directory(path)
                && self.add(path, &mut changes.paths).is_err()
            {
                changes.missed = true;
            }
            changes.paths.insert(path.clone());
        }
    }

    /// After events were lost, directories may have been made or replaced.
    fn look_again(&mut self, changes: &mut Changes) {
        changes.missed = true;
        for root in self.roots.clone() {
            self.forget(&root);
            // A root that is gone is no longer watched: `missed` tells to look, and the look tells that.
            let _ = self.add(&root, &mut BTreeSet::new());
        }
    }

    /// Watches a directory and those in it, and gathers what is in them: what was made before the watch began is seen
    /// here, what is made after it is an event.
    fn add(&mut self, root: &Path, found: &mut BTreeSet<PathBuf>) -> Result<(), WatchError> {
        let mut pending = vec![root.to_owned()];
        while let Some(directory) = pending.pop() {
            if is_environment(&directory) {
                continue;
            }
            if !self.directories.contains(&directory) {
                if self.directories.len() >= MOST {
                    return Err(WatchError::new(root, notify::Error::new(notify::ErrorKind::MaxFilesWatch)));
                }
                if let Err(error) = self.notify.watch(&directory, RecursiveMode::NonRecursive) {
                    if directory != root && !directory.exists() {
                        // It was removed while its parent was listed.
                        continue;
                    }
                    return Err(WatchError::new(&directory, error));
                }
                self.directories.insert(directory.clone());
            }
            for entry in fs::read_dir(&directory).into_iter().flatten().filter_map(Result::ok) {
                let path = entry.path();
                if is_skipped(&path) {
                    continue;
                }
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    pending.push(path.clone());
                }
                found.insert(path);
            }
        }
        Ok(())
    }

    fn forget(&mut self, root: &Path) {
        let gone: Vec<_> = self.directories.iter().filter(|directory| directory.starts_with(root)).cloned().collect();
        for directory in gone {
            // The kernel has dropped the watch of what was removed.
            let _ = self.notify.unwatch(&directory);
            self.directories.remove(&directory);
        }
    }
}

impl Changes {
    fn is_empty(&self) -> bool {
        self.paths.is_empty() && !self.missed
    }
}

fn is_directory(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

#[cfg(test)]
mod tests {
    use notify::event::Flag;

    use super::*;

    #[test]
    fn after_events_were_lost_new_directories_are_watched() {
        let root = tempfile::tempdir().expect("a temporary directory");
        let mut watcher = Watcher::new(Duration::ZERO).expect("there are watches left");
        watcher.watch(root.path()).expect("it is there");
        // The system's own events go nowhere from now on.
        let (sender, events) = mpsc::channel();
        watcher.events = events;
        let new = root.path().join("new");
        fs::create_dir(&new).expect("it is writable");
        sender.send(Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan))).expect("it listens");
        let changes = watcher.wait(Duration::from_secs(60)).expect("there is an event");
        assert!(changes.missed && watcher.directories.contains(&new));
    }
}
