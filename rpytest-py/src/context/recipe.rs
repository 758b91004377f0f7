//! What a zygote is started from: the interpreter, directory and environment of the run that first needed it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::sync::Arc;

use rpytest_ipc::RunRequest;

use super::key::{ContextKey, is_read_at_start};
use crate::platform;

/// The part of a run's request that decides which zygote may serve it.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    pub(crate) interpreter: PathBuf,
    pub(crate) shim: Option<String>,
    /// The working directory itself: its name may be gone.
    pub(crate) directory: Arc<OwnedFd>,
    /// Its name, for people.
    pub(crate) directory_name: PathBuf,
    /// The run's arguments, for people.
    pub(crate) arguments: Vec<String>,
    /// The file mode creation mask: the zygote writes bytecode, as any first run would.
    pub(crate) umask: u32,
    /// Every `NAME=value`, in order.
    pub(crate) environment: Arc<Vec<OsString>>,
}

impl Recipe {
    /// Read it from a request and the body that came with it. None: the body is not what the request says.
    pub(crate) fn read(request: &RunRequest, body: &[u8], directory: &OwnedFd) -> io::Result<Self> {
        let incomplete = || io::Error::new(io::ErrorKind::InvalidData, "the run's words are not as announced");
        let words: Vec<&[u8]> = body.strip_suffix(b"\0").ok_or_else(incomplete)?.split(|byte| *byte == 0).collect();
        if words.len() != request.arguments.saturating_add(request.variables).saturating_add(2) {
            return Err(incomplete());
        }
        let (arguments, rest) = words.split_at(request.arguments);
        let (variables, paths) = rest.split_at(request.variables);
        let path = |index: usize| PathBuf::from(OsStr::from_bytes(paths[index]));
        Ok(Self {
            interpreter: path(0),
            shim: request.shim.clone(),
            directory: Arc::new(directory.try_clone()?),
            directory_name: path(1),
            umask: request.umask,
            arguments: arguments.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect(),
            environment: Arc::new(variables.iter().map(|word| OsString::from_vec(word.to_vec())).collect()),
        })
    }

    /// The context that it belongs to.
    pub(crate) fn key(&self) -> io::Result<ContextKey> {
        let kept = |variable: &&OsString| self.shim.is_some() || is_read_at_start(split(variable).0);
        Ok(ContextKey {
            interpreter: self.interpreter.clone(),
            shim: self.shim.clone(),
            directory: platform::identity(&self.directory)?,
            directory_name: self.directory_name.clone(),
            environment: self.environment.iter().filter(kept).cloned().collect(),
        })
    }

    /// The value of a variable.
    pub(crate) fn variable(&self, name: &str) -> Option<&OsStr> {
        self.environment
            .iter()
            .map(|variable| split(variable))
            .find_map(|(found, value)| (found == name.as_bytes()).then(|| OsStr::from_bytes(value)))
    }

    /// Name and value of every variable.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.environment.iter().map(|variable| {
            let (name, value) = split(variable);
            (OsStr::from_bytes(name), OsStr::from_bytes(value))
        })
    }

    /// A path to the working directory that works even where its name does not, if the system has such paths.
    pub(crate) fn directory_path(&self) -> PathBuf {
        platform::path_of(&self.directory, &self.directory_name)
    }
}

fn split(variable: &OsStr) -> (&[u8], &[u8]) {
    let bytes = variable.as_bytes();
    let end = bytes.iter().position(|byte| *byte == b'=').unwrap_or(bytes.len());
    (&bytes[..end], bytes.get(end + 1..).unwrap_or_default())
}
