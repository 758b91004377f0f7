//! What a session tells: lines of JSON, written by `lesson.py` and `collection.py`.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rpytest_core::{NodeId, Outcome, Phase, TestItem, TestReport};
use rpytest_inventory::{
    Collection, Defaults, DirectoryError, Environment, FileRecord, ObserveError, Origin, PastRun, SnapshotError,
    StoreError, TestRecord,
};
use rpytest_ipc::ConnectionError;
use serde::Deserialize;

use super::keeper::PastRuns;

/// Why nothing was learnt.
#[derive(Debug, thiserror::Error)]
pub(super) enum LessonError {
    #[error("its session broke off: {0}")]
    Connection(#[from] ConnectionError),
    #[error("its session makes no sense: {0}")]
    Nonsense(#[from] serde_json::Error),
    #[error(transparent)]
    Observe(#[from] ObserveError),
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

/// What one run teaches.
#[derive(Debug)]
pub(super) enum Lesson {
    /// Everything that there is. The records are without history, in the order of their first tests.
    All(Box<Collection>, Vec<FileRecord>),
    /// What the arguments of one run name, or select.
    Part(Box<Collection>, Vec<FileRecord>),
    /// How tests went.
    Run(PastRuns),
    /// Nothing.
    Nothing,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Collection(Box<Facts>),
    File(File),
    Run(Run),
}

#[derive(Deserialize)]
struct Facts {
    all: bool,
    began_ns: u64,
    rootdir: String,
    pytest: String,
    variables: Vec<(String, Option<String>)>,
    any_variable: bool,
    files: Vec<String>,
    directories: Vec<(String, Vec<String>)>,
    kinds: Vec<(String, String)>,
    doubts: Vec<String>,
    indivisible: Vec<String>,
    inseparable: Vec<String>,
    needed: Vec<String>,
    bytecode: Vec<PathBuf>,
    paths: Vec<(String, String)>,
    defaults: Selecting,
    strict_marks: bool,
    order: Vec<String>,
}

#[derive(Deserialize)]
struct Selecting {
    keyword: String,
    mark: String,
    deselected: Vec<String>,
}

#[derive(Deserialize)]
struct File {
    path: String,
    origins: Vec<String>,
    items: Vec<TestItem>,
}

#[derive(Deserialize)]
struct Run {
    rootdir: String,
    /// By category.
    reports: BTreeMap<String, Vec<Report>>,
}

/// Node id, phase, microseconds, message.
#[derive(Deserialize)]
struct Report(String, Phase, i64, Option<String>);

impl Lesson {
    /// Understand what was told.
    pub(super) fn read(lines: &[u8]) -> Result<Self, LessonError> {
        let mut facts = None;
        let mut files = Vec::new();
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice(line)? {
                Line::Collection(told) => facts = Some(told),
                Line::File(file) => files.push(file),
                Line::Run(run) => return Ok(run.tests()),
            }
        }
        let Some(facts) = facts else { return Ok(Self::Nothing) };
        let began = UNIX_EPOCH + Duration::from_nanos(facts.began_ns);
        let all = facts.all;
        let mut collection = facts.collection(began)?;
        let records = files.into_iter().map(|file| file.record(began)).collect::<Result<Vec<_>, _>>()?;
        if is_in_order_of_files(&records, &collection.order) {
            collection.order.clear();
        }
        let collection = Box::new(collection);
        Ok(if all { Self::All(collection, records) } else { Self::Part(collection, records) })
    }
}

/// Whether all tests come in the order in which a snapshot has them.
fn is_in_order_of_files(records: &[FileRecord], order: &[String]) -> bool {
    let mut sorted: Vec<_> = records.iter().collect();
    sorted.sort_by(|one, other| one.compare_collected(other));
    sorted.iter().flat_map(|record| &record.tests).map(|test| test.item.nodeid.as_str()).eq(order)
}

impl Facts {
    fn collection(self, began: SystemTime) -> Result<Collection, ObserveError> {
        let files = self.files.into_iter().map(|file| Origin::observe_file_since(file, began));
        let names = |(path, names): (String, Vec<String>)| {
            Ok(Origin::of_names(path, names.into_iter().map(|name| std::ffi::OsString::from(name).into_vec())))
        };
        let kinds = self.kinds.iter().map(|(path, kind)| Ok(Origin::of_kind(path, kind.as_bytes())));
        let origins = files.chain(self.directories.into_iter().map(names)).chain(kinds).collect::<Result<_, _>>()?;
        let Selecting { keyword, mark, deselected } = self.defaults;
        Ok(Collection {
            began_ns: self.began_ns,
            rootdir: self.rootdir.into(),
            pytest: self.pytest,
            origins,
            environment: Environment::new(self.variables, self.any_variable),
            doubts: self.doubts,
            indivisible: self.indivisible,
            inseparable: self.inseparable,
            needed: self.needed,
            bytecode: self.bytecode,
            paths: self.paths,
            defaults: Defaults { keyword, mark, deselected },
            strict_marks: self.strict_marks,
            order: self.order,
        })
    }
}

impl File {
    fn record(self, began: SystemTime) -> Result<FileRecord, ObserveError> {
        let origins = self.origins.into_iter().map(|file| Origin::observe_file_since(file, began));
        let tests = self.items.into_iter().map(|item| TestRecord { item, ..TestRecord::default() });
        Ok(FileRecord { path: self.path, origins: origins.collect::<Result<_, _>>()?, tests: tests.collect() })
    }
}

impl Run {
    fn tests(self) -> Lesson {
        let mut reports: BTreeMap<String, Vec<TestReport>> = BTreeMap::new();
        for (category, told) in self.reports {
            // Others, such as that of reruns, do not count.
            let Some(outcome) = outcome(&category) else { continue };
            for Report(nodeid, when, microseconds, message) in told {
                let of_test = reports.entry(nodeid.clone()).or_default();
                of_test.push(report(NodeId::new(nodeid), when, outcome, microseconds, message));
            }
        }
        let tests =
            reports.into_iter().filter_map(|(nodeid, reports)| Some((nodeid, PastRun::from_reports(&reports)?)));
        Lesson::Run(PastRuns { rootdir: self.rootdir.into(), tests: tests.collect() })
    }
}

fn report(nodeid: NodeId, when: Phase, outcome: Outcome, microseconds: i64, message: Option<String>) -> TestReport {
    #[expect(clippy::cast_precision_loss, reason = "a test takes less than 285 years")]
    let duration = microseconds as f64 / 1e6;
    TestReport { nodeid, when, outcome, duration, message, longrepr: None, sections: Vec::new() }
}

fn outcome(category: &str) -> Option<Outcome> {
    Some(match category {
        "passed" | "" => Outcome::Passed,
        "failed" => Outcome::Failed,
        "skipped" => Outcome::Skipped,
        "xfailed" => Outcome::Xfailed,
        "xpassed" => Outcome::Xpassed,
        "error" => Outcome::Error,
        _ => return None,
    })
}
