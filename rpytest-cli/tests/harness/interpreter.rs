//! The Python with pytest that the tests run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What `cargo xtask test` sets to the interpreter of an environment that it has made.
const VARIABLE: &str = "RPYTEST_TEST_PYTHON";

/// The absolute path of the interpreter: `$RPYTEST_TEST_PYTHON`, else the `python` on `PATH`, in both cases one that has
/// pytest.
pub(crate) fn interpreter() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        let named = std::env::var_os(VARIABLE);
        let name = named.clone().unwrap_or_else(|| "python".into());
        // Not the name itself: a version manager's shim would not work in the clean environment of a test.
        let output = Command::new(&name).args(["-c", "import pytest, sys; print(sys.executable)"]).output();
        let output = output.unwrap_or_else(|error| panic!("{} cannot be run: {error}", name.display()));
        assert!(
            output.status.success(),
            "{} has no pytest: set {VARIABLE} to an interpreter that has, as `cargo xtask test` does\n{}",
            name.display(),
            String::from_utf8_lossy(&output.stderr),
        );
        let path = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim_end());
        assert_eq!(path.file_name(), Some("python".as_ref()), "the tests find it as `python` on PATH");
        path
    })
}
