//! Standard streams of every kind, open and closed.

use std::io::Write;

use crate::harness::{End, Outcome, Project, Running, Way, assert_alike, assert_same};

const SHOWS_STREAMS: &str = "\
import os, sys

def show(stream):
    if stream is None:
        return None
    raw = getattr(stream.buffer, 'raw', stream.buffer)
    return (stream.name, stream.encoding, stream.errors, stream.line_buffering, stream.write_through, stream.mode,
        type(stream.buffer).__name__, raw.name, raw.closefd, stream.isatty())

def test_a():
    with open('seen', 'a') as file:
        print([show(stream) for stream in (sys.stdin, sys.stdout, sys.stderr)], file=file)
        print([stream is original for stream, original in (
            (sys.stdin, sys.__stdin__), (sys.stdout, sys.__stdout__), (sys.stderr, sys.__stderr__))], file=file)
        print(repr(sys.stdin and sys.stdin.read()), file=file)
";

fn project() -> Project {
    Project::new(&[("test_a.py", SHOWS_STREAMS), ("data", "one\ntwo\n")])
}

/// What the three runs of a differential test have written to the file `seen` must be the same.
#[track_caller]
fn assert_all_saw_the_same(project: &Project) {
    // Without any stream pytest does not come to the test.
    let seen = std::fs::read_to_string(project.path("seen")).unwrap_or_default();
    let lines: Vec<&str> = seen.lines().collect();
    let mut runs = lines.chunks(lines.len().div_ceil(3).max(1));
    assert!(runs.all(|run| run == &lines[..lines.len() / 3]), "{seen}");
}

#[track_caller]
fn assert_same_streams(project: &Project, script: &str, arguments: &[&str]) -> Outcome {
    let outcome = assert_alike(|way| {
        let mut command = project.shell(way, script);
        command.args(arguments);
        command
    });
    assert_all_saw_the_same(project);
    // Where nothing was seen, there is none.
    let _ = std::fs::remove_file(project.path("seen"));
    outcome
}

#[test]
fn standard_input_of_any_kind() {
    let project = project();
    for script in ["exec \"$@\"", "exec \"$@\" <data", "exec \"$@\" <&-", "cat data | \"$@\""] {
        assert_same_streams(&project, script, &["-s"]).ended(End::Code(0));
    }
    // Without -s pytest lets no test read.
    assert_same_streams(&project, "exec \"$@\" <data", &["--tb=line"]).ended(End::Code(1));
}

#[test]
fn standard_output_and_error_of_any_kind() {
    let project = project();
    for script in [
        "exec \"$@\" >&-",
        "exec \"$@\" 2>&-",
        "exec \"$@\" <&- >&- 2>&-",
        "exec \"$@\" >log; cat log",
        "exec \"$@\" 2>/dev/null",
        "exec \"$@\" >/dev/null",
        "PYTHONUNBUFFERED=1 exec \"$@\"",
        "PYTHONIOENCODING=latin-1:replace exec \"$@\"",
        "PYTHONUTF8=1 LANG=C exec \"$@\"",
    ] {
        assert_same_streams(&project, script, &["-s"]);
    }
}

#[test]
fn a_reader_of_the_output_that_is_gone() {
    let project = Project::new(&[("test_a.py", "def test_a(): pass\n")]);
    assert_same(|way| {
        let (reader, writer) = std::io::pipe().expect("there are pipes");
        drop(reader);
        let mut command = project.shell(way, "exec \"$@\" -q >&0 </dev/null");
        command.stdin(writer);
        command
    });
}

#[test]
fn a_disk_that_is_full() {
    let project = Project::new(&[("test_a.py", "def test_a():\n    assert 0\n")]);
    assert_same(|way| project.shell(way, "exec \"$@\" >/dev/full"));
}

#[test]
fn the_reader_goes_away_half_way() {
    let test = "import pytest\n\n@pytest.mark.parametrize('n', range(3000))\ndef test_a(n):\n    print('x' * 100)\n";
    let project = Project::new(&[("test_a.py", test)]);
    assert_same(|way| project.shell(way, "set -o pipefail; \"$@\" -s -q | head -n 1"));
}

#[test]
fn input_that_comes_later() {
    let project =
        Project::new(&[("test_a.py", "def test_a():\n    open('ready', 'w').write('1')\n    print(input())\n")]);
    for way in [Way::Plain, Way::Rpytest, Way::Rpytest] {
        let (reader, mut writer) = std::io::pipe().expect("there are pipes");
        let running = Running::start(project.command(way).args(["-s", "-q"]).stdin(reader));
        project.wait_for_file("ready");
        writer.write_all(b"late words\n").expect("the test reads");
        let outcome = running.finish().ended(End::Code(0));
        assert!(outcome.stdout.contains("late words"), "{outcome}");
        std::fs::remove_file(project.path("ready")).expect("the test has made it");
    }
}

#[test]
fn descriptors_are_shared_with_the_command() {
    // The offset of a file is one for all who have inherited it: what is written before and after keeps its order.
    let project = Project::new(&[("test_a.py", "def test_a():\n    print('middle')\n")]);
    let outcome =
        assert_same(|way| project.shell(way, "exec >log; echo before; \"$@\" -s -q; echo after; cat log >&2"));
    assert!(outcome.stderr.starts_with("before\nmiddle") && outcome.stderr.ends_with("after\n"), "{outcome}");
}

/// What hangs from pytest's own classes ends with the run, and with it the stream that holds what was printed last.
#[test]
fn what_is_printed_at_the_very_end() {
    let project = Project::new(&[
        (
            "conftest.py",
            "import _pytest.fixtures\n\ndef pytest_configure(config):\n    _pytest.fixtures.FixtureManager.hanging = config\n",
        ),
        (
            "test_a.py",
            "class Loud:\n    def __del__(self):\n        print('the end')\n\nloud = Loud()\n\ndef test_a():\n    pass\n",
        ),
    ]);
    project.assert_same(&["-q"]);
}
