//! Arguments in two steps: rpytest's own flags are picked out of what was typed, then clap says what they mean.
//!
//! Everything else is pytest's, to the byte and in order. That is safe because pytest's parser takes no value that looks
//! like a flag, and knows no abbreviations. See `docs/design/run.md`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use clap::{CommandFactory, FromArgMatches};
use rpytest_ipc::Collect;

use crate::verify_dropin::Mask;

/// rpytest's own flags; everything else goes to pytest.
#[derive(Debug, clap::Parser)]
#[command(
    name = "rpytest",
    disable_help_flag = true,
    disable_version_flag = true,
    override_usage = "rpytest [PYTEST ARGUMENTS]",
    after_help = "All other arguments are pytest's: `rpytest --help` shows its help."
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
struct Own {
    /// The interpreter to run instead of `python`
    #[arg(long, value_name = "PATH")]
    python: Option<OsString>,
    /// Stream the run's events beside its output, one JSON object a line, to a file or (-) to standard output
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Show what the daemon keeps and what it has done
    #[arg(long, group = "command")]
    daemon_status: bool,
    /// With --daemon-status, --verify-dropin, --list, --slowest or --inventory-status: as JSON
    #[arg(long)]
    json: bool,
    /// Stop the daemon once its runs are done
    #[arg(long, group = "command")]
    daemon_stop: bool,
    /// With --daemon-stop: end its runs
    #[arg(long, requires = "daemon_stop")]
    force: bool,
    /// Give up contexts and caches that have not been used for a while
    #[arg(long, group = "command")]
    cleanup: bool,
    /// With --cleanup: for how long (such as 90s, 30m, 12h, 7d)
    #[arg(long, value_name = "AGE", requires = "cleanup", default_value = "1h", value_parser = parse_age)]
    cleanup_max_age: Duration,
    /// The daemon leaves after being idle for so long (such as 90s, 30m, 12h)
    #[arg(long, value_name = "AGE", value_parser = parse_age)]
    daemon_idle_timeout: Option<Duration>,
    /// Run the tests by `python -m pytest` and by rpytest and say whether anything differs: 0 no, 1 yes, 3 not run
    #[arg(long, group = "command", conflicts_with_all = ["events", "daemon_idle_timeout"])]
    verify_dropin: bool,
    /// With --verify-dropin: show all differences, and the whole of them
    #[arg(long)]
    verify_verbose: bool,
    /// With --verify-dropin: text that differs by chance, to be left out (REGEX) or replaced (REGEX => TEXT)
    #[arg(long, value_name = "REGEX")]
    verify_mask: Vec<Mask>,
    /// With --verify-dropin: what runs change and the next must not see, put back before each, as pytest's cache is
    #[arg(long, value_name = "PATH")]
    verify_restore: Vec<PathBuf>,
    /// With --verify-dropin: keep what each run wrote
    #[arg(long, value_name = "DIRECTORY")]
    verify_output: Option<PathBuf>,
    /// With --verify-dropin: the command to verify
    #[arg(long, value_name = "PATH", hide = true)]
    verify_runner: Option<PathBuf>,
    /// Name the tests that pytest would run with these arguments, and run none
    #[arg(long, group = "command")]
    list: bool,
    /// Name the tests that take longest, so many of them, with how long they take
    #[arg(long, value_name = "N", group = "command")]
    slowest: Option<usize>,
    /// Show what is known of the tests here, and whether it still holds
    #[arg(long, group = "command")]
    inventory_status: bool,
    /// With --list or --slowest: do not look whether what is known still holds
    #[arg(long)]
    stale_ok: bool,
    /// Collect only the files that hold selected tests, where it is known which do
    #[arg(long, overrides_with = "turbo")]
    turbo: bool,
    /// Say on standard error, after the run, where its time went and what of it had not been done ahead
    #[arg(long, overrides_with = "explain")]
    explain: bool,
    /// Collect for the inventory in this directory
    #[arg(long = "rpytest-inventory", value_name = "DIRECTORY", hide = true, requires = "inventory_collect")]
    inventory: Option<PathBuf>,
    /// With --rpytest-inventory: what
    #[arg(long = "rpytest-collect", hide = true, requires = "inventory", value_parser = ["all", "named", "exact"])]
    inventory_collect: Option<String>,
    /// Be the daemon
    #[arg(long = "rpytest-daemon", group = "command", hide = true)]
    daemon: bool,
    /// Show this help
    #[arg(long, group = "command")]
    rpytest_help: bool,
    /// Show rpytest's own version
    #[arg(long, group = "command")]
    rpytest_version: bool,
}

/// The group of those that ask for something else than a run.
const COMMAND: &str = "command";

/// Flags that are ours only beside the command that they modify: alone they may be a plugin's.
const MODIFIERS: &[(&str, &[&str])] = &[
    ("json", &["daemon-status", "verify-dropin", "list", "slowest", "inventory-status"]),
    ("stale-ok", &["list", "slowest"]),
    ("force", &["daemon-stop"]),
    ("cleanup-max-age", &["cleanup"]),
    ("verify-verbose", &["verify-dropin"]),
    ("verify-mask", &["verify-dropin"]),
    ("verify-restore", &["verify-dropin"]),
    ("verify-output", &["verify-dropin"]),
    ("verify-runner", &["verify-dropin"]),
];

/// What the arguments ask for.
#[derive(Debug)]
pub(crate) enum Parsed {
    /// A run of pytest.
    Run(RunArguments),
    /// Runs of pytest and of rpytest, to be compared.
    Verify(Box<VerifyArguments>),
    /// What is known of the tests.
    Inventory(Box<InventoryArguments>),
    /// Something else.
    Command(Command),
    /// To be shown.
    Text(String),
    /// A mistake in our own flags.
    Wrong(String),
}

/// A run of pytest.
#[derive(Debug, Default)]
pub(crate) struct RunArguments {
    /// pytest's arguments.
    pub(crate) pytest: Vec<OsString>,
    /// `--python`.
    pub(crate) python: Option<OsString>,
    /// `--events`.
    pub(crate) events: Option<PathBuf>,
    /// `--daemon-idle-timeout`.
    pub(crate) idle_timeout: Option<Duration>,
    /// The run is a collection for the inventory in this directory.
    pub(crate) collect: Option<(PathBuf, Collect)>,
    /// `--turbo`.
    pub(crate) turbo: bool,
    /// `--explain`.
    pub(crate) explain: bool,
}

/// A question for the inventory.
#[derive(Debug)]
pub(crate) struct InventoryArguments {
    /// Which.
    pub(crate) question: Question,
    /// pytest's arguments.
    pub(crate) pytest: Vec<OsString>,
    /// `--python`.
    pub(crate) python: Option<OsString>,
    /// `--json`.
    pub(crate) json: bool,
    /// `--stale-ok`.
    pub(crate) stale_ok: bool,
}

/// What can be asked of an inventory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    /// `--list`
    List,
    /// `--slowest`
    Slowest(usize),
    /// `--inventory-status`
    Status,
}

/// Runs of pytest and of rpytest, to be compared.
#[derive(Debug)]
pub(crate) struct VerifyArguments {
    /// pytest's arguments.
    pub(crate) pytest: Vec<OsString>,
    /// `--python`.
    pub(crate) python: Option<OsString>,
    /// `--json`.
    pub(crate) json: bool,
    /// `--verify-verbose`.
    pub(crate) verbose: bool,
    /// `--verify-mask`.
    pub(crate) masks: Vec<Mask>,
    /// `--verify-restore`.
    pub(crate) restore: Vec<PathBuf>,
    /// `--verify-output`.
    pub(crate) output: Option<PathBuf>,
    /// `--verify-runner`.
    pub(crate) runner: Option<PathBuf>,
}

/// What is not a run.
#[derive(Debug)]
pub(crate) enum Command {
    /// Be the daemon.
    Serve,
    /// Ask the daemon.
    Ask(DaemonRequest),
}

/// What can be asked of a daemon that is there.
#[derive(Debug)]
pub(crate) enum DaemonRequest {
    /// `--daemon-status`
    Status {
        /// `--json`
        json: bool,
    },
    /// `--daemon-stop`
    Stop {
        /// `--force`
        force: bool,
    },
    /// `--cleanup`
    Cleanup {
        /// `--cleanup-max-age`
        max_age: Duration,
    },
}

/// Take the arguments apart.
pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Parsed {
    let typed: Vec<OsString> = arguments.collect();
    if !typed.iter().any(|word| word.as_bytes().starts_with(b"--")) {
        return Parsed::Run(RunArguments { pytest: typed, ..RunArguments::default() });
    }
    let split = Split::of(typed);
    let own = Own::command()
        .try_get_matches_from(std::iter::once(OsString::from("rpytest")).chain(split.own))
        .and_then(|matches| Ok((matches.contains_id(COMMAND), Own::from_arg_matches(&matches)?)));
    match own {
        Ok((true, Own { events: Some(_), .. })) => Parsed::Wrong(of_runs("--events")),
        Ok((true, Own { turbo: true, .. })) => Parsed::Wrong(of_runs("--turbo")),
        Ok((true, Own { explain: true, .. })) => Parsed::Wrong(of_runs("--explain")),
        Ok((_, own)) => interpret(own, split.pytest),
        Err(error) => Parsed::Wrong(error.to_string().trim_start_matches("error: ").trim_end().to_owned()),
    }
}

fn interpret(own: Own, pytest: Vec<OsString>) -> Parsed {
    let command = if own.daemon {
        Command::Serve
    } else if own.daemon_status {
        Command::Ask(DaemonRequest::Status { json: own.json })
    } else if own.daemon_stop {
        Command::Ask(DaemonRequest::Stop { force: own.force })
    } else if own.cleanup {
        Command::Ask(DaemonRequest::Cleanup { max_age: own.cleanup_max_age })
    } else if let Some(question) = own.question() {
        let Own { python, json, stale_ok, .. } = own;
        if let (Question::Status, Some(stray)) = (question, pytest.first()) {
            return Parsed::Wrong(unexpected(stray, "tells of all tests that are known"));
        }
        return Parsed::Inventory(Box::new(InventoryArguments { question, pytest, python, json, stale_ok }));
    } else if own.verify_dropin {
        return Parsed::Verify(Box::new(own.verify(pytest)));
    } else if own.rpytest_help {
        return Parsed::Text(Own::command().render_long_help().to_string());
    } else if own.rpytest_version {
        return Parsed::Text(format!("rpytest {}\n", env!("CARGO_PKG_VERSION")));
    } else {
        let (python, events, idle_timeout) = (own.python, own.events, own.daemon_idle_timeout);
        let collect = own.inventory.zip(own.inventory_collect.as_deref().map(|what| match what {
            "all" => Collect::All,
            "named" => Collect::Named,
            _ => Collect::Exact,
        }));
        let Own { turbo, explain, .. } = own;
        return Parsed::Run(RunArguments { pytest, python, events, idle_timeout, collect, turbo, explain });
    };
    match pytest.first() {
        Some(stray) => Parsed::Wrong(unexpected(stray, "runs no tests")),
        None => Parsed::Command(command),
    }
}

fn of_runs(flag: &str) -> String {
    format!("{flag} is for runs: this command runs no tests")
}

fn unexpected(stray: &OsStr, command: &str) -> String {
    format!("unexpected argument {}: this command {command}", stray.display())
}

impl Own {
    fn question(&self) -> Option<Question> {
        let slowest = self.slowest.map(Question::Slowest);
        let listed = slowest.or(self.list.then_some(Question::List));
        listed.or(self.inventory_status.then_some(Question::Status))
    }

    fn verify(self, pytest: Vec<OsString>) -> VerifyArguments {
        VerifyArguments {
            pytest,
            python: self.python,
            json: self.json,
            verbose: self.verify_verbose,
            masks: self.verify_mask,
            restore: self.verify_restore,
            output: self.verify_output,
            runner: self.verify_runner,
        }
    }
}

/// The words, ours and pytest's.
#[derive(Debug, Default, PartialEq, Eq)]
struct Split {
    own: Vec<OsString>,
    pytest: Vec<OsString>,
}

impl Split {
    fn of(typed: Vec<OsString>) -> Self {
        let table = Own::command();
        let takes_value: Vec<(&str, bool)> = table
            .get_arguments()
            .filter_map(|argument| Some((argument.get_long()?, argument.get_action().takes_values())))
            .collect();
        let options = typed.iter().position(|word| word == "--").unwrap_or(typed.len());
        let has = |name: &str| typed[..options].iter().any(|word| flag_name(word) == Some(name.as_bytes()));
        let is_absent = |commands: &[&str]| !commands.iter().any(|command| has(command));
        let absent: Vec<&str> =
            MODIFIERS.iter().filter(|(_, commands)| is_absent(commands)).map(|(modifier, _)| *modifier).collect();
        let mut split = Self::default();
        let mut words = typed.into_iter().enumerate();
        while let Some((index, word)) = words.next() {
            let known = flag_name(&word)
                .and_then(|name| takes_value.iter().find(|(long, _)| long.as_bytes() == name))
                .filter(|(long, _)| index < options && !absent.contains(long));
            match known {
                None => split.pytest.push(word),
                Some((_, takes_value)) => {
                    let value_follows = *takes_value && !word.as_bytes().contains(&b'=');
                    split.own.push(word);
                    if value_follows {
                        split.own.extend(words.next().map(|(_, value)| value));
                    }
                }
            }
        }
        split
    }
}

/// The name of a long flag, without its value.
fn flag_name(word: &OsString) -> Option<&[u8]> {
    word.as_bytes().strip_prefix(b"--")?.split(|byte| *byte == b'=').next()
}

fn parse_age(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        other => return Err(format!("unknown unit `{other}`: use s, m, h or d")),
    };
    let number: u64 = digits.parse().map_err(|_| "not a number of seconds, minutes, hours or days".to_owned())?;
    number.checked_mul(unit).map(Duration::from_secs).ok_or_else(|| "too long".to_owned())
}
