//! `--inventory-status`.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rpytest_ipc::End;
use serde::Serialize;

use super::known::{Known, Nothing, is_absent};
use crate::command::print;
use crate::ending::INTERNAL_ERROR;
use crate::note;

/// So many reasons are shown to people.
const SHOWN: usize = 10;

#[derive(Serialize)]
struct Status {
    directory: String,
    tests: u64,
    files: usize,
    /// Seconds since the last collection began.
    age: Option<f64>,
    valid: bool,
    /// Why not.
    stale: Vec<String>,
    /// Why selections are collected of their own.
    indivisible: Vec<String>,
    /// Why `--turbo` collects everything.
    inseparable: Vec<String>,
    rootdir: Option<String>,
    pytest: Option<String>,
    snapshot_bytes: u64,
    store_bytes: u64,
}

/// Show what the inventory in a directory knows.
pub(super) fn show(directory: &Path, json: bool) -> End {
    let known = match Known::look(directory) {
        Ok(known) => known,
        Err(error) => {
            if !is_absent(&error) {
                note::say(error);
            }
            return print(if json { "null".to_owned() } else { Nothing::Yet.to_string() } + "\n");
        }
    };
    match gather(&known, directory) {
        Ok(status) if json => print(serde_json::to_string_pretty(&status).expect("a status is plain data") + "\n"),
        Ok(status) => print(render(&status) + "\n"),
        Err(error) => {
            note::say(error);
            INTERNAL_ERROR
        }
    }
}

fn gather(known: &Known, directory: &Path) -> Result<Status, rpytest_inventory::ObserveError> {
    let mut stale = known.staleness()?;
    stale.extend(known.snapshot.verify().err().map(|error| error.to_string()));
    let collection = known.collection();
    let began = collection.map(|collection| UNIX_EPOCH + Duration::from_nanos(collection.began_ns));
    Ok(Status {
        directory: directory.display().to_string(),
        tests: known.snapshot.files().map(|(_, tests)| u64::from(tests)).sum(),
        files: known.snapshot.files().len(),
        age: began.and_then(|began| Some(SystemTime::now().duration_since(began).ok()?.as_secs_f64())),
        valid: stale.is_empty(),
        stale,
        indivisible: collection.map_or_else(Vec::new, |collection| collection.indivisible.clone()),
        inseparable: collection.map_or_else(Vec::new, |collection| collection.inseparable.clone()),
        rootdir: collection.map(|collection| collection.rootdir.display().to_string()),
        pytest: collection.map(|collection| collection.pytest.clone()),
        snapshot_bytes: size(&known.directory.snapshot()),
        store_bytes: size(&directory.join("db")),
    })
}

fn render(status: &Status) -> String {
    let mut text = format!("{} tests in {} files, kept in {}\n", status.tests, status.files, status.directory);
    let mut line = |args: std::fmt::Arguments<'_>| writeln!(text, "{args}").expect("a string takes everything");
    if let (Some(age), Some(rootdir), Some(pytest)) = (status.age, &status.rootdir, &status.pytest) {
        line(format_args!("collected {age:.0} seconds ago by pytest {pytest}, rootdir {rootdir}"));
    }
    line(format_args!("snapshot {} bytes, store {} bytes", status.snapshot_bytes, status.store_bytes));
    line(format_args!("{}", if status.valid { "valid" } else { "not valid:" }));
    for reason in status.stale.iter().take(SHOWN) {
        line(format_args!("  {reason}"));
    }
    if status.stale.len() > SHOWN {
        line(format_args!("  and {} more", status.stale.len() - SHOWN));
    }
    for reason in &status.indivisible {
        line(format_args!("each selection is collected of its own: {reason}"));
    }
    for reason in &status.inseparable {
        line(format_args!("--turbo collects everything: {reason}"));
    }
    text.trim_end().to_owned()
}

/// Of a file, or of all files in a directory.
fn size(path: &Path) -> u64 {
    let Ok(metadata) = fs::metadata(path) else { return 0 };
    if !metadata.is_dir() {
        return metadata.len();
    }
    fs::read_dir(path).into_iter().flatten().flatten().map(|entry| size(&entry.path())).sum()
}
