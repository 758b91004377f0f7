//! The shard that a command asks for.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use crate::Shard;

/// One shard of several, as `2/5` on the command line: the second of five.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardChoice {
    number: NonZeroUsize,
    count: NonZeroUsize,
}

/// Why a text is no [`ShardChoice`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseShardChoiceError {
    /// It is not two numbers above zero with a slash between them.
    #[error("expected a shard as NUMBER/COUNT, such as 2/5")]
    NotNumberOfCount,
    /// There is no such shard.
    #[error("there is no shard {number} of {count}")]
    TooHigh {
        /// The shard that was asked for.
        number: usize,
        /// How many there are.
        count: usize,
    },
}

impl ShardChoice {
    /// Into how many shards the tests are to be divided.
    pub const fn count(self) -> NonZeroUsize {
        self.count
    }

    /// Picks the shard out of all [`count`](Self::count); `None` when these are fewer.
    pub fn pick(self, shards: Vec<Shard>) -> Option<Shard> {
        shards.into_iter().nth(self.number.get() - 1)
    }
}

impl FromStr for ShardChoice {
    type Err = ParseShardChoiceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = |(number, count): (&str, &str)| Some((number.parse().ok()?, count.parse().ok()?));
        let numbers: Option<(NonZeroUsize, NonZeroUsize)> = text.split_once('/').and_then(parse);
        let (number, count) = numbers.ok_or(ParseShardChoiceError::NotNumberOfCount)?;
        if number > count {
            return Err(ParseShardChoiceError::TooHigh { number: number.get(), count: count.get() });
        }
        Ok(Self { number, count })
    }
}

impl fmt::Display for ShardChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.number, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_of_three_is_picked() {
        let shards =
            [1, 2, 3].map(|number| Shard { tests: vec![format!("{number}").as_str().into()], ..Shard::default() });
        let choice: ShardChoice = "2/3".parse().expect("two numbers");
        assert_eq!((choice.count().get(), choice.to_string()), (3, "2/3".to_owned()));
        assert_eq!(choice.pick(shards.to_vec()), Some(shards[1].clone()));
        assert_eq!(choice.pick(shards[..1].to_vec()), None);
    }

    #[test]
    fn what_is_no_shard_is_refused() {
        for text in ["", "2", "2/", "/2", "0/2", "1/0", "1/2/3", "-1/2", "a/b"] {
            assert_eq!(text.parse::<ShardChoice>(), Err(ParseShardChoiceError::NotNumberOfCount), "{text}");
        }
        assert_eq!("3/2".parse::<ShardChoice>(), Err(ParseShardChoiceError::TooHigh { number: 3, count: 2 }));
    }
}
