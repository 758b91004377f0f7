//! The shape of what is kept on disk. A change of this file makes older files unreadable, which is noticed: its text
//! counts as part of the format ([`crate::envelope`]).

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rkyv::{Archive, Deserialize, Serialize};
use rpytest_core::{Mark, NodeId, Outcome, Parameter, TestItem, Value};

use crate::{
    Collection, Defaults, Environment, FailureFingerprint, FileRecord, FileStamp, Fingerprint, History, Origin,
    PastRun, Seen, TestRecord,
};

#[derive(Archive, Serialize, Deserialize)]
pub(crate) struct FileShape {
    path: String,
    origins: Vec<OriginShape>,
    tests: Vec<TestShape>,
}

#[derive(Debug, Archive, Serialize, Deserialize)]
pub(crate) struct OriginShape {
    path: Vec<u8>,
    seen: SeenShape,
}

#[derive(Debug, Archive, Serialize, Deserialize)]
pub(crate) enum SeenShape {
    Absent,
    Present { modified_ns: i128, changed_ns: i128, size: u64, inode: u64, device: u64 },
    Names(Option<u64>),
    Kind(u64),
    Unsettled,
}

#[derive(Debug, Archive, Serialize, Deserialize)]
pub(crate) struct CollectionShape {
    began_ns: u64,
    rootdir: Vec<u8>,
    pytest: String,
    origins: Vec<OriginShape>,
    variables: Vec<(String, Option<u64>)>,
    any_variable: bool,
    doubts: Vec<String>,
    indivisible: Vec<String>,
    inseparable: Vec<String>,
    needed: Vec<String>,
    bytecode: Vec<Vec<u8>>,
    paths: Vec<(String, String)>,
    keyword: String,
    mark: String,
    deselected: Vec<String>,
    strict_marks: bool,
    order: Vec<String>,
}

#[derive(Archive, Serialize, Deserialize)]
pub(crate) struct TestShape {
    nodeid: String,
    file: String,
    line: Option<u32>,
    names: Vec<String>,
    keywords: Vec<String>,
    marks: Vec<MarkShape>,
    fixtures: Vec<String>,
    parameters: Vec<(String, ValueShape)>,
    history: Vec<RunShape>,
}

#[derive(Archive, Serialize, Deserialize)]
pub(crate) struct MarkShape {
    name: String,
    arguments: Vec<ValueShape>,
    keywords: Vec<(String, ValueShape)>,
}

#[derive(Archive, Serialize, Deserialize)]
pub(crate) enum ValueShape {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    Container(String),
    Other(String),
}

#[derive(Archive, Serialize, Deserialize)]
pub(crate) struct RunShape {
    outcome: OutcomeShape,
    nanoseconds: u64,
    failure: Option<u64>,
}

#[derive(Archive, Serialize, Deserialize)]
pub(crate) enum OutcomeShape {
    Passed,
    Failed,
    Skipped,
    Xfailed,
    Xpassed,
    Error,
}

impl From<&FileRecord> for FileShape {
    fn from(record: &FileRecord) -> Self {
        Self {
            path: record.path.clone(),
            origins: record.origins.iter().map(Into::into).collect(),
            tests: record.tests.iter().map(Into::into).collect(),
        }
    }
}

impl From<FileShape> for FileRecord {
    fn from(shape: FileShape) -> Self {
        Self { path: shape.path, origins: into_all(shape.origins), tests: into_all(shape.tests) }
    }
}

impl From<&Origin> for OriginShape {
    fn from(origin: &Origin) -> Self {
        let seen = match origin.seen {
            Seen::File(Fingerprint::Absent) => SeenShape::Absent,
            Seen::File(Fingerprint::Present(FileStamp { modified_ns, changed_ns, size, inode, device })) => {
                SeenShape::Present { modified_ns, changed_ns, size, inode, device }
            }
            Seen::Names(digest) => SeenShape::Names(digest),
            Seen::Kind(digest) => SeenShape::Kind(digest),
            Seen::Unsettled => SeenShape::Unsettled,
        };
        Self { path: origin.path.as_os_str().as_bytes().to_vec(), seen }
    }
}

impl From<OriginShape> for Origin {
    fn from(shape: OriginShape) -> Self {
        Self { path: PathBuf::from(OsString::from_vec(shape.path)), seen: shape.seen.into() }
    }
}

impl ArchivedOriginShape {
    pub(crate) fn path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.path))
    }

    pub(crate) fn seen(&self) -> Seen {
        let seen = rkyv::deserialize::<SeenShape, Infallible>(&self.seen).unwrap_or_else(|never| match never {});
        seen.into()
    }

    pub(crate) fn to_origin(&self) -> Origin {
        Origin { path: self.path().to_owned(), seen: self.seen() }
    }
}

impl From<SeenShape> for Seen {
    fn from(shape: SeenShape) -> Self {
        match shape {
            SeenShape::Absent => Self::File(Fingerprint::Absent),
            SeenShape::Present { modified_ns, changed_ns, size, inode, device } => {
                Self::File(Fingerprint::Present(FileStamp { modified_ns, changed_ns, size, inode, device }))
            }
            SeenShape::Names(digest) => Self::Names(digest),
            SeenShape::Kind(digest) => Self::Kind(digest),
            SeenShape::Unsettled => Self::Unsettled,
        }
    }
}

impl From<&Collection> for CollectionShape {
    fn from(collection: &Collection) -> Self {
        let Collection { rootdir, pytest, origins, environment, doubts, indivisible, .. } = collection.clone();
        let Collection { inseparable, needed, bytecode, paths, defaults, strict_marks, order, .. } = collection.clone();
        Self {
            began_ns: collection.began_ns,
            rootdir: rootdir.into_os_string().into_vec(),
            pytest,
            origins: origins.iter().map(Into::into).collect(),
            variables: environment.digests().map(|(name, digest)| (name.clone(), *digest)).collect(),
            any_variable: environment.is_any(),
            doubts,
            indivisible,
            inseparable,
            needed,
            bytecode: bytecode.into_iter().map(|path| path.into_os_string().into_vec()).collect(),
            paths,
            keyword: defaults.keyword,
            mark: defaults.mark,
            deselected: defaults.deselected,
            strict_marks,
            order,
        }
    }
}

impl From<CollectionShape> for Collection {
    fn from(shape: CollectionShape) -> Self {
        Self {
            began_ns: shape.began_ns,
            rootdir: PathBuf::from(OsString::from_vec(shape.rootdir)),
            pytest: shape.pytest,
            origins: into_all(shape.origins),
            environment: Environment::from_digests(shape.variables.into_iter().collect(), shape.any_variable),
            doubts: shape.doubts,
            indivisible: shape.indivisible,
            inseparable: shape.inseparable,
            needed: shape.needed,
            bytecode: shape.bytecode.into_iter().map(|path| PathBuf::from(OsString::from_vec(path))).collect(),
            paths: shape.paths,
            defaults: Defaults { keyword: shape.keyword, mark: shape.mark, deselected: shape.deselected },
            strict_marks: shape.strict_marks,
            order: shape.order,
        }
    }
}

impl From<&TestRecord> for TestShape {
    fn from(TestRecord { item, history }: &TestRecord) -> Self {
        Self {
            nodeid: item.nodeid.as_str().to_owned(),
            file: item.file.clone(),
            line: item.line,
            names: item.names.clone(),
            keywords: item.keywords.clone(),
            marks: item.marks.iter().map(Into::into).collect(),
            fixtures: item.fixtures.clone(),
            parameters: item.parameters.iter().map(|it| (it.name.clone(), (&it.value).into())).collect(),
            history: history.runs().map(Into::into).collect(),
        }
    }
}

impl From<TestShape> for TestRecord {
    fn from(shape: TestShape) -> Self {
        let parameters = shape.parameters.into_iter();
        let item = TestItem {
            nodeid: NodeId::new(shape.nodeid),
            file: shape.file,
            line: shape.line,
            names: shape.names,
            keywords: shape.keywords,
            marks: into_all(shape.marks),
            fixtures: shape.fixtures,
            parameters: parameters.map(|(name, value)| Parameter { name, value: value.into() }).collect(),
        };
        let mut history = History::default();
        shape.history.into_iter().for_each(|run| history.record(run.into()));
        Self { item, history }
    }
}

impl From<&Mark> for MarkShape {
    fn from(mark: &Mark) -> Self {
        Self {
            name: mark.name.clone(),
            arguments: mark.arguments.iter().map(Into::into).collect(),
            keywords: mark.keywords.iter().map(|(name, value)| (name.clone(), value.into())).collect(),
        }
    }
}

impl From<MarkShape> for Mark {
    fn from(shape: MarkShape) -> Self {
        let keywords = shape.keywords.into_iter().map(|(name, value)| (name, value.into())).collect();
        Self { name: shape.name, arguments: into_all(shape.arguments), keywords }
    }
}

impl From<&Value> for ValueShape {
    fn from(value: &Value) -> Self {
        match value {
            Value::None => Self::None,
            Value::Bool(truth) => Self::Bool(*truth),
            Value::Int(number) => Self::Int(*number),
            Value::Float(number) => Self::Float(*number),
            Value::Str(text) => Self::Str(text.clone()),
            Value::Container(text) => Self::Container(text.clone()),
            Value::Other(text) => Self::Other(text.clone()),
        }
    }
}

impl From<ValueShape> for Value {
    fn from(shape: ValueShape) -> Self {
        match shape {
            ValueShape::None => Self::None,
            ValueShape::Bool(truth) => Self::Bool(truth),
            ValueShape::Int(number) => Self::Int(number),
            ValueShape::Float(number) => Self::Float(number),
            ValueShape::Str(text) => Self::Str(text),
            ValueShape::Container(text) => Self::Container(text),
            ValueShape::Other(text) => Self::Other(text),
        }
    }
}

impl From<&PastRun> for RunShape {
    fn from(run: &PastRun) -> Self {
        let outcome = match run.outcome {
            Outcome::Passed => OutcomeShape::Passed,
            Outcome::Failed => OutcomeShape::Failed,
            Outcome::Skipped => OutcomeShape::Skipped,
            Outcome::Xfailed => OutcomeShape::Xfailed,
            Outcome::Xpassed => OutcomeShape::Xpassed,
            Outcome::Error => OutcomeShape::Error,
        };
        // 584 years fit.
        let nanoseconds = u64::try_from(run.duration.as_nanos()).unwrap_or(u64::MAX);
        Self { outcome, nanoseconds, failure: run.failure.map(FailureFingerprint::number) }
    }
}

impl From<RunShape> for PastRun {
    fn from(shape: RunShape) -> Self {
        let outcome = match shape.outcome {
            OutcomeShape::Passed => Outcome::Passed,
            OutcomeShape::Failed => Outcome::Failed,
            OutcomeShape::Skipped => Outcome::Skipped,
            OutcomeShape::Xfailed => Outcome::Xfailed,
            OutcomeShape::Xpassed => Outcome::Xpassed,
            OutcomeShape::Error => Outcome::Error,
        };
        let failure = shape.failure.map(FailureFingerprint::from_number);
        Self { outcome, duration: Duration::from_nanos(shape.nanoseconds), failure }
    }
}

fn into_all<From: Into<To>, To>(all: Vec<From>) -> Vec<To> {
    all.into_iter().map(Into::into).collect()
}
