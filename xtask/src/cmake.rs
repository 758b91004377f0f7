//! The cmake that NNG's C library is built with: the machine's own, else one from a wheel in `target/tools/cmake`.
//!
//! The build itself finds either through `.cargo/cmake`.

use std::path::PathBuf;
use std::process::Command;

use crate::command::{CommandError, capture};
use crate::progress::Progress;
use crate::venv::Venv;
use crate::workspace::Workspace;

/// The oldest cmake that NNG 1.4 takes.
const OLDEST: (u32, u32) = (3, 13);

/// Brings cmake into `target/` unless this machine has one that works.
pub(crate) fn ensure(workspace: &Workspace, venv: &Venv, progress: &Progress) -> Result<(), CommandError> {
    let directory = workspace.target("tools/cmake");
    let ours = directory.join("cmake/data/bin/cmake");
    if works(ours) || works(PathBuf::from("cmake")) {
        return Ok(());
    }
    let work = progress.start("cmake");
    let mut install = venv.pip_install();
    // `--upgrade` replaces what an interrupted installation has left there.
    install.arg("--upgrade").arg("--target").arg(&directory);
    install.arg("--requirement").arg(workspace.requirements("cmake.txt"));
    capture(&mut install, |line| work.note(line))?;
    work.done();
    Ok(())
}

fn works(program: PathBuf) -> bool {
    let output = capture(Command::new(program).arg("--version"), |_| ());
    output.ok().and_then(|text| version(&text)).is_some_and(|version| version >= OLDEST)
}

/// `cmake version 3.31.2` and lines that do not matter.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix("cmake version ")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn a_version_is_read_from_its_first_line() {
        assert_eq!(version("cmake version 3.31.2\n\nCMake suite maintained by Kitware\n"), Some((3, 31)));
        assert_eq!(version("pyenv: cmake: command not found\n"), None);
    }
}
