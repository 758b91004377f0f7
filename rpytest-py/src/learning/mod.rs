//! What runs teach, on its way from their sessions into inventories: a thread of the daemon that keeps the stores.
//!
//! See `docs/design/inventory.md`.

mod keeper;
mod lesson;

use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use rpytest_ipc::{Connection, ConnectionError, DaemonToClient};

use keeper::Keeper;
use lesson::{Lesson, LessonError};

/// So much is read at once, in bytes.
const BATCH: usize = 64 << 10;
/// Runs go first.
const NICE: i32 = 5;

/// The thread that learns. One lesson is learnt after the other, in the order in which they came.
#[derive(Debug)]
pub(crate) struct Learning {
    lessons: Option<Sender<(Connection, PathBuf)>>,
    thread: Option<JoinHandle<()>>,
}

impl Learning {
    /// Start it; what fails is told to `log`.
    pub(crate) fn start(mut log: impl FnMut(String) + Send + 'static) -> std::io::Result<Self> {
        let (lessons, inbox) = channel::<(Connection, PathBuf)>();
        let thread = std::thread::Builder::new().name("inventory".to_owned()).spawn(move || {
            // It may be forbidden.
            let _ = rustix::process::nice(NICE);
            let mut keeper = Keeper::default();
            for (connection, directory) in inbox {
                if let Err(error) = learn(&mut keeper, &connection, directory, &mut log) {
                    log(format!("a run taught nothing: {error}"));
                }
            }
            if let Err(error) = keeper.close() {
                log(format!("an inventory was not closed: {error}"));
            }
        })?;
        Ok(Self { lessons: Some(lessons), thread: Some(thread) })
    }

    /// Learn what a session says over this connection.
    pub(crate) fn learn(&self, connection: Connection, directory: PathBuf) {
        if let Some(lessons) = &self.lessons {
            // The thread is there for as long as this.
            let _ = lessons.send((connection, directory));
        }
    }

    /// Learn what has been told so far, and close everything.
    pub(crate) fn finish(mut self) {
        self.lessons = None;
        if let Some(thread) = self.thread.take() {
            // Its panic has been told already.
            let _ = thread.join();
        }
    }
}

fn learn(
    keeper: &mut Keeper,
    connection: &Connection,
    directory: PathBuf,
    log: &mut impl FnMut(String),
) -> Result<(), LessonError> {
    let lesson = Lesson::read(&receive(connection)?)?;
    let moved = keeper.learn(directory, lesson)?;
    if let Some(moved) = moved {
        log(format!("{} is of no use and was moved to {}", moved.reason, moved.to.display()));
    }
    // An ordinary run does not wait for it.
    let _ = connection.say(&DaemonToClient::Done { text: String::new() });
    Ok(())
}

fn receive(connection: &Connection) -> Result<Vec<u8>, ConnectionError> {
    let mut lines = Vec::new();
    loop {
        let batch = connection.receive_bytes(BATCH)?;
        if batch.is_empty() {
            return Ok(lines);
        }
        lines.extend(batch);
    }
}
