//! The `rpytest` command: does what `python -m pytest` does, without the waiting.
//!
//! `docs/design/run.md` follows one command from here to its end.

// The standard library's own start opens /dev/null where a standard stream is closed and ignores SIGPIPE: a command that
// hands its descriptors and signals over as they are must begin before that.
#![cfg_attr(all(unix, not(test)), no_main)]

#[cfg(unix)]
mod arguments;
#[cfg(unix)]
mod asking;
#[cfg(unix)]
mod bystander;
#[cfg(unix)]
mod command;
#[cfg(unix)]
mod daemon;
#[cfg(unix)]
mod descriptors;
#[cfg(unix)]
mod ending;
#[cfg(unix)]
mod events;
#[cfg(unix)]
mod explain;
#[cfg(unix)]
mod handover;
#[cfg(unix)]
mod interpreter;
#[cfg(unix)]
mod inventory;
#[cfg(unix)]
mod link;
#[cfg(unix)]
mod note;
#[cfg(unix)]
mod plain;
#[cfg(target_os = "linux")]
#[path = "platform/linux.rs"]
mod platform;
#[cfg(all(unix, not(target_os = "linux")))]
#[path = "platform/macos.rs"]
mod platform;
#[cfg(unix)]
mod process_facts;
#[cfg(unix)]
mod run;
#[cfg(unix)]
mod settings;
#[cfg(unix)]
mod signals;
#[cfg(unix)]
mod status_text;
#[cfg(unix)]
mod verify_dropin;
#[cfg(not(unix))]
mod windows;

/// The C library's entry.
#[cfg(all(unix, not(test)))]
#[expect(unsafe_code, reason = "the entry point of a program without the standard library's start")]
#[unsafe(no_mangle)]
extern "C" fn main(count: std::ffi::c_int, words: *const *const std::ffi::c_char) -> std::ffi::c_int {
    use std::os::unix::ffi::OsStrExt;

    let word = |index: usize| {
        // SAFETY: the C library passes `count` pointers to strings that live as long as the program.
        let word = unsafe { std::ffi::CStr::from_ptr(*words.add(index)) };
        std::ffi::OsStr::from_bytes(word.to_bytes()).to_owned()
    };
    // Not `args_os`, which some C libraries fill only where the standard library has started.
    ending::finish(command::execute((1..usize::try_from(count).unwrap_or(0)).map(word)))
}

/// Stands in for it where the entry is that of the unit tests.
#[cfg(all(unix, test))]
fn main() {
    ending::finish(command::execute(std::env::args_os().skip(1)));
}

/// Windows has neither fork nor descriptors to pass.
#[cfg(not(unix))]
fn main() -> std::process::ExitCode {
    windows::run_plain_pytest()
}
