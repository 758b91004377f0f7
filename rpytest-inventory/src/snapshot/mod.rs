//! What readers read without asking the daemon.

mod interner;
mod layout;
mod segment;
mod selected;
mod write;

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rkyv::rancor::Error as RkyvError;
use rkyv::util::AlignedVec;
use rpytest_core::{Selection, SelectionError};

use crate::archive::TestShape;
use crate::envelope::{HEADER, Header};
use crate::parallel::map_parts;
use crate::{Collection, FileRecord, FormatError, ObserveError, Origin, TestRecord, durable};
use layout::{HeadShape, IndexShape};
use segment::Segment;
pub use selected::SelectedTest;
use write::Writer;

/// An inventory as it was at one time, in one file that is never changed but only replaced: listing and filtering needs
/// neither Python nor the daemon.
///
/// It keeps its file open, so what it tells is of one piece even when the file has been replaced since.
#[derive(Debug)]
pub struct Snapshot {
    file: File,
    path: PathBuf,
    head: HeadShape,
    collection: Option<Collection>,
    origins: Vec<Origin>,
    /// How long the head is, and where the segments begin.
    segments_at: u64,
}

/// Where the index of a segment is.
#[derive(Debug)]
struct IndexPlace {
    /// Of the segment.
    number: u32,
    at: u64,
    length: usize,
}

/// How many looks at a file the selection from one segment is worth.
const SEGMENT_WEIGHT: usize = 100;

/// A file of a snapshot whose record is no longer valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaleFile<'snapshot> {
    /// The test file, relative to the rootdir.
    pub path: &'snapshot str,
    /// What has changed since: the first of them.
    pub changed: &'snapshot Origin,
}

/// Why a snapshot could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The file system refused; also when there is no snapshot.
    #[error("{action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// What came of it.
        source: io::Error,
    },
    /// It is of no use, and will be replaced by the next one.
    #[error("read {}", path.display())]
    Format {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: FormatError,
    },
    /// Nothing can be selected.
    #[error(transparent)]
    Selection(#[from] SelectionError),
}

impl Snapshot {
    /// Opens the snapshot at `path`. Only its head is read.
    pub fn open(path: &Path) -> Result<Self, SnapshotError> {
        let file = File::open(path).map_err(io_error("open", path))?;
        let mut header = [0; HEADER];
        read_exact(&file, &mut header, 0, path)?;
        let length = Header::read(&header).map_err(format_error(path))?.length;
        let bytes = read(&file, 0, HEADER + length, path)?;
        let head = access::<HeadShape>(&bytes, path)?;
        let head: HeadShape =
            rkyv::deserialize::<_, RkyvError>(head).map_err(|_| format_error(path)(FormatError::Damaged))?;
        let (path, segments_at) = (path.to_owned(), bytes.len() as u64);
        let mut snapshot = Self { file, path, head, collection: None, origins: Vec::new(), segments_at };
        snapshot.collection = snapshot.head.collection.take().map(Into::into);
        snapshot.origins = std::mem::take(&mut snapshot.head.origins).into_iter().map(Into::into).collect();
        Ok(snapshot)
    }

    /// Writes the records, which come in the order of collection, in the place of the snapshot at `path`. Readers see the
    /// old one or the new one. One writer at a time.
    ///
    /// `collection` is where they came from; without it nobody knows whether they are all.
    pub fn write(
        path: &Path,
        collection: Option<&Collection>,
        records: impl IntoIterator<Item = FileRecord>,
    ) -> Result<(), SnapshotError> {
        let generation = Self::open(path).map_or(0, |before| before.generation());
        let mut writer = Writer::default();
        for record in records {
            writer.add(record);
        }
        let pieces = writer.finish(generation + 1, collection);
        let pieces: Vec<_> = pieces.iter().map(Vec::as_slice).collect();
        durable::replace(path, &pieces).map_err(io_error("write", path))
    }

    /// Which snapshot at this path it is, counted from 1. It starts again after one that could not be read.
    pub const fn generation(&self) -> u64 {
        self.head.generation
    }

    /// Where the records came from; `None` where they are not known to be all that a collection would find.
    pub const fn collection(&self) -> Option<&Collection> {
        self.collection.as_ref()
    }

    /// The test files, in the order of collection, and how many tests each has.
    pub fn files(&self) -> impl ExactSizeIterator<Item = (&str, u32)> {
        self.head.files.iter().map(|file| (file.path.as_str(), file.tests))
    }

    /// The files that hold tests which were selected from this snapshot.
    pub fn files_of(&self, tests: &[SelectedTest]) -> impl Iterator<Item = &str> {
        let positions: BTreeSet<(u32, u32)> = tests.iter().map(|test| test.position).collect();
        let segments =
            (0..).zip(&self.head.segments).flat_map(|(number, segment)| (0..segment.files).map(move |_| number));
        let (mut last, mut first) = (0, 0);
        let holding = self.head.files.iter().zip(segments).filter(move |(file, segment)| {
            first = if last == *segment { first } else { 0 };
            last = *segment;
            let after = first + file.tests;
            let holds = positions.range((last, first)..(last, after)).next().is_some();
            first = after;
            holds
        });
        holding.map(|(file, _)| file.path.as_str())
    }

    /// The files whose records are no longer valid. Looks at each origin on the disk once.
    pub fn stale_files(&self) -> Result<Vec<StaleFile<'_>>, ObserveError> {
        let current = Origin::are_current(&self.origins)?;
        let stale = self.head.files.iter().filter_map(|file| {
            let changed = file.origins.iter().find(|origin| !current[**origin as usize])?;
            Some(StaleFile { path: &file.path, changed: &self.origins[*changed as usize] })
        });
        Ok(stale.collect())
    }

    /// Selects tests, as [`Selection::select`] does.
    pub fn select(&self, selection: &Selection) -> Result<Vec<SelectedTest>, SnapshotError> {
        let mut wanted = Vec::new();
        let (mut at, mut files) = (self.segments_at, self.head.files.iter());
        for (number, segment) in (0..).zip(&self.head.segments) {
            // Not `any`: every file of the segment is to be taken from the iterator.
            let looked_into =
                files.by_ref().take(segment.files as usize).filter(|file| selection.looks_into(&file.path));
            if looked_into.count() > 0 {
                wanted.push(IndexPlace { number, at, length: segment.index as usize });
            }
            at += u64::from(segment.index) + u64::from(segment.details);
        }
        if wanted.len() > 1 && selection.looks_at_each_test_alone() {
            let each = |part: &[IndexPlace]| -> Result<Vec<_>, SnapshotError> {
                let mut tests = Vec::new();
                for place in part {
                    tests.append(&mut self.select_from(std::slice::from_ref(place), selection)?);
                }
                Ok(tests)
            };
            let parts: Result<Vec<_>, _> = map_parts(&wanted, SEGMENT_WEIGHT, each).into_iter().collect();
            if let Ok(parts) = parts {
                let mut parts = parts.into_iter();
                let mut all = parts.next().unwrap_or_default();
                parts.for_each(|mut part| all.append(&mut part));
                return Ok(all);
            }
        }
        // Of several errors it is the one that pytest meets first, and a wrong expression is one where there are no tests.
        self.select_from(&wanted, selection)
    }

    fn select_from(&self, places: &[IndexPlace], selection: &Selection) -> Result<Vec<SelectedTest>, SnapshotError> {
        let read = |place: &IndexPlace| Ok((place.number, read(&self.file, place.at, place.length, &self.path)?));
        let indices = places.iter().map(read).collect::<Result<Vec<_>, SnapshotError>>()?;
        let mut rows = Vec::new();
        for (number, bytes) in &indices {
            let index = access::<IndexShape>(bytes, &self.path)?;
            rows.extend(Segment::new(index, selection).map_err(format_error(&self.path))?.rows(*number));
        }
        Ok(SelectedTest::of(&selection.select(rows)?))
    }

    /// All that is known of tests that were selected from this snapshot, in the same order.
    pub fn records(&self, tests: &[SelectedTest]) -> Result<Vec<TestRecord>, SnapshotError> {
        let mut records: Vec<_> = tests.iter().map(|_| None).collect();
        let mut at = self.segments_at;
        for (number, segment) in (0..).zip(&self.head.segments) {
            let wanted: Vec<_> = tests.iter().enumerate().filter(|(_, test)| test.position.0 == number).collect();
            if !wanted.is_empty() {
                let details = at + u64::from(segment.index);
                let bytes = read(&self.file, details, segment.details as usize, &self.path)?;
                let details = access::<Vec<TestShape>>(&bytes, &self.path)?;
                for (place, test) in wanted {
                    let shape = details.get(test.position.1 as usize);
                    let shape = shape.and_then(|shape| rkyv::deserialize::<TestShape, RkyvError>(shape).ok());
                    records[place] = shape.map(TestRecord::from);
                }
            }
            at += u64::from(segment.index) + u64::from(segment.details);
        }
        records.into_iter().collect::<Option<_>>().ok_or_else(|| format_error(&self.path)(FormatError::Damaged))
    }
}

fn access<'bytes, T>(bytes: &'bytes AlignedVec, path: &Path) -> Result<&'bytes T::Archived, SnapshotError>
where
    T: rkyv::Archive,
    T::Archived: for<'a> rkyv::bytecheck::CheckBytes<rkyv::api::high::HighValidator<'a, RkyvError>>,
{
    let open = || Header::read(bytes)?.open::<T>(&bytes[HEADER..]);
    open().map_err(format_error(path))
}

/// Read, not mapped: a mapped file that somebody truncates ends the process that looks at it.
fn read(file: &File, at: u64, length: usize, path: &Path) -> Result<AlignedVec, SnapshotError> {
    // A damaged length must not be allocated.
    let there = file.metadata().map_err(io_error("read", path))?.len().saturating_sub(at);
    if length as u64 > there {
        return Err(format_error(path)(FormatError::Damaged));
    }
    let mut bytes = AlignedVec::with_capacity(length);
    bytes.resize(length, 0);
    read_exact(file, &mut bytes, at, path)?;
    Ok(bytes)
}

fn read_exact(file: &File, bytes: &mut [u8], at: u64, path: &Path) -> Result<(), SnapshotError> {
    file.read_exact_at(bytes, at).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => format_error(path)(FormatError::Damaged),
        _ => io_error("read", path)(error),
    })
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SnapshotError {
    let path = path.to_owned();
    move |source| SnapshotError::Io { action, path, source }
}

fn format_error(path: &Path) -> impl FnOnce(FormatError) -> SnapshotError {
    let path = path.to_owned();
    move |source| SnapshotError::Format { path, source }
}
