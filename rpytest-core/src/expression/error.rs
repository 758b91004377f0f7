//! Why a text is no expression.

use super::Undecided;

/// Why an expression could not be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// pytest refuses it too.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// pytest has to be asked.
    #[error(transparent)]
    Undecided(#[from] Undecided),
}

/// What pytest says of a text that is no expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at column {column}: {message}")]
pub struct SyntaxError {
    /// Where, in characters, counted from 1.
    pub column: usize,
    /// What is wrong there.
    pub message: String,
}
