//! A writer that is killed at any moment.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use rpytest_inventory::{InventoryDirectory, Store};

use crate::records::record;
use crate::{TestResult, directory};

/// Set in the process that is to be killed: the rootdir of its store.
const WRITER: &str = "RPYTEST_TEST_WRITER";

/// How many files the writer writes again and again.
const FILES: u32 = 40;

/// How often it is killed; `RPYTEST_TEST_KILLS` asks for more.
fn kills() -> u32 {
    std::env::var("RPYTEST_TEST_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(15)
}

/// No test of its own: what the test below starts, and kills.
#[test]
fn writer() -> TestResult {
    let Some(rootdir) = std::env::var_os(WRITER) else { return Ok(()) };
    let mut store = Store::open(&InventoryDirectory::of_rootdir(rootdir.as_ref()))?;
    let mut stderr = std::io::stderr().lock();
    for moved in store.moved_aside() {
        writeln!(stderr, "moved aside: {}", moved.reason)?;
    }
    let mut version = store.file("0.py")?.map_or(0, |record| version_of(&record.tests[0].item.names[1]));
    loop {
        version += 1;
        let records: Vec<_> = (0..FILES).map(|file| record(&format!("{file}.py"), version)).collect();
        store.replace(&records)?;
        store.flush()?;
        writeln!(stderr, "flushed {version}")?;
    }
}

/// The version in `test_ü0[7-x]`.
fn version_of(name: &str) -> u32 {
    let inside = name.split_once('[').and_then(|(_, inside)| inside.split_once('-'));
    inside.and_then(|(version, _)| version.parse().ok()).expect("a record of this test")
}

#[test]
fn what_was_flushed_is_there_after_a_kill() -> TestResult {
    let (rootdir, directory) = directory()?;
    let mut flushed = 0;
    for kill in 0..kills() {
        let mut writer = Command::new(std::env::current_exe()?)
            .args(["--exact", "kills::writer", "--nocapture"])
            .env(WRITER, rootdir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(writer.stderr.take().ok_or("it is piped")?).lines();
        // After so many flushes it is killed, somewhere in the next one.
        for _ in 0..kill % 4 {
            if let Some(line) = lines.next() {
                flushed = number(&line?)?;
            }
        }
        writer.kill()?;
        writer.wait()?;
        for line in lines {
            flushed = number(&line?)?;
        }

        let store = Store::open(&directory)?;
        assert_eq!(store.moved_aside(), []);
        let found: Vec<_> = store.files().collect::<Result<_, _>>()?;
        // One batch holds all files: they are of the same version, the last flushed one or the next.
        let Some(version) = found.first().map(|record| version_of(&record.tests[0].item.names[1])) else {
            assert_eq!(flushed, 0);
            continue;
        };
        assert!(version == flushed || version == flushed + 1, "{version} was found, {flushed} flushed");
        let expected = |file: &str| record(file, version);
        assert!(found.iter().all(|record| *record == expected(&record.path)), "not all are of version {version}");
        assert_eq!(u32::try_from(found.len())?, FILES);
        flushed = version;
    }
    Ok(())
}

fn number(line: &str) -> Result<u32, Box<dyn std::error::Error>> {
    Ok(line.strip_prefix("flushed ").ok_or_else(|| format!("the writer said {line:?}"))?.parse()?)
}
