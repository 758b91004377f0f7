//! What the processes say to each other: one enum per direction, as JSON in the head of a frame.
//!
//! See `docs/design/handshake.md`.

use rpytest_core::RunPath;
use serde::{Deserialize, Serialize};

/// Counts changes of anything in this file but [`Hello`] and [`ClientToDaemon::Retire`], which never change.
pub const PROTOCOL: u32 = 5;

/// Who speaks. The first frame of every connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// See [`PROTOCOL`].
    pub protocol: u32,
    /// Of the package, as `MAJOR.MINOR.PATCH`.
    pub version: String,
    /// A hash of everything that is built into the binary and runs elsewhere: two builds of one version differ in it.
    pub build: String,
}

/// From a command to the daemon.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientToDaemon {
    /// First. Answered, with [`DaemonToClient::Hello`], only where the two do not fit together.
    Hello(Hello),
    /// Run pytest. Answered by [`DaemonToClient::Accepted`] at once, then by [`DaemonToClient::Started`] or
    /// [`DaemonToClient::Refused`], later by [`DaemonToClient::Ended`]. From then on the connection is the session's zygote's, and takes [`ToSession`].
    Run(Box<RunRequest>),
    /// What is going on? Answered by [`DaemonToClient::Channel`]: one [`DaemonStatus`] as JSON.
    Status,
    /// End. Answered by [`DaemonToClient::Done`] when the daemon has stopped.
    Stop {
        /// Do not wait for active runs: end them.
        force: bool,
    },
    /// Give up contexts that have not been used for a while, and stale files. Answered by [`DaemonToClient::Done`].
    Cleanup {
        /// How long ago the last use must be, in seconds.
        max_age: u64,
    },
    /// Leave after being idle for so long. Answered by [`DaemonToClient::Done`].
    SetIdleTimeout {
        /// In seconds.
        seconds: u64,
    },
    /// From a session: lines of JSON follow that tell what its run has taught, up to the end of what it sends; a command
    /// sends none, to have the daemon catch up. Answered by [`DaemonToClient::Done`] when they are kept.
    Learn {
        /// Which inventory they are for.
        directory: String,
    },
    /// A newer command wants a daemon of its own: take no more runs, leave after the last. Answered by
    /// [`DaemonToClient::Done`] when the front door is free.
    Retire,
}

/// From the daemon, or, once a run is handed over, from its zygote and its session, to a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum DaemonToClient {
    /// This daemon is of another version; it closes the connection.
    Hello(Hello),
    /// The request has been read: from now on it can take as long as it takes. Without this a command gives up waiting.
    Accepted,
    /// From the session itself: it begins.
    Started {
        /// Its process, and its process group.
        pid: i32,
        /// Which way the run goes.
        path: RunPath,
        /// Why, where it is not the warm one.
        reason: Option<String>,
        /// Where it begins.
        stage: Stage,
        /// Why it does not begin where one more of them does, if that is known.
        no_further: Option<String>,
    },
    /// The session was stopped, as by Ctrl-Z.
    Stopped {
        /// By this signal.
        signal: i32,
    },
    /// The session is gone.
    Ended {
        /// How.
        end: End,
    },
    /// There will be no session: the command must run plain pytest.
    Refused {
        /// For `RPYTEST_LOG` and `--daemon-status`.
        reason: String,
        /// The reason is that this interpreter has no pytest.
        #[serde(default)]
        missing: bool,
    },
    /// The answer waits at this NNG address, which is made for it alone.
    Channel {
        /// As `ipc://…`.
        address: String,
    },
    /// It is done.
    Done {
        /// For the user; may be empty.
        text: String,
    },
}

/// From a command to the zygote that holds its session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToSession {
    /// Pass on a signal.
    Signal {
        /// Which.
        number: i32,
        /// To the session's whole process group, as a terminal does, or to the session alone, as `kill PID` does.
        group: bool,
    },
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// It exited with this status.
    Code(i32),
    /// A signal killed it.
    Signal(i32),
}

/// A run as its command asks for it.
///
/// The body of the frame holds, each ended by a NUL: the arguments, the variables (`NAME=value`), the interpreter's path,
/// the working directory's path (empty where it has none). The descriptors are the working directory, then those in
/// `descriptors`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRequest {
    /// How many arguments the body holds.
    pub arguments: usize,
    /// How many variables the body holds.
    pub variables: usize,
    /// What the choice of interpreter depends on, where it is made by a version manager's shim.
    pub shim: Option<String>,
    /// The numbers under which the session is to have the descriptors that follow the working directory.
    pub descriptors: Vec<i32>,
    /// The file mode creation mask.
    pub umask: u32,
    /// Resource limits.
    pub limits: Vec<Limit>,
    /// The nice value.
    pub nice: i32,
    /// The scheduling policy, where the system has such.
    pub scheduling: Option<Scheduling>,
    /// The processors it may run on, where the system can tell.
    pub affinity: Option<Vec<usize>>,
    /// Signals that are ignored.
    pub ignored: Vec<i32>,
    /// Signals that are blocked.
    pub blocked: Vec<i32>,
    /// What confines the command: a session must be confined alike, which the daemon's children can only be if it is.
    pub confinement: String,
    /// Stream the run's events: the daemon tells a [`DaemonToClient::Channel`] before the session starts, whose messages
    /// are lines of JSON, and passes the session a socket for them as its last descriptor.
    pub events: bool,
    /// What the run is to teach, and whom.
    pub lesson: Option<Lesson>,
    /// Which files are to be collected, where not all are.
    pub turbo: Option<Turbo>,
    /// What it may have from processes that have gone further.
    pub shelf: Shelf,
    /// What is to be imported, or called, before it begins: `module` or `module:callable`.
    pub preload: Vec<String>,
    /// A file to which the session adds what it can tell of itself: lines of JSON, see [`Told`].
    pub explain: Option<String>,
}

/// What a session tells of itself, for [`RunRequest::explain`]; absolute times are seconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// It collects everything although [`RunRequest::turbo`] is set, for this reason.
    Collects(String),
    /// When the first test began and the last one ended; told after all exit functions of the run.
    Tests {
        /// The first.
        began: f64,
        /// The last.
        ended: f64,
    },
}

/// Where in the course of a run the process stood that a session was forked from: what comes before has been done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Behind the import of pytest.
    Imported,
    /// Where pytest looks at its arguments.
    Arguments,
    /// There, and behind what is to be preloaded.
    Preloaded,
    /// Where the hook for the first conftest files is called.
    Conftests,
    /// Before the collection.
    Collection,
    /// Within the import of a module that is being edited, behind its own imports.
    Edited,
    /// Before the first test.
    Tests,
}

/// What a run may have from processes that have already done what it would do: by the user's choice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shelf {
    /// Nothing but pytest's own modules and configuration.
    Off,
    /// Installed plugins beside these.
    ThirdParty,
    /// Everything up to the first test.
    #[default]
    All,
}

/// A collection of the files that hold the selected tests. All paths but the first are relative to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turbo {
    /// pytest's rootdir.
    pub rootdir: String,
    /// Of Python files, only these are looked at, and of directories only those that hold one of these.
    pub kept: Vec<String>,
    /// Directories that go to the front of `sys.path`, each with the file whose collection puts it there, in their order.
    pub paths: Vec<(String, String)>,
    /// How many tests there are in all files.
    pub known: u64,
    /// Those that are to be selected, in their order.
    pub selected: Vec<String>,
}

/// What a run is to teach the inventory of its command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lesson {
    /// The directory of the inventory.
    pub directory: String,
    /// The socket of the daemon that keeps it.
    pub front_door: String,
    /// How to greet it.
    pub hello: Hello,
    /// The run is a collection for the inventory's sake. Without this: an ordinary run, which tells how its tests went.
    pub collect: Option<Collect>,
}

/// What a collection for an inventory's sake is to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Collect {
    /// Every test: what an ini file selects by is put aside.
    All,
    /// Every test of what these arguments name: what an ini file selects by is put aside.
    Named,
    /// What these very arguments select.
    Exact,
}

/// A resource limit: its name in Python's `resource` module, then soft and hard limit, -1 for none.
pub type Limit = (String, i64, i64);

/// A scheduling policy as `sched(7)` numbers it, and its real-time priority.
pub type Scheduling = (i32, i32);

/// From the daemon to a zygote: the request of a command, as it came, with its connection as the first descriptor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum DaemonToZygote {
    /// Fork a session.
    Run {
        /// By which the zygote will speak of it.
        run: u64,
        /// How many descriptors come along.
        passed: usize,
        /// Keep the zygote's own start environment, which a shim has made, instead of the variables in the body.
        keep_environment: bool,
        /// For [`DaemonToClient::Started`].
        path: RunPath,
        /// For [`DaemonToClient::Started`].
        reason: Option<String>,
        /// The rest.
        #[serde(flatten)]
        request: Box<RunRequest>,
    },
    /// Something has changed in the directory of its runs: compare what was read on the way, and begin anew if it differs.
    LookAgain,
    /// There will be no more runs: leave after the last session.
    Retire,
    /// End all sessions as a closed terminal would, and leave.
    HangUp,
}

/// From a zygote to the daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ZygoteToDaemon {
    /// First: it is warm, and made from this.
    Ready(Box<SessionFacts>),
    /// First: it cannot be warmed, and has left.
    Unusable {
        /// This interpreter has no pytest.
        missing: bool,
        /// Why.
        reason: String,
    },
    /// A run has its session.
    Started {
        /// Which run.
        run: u64,
        /// The session's process.
        pid: i32,
    },
    /// From a session itself: it cannot be made as asked, and its command has been told. `Ended` follows.
    Refused {
        /// Which run.
        run: u64,
        /// Why.
        reason: String,
    },
    /// A session is gone; its command has been told.
    Ended {
        /// Which run.
        run: u64,
        /// How.
        end: End,
    },
}

/// What a zygote was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionFacts {
    /// The zygote's process.
    pub pid: i32,
    /// Python's version.
    pub python: String,
    /// pytest's version.
    pub pytest: String,
    /// `sys.executable`.
    pub executable: String,
    /// Files that were executed or decided which are.
    pub files: Vec<String>,
    /// Directories in which an entry more or less may matter.
    pub directories: Vec<String>,
    /// The other directories of `sys.path`: in them a module may come to shadow a warm one.
    pub path: Vec<String>,
    /// The working directory is not on `sys.path`.
    pub safe_path: bool,
    /// Top-level names of the warm modules, and of those that were looked for while they were imported.
    pub names: Vec<String>,
    /// Top-level names that were imported or looked for before the working directory came to `sys.path`.
    pub start_names: Vec<String>,
    /// File name endings that the import system takes.
    pub suffixes: Vec<String>,
    /// Environment variables that were read; None where that may be any.
    pub variables: Option<Vec<String>>,
    /// Whether anything was written to the standard streams: a run must write it anew.
    pub loud: bool,
}

/// What `--daemon-status --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DaemonStatus {
    /// The daemon's version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Seconds since it was started.
    pub uptime: f64,
    /// Seconds of idleness after which it leaves.
    pub idle_timeout: u64,
    /// Its own resident memory, in bytes.
    pub memory: u64,
    /// Where its log is.
    pub log: String,
    /// Every context, the most recently used first.
    pub contexts: Vec<ContextStatus>,
    /// Runs that go on now, and the last ones that have ended, the newest first.
    pub runs: Vec<RecentRun>,
}

/// One context of a [`DaemonStatus`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContextStatus {
    /// The working directory.
    pub repository: String,
    /// The interpreter as commands name it.
    pub interpreter: String,
    /// Python's version, once known.
    pub python: Option<String>,
    /// pytest's version, once known.
    pub pytest: Option<String>,
    /// What it is doing: starting, ready, unusable.
    pub state: String,
    /// Why it is in that state, where there is something to tell.
    pub reason: Option<String>,
    /// The zygote's process.
    pub pid: Option<i32>,
    /// Seconds since the zygote was started.
    pub age: f64,
    /// Seconds since the last use.
    pub idle: f64,
    /// Runs it has served.
    pub runs_served: u64,
    /// Its own memory (proportional set size), in bytes.
    pub memory: u64,
}

/// One run of a [`DaemonStatus`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecentRun {
    /// The working directory.
    pub repository: String,
    /// The arguments, as far as they are text.
    pub arguments: Vec<String>,
    /// Which way it went.
    pub path: RunPath,
    /// Why, where it is not the warm one.
    pub reason: Option<String>,
    /// The session's process, where there is one.
    pub pid: Option<i32>,
    /// Seconds since it was asked for.
    pub age: f64,
    /// How it ended; None while it goes on, and for a fallback.
    pub end: Option<End>,
}
