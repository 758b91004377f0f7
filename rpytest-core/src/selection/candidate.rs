//! What selection asks of a test.

use crate::expression::lower;
use crate::{Expression, Literal, Mark, Term, TestItem, Undecided};

/// A test that may be selected: a [`TestItem`], or the same in another shape.
pub trait Candidate {
    /// The file that it was collected from, relative to the rootdir.
    fn file(&self) -> &str;

    /// The names of the nodes below the file, outermost first.
    fn names(&self) -> impl Iterator<Item = &str>;

    /// Whether its node id begins with `prefix`.
    fn nodeid_starts_with(&self, prefix: &str) -> bool;

    /// Whether the term at a position of an expression of `-k`, a bare name, is in one of the test's keywords.
    fn matches_keyword(&self, expression: &Expression, position: usize) -> bool;

    /// Whether the term at a position of an expression of `-m` is one of the test's marks.
    fn matches_mark(&self, expression: &Expression, position: usize) -> Result<bool, Undecided>;
}

impl Candidate for &TestItem {
    fn file(&self) -> &str {
        &self.file
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    fn nodeid_starts_with(&self, prefix: &str) -> bool {
        self.nodeid.as_str().starts_with(prefix)
    }

    fn matches_keyword(&self, expression: &Expression, position: usize) -> bool {
        let term = &expression.terms()[position];
        self.keywords.iter().any(|keyword| term.is_in(keyword))
    }

    fn matches_mark(&self, expression: &Expression, position: usize) -> Result<bool, Undecided> {
        expression.terms()[position].is_any_of(&self.marks)
    }
}

impl Term {
    /// Whether `-k` finds this name in a keyword, whatever their case.
    pub fn is_in(&self, keyword: &str) -> bool {
        lower(keyword).contains(lower(&self.name).as_ref())
    }

    /// Whether `-m` finds a mark of this name with at least these arguments.
    pub fn is_any_of<'mark>(&self, marks: impl IntoIterator<Item = &'mark Mark>) -> Result<bool, Undecided> {
        for mark in marks {
            if mark.name == self.name && self.fits(mark)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn fits(&self, mark: &Mark) -> Result<bool, Undecided> {
        for (name, literal) in &self.arguments {
            if !has(mark, name, literal)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn has(mark: &Mark, name: &str, literal: &Literal) -> Result<bool, Undecided> {
    let Some((_, value)) = mark.keywords.iter().find(|(keyword, _)| keyword == name) else { return Ok(false) };
    value
        .equals(literal)
        .ok_or_else(|| Undecided::new(format!("what the value of {}({name}=…) is equal to", mark.name)))
}
