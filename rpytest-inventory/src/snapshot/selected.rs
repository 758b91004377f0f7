//! What has been selected.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::segment::Row;

/// A test that was selected from a snapshot.
#[derive(Clone)]
pub struct SelectedTest {
    /// The node ids of many tests, one after the other: there may be 100,000.
    nodeids: Arc<str>,
    place: Range<usize>,
    /// Where it is in the snapshot.
    pub(super) position: (u32, u32),
}

impl SelectedTest {
    /// Its node id.
    pub fn nodeid(&self) -> &str {
        &self.nodeids[self.place.clone()]
    }

    pub(super) fn of(rows: &[Row<'_>]) -> Vec<Self> {
        let mut text = String::new();
        let mut add = |row: &Row<'_>| {
            let (from, (start, end)) = (text.len(), row.nodeid());
            text.push_str(start);
            text.push_str(end);
            from..text.len()
        };
        let places: Vec<_> = rows.iter().map(&mut add).collect();
        let nodeids: Arc<str> = text.into();
        let of = |(row, place): (&Row<'_>, _)| Self { nodeids: Arc::clone(&nodeids), place, position: row.position };
        rows.iter().zip(places).map(of).collect()
    }
}

impl fmt::Debug for SelectedTest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SelectedTest").field("nodeid", &self.nodeid()).finish_non_exhaustive()
    }
}
