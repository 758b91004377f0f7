//! Files that are there whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Puts a file of these pieces in the place of the one at `path`. Whoever opens it sees the old one or the new one, also
/// after the machine has lost its power. One writer at a time.
pub(crate) fn replace(path: &Path, pieces: &[&[u8]]) -> io::Result<()> {
    let new = path.with_extension("new");
    make_free(&new)?;
    let mut file = File::create_new(&new)?;
    for piece in pieces {
        file.write_all(piece)?;
    }
    file.sync_all()?;
    fs::rename(&new, path)?;
    // The name is in the directory, and on disk when that is.
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

/// Removes what has this name, whatever it is: who was killed may have left it, and to open a pipe would wait.
pub(crate) fn make_free(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(_) => Ok(()),
    }
}
