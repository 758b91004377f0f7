//! Asks the daemon that runs what it keeps: `cargo run -p rpytest-ipc --example status`.
//!
//! The way of every command that is not a run: Hello and the question over the front door, the answer over a channel.

use std::error::Error;
use std::io::{self, Write};
use std::time::Duration;

use rpytest_ipc::{
    Channel, ClientToDaemon, Connection, ConnectionError, DaemonStatus, DaemonToClient, Hello, PROTOCOL, RuntimeDir,
};

fn main() -> Result<(), Box<dyn Error>> {
    let directory = RuntimeDir::find(|name| std::env::var_os(name))?;
    // A daemon answers nobody but its own build with more than its name: first ask for that, then pass for one of them.
    let nobody = Hello { protocol: PROTOCOL, version: String::new(), build: String::new() };
    let DaemonToClient::Hello(daemon) = ask(&directory, nobody)? else { return Err("not a daemon's Hello".into()) };
    if daemon.protocol != PROTOCOL {
        return Err(
            format!("version {} speaks protocol {}, this speaks {PROTOCOL}", daemon.version, daemon.protocol).into()
        );
    }
    let DaemonToClient::Channel { address } = ask(&directory, daemon)? else { return Err("no status".into()) };
    let status = fetch(&address)?;
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "rpytest {}, process {}, up {:.0} s", status.version, status.pid, status.uptime)?;
    for context in &status.contexts {
        writeln!(stdout, "{}: {}, {} runs", context.repository, context.state, context.runs_served)?;
    }
    Ok(())
}

fn ask(directory: &RuntimeDir, hello: Hello) -> Result<DaemonToClient, ConnectionError> {
    let connection = Connection::connect(&directory.socket())?;
    connection.say(&ClientToDaemon::Hello(hello))?;
    connection.say(&ClientToDaemon::Status)?;
    Ok(connection.receive()?.frame.message()?)
}

fn fetch(address: &str) -> Result<DaemonStatus, Box<dyn Error>> {
    let mut channel = Channel::dial(address, Duration::from_secs(10))?;
    let mut bytes = Vec::new();
    while let Some(part) = channel.receive()? {
        bytes.extend(part);
    }
    Ok(serde_json::from_slice(&bytes)?)
}
