//! The tests of one segment, as selection asks for them.

use std::rc::Rc;

use memchr::memmem::Finder;
use rkyv::rancor::Error as RkyvError;
use rkyv::rend::u32_le;
use rpytest_core::{Candidate, Expression, Mark, Selection, Term, Undecided};

use super::layout::{ArchivedGroupsShape, ArchivedIndexShape, ArchivedRowShape, ArchivedWordsShape};
use super::selected::SelectedTest;
use crate::FormatError;
use crate::archive::MarkShape;

/// The index of one segment, with the answers that do not depend on the single test.
pub(super) struct Segment<'index> {
    index: &'index ArchivedIndexShape,
    /// For each term of `-k`: which words, and which groups of words, have it in them.
    keywords: Vec<Found>,
    /// For each term of `-m`, which groups of marks have it in them.
    marks: Vec<Vec<Result<bool, Undecided>>>,
}

struct Found {
    words: Vec<bool>,
    groups: Vec<bool>,
}

/// One test of a segment.
#[derive(Clone)]
pub(super) struct Row<'index> {
    segment: Rc<Segment<'index>>,
    test: &'index ArchivedRowShape,
    pub(super) selected: SelectedTest,
}

impl<'index> Segment<'index> {
    pub(super) fn new(index: &'index ArchivedIndexShape, selection: &Selection) -> Result<Self, FormatError> {
        let terms = |expression: Option<&Expression>| expression.map_or(Vec::new(), |it| it.terms().to_vec());
        let keywords = terms(selection.keyword()).iter().map(|term| Found::of(term, index)).collect();
        let mark_terms = terms(selection.mark());
        let mut marks = Vec::new();
        if !mark_terms.is_empty() {
            let all = read_marks(index)?;
            for term in &mark_terms {
                marks.push(index.mark_groups.iter().map(|group| term.is_any_of(members(&all, group))).collect());
            }
        }
        Ok(Self { index, keywords, marks })
    }

    pub(super) fn rows(self, number: u32) -> impl Iterator<Item = Row<'index>> {
        let (index, segment) = (self.index, Rc::new(self));
        (0..).zip(index.tests.iter()).map(move |(at, test)| Row {
            segment: Rc::clone(&segment),
            test,
            selected: SelectedTest { segment: number, place: at },
        })
    }
}

fn read_marks(index: &ArchivedIndexShape) -> Result<Vec<Mark>, FormatError> {
    let marks = rkyv::deserialize::<Vec<MarkShape>, RkyvError>(&index.marks).map_err(|_| FormatError::Damaged)?;
    Ok(marks.into_iter().map(Into::into).collect())
}

fn members<'mark>(marks: &'mark [Mark], group: &'mark [u32_le]) -> impl Iterator<Item = &'mark Mark> {
    group.iter().filter_map(|number| marks.get(number.to_native() as usize))
}

impl Found {
    fn of(term: &Term, index: &ArchivedIndexShape) -> Self {
        let words = index.words.find(term);
        let is_found = |number: &u32_le| words.get(number.to_native() as usize) == Some(&true);
        let groups = index.groups.iter().map(|group| group.iter().any(is_found)).collect();
        Self { words, groups }
    }
}

impl Row<'_> {
    fn word(&self, number: u32_le) -> &str {
        self.segment.index.words.get(number)
    }
}

impl Candidate for Row<'_> {
    fn file(&self) -> &str {
        self.word(self.test.file)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let parents = self.segment.index.groups.get(self.test.parents).iter();
        parents.map(|number| self.word(*number)).chain(self.test.has_name.then(|| self.word(self.test.name)))
    }

    fn nodeid_starts_with(&self, prefix: &str) -> bool {
        let (start, end) = self.segment.index.nodeid(self.test);
        match prefix.strip_prefix(start) {
            Some(rest) => end.starts_with(rest),
            None => start.starts_with(prefix),
        }
    }

    fn matches_keyword(&self, _: &Expression, position: usize) -> bool {
        let found = &self.segment.keywords[position];
        let is_found = |answers: &[bool], number: u32_le| answers.get(number.to_native() as usize) == Some(&true);
        is_found(&found.groups, self.test.keywords)
            || self.test.name_is_keyword && is_found(&found.words, self.test.name)
    }

    fn matches_mark(&self, _: &Expression, position: usize) -> Result<bool, Undecided> {
        self.segment.marks[position].get(self.test.marks.to_native() as usize).cloned().unwrap_or(Ok(false))
    }
}

impl ArchivedIndexShape {
    /// In two pieces.
    pub(super) fn nodeid(&self, test: &ArchivedRowShape) -> (&str, &str) {
        (self.words.get(test.nodeid), if test.name_ends_nodeid { self.words.get(test.name) } else { "" })
    }
}

impl ArchivedWordsShape {
    pub(super) fn get(&self, number: u32_le) -> &str {
        let number = number.to_native() as usize;
        let end = self.ends.get(number).map_or(0, |end| end.to_native() as usize);
        self.text.get(self.start(number)..end).unwrap_or_default()
    }

    /// Which words have this term in them, whatever their case.
    fn find(&self, term: &Term) -> Vec<bool> {
        if !self.text.is_ascii() || !term.name.is_ascii() {
            let words = (0..self.ends.len()).map(|number| self.text.get(self.range(number)).unwrap_or_default());
            return words.map(|word| term.is_in(word)).collect();
        }
        let (text, name) = (self.text.to_ascii_lowercase(), term.name.to_ascii_lowercase());
        let finder = Finder::new(&name);
        let mut found = vec![false; self.ends.len()];
        let (mut from, mut word) = (0, 0);
        while let Some(at) = text.as_bytes().get(from..).and_then(|rest| finder.find(rest)).map(|at| from + at) {
            while word + 1 < found.len() && self.range(word).end <= at {
                word += 1;
            }
            if at + name.len() <= self.range(word).end {
                found[word] = true;
                from = self.range(word).end;
            } else {
                // It begins in one word and ends in another.
                from = at + 1;
            }
        }
        found
    }

    fn range(&self, number: usize) -> std::ops::Range<usize> {
        self.start(number)..self.ends.get(number).map_or(0, |end| end.to_native() as usize)
    }

    fn start(&self, number: usize) -> usize {
        number.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| end.to_native() as usize)
    }
}

impl ArchivedGroupsShape {
    pub(super) fn get(&self, number: u32_le) -> &[u32_le] {
        self.at(number.to_native() as usize)
    }

    fn iter(&self) -> impl Iterator<Item = &[u32_le]> {
        (0..self.ends.len()).map(|number| self.at(number))
    }

    fn at(&self, number: usize) -> &[u32_le] {
        let end = |number: usize| self.ends.get(number).map_or(0, |end| end.to_native() as usize);
        let start = number.checked_sub(1).map_or(0, end);
        self.members.get(start..end(number)).unwrap_or_default()
    }
}
