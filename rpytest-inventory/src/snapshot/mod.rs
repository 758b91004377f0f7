//! What readers read without asking the daemon.

mod files;
mod interner;
mod layout;
mod segment;
mod selected;
mod write;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rkyv::rancor::Error as RkyvError;
use rkyv::util::AlignedVec;
use rpytest_core::{Selection, SelectionError};

use crate::archive::{CollectionShape, TestShape};
use crate::directory::place_of;
use crate::envelope::{HEADER, Header};
use crate::origin::are_current;
use crate::parallel::map_chunks;
use crate::{Collection, FileRecord, FormatError, ObserveError, Origin, TestRecord, durable};
use layout::{ArchivedHeadShape, HeadShape, IndexShape};
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
    /// The head, with its header. It stays as it is on disk: to take it apart would take longer than to read it.
    head: AlignedVec,
    collection: Option<Collection>,
}

/// Where a segment is.
#[derive(Clone, Copy, Debug)]
struct SegmentPlace {
    number: u32,
    /// How many files are in it.
    files: u32,
    /// Where its index begins. Its details follow.
    at: u64,
    index: usize,
    details: usize,
}

/// How many looks at a file it is worth to read the index of a segment and to go through its tests.
const SEGMENT_WEIGHT: usize = 50;

/// What of a snapshot no longer holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Staleness<'snapshot> {
    /// What has changed of all that every file came from.
    pub collection: Vec<Origin>,
    /// The files whose own records are no longer valid.
    pub files: Vec<StaleFile<'snapshot>>,
}

/// A file of a snapshot whose record is no longer valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaleFile<'snapshot> {
    /// The test file, relative to the rootdir.
    pub path: &'snapshot str,
    /// What has changed since: the first of them.
    pub changed: Origin,
}

/// Why a snapshot could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The file system refused; also when there is no snapshot.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// What came of it.
        source: io::Error,
    },
    /// It is of no use, and will be replaced by the next one.
    #[error("read {}: {source}", path.display())]
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
    /// Opens the snapshot at `path`. Only its head is read. It is of no use in a directory of another name than that in which
    /// it was written.
    pub fn open(path: &Path) -> Result<Self, SnapshotError> {
        if !fs::metadata(path).map_err(io_error("open", path))?.is_file() {
            return Err(format_error(path)(FormatError::Damaged)); // to open a pipe would wait
        }
        let file = File::open(path).map_err(io_error("open", path))?;
        let mut header = [0; HEADER];
        read_exact(&file, &mut header, 0, path)?;
        let length = Header::read(&header).map_err(format_error(path))?.length;
        let mut head = AlignedVec::new();
        read(&file, 0, HEADER + length, &mut head, path)?;
        let ArchivedHeadShape { collection, place, .. } = access::<HeadShape>(&head, path)?;
        if place.as_str() != place_of(path) {
            return Err(format_error(path)(FormatError::Misplaced));
        }
        let collection = rkyv::deserialize::<Option<CollectionShape>, RkyvError>(collection)
            .map_err(|_| format_error(path)(FormatError::Damaged))?;
        Ok(Self { file, path: path.to_owned(), head, collection: collection.map(Into::into) })
    }

    /// Reads all of it, to see whether anything is damaged. Else that shows when it is needed.
    pub fn verify(&self) -> Result<(), SnapshotError> {
        let mut bytes = AlignedVec::new();
        for segment in self.segments() {
            self.read_index(&segment, &mut bytes)?;
            access::<IndexShape>(&bytes, &self.path)?;
            self.read_details(&segment, &mut bytes)?;
            access::<Vec<TestShape>>(&bytes, &self.path)?;
        }
        Ok(())
    }

    /// It is validated each time, which takes a tenth of reading it: who needs it often keeps it.
    fn head(&self) -> &ArchivedHeadShape {
        rkyv::access::<_, RkyvError>(&self.head[HEADER..]).expect("it was whole when it was opened")
    }

    /// Writes the records, which come in the order of collection, in the place of the snapshot at `path`. Readers see the
    /// old one or the new one. One writer at a time.
    ///
    /// `collection` is where they came from; without it nobody knows whether they are all.
    ///
    /// Not for the directory of a [`Store`](crate::Store), which [writes its own](crate::Store::write_snapshot): it would
    /// take this for something that it has lost.
    pub fn write(
        path: &Path,
        collection: Option<&Collection>,
        records: impl IntoIterator<Item = FileRecord>,
    ) -> Result<(), SnapshotError> {
        let generation = Self::open(path).map_or(0, |before| before.generation());
        Self::write_generation(path, generation + 1, collection, records)
    }

    /// The same with a generation that the store has counted.
    pub(crate) fn write_generation(
        path: &Path,
        generation: u64,
        collection: Option<&Collection>,
        records: impl IntoIterator<Item = FileRecord>,
    ) -> Result<(), SnapshotError> {
        let mut writer = Writer::default();
        for record in records {
            writer.add(record);
        }
        let pieces = writer.finish(generation, place_of(path), collection);
        let pieces: Vec<_> = pieces.iter().map(Vec::as_slice).collect();
        durable::replace(path, &pieces).map_err(io_error("write", path))
    }

    /// Which snapshot at this path it is, counted from 1. It starts again after one that could not be read, unless a
    /// [`Store`](crate::Store) has counted.
    pub fn generation(&self) -> u64 {
        self.head().generation.to_native()
    }

    /// Where the records came from; `None` where they are not known to be all that a collection would find.
    pub const fn collection(&self) -> Option<&Collection> {
        self.collection.as_ref()
    }

    /// The test files, in the order of collection, and how many tests each has.
    pub fn files(&self) -> impl ExactSizeIterator<Item = (&str, u32)> {
        self.head().files.iter().map(|file| (file.path, file.tests))
    }

    /// The files that hold tests which were selected from this snapshot.
    pub fn files_of(&self, tests: &[SelectedTest]) -> impl Iterator<Item = &str> {
        let tests: BTreeSet<SelectedTest> = tests.iter().copied().collect();
        let segments = self.segments().flat_map(|segment| (0..segment.files).map(move |_| segment.number));
        let (mut last, mut first) = (0, 0);
        let holding = self.head().files.iter().zip(segments).filter(move |(file, segment)| {
            first = if last == *segment { first } else { 0 };
            last = *segment;
            let after = first + file.tests;
            let test = |place| SelectedTest { segment: last, place };
            let holds = tests.range(test(first)..test(after)).next().is_some();
            first = after;
            holds
        });
        holding.map(|(file, _)| file.path)
    }

    /// What no longer holds. Looks at each origin on the disk once.
    pub fn staleness(&self) -> Result<Staleness<'_>, ObserveError> {
        let (head, common) = (self.head(), self.collection().map_or(&[][..], |collection| &collection.origins));
        let current = are_current(common.len() + head.origins.len(), |number| match common.get(number) {
            Some(origin) => (&origin.path, origin.seen),
            None => (head.origins[number - common.len()].path(), head.origins[number - common.len()].seen()),
        })?;
        let (commonly, current) = current.split_at(common.len());
        let changed = common.iter().zip(commonly).filter(|(_, is_current)| !**is_current);
        let files = head.files.iter().filter_map(|file| {
            let mut origins = file.origins.iter().map(|origin| origin.to_native() as usize);
            let changed = &head.origins[origins.find(|origin| !current[*origin])?];
            Some(StaleFile { path: file.path, changed: changed.to_origin() })
        });
        Ok(Staleness { collection: changed.map(|(origin, _)| origin.clone()).collect(), files: files.collect() })
    }

    /// Selects tests, as [`Selection::select`] does.
    pub fn select(&self, selection: &Selection) -> Result<Vec<SelectedTest>, SnapshotError> {
        let mut wanted = Vec::new();
        let mut files = self.head().files.iter();
        for segment in self.segments() {
            // Not `any`: every file of the segment is to be taken from the iterator.
            let looked_into =
                files.by_ref().take(segment.files as usize).filter(|file| selection.looks_into(file.path));
            if looked_into.count() > 0 {
                wanted.push(segment);
            }
        }
        if !wanted.is_empty() && selection.looks_at_each_test_alone() {
            let some = |chunk: Range<usize>| self.select_one_by_one(&wanted[chunk], selection);
            let parts: Result<Vec<_>, _> = map_chunks(wanted.len(), 4, SEGMENT_WEIGHT, some).into_iter().collect();
            if let Ok(parts) = parts {
                return Ok(parts.concat());
            }
        }
        // Of several errors it is the one that pytest meets first, and a wrong expression is one where there are no tests.
        self.select_at_once(&wanted, selection)
    }

    fn select_one_by_one(
        &self,
        places: &[SegmentPlace],
        selection: &Selection,
    ) -> Result<Vec<SelectedTest>, SnapshotError> {
        let (mut selected, mut bytes) = (Vec::new(), AlignedVec::new());
        for place in places {
            self.read_index(place, &mut bytes)?;
            let rows = selection.select(self.segment(&bytes, selection)?.rows(place.number))?;
            selected.extend(rows.iter().map(|row| row.selected));
        }
        Ok(selected)
    }

    fn select_at_once(
        &self,
        places: &[SegmentPlace],
        selection: &Selection,
    ) -> Result<Vec<SelectedTest>, SnapshotError> {
        let read = |place: &SegmentPlace| {
            let mut bytes = AlignedVec::new();
            self.read_index(place, &mut bytes).map(|()| (place.number, bytes))
        };
        let indices = places.iter().map(read).collect::<Result<Vec<_>, SnapshotError>>()?;
        let mut rows = Vec::new();
        for (number, bytes) in &indices {
            rows.extend(self.segment(bytes, selection)?.rows(*number));
        }
        Ok(selection.select(rows)?.iter().map(|row| row.selected).collect())
    }

    fn segment<'bytes>(
        &self,
        bytes: &'bytes AlignedVec,
        selection: &Selection,
    ) -> Result<Segment<'bytes>, SnapshotError> {
        let index = access::<IndexShape>(bytes, &self.path)?;
        Segment::new(index, selection).map_err(format_error(&self.path))
    }

    /// Writes the node ids of tests that were selected from this snapshot, in the same order, each on a line of its own. It
    /// takes little memory where that is the order of collection. The inner result is what came of writing to `target`.
    pub fn write_nodeids(
        &self,
        tests: &[SelectedTest],
        target: &mut impl Write,
    ) -> Result<io::Result<()>, SnapshotError> {
        if !tests.is_sorted() {
            return Ok(self.nodeids(tests)?.iter().try_for_each(|nodeid| writeln!(target, "{nodeid}")));
        }
        let (mut text, mut bytes) = (String::new(), AlignedVec::new());
        for (place, tests) in self.by_segment(tests) {
            text.clear();
            let line = |start: &str, end: &str| [start, end, "\n"].iter().for_each(|piece| text.push_str(piece));
            self.tell_nodeids(place, tests, &mut bytes, line)?;
            if let Err(error) = target.write_all(text.as_bytes()) {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }

    /// The node ids of tests that were selected from this snapshot, in the same order.
    pub fn nodeids(&self, tests: &[SelectedTest]) -> Result<Vec<String>, SnapshotError> {
        let mut sorted: Vec<(SelectedTest, usize)> = tests.iter().copied().zip(0..).collect();
        sorted.sort_unstable();
        let (sorted, places): (Vec<_>, Vec<_>) = sorted.into_iter().unzip();
        let (mut nodeids, mut places) = (vec![String::new(); tests.len()], places.iter());
        let mut bytes = AlignedVec::new();
        for (place, tests) in self.by_segment(&sorted) {
            self.tell_nodeids(place, tests, &mut bytes, |start, end| {
                places.next().into_iter().for_each(|place| nodeids[*place] = [start, end].concat());
            })?;
        }
        Ok(nodeids)
    }

    /// Tests that are sorted, segment by segment.
    fn by_segment<'tests>(
        &self,
        tests: &'tests [SelectedTest],
    ) -> impl Iterator<Item = (Option<SegmentPlace>, &'tests [SelectedTest])> {
        let places: Vec<SegmentPlace> = self.segments().collect();
        let chunks = tests.chunk_by(|one, next| one.segment == next.segment);
        chunks.map(move |tests| (places.get(tests[0].segment as usize).copied(), tests))
    }

    /// Calls `tell` with both halves of the node id of each of these tests, which are of one segment.
    fn tell_nodeids(
        &self,
        place: Option<SegmentPlace>,
        tests: &[SelectedTest],
        bytes: &mut AlignedVec,
        mut tell: impl FnMut(&str, &str),
    ) -> Result<(), SnapshotError> {
        self.read_index(&place.ok_or_else(|| self.damaged())?, bytes)?;
        let index = access::<IndexShape>(bytes, &self.path)?;
        for test in tests {
            let row = index.tests.get(test.place as usize).ok_or_else(|| self.damaged())?;
            let (start, end) = index.nodeid(row);
            tell(start, end);
        }
        Ok(())
    }

    /// All that is known of tests that were selected from this snapshot, in the same order.
    pub fn records(&self, tests: &[SelectedTest]) -> Result<Vec<TestRecord>, SnapshotError> {
        let mut records: Vec<_> = tests.iter().map(|_| None).collect();
        for segment in self.segments() {
            let wanted: Vec<_> = tests.iter().enumerate().filter(|(_, test)| test.segment == segment.number).collect();
            if !wanted.is_empty() {
                let mut bytes = AlignedVec::new();
                self.read_details(&segment, &mut bytes)?;
                let details = access::<Vec<TestShape>>(&bytes, &self.path)?;
                for (place, test) in wanted {
                    let shape = details.get(test.place as usize);
                    let shape = shape.and_then(|shape| rkyv::deserialize::<TestShape, RkyvError>(shape).ok());
                    records[place] = shape.map(TestRecord::from);
                }
            }
        }
        records.into_iter().collect::<Option<_>>().ok_or_else(|| self.damaged())
    }

    /// All records of all files, as they were [written](Self::write).
    pub fn file_records(&self) -> Result<Vec<FileRecord>, SnapshotError> {
        let head = self.head();
        let (mut records, mut files, mut bytes) = (Vec::new(), head.files.iter(), AlignedVec::new());
        for segment in self.segments() {
            self.read_details(&segment, &mut bytes)?;
            let mut tests = access::<Vec<TestShape>>(&bytes, &self.path)?.iter();
            for file in files.by_ref().take(segment.files as usize) {
                let shapes = tests.by_ref().take(file.tests as usize);
                let tests = shapes.map(|shape| rkyv::deserialize::<TestShape, RkyvError>(shape).map(TestRecord::from));
                let origins = file.origins.iter().map(|number| head.origins[number.to_native() as usize].to_origin());
                records.push(FileRecord {
                    path: file.path.to_owned(),
                    origins: origins.collect(),
                    tests: tests.collect::<Result<_, _>>().map_err(|_| self.damaged())?,
                });
            }
        }
        Ok(records)
    }

    fn segments(&self) -> impl Iterator<Item = SegmentPlace> {
        let mut at = self.head.len() as u64;
        (0..).zip(self.head().segments.iter()).map(move |(number, segment)| {
            let (index, details) = (segment.index.to_native() as usize, segment.details.to_native() as usize);
            let place = SegmentPlace { number, files: segment.files.to_native(), at, index, details };
            at += (index + details) as u64;
            place
        })
    }

    /// Into the same memory as the one before: what is touched for the first time costs more than what is done with it.
    fn read_index(&self, place: &SegmentPlace, bytes: &mut AlignedVec) -> Result<(), SnapshotError> {
        read(&self.file, place.at, place.index, bytes, &self.path)
    }

    fn read_details(&self, place: &SegmentPlace, bytes: &mut AlignedVec) -> Result<(), SnapshotError> {
        read(&self.file, place.at + place.index as u64, place.details, bytes, &self.path)
    }

    fn damaged(&self) -> SnapshotError {
        format_error(&self.path)(FormatError::Damaged)
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
fn read(file: &File, at: u64, length: usize, bytes: &mut AlignedVec, path: &Path) -> Result<(), SnapshotError> {
    // A damaged length must not be allocated.
    let there = file.metadata().map_err(io_error("read", path))?.len().saturating_sub(at);
    if length as u64 > there {
        return Err(format_error(path)(FormatError::Damaged));
    }
    bytes.resize(length, 0);
    read_exact(file, bytes, at, path)
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
