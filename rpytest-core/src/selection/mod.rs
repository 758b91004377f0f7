//! Which of the known tests pytest would select.

mod argument;
mod candidate;

pub use argument::CollectionArgument;
pub use candidate::Candidate;

use crate::expression::trim_start;
use crate::{Expression, ExpressionError, Grammar, Undecided};

/// What the user asked for: `-k`, `-m`, node ids and paths, `--deselect`. Nothing of it selects every test.
///
/// The tests that it is given are all that the rootdir has. What it selects is in their order, which is pytest's but for
/// tests that share fixtures with parameters: pytest sorts those again after it has collected, before it selects.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    arguments: Vec<CollectionArgument>,
    deselected: Vec<String>,
    /// What is wrong with an expression is said when its turn comes.
    keyword: Option<Result<Expression, SelectionError>>,
    mark: Option<Result<Expression, SelectionError>>,
}

/// Why nothing can be selected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// pytest refuses too, with this message after `ERROR: ` and exit code 4.
    #[error("{0}")]
    Usage(String),
    /// pytest has to be asked.
    #[error(transparent)]
    Undecided(#[from] Undecided),
}

impl Selection {
    /// Selects by `-k`. A blank text selects everything.
    #[must_use]
    pub fn with_keyword(mut self, text: &str, grammar: Grammar) -> Self {
        let text = trim_start(text);
        self.keyword = (!text.is_empty()).then(|| compile(text, grammar, "-k"));
        self
    }

    /// Selects by `-m`. An empty text selects everything, a blank one nothing.
    ///
    /// Whether the names are registered, which matters with strict markers, is left to the caller.
    #[must_use]
    pub fn with_mark(mut self, text: &str, grammar: Grammar) -> Self {
        self.mark = (!text.is_empty()).then(|| compile(text, grammar, "-m"));
        self
    }

    /// Selects what one more positional argument names.
    pub fn with_argument(mut self, argument: CollectionArgument) -> Result<Self, Undecided> {
        if self.arguments.iter().any(|other| other.contains(&argument) || argument.contains(other)) {
            // pytest 9 merges them, older versions run some of the tests twice.
            return Err(Undecided::new("an argument that names tests which another names too"));
        }
        self.arguments.push(argument);
        Ok(self)
    }

    /// Leaves out the tests whose node ids begin with `prefix`, as `--deselect` does.
    #[must_use]
    pub fn with_deselected(mut self, prefix: impl Into<String>) -> Self {
        self.deselected.push(prefix.into());
        self
    }

    /// The expression of `-k`, if it is one.
    pub fn keyword(&self) -> Option<&Expression> {
        self.keyword.as_ref()?.as_ref().ok()
    }

    /// The expression of `-m`, if it is one.
    pub fn mark(&self) -> Option<&Expression> {
        self.mark.as_ref()?.as_ref().ok()
    }

    /// Whether a file may have selected tests, as far as the positional arguments tell.
    pub fn looks_into(&self, file: &str) -> bool {
        self.arguments.is_empty() || self.arguments.iter().any(|argument| argument.looks_into(file))
    }

    /// Whether each test is selected or not whatever the others are, so that parts of all tests may be selected from one
    /// after the other.
    pub fn looks_at_each_test_alone(&self) -> bool {
        self.arguments.is_empty()
    }

    /// Selects. The tests come argument by argument, as pytest collects them; one that no argument names is not there.
    ///
    /// Of several errors it is the one that pytest meets first. An argument that names no known test is one: pytest
    /// looks again, and may find it.
    pub fn select<C: Candidate>(&self, items: impl IntoIterator<Item = C>) -> Result<Vec<C>, SelectionError> {
        let mut items = self.collect(items)?;
        if !self.deselected.is_empty() {
            items.retain(|item| !self.deselected.iter().any(|prefix| item.nodeid_starts_with(prefix)));
        }
        if let Some(expression) = &self.keyword {
            let expression = expression.as_ref().map_err(Clone::clone)?;
            filter(&mut items, |item| expression.evaluate(|position| admits_keyword(item, expression, position)))?;
        }
        if let Some(expression) = &self.mark {
            let expression = expression.as_ref().map_err(Clone::clone)?;
            filter(&mut items, |item| expression.evaluate(|position| item.matches_mark(expression, position)))?;
        }
        Ok(items)
    }

    /// What the positional arguments name.
    fn collect<C: Candidate>(&self, items: impl IntoIterator<Item = C>) -> Result<Vec<C>, Undecided> {
        if self.arguments.is_empty() {
            return Ok(items.into_iter().collect());
        }
        let mut groups: Vec<_> = self.arguments.iter().map(|argument| (argument, Vec::new())).collect();
        for item in items {
            for (argument, named) in &mut groups {
                if argument.names(&item)? {
                    // No two arguments name the same test.
                    named.push(item);
                    break;
                }
            }
        }
        match groups.iter().find(|(_, named)| named.is_empty()) {
            Some((argument, _)) => Err(Undecided::new(format!("no known test is named by {argument}"))),
            None => Ok(groups.into_iter().flat_map(|(_, named)| named).collect()),
        }
    }
}

fn admits_keyword(item: &impl Candidate, expression: &Expression, position: usize) -> Result<bool, SelectionError> {
    if !expression.terms()[position].arguments.is_empty() {
        return Err(SelectionError::Usage("Keyword expressions do not support call parameters.".to_owned()));
    }
    Ok(item.matches_keyword(expression, position))
}

/// Keeps what is admitted; the first error is the result.
fn filter<C, E>(items: &mut Vec<C>, mut admits: impl FnMut(&C) -> Result<bool, E>) -> Result<(), E> {
    let mut outcome = Ok(());
    items.retain(|item| {
        outcome.is_ok()
            && admits(item).unwrap_or_else(|error| {
                outcome = Err(error);
                false
            })
    });
    outcome
}

fn compile(text: &str, grammar: Grammar, flag: &str) -> Result<Expression, SelectionError> {
    Expression::compile(text, grammar).map_err(|error| match error {
        ExpressionError::Syntax(error) => {
            SelectionError::Usage(format!("Wrong expression passed to '{flag}': {text}: {error}"))
        }
        ExpressionError::Undecided(undecided) => undecided.into(),
    })
}
