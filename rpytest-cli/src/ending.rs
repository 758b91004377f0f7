//! How the command ends: as its run ended, exit status or signal. See `docs/design/run.md`.

use rpytest_ipc::End;
use rustix::process::{Resource, Rlimit, setrlimit};

/// pytest was used wrongly; so was rpytest.
pub(crate) const USAGE_ERROR: End = End::Code(4);
/// Something inside broke.
pub(crate) const INTERNAL_ERROR: End = End::Code(3);
/// No test was selected, as pytest has it.
pub(crate) const NO_TESTS: End = End::Code(5);
/// Something that was compared differs; pytest: a test failed.
pub(crate) const TESTS_FAILED: End = End::Code(1);
/// All is well.
pub(crate) const OK: End = End::Code(0);

/// End so. Returns the exit status, unless it dies by a signal.
pub(crate) fn finish(end: End) -> i32 {
    match end {
        End::Code(code) => code,
        End::Signal(signal) => {
            die(signal);
            128 + signal
        }
    }
}

/// Die by a signal; where that cannot be, return.
fn die(signal: i32) {
    // The session has left its core dump: one is enough.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    if let Ok(known) = nix::sys::signal::Signal::try_from(signal) {
        // It may be blocked here, as it was when this command was started.
        let _ = nix::sys::signal::SigSet::from(known).thread_unblock();
    }
    if signal_hook::low_level::emulate_default_handler(signal).is_err() {
        // A real-time signal: nothing here handles it. Where it is ignored, the exit status will have to do.
        let _ = signal_hook::low_level::raise(signal);
    }
}
