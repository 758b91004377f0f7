//! Removes what single sets of arguments have selected, which nobody may ever ask for again. What is asked for is collected
//! anew.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Remove those below `all` that were written before `older_than`. Returns how many.
pub(crate) fn remove_old(all: &Path, older_than: SystemTime) -> io::Result<usize> {
    remove(by_age(all)?.into_iter().filter(|(written, _)| *written < older_than))
}

/// Remove all but the `most` that were written last. Returns how many.
pub(super) fn remove_most(all: &Path, most: usize) -> io::Result<usize> {
    let selections = by_age(all)?;
    let surplus = selections.len().saturating_sub(most);
    remove(selections.into_iter().take(surplus))
}

/// The directories below `all`, the oldest first, each with the time when its snapshot was written.
fn by_age(all: &Path) -> io::Result<Vec<(SystemTime, PathBuf)>> {
    let mut selections = Vec::new();
    let entries = match std::fs::read_dir(all) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(selections),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        selections.push((entry.metadata()?.modified()?, entry.path()));
    }
    selections.sort();
    Ok(selections)
}

fn remove(selections: impl Iterator<Item = (SystemTime, PathBuf)>) -> io::Result<usize> {
    let mut removed = 0;
    for (_, directory) in selections {
        std::fs::remove_dir_all(directory)?;
        removed += 1;
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::time::Duration;

    use super::*;

    fn left(all: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(all)
            .expect("it is there")
            .map(|entry| entry.expect("it is listed").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_oldest_go_first() {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let all = directory.path().join("selections");
        assert_eq!(remove_most(&all, 1).expect("that is none"), 0);
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        for (name, seconds) in [("b", 2), ("a", 3), ("d", 1), ("c", 4)] {
            fs::create_dir_all(all.join(name)).expect("the name is free");
            fs::write(all.join(name).join("inventory.rkyv"), "").expect("it can be written");
            let opened = File::open(all.join(name)).expect("it is there");
            opened.set_modified(start + Duration::from_secs(seconds)).expect("it is ours");
        }
        assert_eq!(remove_most(&all, 4).expect("they are ours"), 0);
        assert_eq!(remove_most(&all, 3).expect("they are ours"), 1);
        assert_eq!(left(&all), ["a", "b", "c"]);
        assert_eq!(remove_old(&all, start + Duration::from_secs(3)).expect("they are ours"), 1);
        assert_eq!(left(&all), ["a", "c"]);
    }
}
