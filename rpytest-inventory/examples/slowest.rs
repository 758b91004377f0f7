//! Learns from the events of runs, and lists the slowest tests of each file.
//!
//! `rpytest --events - -q | cargo run --example slowest -- DIRECTORY`
//!
//! What is learnt is kept in `DIRECTORY/.rpytest`; each call adds a run to it.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;

use rpytest_core::{Selection, TestEvent, TestItem, TestReport};
use rpytest_inventory::{FileRecord, InventoryDirectory, PastRun, Snapshot, Store, TestRecord};

/// How many tests of each file are listed.
const LISTED: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let rootdir = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: slowest DIRECTORY < EVENTS")?);
    let directory = InventoryDirectory::create(&rootdir, &std::env::temp_dir().join("rpytest-slowest"))?;
    learn(&directory)?;

    let snapshot = Snapshot::open(&directory.snapshot())?;
    let mut tests = snapshot.records(&snapshot.select(&Selection::default())?)?;
    tests.sort_by_key(|test| (test.item.file.clone(), std::cmp::Reverse(test.history.typical_duration())));
    let mut stdout = io::stdout().lock();
    for tests in tests.chunk_by(|one, other| one.item.file == other.item.file) {
        writeln!(stdout, "{}", tests[0].item.file)?;
        for test in tests.iter().take(LISTED) {
            let duration = test.history.typical_duration().unwrap_or_default();
            writeln!(stdout, "{:8.3} s  {}", duration.as_secs_f64(), test.item.names.join("::"))?;
        }
    }
    Ok(())
}

/// Adds the run on standard input to what is known. Lines that are no events are pytest's own output.
fn learn(directory: &InventoryDirectory) -> Result<(), Box<dyn Error>> {
    let mut reports: BTreeMap<_, Vec<TestReport>> = BTreeMap::new();
    for line in io::stdin().lines() {
        if let Ok(TestEvent::TestReport(report)) = serde_json::from_str(&line?) {
            reports.entry(report.nodeid.as_str().to_owned()).or_default().push(report);
        }
    }
    let mut store = Store::open(directory)?;
    for (nodeid, reports) in &reports {
        let item = TestItem::from_nodeid(nodeid.as_str().into());
        let mut file =
            store.file(&item.file)?.unwrap_or_else(|| FileRecord { path: item.file.clone(), ..FileRecord::default() });
        let known = file.tests.iter().position(|test| test.item.nodeid == item.nodeid).unwrap_or_else(|| {
            file.tests.push(TestRecord { item, ..TestRecord::default() });
            file.tests.len() - 1
        });
        file.tests[known].history.record(PastRun::from_reports(reports).ok_or("a test without a report")?);
        store.replace([&file])?;
    }
    store.write_snapshot(None)?;
    Ok(store.close()?)
}
