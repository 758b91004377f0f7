//! A snapshot tells what it was written from, and nothing when it is damaged.

use std::error::Error;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::{Index, select};
use rpytest_core::{CollectionArgument, Grammar, Mark, NodeId, Selection, TestItem, Value};
use rpytest_inventory::{FileRecord, Origin, Snapshot, SnapshotError, Staleness, TestRecord};
use tempfile::TempDir;

type TestResult = Result<(), Box<dyn Error>>;

/// Words that contain each other, also across the border between two of them.
const WORDS: [&str; 10] = ["cart", "Cart", "aa", "ab", "a", "tot", "total", "ß", "İ", "[x-1]"];

fn word() -> impl Strategy<Value = String> {
    select(&WORDS[..]).prop_map(str::to_owned)
}

fn mark() -> impl Strategy<Value = Mark> {
    let values =
        [Value::None, Value::Bool(true), Value::Int(1), Value::Container("[1]".into()), Value::Other("x".into())];
    (select(&["slow", "cart"][..]), prop::option::of(select(values.to_vec()))).prop_map(|(name, value)| Mark {
        name: name.to_owned(),
        arguments: vec![Value::Int(7)],
        keywords: value.map(|value| ("size".to_owned(), value)).into_iter().collect(),
    })
}

/// Items as pytest makes them, and as no pytest does: without a name, with a node id of their own.
fn item(file: String) -> impl Strategy<Value = TestItem> {
    let words = || prop::collection::vec(word(), 0..3);
    (words(), words(), prop::collection::vec(mark(), 0..3), any::<bool>(), any::<bool>()).prop_map(
        move |(names, mut keywords, marks, ordinary, named)| {
            let nodeid = if ordinary { format!("{file}::{}", names.join("::")) } else { keywords.concat() };
            keywords.extend(names.last().filter(|_| named).cloned());
            TestItem { nodeid: NodeId::new(nodeid), file: file.clone(), names, keywords, marks, ..TestItem::default() }
        },
    )
}

fn record() -> impl Strategy<Value = FileRecord> {
    select(&["a.py", "sub/a.py", "sub/b.py"][..]).prop_flat_map(|path| {
        prop::collection::vec(item(path.to_owned()), 0..12).prop_map(move |items| FileRecord {
            path: path.to_owned(),
            origins: vec![Origin { path: PathBuf::from("/conftest.py"), seen: rpytest_inventory::Seen::Unsettled }],
            tests: items.into_iter().map(|item| TestRecord { item, ..TestRecord::default() }).collect(),
        })
    })
}

fn selection() -> impl Strategy<Value = Selection> {
    let expression = || {
        let leaf = prop_oneof![word(), Just("slow(size=1)".to_owned()), Just("cart(size=True)".to_owned())];
        prop::collection::vec((select(&["", "not "][..]), leaf), 0..3)
            .prop_map(|terms| terms.iter().map(|(not, term)| format!("{not}{term}")).collect::<Vec<_>>().join(" or "))
    };
    let argument = prop::option::of(select(&["/r/a.py", "/r/sub", "/r/sub/a.py::cart", "/r/a.py::a::tot[x-1]"][..]));
    (expression(), expression(), argument, prop::option::of(select(&["a.py::c", "", "sub/a.py::aa::to"][..]))).prop_map(
        |(keyword, mark, argument, deselected)| {
            let selection =
                Selection::default().with_keyword(&keyword, Grammar::Calls).with_mark(&mark, Grammar::Calls);
            let selection = argument.into_iter().fold(selection, |selection, text| {
                let argument =
                    CollectionArgument::parse(text, Path::new("/r"), Path::new("/r")).expect("in the rootdir");
                selection.with_argument(argument).expect("the only one")
            });
            deselected.into_iter().fold(selection, Selection::with_deselected)
        },
    )
}

fn written(records: &[FileRecord]) -> (TempDir, PathBuf) {
    let directory = TempDir::new().expect("a temporary directory");
    let path = directory.path().join("inventory.rkyv");
    Snapshot::write(&path, None, records.iter().cloned()).expect("it is writable");
    (directory, path)
}

proptest! {
    /// Selecting from a snapshot is selecting from the tests themselves, errors included.
    #[test]
    fn it_selects_what_selection_selects(records in prop::collection::vec(record(), 0..5), selection in selection()) {
        let (_directory, path) = written(&records);
        let snapshot = Snapshot::open(&path).expect("it is whole");
        let tests: Vec<_> = records.iter().flat_map(|record| &record.tests).collect();
        let expected = selection.select(tests.iter().map(|test| &test.item));
        match (expected, snapshot.select(&selection)) {
            (Ok(expected), Ok(found)) => {
                let items: Vec<_> = snapshot.records(&found).expect("it is whole").into_iter().map(|it| it.item).collect();
                prop_assert_eq!(items.iter().collect::<Vec<_>>(), expected);
                let nodeids = snapshot.nodeids(&found).expect("it is whole");
                prop_assert!(items.iter().map(|item| item.nodeid.as_str()).eq(nodeids.iter().map(String::as_str)));
            }
            (Err(expected), Err(SnapshotError::Selection(found))) => prop_assert_eq!(found, expected),
            other => prop_assert!(false, "{:?}", other),
        }
    }

    /// No byte can change, and no end be missing, without being noticed by who reads that far.
    #[test]
    fn damage_is_noticed(records in prop::collection::vec(record(), 1..4), at: Index, bits in 1..=u8::MAX, truncate: bool) {
        let (_directory, path) = written(&records);
        let mut bytes = fs::read(&path).expect("it is there");
        let at = at.index(bytes.len());
        if truncate { bytes.truncate(at) } else { bytes[at] ^= bits }
        fs::write(&path, &bytes).expect("it is writable");
        let read = || {
            let snapshot = Snapshot::open(&path)?;
            let all = snapshot.select(&Selection::default())?;
            // Details are in every segment that has tests.
            if all.is_empty() { Ok(true) } else { snapshot.records(&all).map(|_| false) }
        };
        let noticed = matches!(read(), Err(SnapshotError::Format { .. }) | Ok(true));
        prop_assert!(noticed);
        let verified = Snapshot::open(&path).and_then(|snapshot| snapshot.verify());
        let noticed = matches!(verified, Err(SnapshotError::Format { .. }));
        prop_assert!(noticed);
        Snapshot::write(&path, None, records).expect("it is replaced");
        prop_assert!(Snapshot::open(&path).and_then(|snapshot| snapshot.verify()).is_ok());
    }
}

fn numbered(files: usize) -> Vec<FileRecord> {
    let test = |path: &str, test| {
        let item = TestItem::from_nodeid(format!("{path}::test_{test}").as_str().into());
        TestRecord { item, ..TestRecord::default() }
    };
    let file =
        |path: String| FileRecord { tests: (0..100).map(|at| test(&path, at)).collect(), path, origins: Vec::new() };
    (0..files).map(|number| file(format!("test_{number:03}.py"))).collect()
}

#[test]
fn many_segments_are_read_in_order() -> TestResult {
    let (_directory, path) = written(&numbered(95));
    let snapshot = Snapshot::open(&path)?;
    let all = snapshot.select(&Selection::default())?;
    assert_eq!(all.len(), 9500);
    let nodeids = snapshot.nodeids(&all)?;
    assert!(nodeids.is_sorted_by_key(|nodeid| NodeId::new(nodeid).file().to_owned()));
    let (first, last) = (0, all.len() - 1);
    let swapped = [all[last], all[first]];
    let records = snapshot.records(&swapped)?;
    let names: Vec<_> = records.iter().map(|record| record.item.nodeid.as_str()).collect();
    assert_eq!(names, [&nodeids[last], &nodeids[first]]);
    assert_eq!(snapshot.nodeids(&swapped)?, names);
    for (tests, nodeids) in [(&all[..], &nodeids[..]), (&swapped, &[nodeids[last].clone(), nodeids[first].clone()])] {
        let mut lines = Vec::new();
        snapshot.write_nodeids(tests, &mut lines)??;
        assert!(String::from_utf8(lines)?.lines().eq(nodeids));
        assert!(snapshot.write_nodeids(tests, &mut [0; 4].as_mut_slice())?.is_err(), "there is no room");
    }
    assert_eq!(snapshot.files().last(), Some(("test_094.py", 100)));
    Ok(())
}

#[test]
fn a_wrong_expression_is_one_without_tests_too() -> TestResult {
    let (_directory, path) = written(&[]);
    let found = Snapshot::open(&path)?.select(&Selection::default().with_keyword("a b", Grammar::Calls));
    assert!(matches!(found, Err(SnapshotError::Selection(_))), "{found:?}");
    Ok(())
}

/// So many that several threads select; the error is the one that pytest meets first.
#[test]
fn parts_of_many_tests_are_selected_as_the_whole() -> TestResult {
    let mut records = numbered(450);
    let undecided = Mark { keywords: [("size".to_owned(), Value::Other("x".into()))].into(), ..Mark::default() };
    for record in &mut records {
        for test in &mut record.tests {
            test.item.marks = vec![Mark { name: "slow".to_owned(), ..Mark::default() }];
        }
    }
    records[0].tests[0].item.marks = vec![Mark { name: "odd".to_owned(), ..undecided }];
    let (_directory, path) = written(&records);
    let snapshot = Snapshot::open(&path)?;
    let items: Vec<_> = records.iter().flat_map(|record| &record.tests).map(|test| &test.item).collect();
    for (keyword, mark) in [
        ("", ""),
        ("7 and not 17", ""),
        ("nothing", ""),
        ("", "slow"),
        ("a b", "slow"),
        ("", "odd(size=1)"),
        ("x(y=1)", "odd(size=1)"),
    ] {
        let selection = Selection::default().with_keyword(keyword, Grammar::Calls).with_mark(mark, Grammar::Calls);
        match (selection.select(items.iter().copied()), snapshot.select(&selection)) {
            (Ok(expected), Ok(found)) => {
                let expected = expected.iter().map(|item| item.nodeid.as_str());
                assert!(snapshot.nodeids(&found)?.iter().map(String::as_str).eq(expected));
            }
            (Err(expected), Err(SnapshotError::Selection(found))) => assert_eq!(found, expected),
            other => panic!("{keyword} {mark}: {other:?}"),
        }
    }
    Ok(())
}

#[test]
fn a_reader_keeps_the_snapshot_that_it_opened() -> TestResult {
    let (_directory, path) = written(&numbered(1));
    let old = Snapshot::open(&path)?;
    Snapshot::write(&path, None, numbered(2))?;
    let new = Snapshot::open(&path)?;
    assert_eq!((old.generation(), new.generation()), (1, 2));
    assert_eq!(old.select(&Selection::default())?.len(), 100);
    assert_eq!(new.select(&Selection::default())?.len(), 200);
    Ok(())
}

#[test]
fn files_of_changed_origins_are_stale() -> TestResult {
    let project = TempDir::new()?;
    let conftest = Origin::observe_file(project.path().join("conftest.py"))?;
    let plugin = Origin::observe_file(project.path().join("plugin.py"))?;
    let mut records = numbered(3);
    records[0].origins = vec![plugin.clone()];
    records[1].origins = vec![plugin.clone(), conftest.clone()];
    records[2].origins = vec![conftest.clone()];
    let (_directory, path) = written(&records);
    let snapshot = Snapshot::open(&path)?;
    assert_eq!(snapshot.staleness()?, Staleness::default());
    File::create(&conftest.path)?;
    let stale: Vec<_> =
        snapshot.staleness()?.files.iter().map(|stale| (stale.path.to_owned(), stale.changed.clone())).collect();
    assert_eq!(stale, [("test_001.py".to_owned(), conftest.clone()), ("test_002.py".to_owned(), conftest)]);
    Ok(())
}

#[test]
fn another_format_is_told_from_damage() -> TestResult {
    let (_directory, path) = written(&numbered(1));
    File::options().write(true).open(&path)?.write_all_at(b"\0\0\0\0", 4)?;
    let error = Snapshot::open(&path).expect_err("the format is unknown");
    assert_eq!(error.source().map(ToString::to_string), Some("it has another format".to_owned()));
    assert!(matches!(Snapshot::open(&path.with_extension("absent")), Err(SnapshotError::Io { .. })));
    Ok(())
}

#[test]
fn the_files_of_tests_are_found_in_every_segment() -> TestResult {
    let directory = TempDir::new()?;
    let path = directory.path().join("inventory.rkyv");
    let record = |file: u32| {
        let path = format!("test_{file:04}.py");
        let item = |test: u32| TestItem::from_nodeid(format!("{path}::test_{test}_of_{file}").as_str().into());
        let tests = (0..file % 7).map(|test| TestRecord { item: item(test), ..TestRecord::default() }).collect();
        FileRecord { path, origins: Vec::new(), tests }
    };
    Snapshot::write(&path, None, (0..2000).map(record))?;
    let snapshot = Snapshot::open(&path)?;
    for file in [1, 6, 13, 999, 1000, 1996, 1999] {
        let selection = Selection::default().with_keyword(&format!("_of_{file}"), Grammar::Calls);
        let tests = snapshot.select(&selection)?;
        let files: Vec<NodeId> = snapshot.nodeids(&tests)?.iter().map(NodeId::new).collect();
        let expected: Vec<&str> = files.iter().map(NodeId::file).collect();
        let mut found: Vec<&str> = snapshot.files_of(&tests).collect();
        assert!(found.is_sorted() && !found.is_empty(), "in their order: {found:?}");
        found.retain(|file| !expected.contains(file));
        assert!(found.is_empty(), "{found:?} hold none of {expected:?}");
        assert!(expected.iter().all(|file| snapshot.files_of(&tests).any(|found| found == *file)));
    }
    Ok(())
}
