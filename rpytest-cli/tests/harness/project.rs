//! A directory with a project, a home and a daemon of its own.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::{Files, Outcome, Running, Way, assert_same, interpreter, processes_of, wait_for, write_settled};

/// A temporary directory with all that a test touches. When dropped, its daemon is stopped, and no process and no socket
/// of it may be left.
#[derive(Debug)]
pub(crate) struct Project {
    root: TempDir,
    files: Vec<(String, String)>,
    variables: Vec<(String, String)>,
}

/// What commands write to, below the root.
const WRITTEN: [&str; 3] = ["work", "home", "tmp"];
const CACHE: &str = "home/.cache";

impl Project {
    /// Lay out the files, given as path below the working directory and text.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let root = tempfile::Builder::new().prefix("rpytest-it-").tempdir().expect("a temporary directory can be made");
        for directory in [&WRITTEN[..], &["state"]].concat() {
            fs::create_dir(root.path().join(directory)).expect("a fresh directory takes others");
        }
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        let project = Self { root, files, variables: Vec::new() };
        project.lay_out();
        project
    }

    /// The same, with a variable in the environment of every command.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn lay_out(&self) {
        for (path, text) in &self.files {
            self.write(path, text);
        }
    }

    /// Make everything as at first, but for what rpytest itself keeps. The directories stay the same ones.
    pub(crate) fn lay_out_anew(&self) {
        for directory in WRITTEN {
            for entry in fs::read_dir(self.root().join(directory)).expect("it is ours").flatten() {
                let path = entry.path();
                if path != self.root().join(CACHE) {
                    remove(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                }
            }
        }
        self.lay_out();
    }

    /// What commands have left: what goes further may just be trying whether the temporary directory can be written to.
    pub(crate) fn files(&self) -> Files {
        let roots = WRITTEN.map(|directory| self.root().join(directory));
        let roots: Vec<&Path> = roots.iter().map(PathBuf::as_path).collect();
        let look = || Files::below(&roots, &[&self.root().join(CACHE)]);
        let mut last = look();
        loop {
            let now = look();
            if now == last {
                return now;
            }
            last = now;
        }
    }

    /// Everything of this test is below it.
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// The working directory of the runs, or something in it.
    pub(crate) fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.root().join("work").join(below)
    }

    /// Where commands and daemon meet.
    pub(crate) fn runtime_dir(&self) -> PathBuf {
        self.root().join("run")
    }

    /// Write a file in the working directory.
    #[track_caller]
    pub(crate) fn write(&self, path: &str, text: &str) {
        write_settled(&self.path(path), text);
    }

    /// Read a file in the working directory, once it is there and not empty.
    #[track_caller]
    pub(crate) fn wait_for_file(&self, path: &str) -> String {
        wait_for(path, || fs::read_to_string(self.path(path)).ok().filter(|text| !text.is_empty()))
    }

    /// The program of a way, with the arguments that make it run tests.
    pub(crate) fn program(way: Way) -> Vec<OsString> {
        match way {
            Way::Plain => vec![interpreter().into(), "-m".into(), "pytest".into()],
            Way::Rpytest => vec![env!("CARGO_BIN_EXE_rpytest").into()],
        }
    }

    /// A command in the working directory with a clean environment and nothing to read.
    pub(crate) fn command(&self, way: Way) -> Command {
        let program = Self::program(way);
        let mut command = self.clean(&program[0]);
        command.args(&program[1..]);
        command
    }

    /// The same behind a line of `bash`, which is to run `"$@"`. The shell adds its own variables: `PWD`, `SHLVL`, `_`.
    pub(crate) fn shell(&self, way: Way, script: &str) -> Command {
        let mut command = self.clean("bash");
        command.args(["-c", script, "bash"]).args(Self::program(way));
        command
    }

    /// Any program, as [`Self::command`] has it.
    pub(crate) fn clean(&self, program: impl Into<OsString>) -> Command {
        let mut command = Command::new(program.into());
        let bin = interpreter().parent().expect("the interpreter is in a directory");
        let at = |name: &str| self.root().join(name);
        command
            .current_dir(self.path(""))
            .env_clear()
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display()))
            .env("LANG", "C.UTF-8")
            .env("TERM", "xterm")
            .env("HOME", at("home"))
            .env("TMPDIR", at("tmp"))
            .env("XDG_CACHE_HOME", at(CACHE))
            .env("XDG_CONFIG_HOME", at("home/.config"))
            .env("XDG_STATE_HOME", at("state"))
            .env("RPYTEST_RUNTIME_DIR", self.runtime_dir())
            // Should the test be killed, its daemon does not stay for long.
            .env("RPYTEST_DAEMON_IDLE_TIMEOUT", "120")
            .env("RPYTEST_LOG", "info")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// `rpytest ARGUMENTS`, to its end.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        Running::start(self.command(Way::Rpytest).args(arguments)).finish()
    }

    /// `python -m pytest ARGUMENTS`, to its end.
    #[track_caller]
    pub(crate) fn run_plain(&self, arguments: &[&str]) -> Outcome {
        Running::start(self.command(Way::Plain).args(arguments)).finish()
    }

    /// [`assert_same`] for a command that has nothing special but arguments.
    #[track_caller]
    pub(crate) fn assert_same(&self, arguments: &[&str]) -> Outcome {
        assert_same(|way| {
            let mut command = self.command(way);
            command.args(arguments);
            command
        })
    }

    fn leftovers(&self) -> Vec<String> {
        let processes = processes_of(self.root()).into_iter().map(|(pid, command)| format!("process {pid}: {command}"));
        let entries = fs::read_dir(self.runtime_dir()).into_iter().flatten().flatten();
        let sockets = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_socket()));
        processes.chain(sockets.map(|socket| socket.path().display().to_string())).collect()
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for (pid, _) in processes_of(self.root()) {
                // It may have ended by itself.
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
            return;
        }
        self.run(&["--daemon-stop", "--force"]);
        let mut left = Vec::new();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while std::time::Instant::now() < deadline {
            left = self.leftovers();
            if left.is_empty() {
                return;
            }
            std::thread::sleep(super::PAUSE);
        }
        panic!("the test leaves behind: {left:#?}");
    }
}

/// Also what a test has made unwritable.
fn remove(path: &Path) -> std::io::Result<()> {
    if !path.is_dir() || path.is_symlink() {
        return fs::remove_file(path);
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(path)? {
        remove(&entry?.path())?;
    }
    fs::remove_dir(path)
}
