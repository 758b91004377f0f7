//! What the runs of each context imported, for the zygotes to come; kept on disk, so that it outlasts the daemon.
//!
//! See `docs/design/shelf.md`.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::context::ContextKey;
use crate::package;

/// At most so many imports are kept for one context; the rest is imported by the runs themselves.
const MOST_STEPS: usize = 2000;
/// A name longer than this is no module's.
const LONGEST_NAME: usize = 256;

/// One context's, as it is on disk.
#[derive(Debug, Serialize, Deserialize)]
struct Lesson {
    /// Of the program that wrote it: another one may shelve differently.
    build: String,
    steps: Vec<String>,
}

/// What is known of all contexts.
#[derive(Debug)]
pub(super) struct Lessons {
    directory: PathBuf,
    steps: HashMap<ContextKey, Vec<String>>,
}

impl Lessons {
    /// Those that are kept in `directory`, each read when it is first asked for.
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { directory, steps: HashMap::new() }
    }

    /// What the runs of a context imported, in order.
    pub(super) fn steps(&mut self, key: &ContextKey) -> Vec<String> {
        let path = self.path(key);
        self.steps.entry(key.clone()).or_insert_with(|| read(&path).unwrap_or_default()).clone()
    }

    /// Take in what a run has told. False: nothing of it is new, or it makes no sense.
    pub(super) fn learn(&mut self, key: &ContextKey, steps: &[String]) -> bool {
        let known = self.steps(key);
        if !steps.iter().all(|name| is_name(name)) || steps.iter().all(|name| known.contains(name)) {
            return false;
        }
        let mut merged = steps.to_vec();
        merged.extend(known.into_iter().filter(|name| !steps.contains(name)));
        merged.truncate(MOST_STEPS);
        // Without a file it is known until the daemon leaves.
        let _ = write(&self.path(key), &merged);
        self.steps.insert(key.clone(), merged);
        true
    }

    fn path(&self, key: &ContextKey) -> PathBuf {
        let mut hash = Sha256::new();
        hash.update(format!("{key:?}").as_bytes());
        let number = hash.finalize().iter().take(12).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
        self.directory.join(format!("{number:024x}")).with_extension("json")
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST_NAME && !name.contains(char::is_control)
}

/// None: there is none that can be used; it will be written anew.
fn read(path: &Path) -> Option<Vec<String>> {
    let lesson: Lesson = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    let usable = lesson.build == package::build() && lesson.steps.iter().all(|name| is_name(name));
    usable.then_some(lesson.steps)
}

/// Aside and renamed, so that nobody reads half of it.
fn write(path: &Path, steps: &[String]) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let part = path.with_extension(format!("{}.part", std::process::id()));
    std::fs::write(&part, serde_json::to_vec(&Lesson { build: package::build(), steps: steps.to_vec() })?)?;
    std::fs::rename(part, path)
}
