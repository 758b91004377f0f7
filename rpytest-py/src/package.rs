//! The Python package that is built into this binary, laid out on disk for interpreters to import.

use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../python/", $name)))),*]
    };
}

const FILES: &[(&str, &str)] = files![
    "sitecustomize.py",
    "rpytest_zygote/__init__.py",
    "rpytest_zygote/afterwards.py",
    "rpytest_zygote/ahead.py",
    "rpytest_zygote/anew.py",
    "rpytest_zygote/bodies.py",
    "rpytest_zygote/codes.py",
    "rpytest_zygote/collection.py",
    "rpytest_zygote/described.py",
    "rpytest_zygote/effects.py",
    "rpytest_zygote/ending.py",
    "rpytest_zygote/environment.py",
    "rpytest_zygote/events.py",
    "rpytest_zygote/facts.py",
    "rpytest_zygote/firstrun.py",
    "rpytest_zygote/forerunner.py",
    "rpytest_zygote/further.py",
    "rpytest_zygote/gist.py",
    "rpytest_zygote/going.py",
    "rpytest_zygote/guard.py",
    "rpytest_zygote/heads.py",
    "rpytest_zygote/holders.py",
    "rpytest_zygote/hooks.py",
    "rpytest_zygote/identity.py",
    "rpytest_zygote/known.py",
    "rpytest_zygote/lesson.py",
    "rpytest_zygote/loaders.py",
    "rpytest_zygote/looks.py",
    "rpytest_zygote/lookups.py",
    "rpytest_zygote/numerics.py",
    "rpytest_zygote/observe.py",
    "rpytest_zygote/origins.py",
    "rpytest_zygote/preload.py",
    "rpytest_zygote/reads.py",
    "rpytest_zygote/request.py",
    "rpytest_zygote/session.py",
    "rpytest_zygote/shelf.py",
    "rpytest_zygote/standins.py",
    "rpytest_zygote/start.py",
    "rpytest_zygote/streams.py",
    "rpytest_zygote/telling.py",
    "rpytest_zygote/tempdir.py",
    "rpytest_zygote/thaw.py",
    "rpytest_zygote/told.py",
    "rpytest_zygote/touches.py",
    "rpytest_zygote/traces.py",
    "rpytest_zygote/trial.py",
    "rpytest_zygote/turbo.py",
    "rpytest_zygote/unmeasured.py",
    "rpytest_zygote/warm.py",
    "rpytest_zygote/wire.py",
    "rpytest_zygote/witness.py",
    "rpytest_zygote/world.py",
    "rpytest_zygote/zygote.py",
];

/// The plugin of `--verify-dropin`, which must leave no mark: it is apart from the rest.
const WITNESS: &[(&str, &str)] = files!["rpytest_witness/__init__.py", "rpytest_witness/events.py"];

/// The name of that plugin.
pub const WITNESS_PLUGIN: &str = "rpytest_witness";

/// A hash of what is built in: two builds that differ in it must not share a daemon.
pub fn build() -> String {
    let mut hash = Sha256::new();
    for (name, content) in FILES {
        hash.update(name.as_bytes());
        hash.update([0]);
        hash.update(content.as_bytes());
        hash.update([0]);
    }
    let digest = hash.finalize();
    digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte)).to_string()
}

/// Have the package below `cache`, in a directory of its version; a damaged file is written anew.
pub(crate) fn install(cache: &Path) -> io::Result<PathBuf> {
    let directory = cache.join(format!("python-{}-{}", env!("CARGO_PKG_VERSION"), build()));
    for (name, content) in FILES {
        let path = directory.join(name);
        if std::fs::read(&path).is_ok_and(|found| found == content.as_bytes()) {
            continue;
        }
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        // Written aside and renamed: an interpreter that is importing it sees the old file or the new one.
        let part = path.with_extension(format!("{}.part", std::process::id()));
        std::fs::write(&part, content)?;
        std::fs::rename(&part, &path)?;
    }
    // For `remove_stale`. That it was used is no reason to fail.
    let _ = std::fs::File::open(&directory).and_then(|opened| opened.set_modified(std::time::SystemTime::now()));
    Ok(directory)
}

/// Have the plugin [`WITNESS_PLUGIN`] below `directory`, which is then to be on `PYTHONPATH`.
pub fn install_witness(directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory.join(WITNESS_PLUGIN))?;
    WITNESS.iter().try_for_each(|(name, content)| std::fs::write(directory.join(name), content))
}

/// Remove the packages of other versions that have not been used since `older_than`.
pub(crate) fn remove_stale(cache: &Path, older_than: std::time::SystemTime) -> io::Result<usize> {
    let ours = format!("python-{}-{}", env!("CARGO_PKG_VERSION"), build());
    let mut removed = 0;
    for entry in std::fs::read_dir(cache)? {
        let entry = entry?;
        let name = entry.file_name();
        let stale = name.to_string_lossy().starts_with("python-")
            && name.to_string_lossy() != ours
            && entry.metadata()?.modified()? < older_than;
        if stale {
            std::fs::remove_dir_all(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}
