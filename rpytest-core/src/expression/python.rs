//! Python's view of characters, as far as all supported versions of Python agree with each other and with this one.

use std::borrow::Cow;

/// Why only pytest itself can tell what would be selected: here versions of Python or pytest differ, or the answer
/// depends on an object that is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("only pytest can tell: {reason}")]
pub struct Undecided {
    /// What it depends on.
    pub reason: String,
}

impl Undecided {
    /// For this reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

/// Letters beyond ASCII of which every supported Python knows what they are: Latin, Greek, Cyrillic, Kana, Han, Hangul.
const KNOWN: [(char, char); 8] = [
    ('\u{a0}', '\u{24f}'),
    ('\u{386}', '\u{3ff}'),
    ('\u{400}', '\u{481}'),
    ('\u{48a}', '\u{52f}'),
    ('\u{3041}', '\u{3096}'),
    ('\u{30a1}', '\u{30fa}'),
    ('\u{4e00}', '\u{9fef}'),
    ('\u{ac00}', '\u{d7a3}'),
];

/// `\w` of Python's `re`.
pub(super) fn is_word(character: char) -> Result<bool, Undecided> {
    if character.is_ascii() {
        return Ok(character.is_ascii_alphanumeric() || character == '_');
    }
    if !character.is_alphanumeric() {
        return Ok(false);
    }
    if KNOWN.iter().any(|(first, last)| (*first..=*last).contains(&character)) {
        return Ok(true);
    }
    Err(Undecided::new(format!("whether {character:?} is a letter depends on the version of Python")))
}

/// `str.lower`.
pub(crate) fn lower(text: &str) -> Cow<'_, str> {
    if text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.to_lowercase())
    }
}

/// `str.lstrip`.
pub(crate) fn trim_start(text: &str) -> &str {
    text.trim_start_matches(|character: char| character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character))
}

/// What `keyword.iskeyword` knows, in every supported version.
const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
    "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

pub(super) fn is_keyword(name: &str) -> bool {
    KEYWORDS.contains(&name)
}

/// `str.isidentifier`, of a text that is not empty.
pub(super) fn is_identifier(text: &str) -> Result<bool, Undecided> {
    if text.is_ascii() {
        let starts = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        return Ok(starts && text.chars().all(|character| character.is_ascii_alphanumeric() || character == '_'));
    }
    Err(Undecided::new("a keyword argument that is not ASCII"))
}
