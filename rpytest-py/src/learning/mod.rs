//! What runs teach, on its way from their sessions into inventories: a thread of the daemon that keeps the stores.
//!
//! See `docs/design/inventory.md`.

mod keeper;
mod lesson;
mod selections;

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rpytest_ipc::{Connection, ConnectionError, DaemonToClient};

use keeper::Keeper;
use lesson::{Lesson, LessonError};
pub(crate) use selections::remove_old;

/// So much is read at once, in bytes.
const BATCH: usize = 64 << 10;
/// How long no run may have ended before what they taught is written: runs go first.
const QUIET: Duration = Duration::from_secs(1);
/// Runs go first here too.
const NICE: i32 = 5;

/// The thread that learns. One lesson is learnt after the other, in the order in which they came.
#[derive(Debug)]
pub(crate) struct Learning {
    lessons: Option<Sender<(Connection, PathBuf)>>,
    thread: Option<JoinHandle<()>>,
}

impl Learning {
    /// Start it; what fails is told to `log`.
    pub(crate) fn start(log: impl FnMut(String) + Send + 'static) -> std::io::Result<Self> {
        let (lessons, inbox) = channel::<(Connection, PathBuf)>();
        let thread = std::thread::Builder::new().name("inventory".to_owned()).spawn(move || {
            // It may be forbidden.
            let _ = rustix::process::nice(NICE);
            Learner { keeper: Keeper::default(), log: Box::new(log) }.run(&inbox);
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

/// What the thread holds.
struct Learner {
    keeper: Keeper,
    log: Box<dyn FnMut(String)>,
}

impl Learner {
    fn run(mut self, inbox: &Receiver<(Connection, PathBuf)>) {
        loop {
            let done = match inbox.recv_timeout(QUIET) {
                Ok((connection, directory)) => self.learn(&connection, directory),
                Err(RecvTimeoutError::Timeout) => {
                    self.keeper.close(); // a daemon at rest holds nothing
                    Ok(())
                }
                Err(RecvTimeoutError::Disconnected) => break,
            };
            self.note(done);
        }
        self.keeper.close();
        self.note(Ok(()));
    }

    fn note(&mut self, result: Result<(), LessonError>) {
        for error in self.keeper.take_failed().into_iter().chain(result.err()) {
            (self.log)(format!("a run taught nothing: {error}"));
        }
        for moved in self.keeper.take_moved() {
            (self.log)(moved.to_string());
        }
    }

    fn learn(&mut self, connection: &Connection, directory: PathBuf) -> Result<(), LessonError> {
        let lesson = Lesson::read(&receive(connection)?)?;
        self.keeper.learn(directory, lesson)?;
        // An ordinary run does not wait for it.
        let _ = connection.say(&DaemonToClient::Done { text: String::new() });
        Ok(())
    }
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
