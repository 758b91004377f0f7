//! The language of `-k` and `-m`.

mod error;
mod parser;
mod python;
mod scanner;

pub use error::{ExpressionError, SyntaxError};
pub use python::Undecided;

pub(crate) use python::{lower, trim_start};

use parser::{Node, Parser};

/// A compiled expression of `-k` or `-m`, as pytest reads it (`_pytest/mark/expression.py`).
///
/// ```text
/// expression: expr?                                an empty one matches nothing
/// expr:       and_expr ('or' and_expr)*
/// and_expr:   not_expr ('and' not_expr)*
/// not_expr:   'not' not_expr | '(' expr ')' | name ('(' key '=' value (',' key '=' value)* ')')?
/// ```
///
/// What a [`Term`] matches is for the caller to say: [`Selection`](crate::Selection) does it as `-k` and `-m` do.
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    text: String,
    terms: Vec<Term>,
    root: Node,
}

/// A name in an expression, or a call such as `device(serial="A1")`.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// The name as it was typed.
    pub name: String,
    /// The keyword arguments in the order in which they were typed; empty for a bare name.
    pub arguments: Vec<(String, Literal)>,
}

/// A value in an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// What stood between quotes.
    Str(String),
}

/// Which expressions a version of pytest understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Grammar {
    /// Names alone: pytest 7.0 to 8.2.
    Names,
    /// Names and calls: pytest 8.3 and newer.
    Calls,
}

impl Grammar {
    /// The grammar of pytest `major.minor`.
    pub const fn of_pytest(major: u32, minor: u32) -> Self {
        if major > 8 || major == 8 && minor >= 3 { Self::Calls } else { Self::Names }
    }
}

impl Expression {
    /// Compiles `text`; the error is pytest's, word for word, or says that only pytest can tell.
    pub fn compile(text: &str, grammar: Grammar) -> Result<Self, ExpressionError> {
        let (terms, root) = Parser::new(text, grammar)?.expression()?;
        Ok(Self { text: text.to_owned(), terms, root })
    }

    /// The text that was compiled.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The terms in the order in which they stand in the text; one that stands there twice is there twice.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// Whether the expression matches. `matches` tells it of the term at a position of [`terms`](Self::terms); it is
    /// not asked for those that make no difference, and its first error ends the evaluation. So it is in pytest.
    pub fn evaluate<E>(&self, mut matches: impl FnMut(usize) -> Result<bool, E>) -> Result<bool, E> {
        self.root.evaluate(&mut matches)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn matches(text: &str, names: &[&str]) -> bool {
        let expression = Expression::compile(text, Grammar::Calls).expect("the text is an expression");
        let is_there = |position: usize| names.contains(&expression.terms()[position].name.as_str());
        let Ok(matches) = expression.evaluate(|position| Ok::<_, Infallible>(is_there(position)));
        matches
    }

    fn refused(text: &str, grammar: Grammar) -> String {
        Expression::compile(text, grammar).expect_err("the text is no expression").to_string()
    }

    #[test]
    fn and_binds_stronger_than_or_and_not_strongest() {
        assert!(matches("a or b and c", &["a"]));
        assert!(!matches("(a or b) and c", &["a"]));
        assert!(!matches("not a or b and c", &["a", "b"]));
        assert!(matches("not not a", &["a"]));
        assert!(matches("a[x-1::y]/\\.+", &["a[x-1::y]/\\.+"]));
        assert!(!matches(" ", &[]));
    }

    #[test]
    fn the_arguments_of_a_call_are_kept() {
        let expression = Expression::compile("a(b=-1, c='x y', d=None)", Grammar::Calls).expect("a call");
        let arguments = [("b", Literal::Int(-1)), ("c", Literal::Str("x y".into())), ("d", Literal::None)];
        assert_eq!(expression.terms()[0].arguments, arguments.map(|(name, value)| (name.to_owned(), value)));
    }

    #[test]
    fn what_is_after_the_first_error_is_not_read() {
        assert_eq!(refused("a ) {", Grammar::Calls), "at column 3: expected end of input; got right parenthesis");
        assert_eq!(refused("a {", Grammar::Calls), "at column 3: unexpected character \"{\"");
    }

    #[test]
    fn a_call_is_an_error_to_an_old_pytest() {
        assert_eq!(Grammar::of_pytest(8, 2), Grammar::Names);
        assert_eq!(Grammar::of_pytest(8, 3), Grammar::Calls);
        assert_eq!(refused("a(b=1)", Grammar::Names), "at column 2: expected end of input; got left parenthesis");
        assert_eq!(refused("a = b", Grammar::Names), "at column 3: unexpected character \"=\"");
    }

    #[test]
    fn what_only_python_can_tell_is_left_to_it() {
        for text in ["ᱠ", "a(b=1, b=2)", "a(b=²)", "a(b=99999999999999999999)", "a(b='x\\y')", &"(".repeat(500)] {
            assert!(matches!(Expression::compile(text, Grammar::Calls), Err(ExpressionError::Undecided(_))), "{text}");
        }
    }
}
