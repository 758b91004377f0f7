//! sled, and what has to be known about it.

use std::fs;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use super::integrity::{Manifest, Verdict, remove_if_there};
use super::lock::wait_until_free;
use super::{MovedAside, StoreError};
use crate::FileRecord;
use crate::archive::FileShape;
use crate::directory::move_aside;
use crate::envelope::unseal;

/// How much of it sled keeps in memory: what is read is decoded and kept elsewhere.
const CACHE_BYTES: u64 = 8 << 20;

/// How many processes may end while they open a database, before it is taken for the reason. One may have been killed.
const ATTEMPTS: u64 = 3;

/// An open sled database, of bytes by path.
#[derive(Debug)]
pub(super) struct Database {
    sled: sled::Db,
    path: PathBuf,
    manifest: Manifest,
}

impl Database {
    /// Opens the database at `path`. What is of no use is moved aside, and an empty one is made in its place.
    pub(super) fn open_or_replace(path: &Path) -> Result<(Self, Option<MovedAside>), StoreError> {
        // There only while a database is being opened, a byte for each process that did not come to the end of that.
        let opening = path.with_extension("opening");
        let manifest = Manifest::at(path.with_extension("closed"));
        let reason = match Self::open_if_sound(path, &manifest, &opening)? {
            Ok(sled) => return Ok((Self { sled, path: path.to_owned(), manifest }, None)),
            Err(reason) => reason,
        };
        let to = move_aside(path).map_err(StoreError::io("move", path))?;
        manifest.remove()?;
        remove_if_there(&opening)?;
        let sled = open(path).map_err(StoreError::Database)?;
        Ok((Self { sled, path: path.to_owned(), manifest }, Some(MovedAside { to, reason })))
    }

    /// The inner error is why the database is of no use.
    fn open_if_sound(path: &Path, manifest: &Manifest, opening: &Path) -> Result<Result<sled::Db, String>, StoreError> {
        if !path.exists() {
            manifest.remove()?;
            remove_if_there(opening)?;
            return Ok(open(path));
        }
        let attempts = fs::metadata(opening).map_or(0, |attempts| attempts.len());
        if attempts >= ATTEMPTS {
            return Ok(Err("each process that opened it ended".to_owned()));
        }
        let verdict = manifest.compare(path)?;
        if verdict == Verdict::Damaged {
            return Ok(Err("it is not what was closed".to_owned()));
        }
        note_attempt(opening).map_err(StoreError::io("write", opening))?;
        wait_until_free(&path.join("db"))?;
        // From now on what is on disk changes.
        manifest.remove()?;
        let opened = open_guarded(path, &verdict);
        remove_if_there(opening)?;
        Ok(opened)
    }

    pub(super) fn get(&self, path: &str) -> Result<Option<sled::IVec>, StoreError> {
        self.sled.get(path).map_err(database_error)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = Result<sled::IVec, StoreError>> {
        self.sled.iter().values().map(|value| value.map_err(database_error))
    }

    /// Writes or removes, all of it or nothing.
    pub(super) fn write<'path>(
        &self,
        entries: impl IntoIterator<Item = (&'path str, Option<Vec<u8>>)>,
    ) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        for (path, bytes) in entries {
            match bytes {
                Some(bytes) => batch.insert(path, bytes),
                None => batch.remove(path),
            }
        }
        self.sled.apply_batch(batch).map_err(database_error)
    }

    pub(super) fn flush(&self) -> Result<(), StoreError> {
        self.sled.flush().map(|_| ()).map_err(database_error)
    }

    pub(super) fn close(self) -> Result<(), StoreError> {
        self.flush()?;
        let Self { sled, path, manifest } = self;
        drop(sled);
        wait_until_free(&path.join("db"))?;
        manifest.write(&path)
    }
}

fn note_attempt(opening: &Path) -> io::Result<()> {
    fs::File::options().append(true).create(true).open(opening)?.write_all(b".")
}

/// Opens a database that may be damaged: once more without the file that sled starts from, if it does not open with it.
fn open_guarded(path: &Path, verdict: &Verdict) -> Result<sled::Db, String> {
    let attempt = || {
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            let sled = open(path)?;
            if *verdict != Verdict::Whole {
                read_all(&sled)?;
            }
            Ok(sled)
        }));
        unwound.unwrap_or_else(|_| Err("it makes the database fail".to_owned()))
    };
    attempt().or_else(|_| {
        forget_snapshots(path)?;
        attempt()
    })
}

fn open(path: &Path) -> Result<sled::Db, String> {
    // Flushed when told to, by no thread of its own.
    let config = sled::Config::new().path(path).cache_capacity(CACHE_BYTES).flush_every_ms(None);
    config.open().map_err(|error| error.to_string())
}

fn read_all(sled: &sled::Db) -> Result<(), String> {
    for entry in sled.iter() {
        let (key, value) = entry.map_err(|error| error.to_string())?;
        let record: FileRecord = unseal::<FileShape>(&value).map_err(|error| error.to_string())?.into();
        if record.path.as_bytes() != key.as_ref() {
            return Err("a record stands in the place of another".to_owned());
        }
    }
    Ok(())
}

/// sled makes these anew from its log.
fn forget_snapshots(path: &Path) -> Result<(), String> {
    let entries = fs::read_dir(path).map_err(|error| error.to_string())?;
    for entry in entries.filter_map(Result::ok) {
        if entry.file_name().to_string_lossy().starts_with("snap.") {
            fs::remove_file(entry.path()).map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "it is for map_err")]
fn database_error(error: sled::Error) -> StoreError {
    StoreError::Database(error.to_string())
}
