//! Where there is no fork there is no warm process: plain pytest, and a word about it.

use std::process::{Command, ExitCode};

/// Run `python -m pytest` with our arguments; its exit code is ours.
pub(crate) fn run_plain_pytest() -> ExitCode {
    let say = |text: &str| {
        use std::io::Write;
        // Nobody reads it: then nobody misses it.
        let _ = writeln!(std::io::stderr(), "rpytest: {text}");
    };
    say("this system cannot keep Python warm; running plain pytest");
    match Command::new("python").args(["-m", "pytest"]).args(std::env::args_os().skip(1)).status() {
        Ok(status) => ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(3)),
        Err(error) => {
            say(&format!("no Python interpreter found: `python`: {error}"));
            ExitCode::from(4)
        }
    }
}
