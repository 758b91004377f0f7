//! Whether a file is still what it was.

use std::io;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, CWD, Stat, statat};
use rustix::io::Errno;

/// How coarse the time stamps of common file systems are: Linux stamps with the time of its last tick (up to 10 ms),
/// ext3 and HFS+ count seconds, FAT counts two.
pub const COARSEST_STAMP: Duration = Duration::from_secs(2);

/// How coarse they are where they are finer than seconds: the ticks of the slowest clock (100 Hz), doubled.
const FINE_STAMP: Duration = Duration::from_millis(20);

/// What was seen of a file without reading it: equal fingerprints mean that it is the same file with the same content.
///
/// That holds for a fingerprint that [`is_settled_at`](Self::is_settled_at) the time when it was taken. A file that was
/// written just before can be written again without a visible trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fingerprint {
    /// There was nothing at that path, or only a link to nothing; or there can be nothing at such a path.
    Absent,
    /// There was a file or a directory.
    Present(FileStamp),
}

/// What `stat` says of a file that exists; links are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileStamp {
    /// When the content was last written, in nanoseconds since 1970. Anyone can set it back (`touch -r`, `tar`, `rsync`).
    pub modified_ns: i128,
    /// When the content or anything of the file's description last changed, in nanoseconds since 1970. Nobody can set
    /// it: an edit shows here that keeps the size and puts the modification time back.
    pub changed_ns: i128,
    /// Its length in bytes.
    pub size: u64,
    /// Its number on its device: another one after an editor has replaced the file.
    pub inode: u64,
    /// The device.
    pub device: u64,
}

/// Why nothing can be said of a file: it may be there or not.
#[derive(Debug, thiserror::Error)]
#[error("look at {}: {source}", path.display())]
pub struct ObserveError {
    /// Which file.
    pub path: PathBuf,
    source: io::Error,
}

impl ObserveError {
    pub(crate) fn new(path: &Path, source: io::Error) -> Self {
        Self { path: path.to_owned(), source }
    }
}

impl Fingerprint {
    /// The fingerprint of what is at `path` now.
    pub fn observe(path: &Path) -> Result<Self, ObserveError> {
        Self::observe_in(CWD, path).map_err(|error| ObserveError::new(path, error.into()))
    }

    /// The same of what has this name in a directory.
    pub(crate) fn observe_in(directory: BorrowedFd<'_>, name: &Path) -> Result<Self, Errno> {
        match statat(directory, name, AtFlags::empty()) {
            Ok(stat) => Ok(Self::Present(FileStamp::of(&stat))),
            // A path below something that is no directory names nothing, like one in a directory that is not there.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG | Errno::INVAL) => Ok(Self::Absent),
            Err(error) => Err(error),
        }
    }

    /// Whether what is at `path` now is what was there when this fingerprint was taken.
    pub fn is_current(&self, path: &Path) -> Result<bool, ObserveError> {
        Ok(*self == Self::observe(path)?)
    }

    /// How coarse the time stamps seem to be here: [`COARSEST_STAMP`] unless the file has one that is not of whole
    /// seconds.
    pub fn coarseness(&self) -> Duration {
        match self {
            Self::Present(seen) if seen.modified_ns % 1_000_000_000 != 0 || seen.changed_ns % 1_000_000_000 != 0 => {
                FINE_STAMP
            }
            _ => COARSEST_STAMP,
        }
    }

    /// Whether a later change is sure to show, if this fingerprint was taken at `now`: the file had not been touched for
    /// longer than `stamp`, the coarseness of the file system's time stamps ([`COARSEST_STAMP`] where that is not
    /// known). What is absent leaves no stamp and is always settled.
    ///
    /// False too for a file from the future, whose next change may go back to now.
    pub fn is_settled_at(&self, now: SystemTime, stamp: Duration) -> bool {
        match self {
            Self::Absent => true,
            Self::Present(seen) => {
                let latest = seen.modified_ns.max(seen.changed_ns);
                latest.saturating_add(nanoseconds(stamp)) < since_1970(now)
            }
        }
    }
}

impl FileStamp {
    #[cfg_attr(target_os = "linux", expect(clippy::unnecessary_cast, reason = "elsewhere a device has another type"))]
    fn of(stat: &Stat) -> Self {
        Self {
            modified_ns: stamp_ns(stat.st_mtime, stat.st_mtime_nsec),
            changed_ns: stamp_ns(stat.st_ctime, stat.st_ctime_nsec),
            size: u64::try_from(stat.st_size).unwrap_or_default(),
            inode: stat.st_ino,
            device: stat.st_dev as u64,
        }
    }
}

/// The types differ from system to system.
fn stamp_ns(seconds: impl Into<i128>, nanoseconds: impl Into<i128>) -> i128 {
    seconds.into() * 1_000_000_000 + nanoseconds.into()
}

fn since_1970(time: SystemTime) -> i128 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => nanoseconds(after),
        Err(before) => -nanoseconds(before.duration()),
    }
}

fn nanoseconds(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}
