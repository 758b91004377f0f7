//! The name of a test.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A pytest node id: `tests/test_cart.py::TestCart::test_total[eur-3]`.
///
/// The text is kept byte for byte; the accessors look into it as pytest does (pytest 9.2, `_pytest/nodeid.py`):
/// the path ends at the first `::`, the parameters begin at the first `[` after it. Every string is a node id:
/// plugins collect from files of any kind and name their items as they like.
///
/// Ordered as text, which is not the order of collection.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(String);

impl NodeId {
    /// The node id with exactly this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The whole text, as pytest prints it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The file, relative to the rootdir and with `/` on every platform; the whole id when there is no `::`.
    ///
    /// A bracket before the first `::` belongs to the file: `test[1].py` is a legal name.
    pub fn file(&self) -> &str {
        self.split_file().0
    }

    /// The names below the file, outermost first and without parameters: `["TestCart", "test_total"]`.
    ///
    /// Empty for a file or a directory.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.names_and_bracket().map(|(names, _)| names.split("::")).into_iter().flatten()
    }

    /// What stands between the brackets, as one opaque text (`eur-3`); `None` for a test without parameters.
    pub fn parameters(&self) -> Option<&str> {
        let (_, bracket) = self.names_and_bracket()?;
        let inside = bracket.strip_prefix('[')?;
        Some(inside.strip_suffix(']').unwrap_or(inside))
    }

    /// The parameters with their brackets (`[eur-3]`), as they stand at the end of the id; empty without any.
    pub fn bracket(&self) -> &str {
        self.names_and_bracket().map_or("", |(_, bracket)| bracket)
    }

    fn split_file(&self) -> (&str, Option<&str>) {
        match self.0.split_once("::") {
            Some((file, names)) => (file, Some(names)),
            None => (&self.0, None),
        }
    }

    fn names_and_bracket(&self) -> Option<(&str, &str)> {
        let names = self.split_file().1?;
        Some(names.split_at(names.find('[').unwrap_or(names.len())))
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<&str> for NodeId {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen(text: &str) -> (String, Vec<String>, Option<String>) {
        let id = NodeId::new(text);
        (id.file().into(), id.parts().map(Into::into).collect(), id.parameters().map(Into::into))
    }

    #[test]
    fn looks_into_an_id_as_pytest_does() {
        let cases: [(&str, &str, &[&str], Option<&str>); 7] = [
            ("a/test_b.py::test_c", "a/test_b.py", &["test_c"], None),
            ("t.py::TestA::TestB::test_c", "t.py", &["TestA", "TestB", "test_c"], None),
            ("t.py::test_a[x-1]", "t.py", &["test_a"], Some("x-1")),
            ("t.py::test_a[]", "t.py", &["test_a"], Some("")),
            ("t.py::test_a[a::b[c]]", "t.py", &["test_a"], Some("a::b[c]")),
            ("test[1].py", "test[1].py", &[], None),
            ("docs/a.rst::a.rst", "docs/a.rst", &["a.rst"], None),
        ];
        for (text, file, parts, parameters) in cases {
            let parts = parts.iter().map(ToString::to_string).collect();
            assert_eq!(seen(text), (file.into(), parts, parameters.map(Into::into)), "{text}");
        }
    }

    proptest! {
        /// Nothing of an id is lost: its pieces give the text back.
        #[test]
        fn the_pieces_give_the_text_back(text in "[a-c:\\[\\]/é]{0,12}") {
            let id = NodeId::new(text.clone());
            let mut whole = vec![id.file()];
            whole.extend(id.parts());
            prop_assert_eq!(whole.join("::") + id.bracket(), text);
        }
    }
}
