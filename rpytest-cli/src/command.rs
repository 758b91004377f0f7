//! What was asked for: one arm for each command.

use std::ffi::OsString;
use std::io::{ErrorKind, Write};

use rpytest_ipc::End;

use crate::arguments::{self, Command, Parsed};
use crate::descriptors::Inherited;
use crate::ending::{INTERNAL_ERROR, OK, USAGE_ERROR};
use crate::{asking, daemon, inventory, note, run, verify_dropin};

/// Do what the arguments say.
pub(crate) fn execute(words: impl Iterator<Item = OsString>) -> End {
    let inherited = Inherited::find();
    match arguments::parse(words) {
        Parsed::Run(arguments) => run::run(&arguments, &inherited),
        Parsed::Command(Command::Serve) => daemon::serve(),
        Parsed::Command(Command::Ask(request)) => asking::ask(&request),
        Parsed::Inventory(arguments) => inventory::answer(&arguments),
        Parsed::Verify(arguments) => verify_dropin::verify(&arguments),
        Parsed::Text(text) => print(text),
        Parsed::Wrong(message) => {
            note::say(message);
            USAGE_ERROR
        }
    }
}

/// Show a text that was asked for.
pub(crate) fn print(text: impl AsRef<[u8]>) -> End {
    match std::io::stdout().write_all(text.as_ref()).and_then(|()| std::io::stdout().flush()) {
        // A reader that goes away has read enough.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            note::say(format_args!("it cannot be written: {error}"));
            INTERNAL_ERROR
        }
        _ => OK,
    }
}
