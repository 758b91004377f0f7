//! sled, and what has to be known about it.

use std::fs;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use super::integrity::{Manifest, Verdict, holds_only_files, remove_if_there};
use super::lock::wait_until_free;
use super::{MovedAside, StoreError};
use crate::archive::FileShape;
use crate::directory::{move_aside, place_of};
use crate::envelope::unseal;
use crate::{FileRecord, FormatError};

/// How much of it sled keeps in memory: what is read is decoded and kept elsewhere.
const CACHE_BYTES: u64 = 8 << 20;

/// What the path of no file is: here are the generation and the place.
const GENERATION: &str = "";

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
        match Self::open_if_sound(path, &manifest, &opening) {
            Ok(sled) => Ok((Self { sled, path: path.to_owned(), manifest }, None)),
            Err(Unsound::Refused(error)) => Err(error),
            Err(Unsound::Useless(reason)) => {
                remove_if_there(&opening)?;
                let (database, moved) = Self::open_instead(path, manifest, reason)?;
                Ok((database, Some(moved)))
            }
        }
    }

    /// Moves this database aside, and opens an empty one in its place.
    pub(super) fn replace(self, reason: String) -> Result<(Self, MovedAside), StoreError> {
        let Self { sled, path, manifest } = self;
        drop(sled);
        wait_until_free(&path.join("db"))?;
        Self::open_instead(&path, manifest, reason)
    }

    fn open_instead(path: &Path, manifest: Manifest, reason: String) -> Result<(Self, MovedAside), StoreError> {
        let to = move_aside(path).map_err(StoreError::io("move", path))?;
        manifest.remove()?;
        let sled = open(path).map_err(database_error)?;
        Ok((Self { sled, path: path.to_owned(), manifest }, MovedAside { to, reason }))
    }

    fn open_if_sound(path: &Path, manifest: &Manifest, opening: &Path) -> Result<sled::Db, Unsound> {
        if !path.exists() {
            manifest.remove()?;
            remove_if_there(opening)?;
            return open(path).map_err(Unsound::of);
        }
        if !holds_only_files(path).map_err(StoreError::io("read", path))? {
            return Err(Unsound::Useless("something in it is no file".to_owned())); // to open a pipe would wait
        }
        let attempts = fs::metadata(opening).map_or(0, |attempts| attempts.len());
        if attempts >= ATTEMPTS {
            return Err(Unsound::Useless("each process that opened it ended".to_owned()));
        }
        let verdict = manifest.compare(path)?;
        if verdict == Verdict::Damaged {
            return Err(Unsound::Useless("it is not what was closed".to_owned()));
        }
        note_attempt(opening).map_err(StoreError::io("write", opening))?;
        wait_until_free(&path.join("db"))?;
        // From now on what is on disk changes.
        manifest.remove()?;
        let opened = open_guarded(path, &verdict);
        remove_if_there(opening)?;
        opened
    }

    /// What was [written](Self::write) last with records; 0 if nothing was.
    pub(super) fn generation(&self) -> Result<u64, StoreError> {
        let bytes = self.get(GENERATION)?;
        let number = bytes.and_then(|bytes| Some(u64::from_le_bytes(*bytes.first_chunk()?)));
        Ok(number.unwrap_or_default())
    }

    pub(super) fn get(&self, path: &str) -> Result<Option<sled::IVec>, StoreError> {
        self.sled.get(path).map_err(database_error)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = Result<sled::IVec, StoreError>> {
        entries(&self.sled).map(|entry| entry.map(|(_, value)| value).map_err(database_error))
    }

    /// Writes or removes, all of it or nothing.
    pub(super) fn write<'path>(
        &self,
        generation: u64,
        entries: impl IntoIterator<Item = (&'path str, Option<Vec<u8>>)>,
    ) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        batch.insert(GENERATION, [&generation.to_le_bytes(), place_of(&self.path).as_bytes()].concat());
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

/// Why a database is not opened.
enum Unsound {
    /// It is of no use, for this reason.
    Useless(String),
    /// Something else is wrong, which says nothing of it.
    Refused(StoreError),
}

impl From<StoreError> for Unsound {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

impl Unsound {
    fn of(error: sled::Error) -> Self {
        match &error {
            // What the system refuses has its number; what sled cannot make sense of has none.
            sled::Error::Io(io) if io.raw_os_error().is_some() => Self::Refused(database_error(error)),
            _ => Self::Useless(error.to_string()),
        }
    }
}

fn note_attempt(opening: &Path) -> io::Result<()> {
    fs::File::options().append(true).create(true).open(opening)?.write_all(b".")
}

/// Opens a database that may be damaged: once more without the file that sled starts from, if it does not open with it.
fn open_guarded(path: &Path, verdict: &Verdict) -> Result<sled::Db, Unsound> {
    let attempt = || {
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            let sled = open(path).map_err(Unsound::of)?;
            let generation = sled.get(GENERATION).map_err(Unsound::of)?;
            if generation.is_some_and(|bytes| bytes.get(8..) != Some(place_of(path).as_bytes())) {
                return Err(Unsound::Useless(FormatError::Misplaced.to_string()));
            }
            if *verdict != Verdict::Whole {
                read_all(&sled)?;
            }
            Ok(sled)
        }));
        unwound.unwrap_or_else(|_| Err(Unsound::Useless("it makes the database fail".to_owned())))
    };
    attempt().or_else(|unsound| match unsound {
        Unsound::Refused(_) => Err(unsound),
        Unsound::Useless(_) => {
            forget_snapshots(path).map_err(StoreError::io("clean up", path))?;
            attempt()
        }
    })
}

fn open(path: &Path) -> Result<sled::Db, sled::Error> {
    // Flushed when told to, by no thread of its own.
    sled::Config::new().path(path).cache_capacity(CACHE_BYTES).flush_every_ms(None).open()
}

/// The records, by path.
fn entries(sled: &sled::Db) -> impl Iterator<Item = Result<(sled::IVec, sled::IVec), sled::Error>> {
    sled.iter().filter(|entry| !entry.as_ref().is_ok_and(|(path, _)| path.as_ref() == GENERATION.as_bytes()))
}

fn read_all(sled: &sled::Db) -> Result<(), Unsound> {
    for entry in entries(sled) {
        let (key, value) = entry.map_err(Unsound::of)?;
        let record = unseal::<FileShape>(&value).map_err(|error| Unsound::Useless(error.to_string()))?;
        if FileRecord::from(record).path.as_bytes() != key.as_ref() {
            return Err(Unsound::Useless("a record stands in the place of another".to_owned()));
        }
    }
    Ok(())
}

/// sled makes these anew from its log.
fn forget_snapshots(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)?.filter_map(Result::ok) {
        if entry.file_name().to_string_lossy().starts_with("snap.") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "it is for map_err")]
fn database_error(error: sled::Error) -> StoreError {
    StoreError::Database(error.to_string())
}
