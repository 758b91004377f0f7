//! Contexts: which runs may share a warm process, and what that process is to be made of.

mod key;
mod recipe;

pub use key::ContextKey;
pub(crate) use recipe::Recipe;
