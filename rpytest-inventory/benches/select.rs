//! How long listing and filtering takes from nothing but the file: open, read, select.

use std::hint::black_box;
use std::path::PathBuf;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use rpytest_core::{Grammar, Mark, Selection, TestItem};
use rpytest_inventory::{FileRecord, Snapshot, TestRecord};
use tempfile::TempDir;

/// Tests as projects have them: 25 in a file, some in classes, with parameters and marks.
fn record(file: usize) -> FileRecord {
    let path = format!("tests/package_{}/test_module_{file}.py", file / 40);
    let test = |number: usize| {
        let class = if number.is_multiple_of(3) { "TestBehaviour::" } else { "" };
        let nodeid = format!("{path}::{class}test_feature_{number}_of_{file}[case-{number}]");
        let mut item = TestItem::from_nodeid(nodeid.as_str().into());
        let names: &[&str] = if number.is_multiple_of(5) { &["slow", "parametrize"] } else { &["parametrize"] };
        item.marks = names.iter().map(|name| Mark { name: (*name).to_owned(), ..Mark::default() }).collect();
        item.keywords.extend(names.iter().map(ToString::to_string));
        item.fixtures = ["tmp_path", "monkeypatch", "request"].map(str::to_owned).to_vec();
        TestRecord { item, ..TestRecord::default() }
    };
    FileRecord { origins: Vec::new(), tests: (0..25).map(test).collect(), path: path.clone() }
}

fn snapshot(directory: &TempDir, tests: usize) -> PathBuf {
    let path = directory.path().join(format!("{tests}.rkyv"));
    Snapshot::write(&path, None, (0..tests / 25).map(record)).expect("a temporary directory");
    path
}

fn select(criterion: &mut Criterion) {
    let directory = TempDir::new().expect("a temporary directory");
    let selections = [
        ("all", Selection::default()),
        ("one", Selection::default().with_keyword("test_feature_7_of_123", Grammar::Calls)),
        ("half", Selection::default().with_keyword("package_1 or (behaviour and not feature_9)", Grammar::Calls)),
        ("marks", Selection::default().with_mark("slow and not network", Grammar::Calls)),
    ];
    for tests in [10_000, 100_000] {
        let path = snapshot(&directory, tests);
        for (name, selection) in &selections {
            criterion.bench_with_input(BenchmarkId::new(*name, tests), selection, |bencher, selection| {
                bencher.iter(|| {
                    let snapshot = Snapshot::open(&path).expect("it was just written");
                    black_box(snapshot.select(selection).expect("it is whole"))
                });
            });
        }
    }
}

criterion_group!(benches, select);
criterion_main!(benches);
