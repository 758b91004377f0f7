//! The `rpytest` command.

mod interpreter;

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let environment: Vec<_> = std::env::vars_os().collect();
    let own_path = interpreter::own_path();
    let directory = std::env::current_dir().unwrap_or_default();
    let found = interpreter::Interpreter::find(&interpreter::Surroundings {
        python: None,
        own_path: own_path.as_deref(),
        directory: &directory,
        environment: &environment,
    });
    let mut out = std::io::stdout().lock();
    let written = match found {
        Ok(found) => {
            let launcher = match &found.launcher {
                interpreter::Launcher::Binary => "binary".to_owned(),
                interpreter::Launcher::Shim(shim) => {
                    format!("{shim} ({} bytes)", shim.as_bytes().len())
                }
                interpreter::Launcher::Unknown { why } => format!("unknown: {why}"),
            };
            let path = found.path.display();
            writeln!(out, "{path}\n{}\n{launcher}", found.origin)
        }
        Err(not_found) => writeln!(out, "{not_found}"),
    };
    ExitCode::from(u8::from(written.is_err()))
}
