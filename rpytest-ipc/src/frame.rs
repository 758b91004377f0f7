//! One frame: two lengths, a JSON head, and a raw body for what JSON cannot hold. Mirrored by `wire.py`.
//!
//! See `docs/design/handshake.md`.

use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest head that is accepted, in bytes.
pub const MAX_HEAD: usize = 1 << 20;
/// The longest body that is accepted, in bytes: above what Linux lets arguments and environment be together (6 MiB).
pub const MAX_BODY: usize = 16 << 20;
/// The most descriptors that travel with one frame: `SCM_MAX_FD` of Linux.
pub const MAX_PASSED: usize = 253;

pub(crate) const PREFIX: usize = 8;

/// What can be wrong with a frame.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The peer announces more than is ever sent.
    #[error("a frame of {head} + {body} bytes is longer than any that is sent")]
    TooLong {
        /// Announced length of the head.
        head: usize,
        /// Announced length of the body.
        body: usize,
    },
    /// The head is not a message of the kind that is expected here.
    #[error("not a message: {0}")]
    NotAMessage(#[from] serde_json::Error),
}

impl From<FrameError> for io::Error {
    fn from(error: FrameError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// A frame as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// A message as JSON.
    pub head: Vec<u8>,
    /// Bytes that belong to it.
    pub body: Vec<u8>,
}

impl Frame {
    /// A frame that carries `message` and nothing else.
    pub fn new<M: Serialize>(message: &M) -> Result<Self, FrameError> {
        Self::with_body(message, Vec::new())
    }

    /// A frame that carries `message` and `body`.
    pub fn with_body<M: Serialize>(message: &M, body: Vec<u8>) -> Result<Self, FrameError> {
        let head = serde_json::to_vec(message)?;
        check(head.len(), body.len())?;
        Ok(Self { head, body })
    }

    /// The message in the head.
    pub fn message<M: DeserializeOwned>(&self) -> Result<M, FrameError> {
        Ok(serde_json::from_slice(&self.head)?)
    }

    /// The bytes that are sent.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(PREFIX + self.head.len() + self.body.len());
        for part in [&self.head, &self.body] {
            let length = u32::try_from(part.len()).expect("both lengths were checked when the frame was made");
            bytes.extend_from_slice(&length.to_be_bytes());
        }
        bytes.extend_from_slice(&self.head);
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// The lengths of head and body that a prefix announces.
    pub(crate) fn lengths(prefix: [u8; PREFIX]) -> Result<(usize, usize), FrameError> {
        let (head, body) = prefix.split_at(PREFIX / 2);
        let length = |bytes: &[u8]| bytes.iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
        let (head, body) = (length(head), length(body));
        check(head, body)?;
        Ok((head, body))
    }
}

fn check(head: usize, body: usize) -> Result<(), FrameError> {
    if head > MAX_HEAD || body > MAX_BODY {
        return Err(FrameError::TooLong { head, body });
    }
    Ok(())
}
