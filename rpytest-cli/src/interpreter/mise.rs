//! What the answer of a mise shim (a symbolic link to `mise`) depends on.
//!
//! Sources: mise's `src/shims.rs`, `src/env.rs`, `src/dirs.rs`, the list of configuration files in `src/config/mod.rs`, and
//! the pages "Configuration" and "Environments" of its manual. mise's configuration can run programs, read further files and
//! ask plugins; a configuration that does is not foretold.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::inputs::{Inputs, directories_upwards};
use super::{Manager, ShimFingerprint, Surroundings};

/// Variables that make mise look at files which the rules here do not list.
const REDIRECTIONS: [&str; 10] = [
    "MISE_CD",
    "MISE_CONFIG_FILE",
    "MISE_DEFAULT_CONFIG_FILENAME",
    "MISE_DEFAULT_TOOL_VERSIONS_FILENAME",
    "MISE_ENV_FILE",
    "MISE_GLOBAL_CONFIG_FILE",
    "MISE_OVERRIDE_CONFIG_FILENAMES",
    "MISE_OVERRIDE_TOOL_VERSIONS_FILENAMES",
    "MISE_SHARED_INSTALL_DIRS",
    "MISE_SYSTEM_CONFIG_FILE",
];

/// Words in a configuration that lead to further files, or to code of a plugin.
const DYNAMIC_WORDS: [&str; 9] = ["{%", "\\u", "\\U", "env_file", "override_", "path:", "vfox:", "asdf:", "[plugins]"];

/// What the shim at `path`, a link to the program `mise`, would answer to. Fails with the reason when that cannot be known.
pub(super) fn fingerprint(
    surroundings: &Surroundings<'_>,
    path: &Path,
    mise: &Path,
) -> Result<ShimFingerprint, &'static str> {
    let program = path.file_name().unwrap_or_default();
    if REDIRECTIONS.iter().any(|name| surroundings.filled(name).is_some()) {
        return Err("a variable sends mise to other configuration files");
    }
    let home = Path::new(surroundings.filled("HOME").ok_or("HOME is not set")?);
    let places = Places::new(surroundings, home);
    let mut inputs = Inputs::new(surroundings);
    inputs.record_bytes(path.as_os_str().as_bytes());
    inputs.record_stamp(mise);
    inputs.record_variables(is_input);
    record_configurations(&mut inputs, surroundings, home, &places)?;
    for name in ["trusted-configs", "ignored-configs"] {
        inputs.record_names(&places.state.join(name));
    }
    record_plugins(&mut inputs, &places)?;
    for installs in &places.installs {
        record_installs(&mut inputs, installs, program);
    }
    inputs.record_search(program);
    Ok(inputs.finish(Manager::Mise))
}

fn is_input(name: &[u8]) -> bool {
    const PREFIXES: [&[u8]; 8] = [b"MISE_", b"__MISE", b"RTX_", b"ASDF_", b"XDG_", b"UV_", b"PYENV_", b"DIRENV_"];
    const NAMES: [&[u8]; 6] = [b"PATH", b"HOME", b"PWD", b"SHELL", b"VIRTUAL_ENV", b"CONDA_PREFIX"];
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// mise's directories, as its variables, the XDG variables and the defaults give them.
struct Places {
    configurations: [PathBuf; 2],
    state: PathBuf,
    plugins: PathBuf,
    installs: [PathBuf; 2],
}

impl Places {
    fn new(surroundings: &Surroundings<'_>, home: &Path) -> Self {
        let variable = |name| surroundings.filled(name).map(|path| surroundings.absolute(path));
        let place = |name, xdg, default| {
            variable(name).unwrap_or_else(|| {
                let base = variable(xdg).unwrap_or_else(|| home.join(default));
                base.join("mise")
            })
        };
        let data = place("MISE_DATA_DIR", "XDG_DATA_HOME", ".local/share");
        let system = variable("MISE_SYSTEM_CONFIG_DIR").or_else(|| variable("MISE_SYSTEM_DIR"));
        let shared = variable("MISE_SYSTEM_DATA_DIR");
        Self {
            configurations: [
                place("MISE_CONFIG_DIR", "XDG_CONFIG_HOME", ".config"),
                system.unwrap_or_else(|| PathBuf::from("/etc/mise")),
            ],
            state: place("MISE_STATE_DIR", "XDG_STATE_HOME", ".local/state"),
            plugins: variable("MISE_PLUGINS_DIR").unwrap_or_else(|| data.join("plugins")),
            installs: [
                variable("MISE_INSTALLS_DIR").unwrap_or_else(|| data.join("installs")),
                shared.unwrap_or_else(|| PathBuf::from("/usr/local/share/mise")).join("installs"),
            ],
        }
    }
}

/// Records every configuration file that mise might read, of any environment (`mise.ci.toml`).
fn record_configurations(
    inputs: &mut Inputs<'_>,
    surroundings: &Surroundings<'_>,
    home: &Path,
    places: &Places,
) -> Result<(), &'static str> {
    for directory in &places.configurations {
        record_configuration_directory(inputs, directory)?;
    }
    let mut directories = directories_upwards(surroundings);
    directories.push(home.to_path_buf());
    for directory in directories {
        for name in inputs.record_names_where(&directory, is_configuration) {
            record_configuration(inputs, &directory.join(name))?;
        }
        for name in ["mise", ".mise", ".config/mise"] {
            record_configuration_directory(inputs, &directory.join(name))?;
        }
        let dot_config = directory.join(".config");
        for name in inputs.record_names_where(&dot_config, is_configuration) {
            record_configuration(inputs, &dot_config.join(name))?;
        }
        for name in ["uv.lock", ".venv/bin/python"] {
            inputs.record_stamp(&directory.join(name));
        }
    }
    Ok(())
}

fn record_configuration_directory(inputs: &mut Inputs<'_>, directory: &Path) -> Result<(), &'static str> {
    for directory in [directory.to_path_buf(), directory.join("conf.d")] {
        let is_toml = |name: &OsStr| name.as_bytes().ends_with(b".toml");
        for name in inputs.record_names_where(&directory, is_toml) {
            record_configuration(inputs, &directory.join(name))?;
        }
    }
    Ok(())
}

/// `mise.toml`, `.mise.local.toml`, `mise.lock`, `.miserc.toml`, `.rtx.toml` and their like; versions files.
fn is_configuration(name: &OsStr) -> bool {
    const VERSIONS: [&str; 3] = [".tool-versions", ".python-version", ".python-versions"];
    let name = name.as_bytes();
    let bare = name.strip_prefix(b".").unwrap_or(name);
    let is_mise = bare.starts_with(b"mise") || bare.starts_with(b"rtx");
    let is_format = name.ends_with(b".toml") || name.ends_with(b".lock");
    (is_mise && is_format) || VERSIONS.iter().any(|known| name == known.as_bytes())
}

fn record_configuration(inputs: &mut Inputs<'_>, path: &Path) -> Result<(), &'static str> {
    let contents = inputs.record_contents(path);
    if path.extension() == Some(OsStr::new("lock")) {
        return Ok(());
    }
    if is_dynamic(&String::from_utf8_lossy(&contents)) {
        return Err("mise's configuration depends on more than its files");
    }
    Ok(())
}

/// Whether a configuration may look at more than is recorded: templates (except `{{config_root}}`), the directives of
/// `[env] _` (except `_.path`), plugins. What only looks like one counts too.
fn is_dynamic(text: &str) -> bool {
    DYNAMIC_WORDS.iter().any(|word| text.contains(word))
        || text.split("{{").skip(1).any(|rest| !is_config_root(rest))
        || has_directive(text)
}

fn is_config_root(rest: &str) -> bool {
    rest.split_once("}}").is_some_and(|(expression, _)| expression.trim() == "config_root")
}

fn has_directive(text: &str) -> bool {
    let is_word = |character: char| character.is_alphanumeric() || "_-".contains(character);
    text.match_indices('_').any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + 1..]);
        !before.ends_with(is_word) && !after.starts_with(is_word) && !after.starts_with(".path")
    })
}

/// Records the plugins; one that supplies Python may do as it likes.
fn record_plugins(inputs: &mut Inputs<'_>, places: &Places) -> Result<(), &'static str> {
    let plugins: Vec<OsString> = inputs.record_names(&places.plugins);
    if plugins.iter().any(|name| name == "python") {
        return Err("a mise plugin supplies python");
    }
    Ok(())
}

/// Records which versions of which tools are installed: any of them may bring a `python`.
fn record_installs(inputs: &mut Inputs<'_>, installs: &Path, program: &OsStr) {
    for tool in inputs.record_names(installs) {
        let tool = installs.join(tool);
        for version in inputs.record_names(&tool) {
            inputs.record_stamp(&tool.join(version).join("bin").join(program));
        }
    }
}
