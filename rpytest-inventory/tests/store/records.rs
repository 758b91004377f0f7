//! Records that differ in everything that a number can change.

use std::time::Duration;

use rpytest_core::{Mark, NodeId, Outcome, Parameter, TestItem, Value};
use rpytest_inventory::{FailureFingerprint, FileRecord, FileStamp, Fingerprint, Origin, PastRun, Seen, TestRecord};

/// What a file may look like in its `version`.
pub(crate) fn record(path: &str, version: u32) -> FileRecord {
    let stamp = FileStamp {
        modified_ns: i128::from(version) - 1,
        changed_ns: i128::MAX,
        size: u64::from(version),
        inode: u64::MAX,
        device: 5,
    };
    let seen = [
        Seen::File(Fingerprint::Present(stamp)),
        Seen::File(Fingerprint::Absent),
        Seen::Names(Some(u64::from(version))),
        Seen::Names(None),
        Seen::Kind(u64::from(version)),
        Seen::Unsettled,
    ];
    let origins = seen.into_iter().map(|seen| Origin { path: path.into(), seen }).collect();
    FileRecord {
        path: path.to_owned(),
        origins,
        tests: (0..=version % 7).map(|test| self::test(path, version, test)).collect(),
    }
}

fn test(path: &str, version: u32, number: u32) -> TestRecord {
    let name = format!("test_ü{number}[{version}-x]");
    let values = [
        Value::None,
        Value::Bool(true),
        Value::Int(i64::MIN + i64::from(version)),
        Value::Float(0.5),
        Value::Str("a\0b".into()),
        Value::Container("[1]".into()),
        Value::Other("<object>".into()),
    ];
    let keywords = values.iter().map(|value| (format!("{value:?}"), value.clone())).collect();
    let item = TestItem {
        nodeid: NodeId::new(format!("{path}::TestA::{name}")),
        file: path.to_owned(),
        line: (number > 0).then_some(number),
        names: vec!["TestA".into(), name.clone()],
        keywords: vec![name, "TestA".into(), path.to_owned(), "slow".into()],
        marks: vec![Mark { name: "slow".into(), arguments: values.to_vec(), keywords }],
        fixtures: vec!["request".into(), "tmp_path".into()],
        parameters: vec![Parameter { name: "value".into(), value: Value::Int(number.into()) }],
    };
    let mut record = TestRecord { item, ..TestRecord::default() };
    let outcomes =
        [Outcome::Passed, Outcome::Failed, Outcome::Skipped, Outcome::Xfailed, Outcome::Xpassed, Outcome::Error];
    for outcome in outcomes {
        let failure = outcome.is_failure().then(|| FailureFingerprint::of(path));
        record.history.record(PastRun { outcome, duration: Duration::from_nanos(version.into()), failure });
    }
    record
}
