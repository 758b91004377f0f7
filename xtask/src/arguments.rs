//! What can be typed after `cargo xtask`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "Tasks of the rpytest project")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) task: Task,
}

/// One task per variant.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Get what the build needs, make the virtual environment and build the release binary
    Setup,
    /// Time rpytest beside `python -m pytest` on the example suite and compare their output
    Demo(DemoOptions),
    /// Check everything that CI checks
    Test(TestOptions),
    /// Run the tests of well-known projects and of plugins with `python -m pytest` and with rpytest and compare everything
    Suites(SuitesOptions),
    /// Prove that rpytest does what `python -m pytest` does: pytest's own test suite, run through rpytest
    Verify(VerifyOptions),
    /// Measure rpytest beside `python -m pytest`, and write docs/benchmarks.md
    Bench(BenchOptions),
}

/// Options of `cargo xtask demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoOptions {
    /// Warm runs of each command, alternating; the table shows their median
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) runs: u32,
    /// Runs without a daemon; the table shows their median
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) cold_runs: u32,
    /// Time this command instead of the release binary
    #[arg(long, value_name = "PATH", hide = true)]
    pub(crate) rpytest: Option<PathBuf>,
}

/// Options of `cargo xtask test`.
#[derive(Debug, Args)]
pub(crate) struct TestOptions {
    /// Run all steps, instead of stopping at the first that fails
    #[arg(long)]
    pub(crate) no_fail_fast: bool,
    /// List the steps and stop
    #[arg(long)]
    pub(crate) list: bool,
    /// Run only these steps
    #[arg(value_name = "STEP")]
    pub(crate) steps: Vec<String>,
}

/// Options of `cargo xtask suites`.
#[derive(Debug, Args)]
pub(crate) struct SuitesOptions {
    /// Run only these suites: a NAME is a file of `xtask/suites/`, or `canary-` and a directory of `xtask/canaries/`
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Run only the canaries: what plugins do, each in a few tests of ours
    #[arg(long, conflicts_with = "names")]
    pub(crate) canaries: bool,
    /// Run with every Python and every pytest that a suite is for, instead of one Python and the newest pytest
    #[arg(long)]
    pub(crate) matrix: bool,
    /// Compare this command with `python -m pytest`, instead of the release binary
    #[arg(long, value_name = "PATH")]
    pub(crate) runner: Option<PathBuf>,
    /// Make the virtual environments with this interpreter, instead of the first on PATH
    #[arg(long, value_name = "PY")]
    pub(crate) python: Option<PathBuf>,
    /// Keep the output of each run also where nothing is different
    #[arg(long)]
    pub(crate) keep: bool,
}

/// Options of `cargo xtask bench`.
#[derive(Debug, Args)]
pub(crate) struct BenchOptions {
    /// Measure only these workloads (a NAME is a file of `xtask/bench/`); all without any
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Runs of each contender; a third of it for what takes long
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// Write docs/benchmarks.md also when only some workloads are measured
    #[arg(long)]
    pub(crate) write: bool,
    /// Measure this program too, called with the same arguments; can be given more than once
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) also: Vec<String>,
    /// Measure this command instead of the release binary
    #[arg(long, value_name = "PATH")]
    pub(crate) rpytest: Option<PathBuf>,
}

/// Options of `cargo xtask verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyOptions {
    /// The tests of this version of pytest, instead of all versions in `xtask/verify/pytest.toml`; may be repeated
    #[arg(long, value_name = "VERSION")]
    pub(crate) pytest: Vec<String>,
    /// Only some of the tests, the same ones each time
    #[arg(long)]
    pub(crate) sample: bool,
    /// Verify this command, instead of the release binary
    #[arg(long, value_name = "PATH")]
    pub(crate) runner: Option<PathBuf>,
    /// Make the virtual environments with this interpreter, instead of the first on PATH
    #[arg(long, value_name = "PY")]
    pub(crate) python: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Arguments;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
