//! Environment variables: the same ones, in the same order, byte for byte, and the context that they ask for.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use crate::harness::{End, Project, SessionPath, assert_alike, assert_same};

/// What Python and what the C library see; a child sees the latter.
const SHOWS_ENVIRONMENT: &str = "\
import os, subprocess, sys, time

def test_a():
    print(ascii(list(os.environ.items())))
    sys.stdout.flush()
    subprocess.run(['env'], check=True)
    print(time.tzname, os.environ.get('PWD'))
";

fn project() -> Project {
    Project::new(&[("test_a.py", SHOWS_ENVIRONMENT)])
}

#[test]
fn variables_keep_their_order() {
    let project = project();
    let kept = "PATH=\"$PATH\" HOME=\"$HOME\" RPYTEST_LOG=info RPYTEST_RUNTIME_DIR=\"$RPYTEST_RUNTIME_DIR\"";
    for variables in [
        format!("-u _ Z=1 A=2 {kept} M=3"),
        format!("-u _ M=3 A=2 {kept} Z=1"),
        "-u _ EMPTY= LINES='a\nb' EQUALS==x=y=".to_owned(),
        "-u _ TZ=Asia/Kathmandu".to_owned(),
        format!("-i Z=1 {kept} B=2"),
    ] {
        assert_same(|way| project.shell(way, &format!("exec env {variables} \"$@\" -q -s"))).ended(End::Code(0));
    }
}

#[test]
fn values_need_not_be_text() {
    let project = project();
    let outcome = assert_same(|way| {
        let mut command = project.command(way);
        command.args(["-q", "-s"]).env("ODD", OsString::from_vec(b"\xff\xfe \x01".to_vec()));
        command
    });
    assert!(outcome.stdout.contains("('ODD', '\\udcff\\udcfe \\x01')"), "{outcome}");
}

#[test]
fn entries_that_python_cannot_hold_make_the_run_a_plain_one() {
    // Python shows the first of two entries of one name, its children get both; and an entry without `=` is not shown.
    let script = "\
import ctypes, os, sys
libc = ctypes.CDLL(None)
texts = [os.fsencode(f'{name}={value}') for name, value in os.environ.items()] + [eval(sys.argv[1])]
array = lambda texts: (ctypes.c_char_p * (len(texts) + 1))(*texts, None)
words = [os.fsencode(word) for word in sys.argv[2:]]
libc.execve(words[0], array(words), array(texts))
";
    let project = project();
    for entry in ["b'HOME=/elsewhere'", "b'NO_VALUE'", "b'=x'"] {
        let outcome = assert_alike(|way| {
            let mut command = project.clean("python");
            command.args(["-c", script, entry]).args(Project::program(way)).args(["-q", "-s"]);
            command
        });
        let outcome = outcome.went(SessionPath::Plain);
        assert!(
            outcome.notes.iter().any(|note| note.ends_with("entries that are not one NAME=value each")),
            "{outcome}"
        );
    }
}

#[test]
fn a_variable_that_python_reads_at_its_start_makes_another_context() {
    let test = "\
import locale, sys, warnings

def test_a():
    print(hash('text'), sys.flags, sys.warnoptions, warnings.filters[:2], sys._xoptions)
    print(sys.getfilesystemencoding(), locale.getpreferredencoding(False), locale.setlocale(locale.LC_CTYPE))
    print(sys.stdout.encoding, sys.stdout.errors, sys.path, sys.pycache_prefix, __debug__)
";
    let project = Project::new(&[("test_a.py", test), ("extra/only_there.py", "")]);
    let settings: [&[(&str, &str)]; 10] = [
        &[("PYTHONHASHSEED", "1")],
        &[("PYTHONHASHSEED", "2")],
        &[("PYTHONHASHSEED", "1"), ("PYTHONWARNINGS", "error::ResourceWarning,ignore")],
        &[("PYTHONHASHSEED", "0"), ("LANG", "C")],
        &[("PYTHONHASHSEED", "0"), ("LC_ALL", "POSIX"), ("PYTHONCOERCECLOCALE", "0")],
        &[("PYTHONHASHSEED", "0"), ("LANG", "en_US.ISO-8859-1"), ("PYTHONUTF8", "1")],
        &[("PYTHONHASHSEED", "0"), ("PYTHONPATH", "extra:/no/such")],
        &[("PYTHONHASHSEED", "0"), ("PYTHONPATH", "")],
        &[("PYTHONHASHSEED", "0"), ("PYTHONDONTWRITEBYTECODE", "1"), ("PYTHONIOENCODING", "ascii:ignore")],
        &[("PYTHONHASHSEED", "0"), ("PYTHONDEVMODE", "1"), ("PYTHONPYCACHEPREFIX", "/no/such")],
    ];
    for variables in settings {
        assert_same(|way| {
            let mut command = project.command(way);
            command.args(["-q", "-s"]).envs(variables.iter().copied());
            command
        });
    }
}

#[test]
fn variables_of_pytest_work_from_run_to_run() {
    let project = Project::new(&[("test_a.py", "import warnings\n\ndef test_a():\n    warnings.warn('careful')\n")]);
    for (name, value) in [
        ("PYTEST_ADDOPTS", "-v -rA"),
        ("PYTEST_THEME", "ansi-dark"),
        ("COLUMNS", "60"),
        ("CI", "true"),
        ("FORCE_COLOR", "1"),
    ] {
        assert_same(|way| {
            let mut command = project.command(way);
            command.env(name, value);
            command
        });
    }
}

/// A file of the time zone database, for a zone of one offset.
fn zone(seconds: i32, name: &str) -> Vec<u8> {
    let counts = [0_u32, 0, 0, 0, 1, 4].map(u32::to_be_bytes);
    [&b"TZif"[..], &[0; 16], counts.as_flattened(), &seconds.to_be_bytes(), &[0, 0], name.as_bytes(), &[0]].concat()
}

#[test]
fn the_file_of_a_time_zone_is_replaced() {
    let project =
        Project::new(&[("test_a.py", "import time\n\ndef test_a():\n    print(time.tzname, time.localtime(0))\n")]);
    for (seconds, name) in [(3600, "ONE"), (7200, "TWO")] {
        std::fs::write(project.path("zone"), zone(seconds, name)).expect("it is ours");
        let outcome = assert_same(|way| {
            let mut command = project.command(way);
            command.args(["-q", "-s"]).env("TZ", format!(":{}", project.path("zone").display()));
            command
        });
        assert!(outcome.stdout.contains(name), "{outcome}");
    }
}

#[test]
fn openssl_reads_its_settings_when_it_is_loaded() {
    let test = "\
import hashlib

def test_a():
    for name in ('md4', 'md5', 'sha256'):
        try:
            print(name, hashlib.new(name, b'').hexdigest())
        except ValueError as error:
            print(name, error)
";
    let settings = |legacy: &str| {
        format!("openssl_conf = a\n[a]\nproviders = b\n[b]\ndefault = c\n{legacy} = c\n[c]\nactivate = 1\n")
    };
    let project =
        Project::new(&[("test_a.py", test), ("one.cnf", &settings("legacy")), ("two.cnf", &settings("base"))]);
    let run = |file: Option<&str>| {
        assert_same(|way| {
            let mut command = project.command(way);
            command.args(["-q", "-s"]).envs(file.map(|file| ("OPENSSL_CONF", project.path(file))));
            command
        })
    };
    for file in [None, Some("one.cnf"), Some("two.cnf")] {
        run(file);
    }
    project.write("two.cnf", &settings("legacy"));
    run(Some("two.cnf"));
}

#[test]
fn start_up_code_changes_variables() {
    let project = Project::new(&[("test_a.py", SHOWS_ENVIRONMENT)]);
    let start = "import os\nos.environ['ADDED'] = 'by ' + os.environ.pop('GONE', 'nobody')\nos.environ['TERM'] = 'dumb'\n\
        os.environ['TZ'] = 'UTC-5'\n";
    project.write("start/sitecustomize.py", start);
    for given in [None, Some("one"), Some("two")] {
        let outcome = assert_same(|way| {
            let mut command = project.command(way);
            command.args(["-q", "-s"]).env("PYTHONPATH", project.path("start"));
            command.envs(given.map(|value| ("GONE", value)));
            command
        });
        assert!(outcome.stdout.contains(given.unwrap_or("nobody")), "{outcome}");
    }
}
