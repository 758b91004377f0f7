//! What tests exist in a context, what is remembered of them, and whether it is still true.

mod fingerprint;

pub use fingerprint::Fingerprint;
