//! What has been selected.

/// A test that was selected from a snapshot: where it is in there. There may be 100,000, so it is no more than that.
///
/// [`Snapshot::nodeids`](super::Snapshot::nodeids) and [`Snapshot::records`](super::Snapshot::records) tell more, and only
/// those of the same snapshot do. They are ordered as they were collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SelectedTest {
    pub(super) segment: u32,
    /// In the segment.
    pub(super) place: u32,
}
