//! `--events`: the run's events, one JSON object a line, to a file or standard output. See `docs/design/handshake.md`.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use rpytest_core::{EVENT_FORMAT, ExitCode, ExitStatus, RunFinished, RunPath, RunStarted, TestEvent};
use rpytest_ipc::{Channel, ChannelError, End};
use rpytest_report::{JsonLines, ReportError, Reporter};

use crate::note;

/// How long to wait for anything before looking whether the run is over.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long events may take to arrive after the run is over.
const GRACE: Duration = Duration::from_secs(10);

/// Why events are missing.
#[derive(Debug, thiserror::Error)]
enum EventError {
    #[error(transparent)]
    Channel(#[from] ChannelError),
    #[error("an event makes no sense: {0}")]
    Nonsense(#[from] serde_json::Error),
    #[error(transparent)]
    Report(#[from] ReportError),
    #[error("they stopped coming")]
    Stopped,
}

/// Where the events of a run go.
pub(crate) struct Events {
    sink: Option<Sink>,
    since: Instant,
    path: RunPath,
    reason: Option<String>,
    reader: Option<Reader>,
}

struct Sink {
    reporter: JsonLines<Box<dyn Write + Send>>,
    begun: bool,
}

/// The thread that receives, and how to tell it that the run is over.
struct Reader {
    over: Sender<()>,
    thread: std::thread::JoinHandle<(Sink, Result<(), EventError>)>,
}

impl Events {
    /// To `target`: a file, which is made or emptied, or `-` for standard output.
    pub(crate) fn to(target: &Path) -> io::Result<Self> {
        let writer: Box<dyn Write + Send> =
            if target == Path::new("-") { Box::new(io::stdout()) } else { Box::new(create(target)?) };
        let sink = Sink { reporter: JsonLines::new(writer), begun: false };
        Ok(Self { sink: Some(sink), since: Instant::now(), path: RunPath::Fallback, reason: None, reader: None })
    }

    /// They come from there.
    pub(crate) fn follow(&mut self, address: &str) {
        let address = address.to_owned();
        let Some(mut sink) = self.sink.take() else { return };
        let (over, is_over) = channel();
        let thread = std::thread::spawn(move || {
            let result = receive(&address, &mut sink, &is_over);
            (sink, result)
        });
        self.reader = Some(Reader { over, thread });
    }

    /// The session has started.
    pub(crate) fn started(&mut self, path: RunPath, reason: Option<&str>) {
        self.path = path;
        self.reason = reason.map(str::to_owned);
    }

    /// The run will be a plain one: all that can be told of it is that it starts.
    pub(crate) fn plain(mut self, reason: &str) {
        self.started(RunPath::Fallback, Some(reason));
        self.complete(None);
    }

    /// The run is over.
    pub(crate) fn ended(self, end: End) {
        let status = match end {
            End::Code(code) => ExitStatus::Code(ExitCode::new(code)),
            End::Signal(signal) => ExitStatus::Signal(signal),
        };
        self.complete(Some(status));
    }

    fn complete(mut self, exit_status: Option<ExitStatus>) {
        let duration = self.since.elapsed().as_secs_f64();
        let received = self.reader.take().map(Reader::join);
        let (sink, result) = match received {
            Some((sink, result)) => (Some(sink), result),
            None => (self.sink.take(), Ok(())),
        };
        let result = result.and_then(|()| {
            let Some(mut sink) = sink else { return Ok(()) };
            if !sink.begun {
                sink.write(&self.beginning())?;
            }
            exit_status.map_or(Ok(()), |exit_status| {
                sink.write(&TestEvent::RunFinished(RunFinished { exit_status, duration }))
            })
        });
        if let Err(error) = result {
            note::say(format_args!("the events are incomplete: {error}"));
        }
    }

    fn beginning(&self) -> TestEvent {
        TestEvent::RunStarted(RunStarted {
            format: EVENT_FORMAT,
            path: self.path,
            reason: self.reason.clone(),
            python: None,
            pytest: None,
            rootdir: None,
        })
    }
}

/// At a number above the standard ones, which may be closed and must not come to mean this file.
fn create(target: &Path) -> io::Result<File> {
    Ok(File::from(rustix::io::fcntl_dupfd_cloexec(File::create(target)?, 3)?))
}

impl Reader {
    fn join(self) -> (Sink, Result<(), EventError>) {
        // The thread may have finished already.
        let _ = self.over.send(());
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Sink {
    fn write(&mut self, event: &TestEvent) -> Result<(), EventError> {
        self.begun = true;
        Ok(self.reporter.receive(event)?)
    }
}

/// Everything up to the end of the stream. The daemon is asked for patience until the run is over.
fn receive(address: &str, sink: &mut Sink, is_over: &Receiver<()>) -> Result<(), EventError> {
    let mut channel = Channel::dial(address, PATIENCE)?;
    let mut rest = Vec::new();
    let mut deadline = None;
    let mut written = Ok(());
    loop {
        match channel.receive() {
            Ok(Some(batch)) => {
                rest.extend(batch);
                // After a failure too everything is taken: the run must not wait for a full disk.
                written = written.and_then(|()| write_lines(&mut rest, sink));
            }
            Ok(None) => return written,
            Err(error) if error.is_timeout() => {
                if deadline.is_none() && is_over.try_recv().is_ok() {
                    deadline = Some(Instant::now() + GRACE);
                }
                if deadline.is_some_and(|deadline| Instant::now() > deadline) {
                    return Err(EventError::Stopped);
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Write the lines that are complete, and leave the rest.
fn write_lines(rest: &mut Vec<u8>, sink: &mut Sink) -> Result<(), EventError> {
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line: Vec<u8> = rest.drain(..=end).collect();
        sink.write(&serde_json::from_slice(&line)?)?;
    }
    Ok(())
}
