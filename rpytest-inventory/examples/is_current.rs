//! Says of each file whether it stays as it is: looks at the files, waits for Enter, and looks again.
//!
//! `cargo run --example is_current -- tests/conftest.py pytest.ini`

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;

use rpytest_inventory::Fingerprint;

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let before = paths.iter().map(|path| Fingerprint::observe(path)).collect::<Result<Vec<_>, _>>()?;
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "Change something, then press Enter.")?;
    io::stdin().read_line(&mut String::new())?;
    for (path, fingerprint) in paths.iter().zip(before) {
        let word = if fingerprint.is_current(path)? { "unchanged" } else { "changed" };
        writeln!(stdout, "{word} {}", path.display())?;
    }
    Ok(())
}
