//! Records as the bytes of a snapshot.

use rpytest_core::{Mark, TestItem, Value};

use super::interner::{Interner, count};
use super::layout::{FilesShape, HeadShape, IndexShape, RowShape, SegmentHeadShape};
use crate::archive::{MarkShape, TestShape};
use crate::envelope::seal;
use crate::{Collection, FileRecord, Origin, TestRecord};

/// About how many tests a segment holds: more, and a reader of one test reads much; fewer, and words repeat.
const SEGMENT: usize = 2000;

/// A snapshot in the making.
#[derive(Default)]
pub(super) struct Writer {
    origins: Interner<Origin>,
    files: FilesShape,
    segments: Vec<SegmentHeadShape>,
    /// Index and details of each segment, in turn.
    parts: Vec<Vec<u8>>,
    /// The tests of the segment that is not full yet, and how many files they are from.
    pending: Vec<TestRecord>,
    pending_files: u32,
}

impl Writer {
    pub(super) fn add(&mut self, record: FileRecord) {
        let origins = record.origins.into_iter().map(|origin| self.origins.number(origin));
        self.files.add(&record.path, origins, count(record.tests.len()));
        self.pending.extend(record.tests);
        self.pending_files += 1;
        if self.pending.len() >= SEGMENT {
            self.end_segment();
        }
    }

    /// The pieces of the file, in order.
    pub(super) fn finish(mut self, generation: u64, place: String, collection: Option<&Collection>) -> Vec<Vec<u8>> {
        if self.pending_files > 0 {
            self.end_segment();
        }
        let origins = self.origins.into_things().iter().map(Into::into).collect();
        let collection = collection.map(Into::into);
        let head = HeadShape { generation, place, collection, origins, files: self.files, segments: self.segments };
        let mut pieces = vec![seal(&head)];
        pieces.append(&mut self.parts);
        pieces
    }

    fn end_segment(&mut self) {
        let mut index = IndexWriter::default();
        for record in &self.pending {
            index.add(&record.item);
        }
        let details: Vec<TestShape> = self.pending.drain(..).as_slice().iter().map(Into::into).collect();
        let parts = [seal(&index.finish()), seal(&details)];
        let [index, details] = parts.each_ref().map(|part| count(part.len()));
        self.segments.push(SegmentHeadShape { files: std::mem::take(&mut self.pending_files), index, details });
        self.parts.extend(parts);
    }
}

#[derive(Default)]
struct IndexWriter {
    words: Interner<String>,
    groups: Interner<Vec<u32>>,
    /// By what is printed of them: floats have no equality to speak of.
    mark_keys: Interner<String>,
    marks: Vec<MarkShape>,
    mark_groups: Interner<Vec<u32>>,
    tests: Vec<RowShape>,
}

impl IndexWriter {
    fn add(&mut self, item: &TestItem) {
        let nodeid = item.nodeid.as_str();
        let (name, parents) = item.names.split_last().map_or(("", &[][..]), |(name, parents)| (name.as_str(), parents));
        let has_name = !item.names.is_empty();
        let prefix = nodeid.strip_suffix(name);
        let others = item.keywords.iter().filter(|keyword| !has_name || *keyword != name);
        let row = RowShape {
            file: self.word(&item.file),
            nodeid: self.word(prefix.unwrap_or(nodeid)),
            name: self.word(name),
            parents: self.group(parents),
            keywords: self.group(others),
            marks: self.mark_group(&item.marks),
            has_name,
            name_is_keyword: has_name && item.keywords.iter().any(|keyword| keyword == name),
            name_ends_nodeid: prefix.is_some(),
        };
        self.tests.push(row);
    }

    fn word(&mut self, word: &str) -> u32 {
        self.words.number(word.to_owned())
    }

    fn group<'word>(&mut self, words: impl IntoIterator<Item = &'word String>) -> u32 {
        let members = words.into_iter().map(|word| self.word(word)).collect();
        self.groups.number(members)
    }

    fn mark_group(&mut self, marks: &[Mark]) -> u32 {
        let members = marks.iter().map(|mark| self.mark(&comparable(mark))).collect();
        self.mark_groups.number(members)
    }

    fn mark(&mut self, mark: &Mark) -> u32 {
        let number = self.mark_keys.number(format!("{mark:?}"));
        if number as usize == self.marks.len() {
            self.marks.push(mark.into());
        }
        number
    }

    fn finish(self) -> IndexShape {
        IndexShape {
            words: self.words.into_words(),
            groups: self.groups.into_groups(),
            marks: self.marks,
            mark_groups: self.mark_groups.into_groups(),
            tests: self.tests,
        }
    }
}

/// What `-m` compares of a mark.
fn comparable(mark: &Mark) -> Mark {
    let value = |value: &Value| match value {
        Value::Container(_) => Value::Container(String::new()),
        Value::Other(_) => Value::Other(String::new()),
        value => value.clone(),
    };
    let keywords = mark.keywords.iter().map(|(name, it)| (name.clone(), value(it))).collect();
    Mark { name: mark.name.clone(), arguments: Vec::new(), keywords }
}
