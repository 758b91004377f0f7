//! What the answer of a pyenv shim depends on.
//!
//! Sources: pyenv's `libexec/pyenv`, `pyenv-exec`, `pyenv-version-name`, `pyenv-version-file`, `pyenv-which`,
//! `pyenv-latest`, `pyenv-hooks`, `pyenv-rehash`, and pyenv-virtualenv's `etc/pyenv.d`.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::inputs::{Inputs, directories_upwards, shell_surprise, steers_shell};
use super::{Manager, ShimFingerprint, Surroundings, path_search};

/// Where pyenv looks for hooks besides its own directories and `PYENV_HOOK_PATH`.
const SYSTEM_HOOKS: [&str; 4] = ["/usr/etc/pyenv.d", "/usr/local/etc/pyenv.d", "/etc/pyenv.d", "/usr/lib/pyenv/hooks"];

/// The hooks that `pyenv exec` runs.
const HOOKED_COMMANDS: [&str; 3] = ["version-name", "which", "exec"];

/// Hooks of pyenv and pyenv-virtualenv: what they look at is recorded. All others may look at anything.
const KNOWN_HOOKS: [&str; 4] = [
    "pyenv.d/exec/pip-rehash.bash",
    "pyenv-virtualenv/etc/pyenv.d/which/conda.bash",
    "pyenv-virtualenv/etc/pyenv.d/which/python-config.bash",
    "pyenv-virtualenv/etc/pyenv.d/which/system-site-packages.bash",
];

/// What a shim made by `pyenv rehash` says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shim<'a> {
    /// `PYENV_ROOT`: the shim overrides the environment's.
    root: &'a Path,
    /// The `pyenv` that it executes.
    pyenv: &'a Path,
}

impl<'a> Shim<'a> {
    /// The shim in `text`, when each of its lines is one that pyenv writes. (Shims of old versions also look at the
    /// arguments; those are not among the lines.)
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let mut lines = text.lines();
        if lines.next() != Some("#!/usr/bin/env bash") {
            return None;
        }
        let (mut root, mut pyenv) = (None, None);
        for line in lines.map(str::trim) {
            if let Some(value) = between(line, "export PYENV_ROOT=\"", "\"") {
                root = Some(value);
            } else if let Some(value) = between(line, "exec \"", "\" exec \"$program\" \"$@\"") {
                pyenv = Some(value);
            } else if between(line, "if [[ $SHIM_PATH != \"", "/shims\" ]]; then").is_none() && !is_fixed_line(line) {
                return None;
            }
        }
        Some(Self { root: literal_path(root?)?, pyenv: literal_path(pyenv?)? })
    }
}

fn is_fixed_line(line: &str) -> bool {
    matches!(
        line,
        "" | "set -e"
            | "[ -n \"$PYENV_DEBUG\" ] && set -x"
            | "program=\"${0##*/}\""
            | "SHIM_PATH=${0%/*}"
            | "export _PYENV_SHIM_PATH=\"$SHIM_PATH\""
            | "fi"
    )
}

fn between<'a>(line: &'a str, start: &str, end: &str) -> Option<&'a str> {
    line.strip_prefix(start)?.strip_suffix(end)
}

/// A path that the shell would leave as it is within double quotes.
fn literal_path(text: &str) -> Option<&Path> {
    let literal = text.starts_with('/') && !text.contains(['$', '`', '"', '\\']);
    literal.then(|| Path::new(text))
}

/// What `shim`, called as `program`, would answer to. Fails with the reason when that cannot be known.
pub(super) fn fingerprint(
    surroundings: &Surroundings<'_>,
    program: &OsStr,
    shim: &Shim<'_>,
    text: &str,
) -> Result<ShimFingerprint, &'static str> {
    refuse_surprises(surroundings)?;
    let prefix = install_prefix(shim)?;
    let mut inputs = Inputs::new(surroundings);
    inputs.record_bytes(text.as_bytes());
    inputs.record_bytes(program.as_bytes());
    inputs.record_variables(|name| name.starts_with(b"PYENV_") || name.starts_with(b"_PYENV_") || steers_shell(name));
    inputs.record_stamp(&prefix.join("libexec"));
    let selected = record_version_files(&mut inputs, surroundings, shim);
    record_versions(&mut inputs, shim, program, &selected);
    record_hooks(&mut inputs, surroundings, shim, &prefix)?;
    inputs.record_search(program);
    Ok(inputs.finish(Manager::Pyenv))
}

fn refuse_surprises(surroundings: &Surroundings<'_>) -> Result<(), &'static str> {
    shell_surprise(surroundings)?;
    if surroundings.filled("PYENV_DEBUG").is_some() {
        return Err("PYENV_DEBUG makes the shim print what it does");
    }
    let directory = surroundings.filled("PYENV_DIR").map(Path::new);
    if directory.is_some_and(Path::is_relative) {
        return Err("PYENV_DIR is relative");
    }
    // pyenv-which replaces each tilde by the home directory before it searches.
    if path_search::search_path(surroundings).as_bytes().contains(&b'~') {
        return Err("PATH has a tilde in it");
    }
    Ok(())
}

/// The directory that pyenv itself is installed in: usually, but not always, the root.
fn install_prefix(shim: &Shim<'_>) -> Result<PathBuf, &'static str> {
    fs::canonicalize(shim.pyenv)
        .ok()
        .and_then(|program| Some(program.parent()?.parent()?.to_path_buf()))
        .ok_or("the pyenv that the shim names is not there")
}

/// Records every file that may name a version, and returns the names in them and in `PYENV_VERSION`.
fn record_version_files(inputs: &mut Inputs<'_>, surroundings: &Surroundings<'_>, shim: &Shim<'_>) -> Vec<u8> {
    let mut selected = surroundings.filled("PYENV_VERSION").map_or_else(Vec::new, |value| value.as_bytes().to_vec());
    let start = surroundings.filled("PYENV_DIR").map(Path::new);
    let elsewhere = start.into_iter().flat_map(Path::ancestors);
    let upwards = directories_upwards(surroundings);
    let files = elsewhere
        .chain(upwards.iter().map(PathBuf::as_path))
        .map(|directory| directory.join(".python-version"))
        .chain([shim.root.join("version")]);
    for file in files {
        selected.push(b'\n');
        selected.extend(inputs.record_contents(&file));
    }
    selected
}

/// Records which versions are installed. A prefix such as `3.11` means the latest of them; one whose `python` is gone is
/// passed over.
fn record_versions(inputs: &mut Inputs<'_>, shim: &Shim<'_>, program: &OsStr, selected: &[u8]) {
    let versions = shim.root.join("versions");
    let record_version = |inputs: &mut Inputs<'_>, name: &OsStr| {
        let version = versions.join(name);
        inputs.record_stamp(&version.join("bin").join(program));
        inputs.record_stamp(&version.join("pyvenv.cfg"));
    };
    for name in inputs.record_names(&versions) {
        record_version(inputs, &name);
    }
    // Environments of pyenv-virtualenv by their long name, `3.11.7/envs/name`.
    let words = selected.split(|byte| byte.is_ascii_whitespace() || *byte == b':');
    for word in words.filter(|word| word.contains(&b'/')) {
        record_version(inputs, OsStr::from_bytes(word));
    }
}

/// Records the hooks that would run, and fails when one is not known.
fn record_hooks(
    inputs: &mut Inputs<'_>,
    surroundings: &Surroundings<'_>,
    shim: &Shim<'_>,
    prefix: &Path,
) -> Result<(), &'static str> {
    let mut directories = vec![shim.root.join("pyenv.d")];
    directories.extend(record_plugins(inputs, shim.root));
    if prefix != shim.root {
        directories.push(prefix.join("pyenv.d"));
        record_plugins(inputs, prefix);
    }
    directories.extend(SYSTEM_HOOKS.map(PathBuf::from));
    if let Some(list) = surroundings.filled("PYENV_HOOK_PATH") {
        directories.extend(path_search::split(surroundings, list));
    }
    for directory in &directories {
        for command in HOOKED_COMMANDS {
            record_hook_directory(inputs, &directory.join(command))?;
        }
    }
    Ok(())
}

/// Records the plugins in `root`, whose `bin` directories pyenv puts onto the interpreter's `PATH`, and returns their
/// directories of hooks.
fn record_plugins(inputs: &mut Inputs<'_>, root: &Path) -> Vec<PathBuf> {
    let plugins = root.join("plugins");
    let names = inputs.record_names(&plugins).into_iter();
    names
        .map(|name| {
            let plugin = plugins.join(name);
            let hooks = plugin.join("etc/pyenv.d");
            inputs.record_stamp(&plugin.join("bin"));
            inputs.record_stamp(&hooks);
            hooks
        })
        .collect()
}

fn record_hook_directory(inputs: &mut Inputs<'_>, directory: &Path) -> Result<(), &'static str> {
    let is_hook = |name: &OsStr| name.as_bytes().ends_with(b".bash");
    for name in inputs.record_names_where(directory, is_hook) {
        let hook = directory.join(name);
        if !KNOWN_HOOKS.iter().any(|known| hook.ends_with(known)) {
            return Err("a pyenv plugin takes part in choosing the version");
        }
        inputs.record_stamp(&hook);
    }
    Ok(())
}
