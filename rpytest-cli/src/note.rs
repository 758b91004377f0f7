//! What rpytest itself says: on standard error, a line at a time, and nothing of a plain run unless `RPYTEST_LOG` is set.

use std::fmt::Display;
use std::io::Write;

/// Tell the user.
pub(crate) fn say(text: impl Display) {
    let line = format!("rpytest: {text}\n"); // in one piece: the session writes there too
    // Nobody reads it: then nobody misses it.
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// Tell the user who has asked to be told.
pub(crate) fn log(text: impl Display) {
    if std::env::var_os("RPYTEST_LOG").is_some_and(|value| !value.is_empty()) {
        say(text);
    }
}
