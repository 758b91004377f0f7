//! Child processes: run in silence with the output kept for the case of failure, or on our own standard streams.

use std::io::{self, BufRead, BufReader, pipe};
use std::process::{Command, ExitStatus, Stdio};

use thiserror::Error;

/// A command that did not do its work.
#[derive(Debug, Error)]
pub(crate) enum CommandError {
    /// It never ran, or its output could not be read.
    #[error("failed to run `{line}`")]
    Run { line: String, source: io::Error },
    /// It ran and said no. `output` holds standard output and error in the order of writing; it is empty when they
    /// were not captured.
    #[error("`{line}` ended with {status}{}", indented(.output))]
    Failed { line: String, status: ExitStatus, output: String },
}

/// Runs a command to its end, giving each line of its output to `on_line`, and returns all of it.
///
/// Returns when every process that inherited the output has closed it: not for commands that leave a daemon behind.
pub(crate) fn capture(command: &mut Command, mut on_line: impl FnMut(&str)) -> Result<String, CommandError> {
    let line = line(command);
    let run = |source| CommandError::Run { line: line.clone(), source };
    let (reader, writer) = pipe().map_err(run)?;
    command.stdin(Stdio::null()).stdout(writer.try_clone().map_err(run)?).stderr(writer);
    let mut child = command.spawn().map_err(run)?;
    // Our own ends of the pipe live in `command`: with them open, its end would never be seen.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut output = String::new();
    for bytes in BufReader::new(reader).split(b'\n') {
        let text = String::from_utf8_lossy(&bytes.map_err(run)?).into_owned();
        on_line(&text);
        output.push_str(&text);
        output.push('\n');
    }
    let status = child.wait().map_err(run)?;
    if status.success() { Ok(output) } else { Err(CommandError::Failed { line, status, output }) }
}

/// Runs a command to its end on the standard streams of this process.
pub(crate) fn stream(command: &mut Command) -> Result<(), CommandError> {
    let line = line(command);
    let status = command.status().map_err(|source| CommandError::Run { line: line.clone(), source })?;
    if status.success() { Ok(()) } else { Err(CommandError::Failed { line, status, output: String::new() }) }
}

/// The command as one would type it, short of quoting.
fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Output below the sentence that introduces it.
fn indented(output: &str) -> String {
    if output.is_empty() {
        return String::new();
    }
    output.lines().fold(String::from(":"), |text, line| text + "\n    " + line)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{CommandError, capture};

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn both_streams_are_captured_in_the_order_of_writing() {
        let mut lines = Vec::new();
        let output = capture(&mut shell("echo one; echo two >&2; echo three"), |line| {
            lines.push(line.to_owned());
        });
        assert_eq!(output.expect("sh ends with 0"), "one\ntwo\nthree\n");
        assert_eq!(lines, ["one", "two", "three"]);
    }

    #[test]
    fn a_failure_carries_its_output() {
        let error = capture(&mut shell("echo why; exit 3"), |_| ()).expect_err("sh ends with 3");
        assert_eq!(error.to_string(), "`sh -c echo why; exit 3` ended with exit status: 3:\n    why");
    }

    #[test]
    fn a_command_that_is_not_there_is_told_from_one_that_fails() {
        let error = capture(&mut Command::new("/nowhere/at/all"), |_| ()).expect_err("no such file");
        assert!(matches!(error, CommandError::Run { .. }));
    }
}
