//! The warm processes: started, asked for sessions, and compared with the files that they were made from.

mod freshness;
mod memory;
mod zygote;

pub(crate) use freshness::{Facts, Staleness};
pub(crate) use memory::{proportional, resident};
pub(crate) use zygote::{Zygote, ZygoteNews};
