//! What stands at an interpreter's path: the interpreter itself, a version manager's shim, or something unknown.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::{ShimFingerprint, Surroundings, asdf, mise, pyenv};

/// A script of as many bytes is no shim: those have a few hundred.
const LONGEST_SCRIPT: u64 = 16 * 1024;

/// How far the answer of the file at an interpreter's path can be foretold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Launcher {
    /// The interpreter itself. Its identity is its path and the file there.
    Binary,
    /// A version manager's shim. A warm process may serve a run whose fingerprint is the same as at the process's start.
    Shim(ShimFingerprint),
    /// Something that nothing is known about: every run executes it afresh.
    Unknown {
        /// Why, as a lowercase fragment for `RPYTEST_LOG`.
        why: &'static str,
    },
}

impl Launcher {
    /// Looks at the file at `path`. Whatever is not recognised beyond doubt is [`Launcher::Unknown`], which is slow and
    /// right.
    pub(super) fn classify(surroundings: &Surroundings<'_>, path: &Path) -> Self {
        recognise(surroundings, path).unwrap_or_else(|why| Self::Unknown { why })
    }
}

fn recognise(surroundings: &Surroundings<'_>, path: &Path) -> Result<Launcher, &'static str> {
    let resolved = fs::canonicalize(path).map_err(|_| "its path cannot be resolved")?;
    let name = resolved.file_name().unwrap_or_default();
    if name == "mise" {
        return mise::fingerprint(surroundings, path, &resolved).map(Launcher::Shim);
    }
    let head = read_head(path).map_err(|_| "it cannot be read")?;
    if head.starts_with(b"#!") {
        return recognise_script(surroundings, path, &head).map(Launcher::Shim);
    }
    if !is_native(&head) {
        return Err("it is neither a native program nor a script");
    }
    if is_in_shims(path) || is_in_shims(&resolved) {
        return Err("it is a program in a directory of shims");
    }
    // Apple's is a stub that asks `xcode-select` which toolchain's Python to run.
    if cfg!(target_os = "macos") && resolved.starts_with("/usr/bin") {
        return Err("it is the system's stub for a developer toolchain");
    }
    if name.as_bytes().starts_with(b"python") || name.as_bytes().starts_with(b"pypy") {
        return Ok(Launcher::Binary);
    }
    Err("it is a program of another name than python or pypy")
}

fn recognise_script(
    surroundings: &Surroundings<'_>,
    path: &Path,
    text: &[u8],
) -> Result<ShimFingerprint, &'static str> {
    const UNKNOWN: &str = "it is a script that rpytest does not know";
    let text = std::str::from_utf8(text).map_err(|_| UNKNOWN)?;
    let program = path.file_name().ok_or(UNKNOWN)?;
    if let Some(shim) = pyenv::Shim::parse(text) {
        return pyenv::fingerprint(surroundings, program, &shim, text);
    }
    if asdf::is_shim(text, program) {
        return asdf::fingerprint(surroundings, path, program, text);
    }
    Err(UNKNOWN)
}

/// The beginning of a native program, or all of a script. A script that is too long comes out empty.
fn read_head(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut file = File::open(path)?;
    let mut magic = [0; 4];
    file.read_exact(&mut magic)?;
    head.extend_from_slice(&magic);
    if magic.starts_with(b"#!") {
        file.take(LONGEST_SCRIPT).read_to_end(&mut head)?;
        if head.len() as u64 > LONGEST_SCRIPT {
            head.clear();
        }
    }
    Ok(head)
}

/// ELF, or Mach-O of either byte order and width, or a universal Mach-O file.
fn is_native(head: &[u8]) -> bool {
    const MAGIC: [&[u8]; 6] = [
        b"\x7fELF",
        b"\xfe\xed\xfa\xce",
        b"\xfe\xed\xfa\xcf",
        b"\xce\xfa\xed\xfe",
        b"\xcf\xfa\xed\xfe",
        b"\xca\xfe\xba\xbe",
    ];
    MAGIC.iter().any(|magic| head.starts_with(magic))
}

fn is_in_shims(path: &Path) -> bool {
    path.iter().any(|component| component == OsStr::new("shims"))
}
