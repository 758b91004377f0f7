//! The shape of a snapshot: a head, then for each segment its index and its details, all of them archives with a
//! header. As in [`crate::archive`], the text of this file counts as part of the format.

use rkyv::{Archive, Deserialize, Serialize};

use crate::archive::{CollectionShape, MarkShape, OriginShape};

/// What a reader reads first.
#[derive(Debug, Archive, Serialize, Deserialize)]
pub(crate) struct HeadShape {
    pub(super) generation: u64,
    /// The name of the directory that it is in.
    pub(super) place: String,
    /// Where the records came from, if they are all that one collection found.
    pub(super) collection: Option<CollectionShape>,
    /// Each origin once, however many files came from it.
    pub(super) origins: Vec<OriginShape>,
    pub(super) files: FilesShape,
    pub(super) segments: Vec<SegmentHeadShape>,
}

/// The test files, a column for each thing that is known of them: to read them takes three pieces of memory, however many
/// there are.
#[derive(Debug, Archive, Serialize, Deserialize, Default)]
pub(crate) struct FilesShape {
    pub(super) paths: WordsShape,
    /// Positions in the head's origins.
    pub(super) origins: GroupsShape,
    /// How many each has.
    pub(super) tests: Vec<u32>,
}

/// Whole files, about two thousand tests.
#[derive(Debug, Archive, Serialize, Deserialize)]
pub(crate) struct SegmentHeadShape {
    /// How many of the head's files, in their order, are in it.
    pub(super) files: u32,
    /// How long the index and the details are, with their headers. They follow the head in the order of the segments.
    pub(super) index: u32,
    pub(super) details: u32,
}

/// What selection looks at. Numbers are positions in the other tables.
#[derive(Archive, Serialize, Deserialize)]
pub(crate) struct IndexShape {
    pub(super) words: WordsShape,
    /// Groups of words that several tests share.
    pub(super) groups: GroupsShape,
    /// Without positional arguments, and with no text for values that are never equal to a literal.
    pub(super) marks: Vec<MarkShape>,
    pub(super) mark_groups: GroupsShape,
    pub(super) tests: Vec<RowShape>,
}

/// Different texts, one after the other.
#[derive(Debug, Archive, Serialize, Deserialize, Default)]
pub(crate) struct WordsShape {
    pub(super) text: String,
    /// Where each ends.
    pub(super) ends: Vec<u32>,
}

/// Different lists of numbers, one after the other.
#[derive(Debug, Archive, Serialize, Deserialize, Default)]
pub(crate) struct GroupsShape {
    pub(super) members: Vec<u32>,
    /// Where each ends.
    pub(super) ends: Vec<u32>,
}

/// One test.
#[derive(Archive, Serialize, Deserialize)]
pub(crate) struct RowShape {
    /// A word.
    pub(super) file: u32,
    /// A word: the node id up to `name`, or the whole.
    pub(super) nodeid: u32,
    /// A word: the name of the test itself, the last of its names.
    pub(super) name: u32,
    /// A group: the names of its parents below the file.
    pub(super) parents: u32,
    /// A group: its keywords but for `name`.
    pub(super) keywords: u32,
    /// A group of marks.
    pub(super) marks: u32,
    pub(super) has_name: bool,
    pub(super) name_is_keyword: bool,
    pub(super) name_ends_nodeid: bool,
}
