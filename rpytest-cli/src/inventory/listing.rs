//! Tests on standard output.

use std::collections::HashMap;
use std::io::{BufWriter, ErrorKind, Write};

use rpytest_core::{NodeId, Selection};
use rpytest_inventory::{History, PastRun, SelectedTest, TestRecord};
use rpytest_ipc::End;
use serde_json::{Value, json};

use super::known::{Known, Unread};
use crate::arguments::{InventoryArguments, Question};
use crate::ending::{INTERNAL_ERROR, NO_TESTS, OK};
use crate::note;

/// Bytes that are written together.
const AT_ONCE: usize = 1 << 16;

/// Show them, as was asked for. `history` is what else remembers how they went. After an error nothing has been shown.
pub(super) fn show(
    arguments: &InventoryArguments,
    known: &Known,
    tests: &[SelectedTest],
    history: Option<&Known>,
) -> Result<End, Unread> {
    let mut lines = BufWriter::with_capacity(AT_ONCE, std::io::stdout().lock());
    let written = match (arguments.question, arguments.json) {
        (Question::Slowest(most), json) => slowest(&mut lines, records(known, tests, history)?, most, json),
        (_, true) => all(&mut lines, &records(known, tests, history)?),
        (_, false) => match known.snapshot.write_nodeids(tests, &mut lines) {
            Ok(written) => written,
            // It was whole when the tests were selected, and some may have been written.
            Err(error) => Err(std::io::Error::other(error)),
        },
    };
    Ok(match written.and_then(|()| lines.flush()) {
        // A reader that goes away has read enough.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            note::say(format_args!("the tests cannot be written: {error}"));
            INTERNAL_ERROR
        }
        _ if tests.is_empty() => NO_TESTS,
        _ => OK,
    })
}

fn records(known: &Known, tests: &[SelectedTest], history: Option<&Known>) -> Result<Vec<TestRecord>, Unread> {
    let mut records = known.records(tests)?;
    if let Some(other) = history {
        let all = other.records(&other.select(&Selection::default())?)?;
        let mut remembered: HashMap<NodeId, History> =
            all.into_iter().map(|record| (record.item.nodeid, record.history)).collect();
        for record in &mut records {
            if let Some(history) = remembered.remove(&record.item.nodeid) {
                record.history = history;
            }
        }
    }
    Ok(records)
}

fn all(lines: &mut impl Write, records: &[TestRecord]) -> std::io::Result<()> {
    let told: Vec<Value> = records.iter().map(told).collect();
    serde_json::to_writer_pretty(&mut *lines, &told)?;
    writeln!(lines)
}

fn slowest(lines: &mut impl Write, mut records: Vec<TestRecord>, most: usize, json: bool) -> std::io::Result<()> {
    records.retain(|record| record.history.last().is_some());
    records.sort_by_key(|record| std::cmp::Reverse(record.history.typical_duration()));
    records.truncate(most);
    if json {
        return all(lines, &records);
    }
    if records.is_empty() {
        note::say("of these tests, no run has been seen yet");
    }
    for record in &records {
        let duration = record.history.typical_duration().unwrap_or_default();
        writeln!(lines, "{:10.3}s  {}", duration.as_secs_f64(), record.item.nodeid)?;
    }
    Ok(())
}

fn told(record: &TestRecord) -> Value {
    let mut told = json!(record.item);
    let history = &record.history;
    told["typical_duration"] = json!(history.typical_duration().map(|duration| duration.as_secs_f64()));
    told["streak"] = json!(history.streak().map(|streak| json!({"outcome": streak.outcome, "length": streak.length})));
    told["runs"] = history.runs().map(told_run).collect();
    told
}

fn told_run(run: &PastRun) -> Value {
    json!({
        "outcome": run.outcome,
        "duration": run.duration.as_secs_f64(),
        "failure": run.failure.map(|failure| failure.to_string()),
    })
}
