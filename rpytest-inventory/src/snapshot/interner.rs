//! Each thing once.

use std::collections::HashMap;
use std::hash::Hash;

use super::layout::{GroupsShape, WordsShape};

/// Gives equal things the same number, counted from 0 in the order in which they come.
#[derive(Debug)]
pub(super) struct Interner<T> {
    numbers: HashMap<T, u32>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { numbers: HashMap::new() }
    }
}

impl<T: Hash + Eq> Interner<T> {
    pub(super) fn number(&mut self, thing: T) -> u32 {
        let next = count(self.numbers.len());
        *self.numbers.entry(thing).or_insert(next)
    }

    pub(super) fn into_things(self) -> Vec<T> {
        let mut things: Vec<_> = self.numbers.into_iter().collect();
        things.sort_unstable_by_key(|(_, number)| *number);
        things.into_iter().map(|(thing, _)| thing).collect()
    }
}

impl Interner<String> {
    pub(super) fn into_words(self) -> WordsShape {
        let mut words = WordsShape::default();
        for word in self.into_things() {
            words.text.push_str(&word);
            words.ends.push(count(words.text.len()));
        }
        words
    }
}

impl Interner<Vec<u32>> {
    pub(super) fn into_groups(self) -> GroupsShape {
        let mut groups = GroupsShape::default();
        for group in self.into_things() {
            groups.members.extend(group);
            groups.ends.push(count(groups.members.len()));
        }
        groups
    }
}

/// Tests, words and bytes are counted in 32 bits, as rkyv counts them.
pub(super) fn count(number: usize) -> u32 {
    u32::try_from(number).expect("an archive holds less than 4 GiB")
}
