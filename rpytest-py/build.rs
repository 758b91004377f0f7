//! Finds the Python package that is built into the library, and its hash.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use sha2::{Digest, Sha256};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=python");
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("python");
    let (witness, package): (Vec<_>, Vec<_>) =
        python_files(&root)?.into_iter().partition(|path| path.starts_with(root.join("rpytest_witness")));
    let mut hash = Sha256::new();
    for path in &package {
        hash.update(name(&root, path));
        hash.update([0]);
        hash.update(fs::read(path)?);
        hash.update([0]);
    }
    let number = hash.finalize().iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let mut generated = format!("const BUILD: &str = \"{number}\";\n");
    for (constant, files) in [("FILES", package), ("WITNESS", witness)] {
        // Writing to a `String` cannot fail.
        let _ = writeln!(generated, "const {constant}: &[(&str, &str)] = &[");
        for path in &files {
            let _ =
                writeln!(generated, "    ({:?}, include_str!({:?})),", name(&root, path), path.display().to_string());
        }
        generated.push_str("];\n");
    }
    fs::write(PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("package.rs"), generated)
}

/// Below `directory`, in order.
fn python_files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries: Vec<_> = fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    entries.sort();
    let mut files = Vec::new();
    for path in entries {
        if path.is_dir() {
            files.extend(python_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "py") {
            files.push(path);
        }
    }
    Ok(files)
}

/// With slashes, whatever the system has.
fn name(root: &Path, path: &Path) -> String {
    let parts = path.strip_prefix(root).unwrap_or(path).iter().map(|part| part.to_string_lossy());
    parts.collect::<Vec<_>>().join("/")
}
