//! Notices, between runs, that something changes in the directories of runs: what has gone further begins anew then, so
//! that the next run need not.
//!
//! A help to be fast, not to be right: before each run everything that was read is compared.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::Duration;

use rpytest_inventory::{Changes, WatchError, Watcher};

/// What is saved together is one change.
const QUIET: Duration = Duration::from_millis(100);
/// How long until another directory is watched, or one no more.
const PATIENCE: Duration = Duration::from_secs(1);

/// The directories that are watched.
#[derive(Debug)]
pub(super) struct Watching {
    wishes: Sender<BTreeSet<PathBuf>>,
    roots: BTreeSet<PathBuf>,
}

/// What has happened in them.
#[derive(Debug)]
pub(super) enum Sight {
    /// Something has changed.
    Changes(Changes),
    /// A directory cannot be watched.
    Blind(WatchError),
}

impl Watching {
    /// Watch nothing yet; `tell` is called from another thread.
    pub(super) fn start(tell: impl Fn(Sight) + Send + 'static) -> std::io::Result<Self> {
        let (wishes, inbox) = channel();
        std::thread::Builder::new().name("watching".to_owned()).spawn(move || watch(&inbox, &tell))?;
        Ok(Self { wishes, roots: BTreeSet::new() })
    }

    /// Watch these trees, and no others.
    pub(super) fn watch(&mut self, roots: BTreeSet<PathBuf>) {
        if roots != self.roots {
            // Where the thread has given up, runs are compared all the same.
            let _ = self.wishes.send(roots.clone());
            self.roots = roots;
        }
    }
}

/// Whether something has changed in this tree.
pub(super) fn is_touched(root: &Path, changes: &Changes) -> bool {
    changes.missed || changes.paths.iter().any(|path| path.starts_with(root))
}

fn watch(inbox: &Receiver<BTreeSet<PathBuf>>, tell: &impl Fn(Sight)) {
    // As long as there is nothing to watch, nothing wakes.
    let Ok(mut wish) = inbox.recv() else { return };
    let mut watcher = match Watcher::new(QUIET) {
        Ok(watcher) => watcher,
        Err(error) => return tell(Sight::Blind(error)),
    };
    let mut roots = BTreeSet::new();
    loop {
        for root in roots.difference(&wish) {
            watcher.unwatch(root);
        }
        for root in wish.difference(&roots) {
            if let Err(error) = watcher.watch(root) {
                watcher.unwatch(root);
                tell(Sight::Blind(error));
            }
        }
        roots = wish;
        wish = loop {
            if let Some(changes) = watcher.wait(PATIENCE) {
                tell(Sight::Changes(changes));
            }
            match inbox.try_recv() {
                Ok(wish) => break wish,
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => return,
            }
        };
    }
}
