//! The real pytest, in one process, as the judge of what is selected.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rpytest_core::{Grammar, TestItem};
use serde::{Deserialize, Serialize};

/// A pytest session that has collected a project.
pub(crate) struct Oracle {
    process: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    pub(crate) rootdir: PathBuf,
    pub(crate) grammar: Grammar,
    pub(crate) items: Vec<TestItem>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Request {
    pub(crate) keyword: String,
    pub(crate) mark: String,
    pub(crate) arguments: Vec<String>,
    pub(crate) deselected: Vec<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Answer {
    Selected(Vec<String>),
    Usage(String),
    /// pytest itself broke.
    Crash(String),
}

#[derive(Deserialize)]
struct Collected {
    version: String,
    items: Vec<TestItem>,
}

impl Oracle {
    /// Has the project in `rootdir`, an absolute path without links, collected.
    pub(crate) fn start(rootdir: &Path) -> Self {
        let python = std::env::var_os("RPYTEST_TEST_PYTHON").unwrap_or_else(|| "python".into());
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/selection/oracle.py");
        let mut process = Command::new(python)
            .arg(script)
            .current_dir(rootdir)
            .env_remove("PYTEST_ADDOPTS")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("RPYTEST_TEST_PYTHON, or python on PATH, is an interpreter");
        let stdin = process.stdin.take();
        let mut stdout = BufReader::new(process.stdout.take().expect("it is piped"));
        let Collected { version, items } = read(&mut stdout);
        let mut numbers = version.split('.').map(|number| number.parse().expect("a number"));
        let (major, minor) = (numbers.next().expect("major"), numbers.next().expect("minor"));
        Self { process, stdin, stdout, rootdir: rootdir.to_owned(), grammar: Grammar::of_pytest(major, minor), items }
    }

    pub(crate) fn ask(&mut self, request: &Request) -> Answer {
        let line = serde_json::to_string(request).expect("plain data");
        writeln!(self.stdin.as_mut().expect("it is open"), "{line}").expect("pytest is there");
        read(&mut self.stdout)
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // After a failed assertion there is nothing left to say of it.
        let _ = self.process.wait();
    }
}

fn read<T: for<'line> Deserialize<'line>>(stdout: &mut BufReader<ChildStdout>) -> T {
    let mut line = String::new();
    stdout.read_line(&mut line).expect("pytest answers");
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("pytest answered {line:?}: {error}"))
}
