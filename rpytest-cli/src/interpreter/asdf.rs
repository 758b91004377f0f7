//! What the answer of an asdf shim depends on.
//!
//! Sources: asdf's `internal/shims`, `internal/resolve`, `internal/config` (0.16 and later), its "Configuration" manual
//! (which covers the shell implementation too), and the callbacks of the asdf-python plugin.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::inputs::{Inputs, directories_upwards, shell_surprise, steers_shell};
use super::{Manager, ShimFingerprint, Surroundings};

/// Scripts by which a plugin takes part in each call. asdf-python has none; what another's does cannot be known.
const CALLBACKS: [&str; 4] = ["exec-env", "exec-path", "list-bin-paths", "parse-legacy-file"];

/// Whether `text` is what asdf writes as the shim of `program`, for the `python` plugin alone.
pub(super) fn is_shim(text: &str, program: &OsStr) -> bool {
    let mut executes = false;
    let mut lines = text.lines();
    if lines.next() != Some("#!/usr/bin/env bash") {
        return false;
    }
    for line in lines.map(str::trim) {
        if is_exec_line(line, program) {
            executes = true;
        } else if !line.is_empty() && !line.starts_with("# asdf-plugin: python ") {
            return false;
        }
    }
    executes
}

/// `exec asdf exec "python" "$@"`, with the path of `asdf` and the remark that the shell implementation adds.
fn is_exec_line(line: &str, program: &OsStr) -> bool {
    let line = line.strip_suffix(" # asdf_allow: ' asdf '").unwrap_or(line);
    let mut words = line.split(' ');
    let quoted = format!("\"{}\"", program.to_string_lossy());
    words.next() == Some("exec") && words.next().is_some_and(is_asdf) && words.eq(["exec", quoted.as_str(), "\"$@\""])
}

fn is_asdf(word: &str) -> bool {
    let word = word.trim_matches('"');
    let plain = |character: char| character.is_ascii_alphanumeric() || "/._-+".contains(character);
    word == "asdf" || (word.starts_with('/') && word.ends_with("/asdf") && word.chars().all(plain))
}

/// What the shim at `path`, called as `program`, would answer to. Fails with the reason when that cannot be known.
pub(super) fn fingerprint(
    surroundings: &Surroundings<'_>,
    path: &Path,
    program: &OsStr,
    text: &str,
) -> Result<ShimFingerprint, &'static str> {
    shell_surprise(surroundings)?;
    let home = Path::new(surroundings.filled("HOME").ok_or("HOME is not set")?);
    let mut inputs = Inputs::new(surroundings);
    inputs.record_bytes(text.as_bytes());
    inputs.record_bytes(program.as_bytes());
    inputs.record_variables(|name| name.starts_with(b"ASDF_") || steers_shell(name));
    record_version_files(&mut inputs, surroundings, home)?;
    record_settings(&mut inputs, surroundings, home)?;
    for data in data_directories(surroundings, path, home) {
        record_data(&mut inputs, &data, program)?;
    }
    inputs.record_search(OsStr::new("asdf"));
    inputs.record_search(program);
    Ok(inputs.finish(Manager::Asdf))
}

/// Records every file that may name a version, whether `legacy_version_file` is on or not.
fn record_version_files(
    inputs: &mut Inputs<'_>,
    surroundings: &Surroundings<'_>,
    home: &Path,
) -> Result<(), &'static str> {
    let configured = surroundings.filled("ASDF_DEFAULT_TOOL_VERSIONS_FILENAME").unwrap_or(OsStr::new(".tool-versions"));
    let mut directories = directories_upwards(surroundings);
    directories.push(home.to_path_buf());
    for directory in directories {
        for name in [configured, OsStr::new(".python-version")] {
            let contents = inputs.record_contents(&directory.join(name));
            refuse_foreign_install(&contents)?;
        }
    }
    let variable = surroundings.filled("ASDF_PYTHON_VERSION");
    refuse_foreign_install(variable.unwrap_or_default().as_bytes())
}

/// `path:DIRECTORY` is an interpreter outside asdf's own directories.
fn refuse_foreign_install(versions: &[u8]) -> Result<(), &'static str> {
    if versions.windows(5).any(|window| window == b"path:") {
        return Err("asdf is told to use a version by its path");
    }
    Ok(())
}

/// Records `.asdfrc`, and fails when it has commands that run before or after Python.
fn record_settings(inputs: &mut Inputs<'_>, surroundings: &Surroundings<'_>, home: &Path) -> Result<(), &'static str> {
    let file = surroundings
        .filled("ASDF_CONFIG_FILE")
        .map_or_else(|| home.join(".asdfrc"), |path| expand(surroundings, path, home));
    let contents = inputs.record_contents(&file);
    let hooked = contents.split(|&byte| byte == b'\n').any(|line| {
        let line = line.trim_ascii_start();
        line.starts_with(b"pre_python") || line.starts_with(b"post_python")
    });
    if hooked {
        return Err(".asdfrc has a hook on python");
    }
    Ok(())
}

/// A path from a variable; asdf replaces a tilde at its start.
fn expand(surroundings: &Surroundings<'_>, path: &OsStr, home: &Path) -> PathBuf {
    match Path::new(path).strip_prefix("~") {
        Ok(rest) => home.join(rest),
        Err(_) => surroundings.absolute(path),
    }
}

/// asdf's data directory as configured, as the default, and as the shim's place tells it: the shell implementation has
/// known other defaults.
fn data_directories(surroundings: &Surroundings<'_>, path: &Path, home: &Path) -> Vec<PathBuf> {
    let configured = surroundings
        .filled("ASDF_DATA_DIR")
        .map_or_else(|| home.join(".asdf"), |path| expand(surroundings, path, home));
    let mut directories = vec![configured];
    let around_shim = path.parent().and_then(Path::parent);
    if let Some(around_shim) = around_shim.filter(|directory| *directory != directories[0]) {
        directories.push(around_shim.to_path_buf());
    }
    directories
}

/// Records which versions are installed and what the plugin consists of.
fn record_data(inputs: &mut Inputs<'_>, data: &Path, program: &OsStr) -> Result<(), &'static str> {
    let installs = data.join("installs/python");
    for name in inputs.record_names(&installs) {
        inputs.record_stamp(&installs.join(name).join("bin").join(program));
    }
    let callbacks = data.join("plugins/python/bin");
    for name in inputs.record_names(&callbacks) {
        if CALLBACKS.iter().any(|callback| name == *callback) {
            return Err("the asdf plugin takes part in choosing the interpreter");
        }
        inputs.record_stamp(&callbacks.join(name));
    }
    inputs.record_stamp(&data.join("shims").join(program));
    Ok(())
}
