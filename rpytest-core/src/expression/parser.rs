//! Tokens as a tree.

use super::python::{Undecided, is_identifier, is_keyword};
use super::scanner::{Scanner, Token, TokenKind};
use super::{ExpressionError, Grammar, Literal, SyntaxError, Term};

/// How deep an expression may be nested here. Python's own limit depends on its version and on how deep its stack is
/// already, and is above; every `or` and `and` of a chain counts, as it does there.
const DEEPEST: usize = 100;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Never,
    /// The term at this position.
    Term(usize),
    Not(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
}

impl Node {
    pub(super) fn evaluate<E>(&self, matches: &mut impl FnMut(usize) -> Result<bool, E>) -> Result<bool, E> {
        Ok(match self {
            Self::Never => false,
            Self::Term(position) => matches(*position)?,
            Self::Not(inner) => !inner.evaluate(matches)?,
            Self::And(left, right) => left.evaluate(matches)? && right.evaluate(matches)?,
            Self::Or(left, right) => left.evaluate(matches)? || right.evaluate(matches)?,
        })
    }
}

#[derive(Debug)]
pub(super) struct Parser<'text> {
    scanner: Scanner<'text>,
    current: Token,
    terms: Vec<Term>,
    grammar: Grammar,
    /// How many operators and parentheses there are so far: never less than how deep they are nested.
    depth: usize,
}

impl<'text> Parser<'text> {
    pub(super) fn new(text: &'text str, grammar: Grammar) -> Result<Self, ExpressionError> {
        let mut scanner = Scanner::new(text, grammar);
        let current = scanner.next()?;
        Ok(Self { scanner, current, terms: Vec::new(), grammar, depth: 0 })
    }

    pub(super) fn expression(mut self) -> Result<(Vec<Term>, Node), ExpressionError> {
        if self.accept(TokenKind::End)?.is_some() {
            return Ok((self.terms, Node::Never));
        }
        let root = self.or()?;
        self.expect(TokenKind::End)?;
        Ok((self.terms, root))
    }

    fn or(&mut self) -> Result<Node, ExpressionError> {
        let mut left = self.and()?;
        while self.accept(TokenKind::Or)?.is_some() {
            self.deeper()?;
            left = Node::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Node, ExpressionError> {
        let mut left = self.not()?;
        while self.accept(TokenKind::And)?.is_some() {
            self.deeper()?;
            left = Node::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Node, ExpressionError> {
        if self.accept(TokenKind::Not)?.is_some() {
            self.deeper()?;
            return Ok(Node::Not(Box::new(self.not()?)));
        }
        if self.accept(TokenKind::Open)?.is_some() {
            self.deeper()?;
            let inner = self.or()?;
            self.expect(TokenKind::Close)?;
            return Ok(inner);
        }
        let Some(name) = self.accept(TokenKind::Name)? else {
            return Err(self.unexpected(&[TokenKind::Not, TokenKind::Open, TokenKind::Name]));
        };
        let arguments = if self.grammar == Grammar::Calls { self.arguments()? } else { Vec::new() };
        self.terms.push(Term { name: name.value, arguments });
        Ok(Node::Term(self.terms.len() - 1))
    }

    fn arguments(&mut self) -> Result<Vec<(String, Literal)>, ExpressionError> {
        let mut arguments = Vec::new();
        if self.accept(TokenKind::Open)?.is_none() {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.argument()?);
            if self.accept(TokenKind::Comma)?.is_none() {
                self.expect(TokenKind::Close)?;
                break;
            }
        }
        // Only Python's compiler finds it, and what pytest makes of that depends on the version.
        let names = arguments.iter().map(|(name, _)| name.as_str());
        if names
            .clone()
            .enumerate()
            .any(|(at, name)| name == "__debug__" || names.clone().take(at).any(|it| it == name))
        {
            return Err(Undecided::new("a keyword argument that Python refuses").into());
        }
        Ok(arguments)
    }

    fn argument(&mut self) -> Result<(String, Literal), ExpressionError> {
        let Token { value: name, column, .. } = self.expect(TokenKind::Name)?;
        if !is_identifier(&name)? {
            return Err(SyntaxError { column, message: format!("not a valid python identifier {name}") }.into());
        }
        if is_keyword(&name) {
            return Err(SyntaxError { column, message: format!("unexpected reserved python keyword `{name}`") }.into());
        }
        self.expect(TokenKind::Equal)?;
        if let Some(text) = self.accept(TokenKind::String)? {
            return Ok((name, Literal::Str(text.value)));
        }
        Ok((name, literal(&self.expect(TokenKind::Name)?)?))
    }

    fn accept(&mut self, kind: TokenKind) -> Result<Option<Token>, ExpressionError> {
        if self.current.kind != kind {
            return Ok(None);
        }
        if kind == TokenKind::End {
            return Ok(Some(self.current.clone()));
        }
        let next = self.scanner.next()?;
        Ok(Some(std::mem::replace(&mut self.current, next)))
    }

    fn expect(&mut self, kind: TokenKind) -> Result<Token, ExpressionError> {
        self.accept(kind)?.ok_or_else(|| self.unexpected(&[kind]))
    }

    fn unexpected(&self, expected: &[TokenKind]) -> ExpressionError {
        let expected: Vec<_> = expected.iter().map(|kind| kind.word()).collect();
        let message = format!("expected {}; got {}", expected.join(" OR "), self.current.kind.word());
        SyntaxError { column: self.current.column, message }.into()
    }

    fn deeper(&mut self) -> Result<(), Undecided> {
        self.depth += 1;
        if self.depth > DEEPEST { Err(Undecided::new("an expression with many operators")) } else { Ok(()) }
    }
}

fn literal(token: &Token) -> Result<Literal, ExpressionError> {
    let digits = token.value.strip_prefix('-').unwrap_or(&token.value);
    if !digits.is_empty() && digits.chars().all(char::is_numeric) {
        // Python knows more digits than these and larger numbers; some of its digits it cannot convert.
        return token.value.parse().map(Literal::Int).map_err(|_| Undecided::new("an unusual number").into());
    }
    match token.value.as_str() {
        "True" => Ok(Literal::Bool(true)),
        "False" => Ok(Literal::Bool(false)),
        "None" => Ok(Literal::None),
        other => {
            Err(SyntaxError { column: token.column, message: format!("unexpected character/s \"{other}\"") }.into())
        }
    }
}
