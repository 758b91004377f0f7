//! The error of a search for an interpreter: what was looked for, and where.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::{Origin, Surroundings, environment_bin, path_search};

/// No interpreter. The text names every place that was looked at.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotFound {
    /// The user named an interpreter by a path at which there is no executable file.
    #[error("no Python interpreter at {path}, which {origin} names: {reason}")]
    NamedPath {
        /// The path, absolute.
        path: String,
        /// Where it was named.
        origin: Origin,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The user named a command that is not on `PATH`.
    #[error("no Python interpreter `{name}`, which {origin} names, on PATH ({search_path})")]
    NamedCommand {
        /// The name as given.
        name: String,
        /// Where it was named.
        origin: Origin,
        /// What was searched.
        search_path: String,
    },
    /// Nothing was named, and no rule found one.
    #[error(
        "no Python interpreter found: looked for `python` beside rpytest ({beside}), `python` on PATH ({search_path}), \
         VIRTUAL_ENV ({virtual_env}), CONDA_PREFIX ({conda_prefix}), `python3` on PATH"
    )]
    Nowhere {
        /// Where `rpytest` stands, or why that is no place to look.
        beside: String,
        /// What was searched.
        search_path: String,
        /// The value of `VIRTUAL_ENV`, or that it is not set.
        virtual_env: String,
        /// The value of `CONDA_PREFIX`, or that it is not set.
        conda_prefix: String,
    },
}

impl NotFound {
    /// `name`, given by `origin`, does not lead to an executable file.
    pub(super) fn named(surroundings: &Surroundings<'_>, name: &OsStr, origin: Origin) -> Self {
        if name.as_bytes().contains(&b'/') {
            let path = surroundings.absolute(name);
            return Self::NamedPath { reason: what_is_wrong(&path), path: path.display().to_string(), origin };
        }
        Self::NamedCommand { name: text(name), origin, search_path: searched(surroundings) }
    }

    /// No rule found anything.
    pub(super) fn nowhere(surroundings: &Surroundings<'_>) -> Self {
        let beside = environment_bin(surroundings)
            .map_or_else(|| "which is not in an environment".to_owned(), |bin| bin.display().to_string());
        let value = |name| surroundings.filled(name).map_or_else(|| "not set".to_owned(), text);
        Self::Nowhere {
            beside,
            search_path: searched(surroundings),
            virtual_env: value("VIRTUAL_ENV"),
            conda_prefix: value("CONDA_PREFIX"),
        }
    }
}

fn what_is_wrong(path: &Path) -> &'static str {
    match path.metadata() {
        Err(_) => "it does not exist",
        Ok(metadata) if metadata.is_dir() => "it is a directory",
        Ok(_) => "it is not an executable file",
    }
}

fn searched(surroundings: &Surroundings<'_>) -> String {
    let path = text(path_search::search_path(surroundings));
    match surroundings.variable("PATH") {
        Some(_) => path,
        None => format!("not set, so {path}"),
    }
}

fn text(value: &OsStr) -> String {
    value.to_string_lossy().into_owned()
}
