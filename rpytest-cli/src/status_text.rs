//! The daemon's status for people.

use std::fmt::Write;

use rpytest_core::RunPath;
use rpytest_ipc::{ContextStatus, DaemonStatus, End, RecentRun};

const MEBIBYTE: u64 = 1 << 20;
/// Of the remembered runs, so many are shown.
const SHOWN: usize = 10;

/// A few lines for each thing.
pub(crate) fn render(status: &DaemonStatus) -> String {
    let mut text = format!(
        "rpytest daemon {}, process {}, up {}, {} MiB, leaves after {} idle\nlog: {}\n",
        status.version,
        status.pid,
        age(status.uptime),
        status.memory / MEBIBYTE,
        age(std::time::Duration::from_secs(status.idle_timeout).as_secs_f64()),
        status.log,
    );
    text.push_str(if status.contexts.is_empty() { "\nno contexts\n" } else { "\ncontexts\n" });
    for context in &status.contexts {
        describe_context(&mut text, context);
    }
    text.push_str(if status.runs.is_empty() { "\nno runs yet" } else { "\nruns" });
    for run in status.runs.iter().take(SHOWN) {
        describe_run(&mut text, run);
    }
    text
}

fn describe_context(text: &mut String, context: &ContextStatus) {
    let known = |version: &Option<String>| version.clone().unwrap_or_else(|| "?".to_owned());
    let process = context.pid.map_or_else(|| "no process".to_owned(), |pid| format!("process {pid}"));
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "  {}\n    {} (Python {}, pytest {}): {}, {process}, age {}, {} runs, {} MiB",
        context.repository,
        context.interpreter,
        known(&context.python),
        known(&context.pytest),
        context.state,
        age(context.age),
        context.runs_served,
        context.memory / MEBIBYTE,
    );
    if let Some(reason) = &context.reason {
        let _ = writeln!(text, "    {reason}");
    }
}

fn describe_run(text: &mut String, run: &RecentRun) {
    let path = match run.path {
        RunPath::Warm => "warm",
        RunPath::First => "first",
        RunPath::Fallback => "plain",
    };
    let end = match (run.path, run.end) {
        (RunPath::Fallback, _) => String::new(),
        (_, None) => ", running or lost".to_owned(),
        (_, Some(End::Code(code))) => format!(", exit {code}"),
        (_, Some(End::Signal(signal))) => format!(", signal {signal}"),
    };
    // Writing to a string does not fail.
    let _ = write!(
        text,
        "\n  {} ago, {path}{end}: rpytest {} in {}",
        age(run.age),
        run.arguments.join(" "),
        run.repository
    );
    if let Some(reason) = &run.reason {
        let _ = write!(text, "\n    {reason}");
    }
}

fn age(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 60.0 => format!("{seconds:.0} s"),
        seconds if seconds < 3600.0 => format!("{:.0} min", seconds / 60.0),
        seconds => format!("{:.1} h", seconds / 3600.0),
    }
}
