//! An expression's text as tokens, read one at a time: an error after the last token that is asked for is not seen.

use std::iter::Peekable;
use std::str::Chars;

use super::python::{Undecided, is_word};
use super::{ExpressionError, Grammar, SyntaxError};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    /// What stands there; of a string what is between the quotes.
    pub(super) value: String,
    /// Where, in characters, counted from 1.
    pub(super) column: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    Open,
    Close,
    Or,
    And,
    Not,
    Name,
    End,
    Equal,
    String,
    Comma,
}

impl TokenKind {
    /// pytest's word for it in messages.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Open => "left parenthesis",
            Self::Close => "right parenthesis",
            Self::Or => "or",
            Self::And => "and",
            Self::Not => "not",
            Self::Name => "identifier",
            Self::End => "end of input",
            Self::Equal => "=",
            Self::String => "string literal",
            Self::Comma => ",",
        }
    }
}

#[derive(Debug)]
pub(super) struct Scanner<'text> {
    rest: Peekable<Chars<'text>>,
    /// The column of what is next.
    column: usize,
    grammar: Grammar,
    /// In a text with backslashes, versions of pytest differ in what they say of string literals.
    has_backslash: bool,
}

impl<'text> Scanner<'text> {
    pub(super) fn new(text: &'text str, grammar: Grammar) -> Self {
        Self { rest: text.chars().peekable(), column: 1, grammar, has_backslash: text.contains('\\') }
    }

    pub(super) fn next(&mut self) -> Result<Token, ExpressionError> {
        while self.rest.next_if(|character| matches!(character, ' ' | '\t')).is_some() {
            self.column += 1;
        }
        let column = self.column;
        let Some(&first) = self.rest.peek() else {
            return Ok(Token { kind: TokenKind::End, value: String::new(), column });
        };
        if let Some(kind) = self.sign(first) {
            self.take();
            return Ok(Token { kind, value: first.to_string(), column });
        }
        if matches!(first, '"' | '\'') && self.grammar == Grammar::Calls {
            return Ok(Token { kind: TokenKind::String, value: self.string(first)?, column });
        }
        let value = self.name()?;
        let kind = match value.as_str() {
            "" => return Err(SyntaxError { column, message: format!("unexpected character \"{first}\"") }.into()),
            "or" => TokenKind::Or,
            "and" => TokenKind::And,
            "not" => TokenKind::Not,
            _ => TokenKind::Name,
        };
        Ok(Token { kind, value, column })
    }

    fn sign(&self, character: char) -> Option<TokenKind> {
        match (character, self.grammar) {
            ('(', _) => Some(TokenKind::Open),
            (')', _) => Some(TokenKind::Close),
            ('=', Grammar::Calls) => Some(TokenKind::Equal),
            (',', Grammar::Calls) => Some(TokenKind::Comma),
            _ => None,
        }
    }

    fn string(&mut self, quote: char) -> Result<String, ExpressionError> {
        let column = self.column;
        self.take();
        let mut value = String::new();
        loop {
            match self.take() {
                None => {
                    let message = format!("closing quote \"{quote}\" is missing");
                    return Err(SyntaxError { column, message }.into());
                }
                Some(_) if self.has_backslash => {
                    return Err(Undecided::new("a backslash in an expression with a string literal").into());
                }
                Some(end) if end == quote => return Ok(value),
                Some(character) => value.push(character),
            }
        }
    }

    fn name(&mut self) -> Result<String, Undecided> {
        let mut name = String::new();
        while let Some(&character) = self.rest.peek() {
            if !matches!(character, ':' | '+' | '-' | '.' | '[' | ']' | '\\' | '/') && !is_word(character)? {
                break;
            }
            self.take();
            name.push(character);
        }
        Ok(name)
    }

    fn take(&mut self) -> Option<char> {
        self.column += 1;
        self.rest.next()
    }
}
