//! A positional argument: a path or a node id.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use super::Candidate;
use crate::Undecided;

/// What a positional argument of pytest names: a directory, a file, or something in a file
/// (`_pytest/main.py`, `resolve_collection_argument`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectionArgument {
    /// Relative to the rootdir, with `/`; empty for the rootdir.
    path: String,
    /// The names below the file, without parameters.
    names: Vec<String>,
    /// The parameters with their brackets.
    bracket: Option<String>,
}

impl CollectionArgument {
    /// Understands `text` as it was typed in `directory`. Both directories are absolute; links are not looked at, which
    /// is as in pytest, and whether the path exists is for the caller to see.
    pub fn parse(text: &str, rootdir: &Path, directory: &Path) -> Result<Self, Undecided> {
        let (base, bracket) = match text.find('[') {
            Some(start) => (&text[..start], Some(text[start..].to_owned())),
            None => (text, None),
        };
        let mut parts = base.split("::");
        let path = relative(&absolute(&directory.join(parts.next().unwrap_or_default())), rootdir)?;
        let names: Vec<_> = parts.map(str::to_owned).collect();
        if bracket.is_some() && names.is_empty() {
            return Err(Undecided::new(format!("a bracket in the path {text}")));
        }
        Ok(Self { path, names, bracket })
    }

    /// Whether it names everything that `other` names.
    pub(super) fn contains(&self, other: &Self) -> bool {
        if self.names.is_empty() {
            return self.looks_into(&other.path);
        }
        self.path == other.path
            && other.names.starts_with(&self.names)
            && (self.bracket.is_none() || self.bracket == other.bracket)
    }

    /// Whether it is this file, is in this file, or is a directory around it.
    pub(super) fn looks_into(&self, file: &str) -> bool {
        self.path.is_empty()
            || file.strip_prefix(&self.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    pub(super) fn names(&self, item: &impl Candidate) -> Result<bool, Undecided> {
        if self.names.is_empty() {
            return Ok(self.looks_into(item.file()));
        }
        if self.path != item.file() {
            return Ok(false);
        }
        let last = self.names.len() - 1;
        let mut nodes = item.names();
        for (position, wanted) in self.names.iter().enumerate() {
            let Some(name) = nodes.next() else { return Ok(false) };
            let bare = name.split_once('[').map_or(name, |(bare, _)| bare);
            let matches = match (&self.bracket, position == last) {
                (Some(bracket), true) => name.strip_prefix(wanted.as_str()) == Some(bracket),
                (None, true) => bare == wanted,
                (_, false) if name != wanted && bare == wanted => {
                    return Err(Undecided::new(
                        "versions of pytest differ in what a bracket in the name of a class means",
                    ));
                }
                (_, false) => name == wanted,
            };
            if !matches {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl fmt::Display for CollectionArgument {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.path)?;
        for name in &self.names {
            write!(formatter, "::{name}")?;
        }
        formatter.write_str(self.bracket.as_deref().unwrap_or_default())
    }
}

/// `os.path.abspath` of what is absolute already: `..` goes up by name, whatever a link would say.
fn absolute(path: &Path) -> PathBuf {
    let mut absolute = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                absolute.pop();
            }
            Component::CurDir => {}
            other => absolute.push(other),
        }
    }
    absolute
}

fn relative(path: &Path, rootdir: &Path) -> Result<String, Undecided> {
    let relative = path.strip_prefix(rootdir).ok().and_then(Path::to_str);
    relative.map(str::to_owned).ok_or_else(|| Undecided::new(format!("{} is outside of the rootdir", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Selection, TestItem};

    fn argument(text: &str) -> CollectionArgument {
        CollectionArgument::parse(text, Path::new("/shop"), Path::new("/shop/tests")).expect("it is in the rootdir")
    }

    fn item(file: &str, names: &[&str]) -> TestItem {
        let names = names.iter().map(ToString::to_string).collect();
        TestItem { file: file.into(), names, ..TestItem::default() }
    }

    #[test]
    fn paths_are_relative_to_the_directory() {
        let cases = [
            ("", "tests"),
            (".", "tests"),
            ("..", ""),
            ("../other/./a.py", "other/a.py"),
            ("/shop/x//b.py::A::t[a::b]", "x/b.py::A::t[a::b]"),
        ];
        for (text, path) in cases {
            assert_eq!(argument(text).to_string(), path);
        }
        for outside in ["../..", "/elsewhere", "/shopping/a.py", "a[1].py"] {
            let parsed = CollectionArgument::parse(outside, Path::new("/shop"), Path::new("/shop/tests"));
            assert!(parsed.is_err(), "{outside}");
        }
    }

    #[test]
    fn a_name_without_parameters_names_them_all() {
        let parametrised = item("tests/a.py", &["TestA", "test_b[x]"]);
        let cases = [
            ("a.py", true),
            ("../tes", false),
            ("a.py::TestA", true),
            ("a.py::TestA::test_b", true),
            ("a.py::TestA::test_b[x]", true),
            ("a.py::TestA::test_b[y]", false),
            ("a.py::test_b", false),
            ("a.py::TestA::test_b[x]::deeper", false),
            ("b.py", false),
        ];
        for (text, named) in cases {
            assert_eq!(argument(text).names(&&parametrised), Ok(named), "{text}");
        }
    }

    #[test]
    fn arguments_that_overlap_are_left_to_pytest() {
        let selection = Selection::default().with_argument(argument("a.py::A")).expect("the first");
        for (text, overlaps) in [("a.py", true), ("a.py::A::t", true), ("..", true), ("a.py::B", false), ("a", false)] {
            assert_eq!(selection.clone().with_argument(argument(text)).is_err(), overlaps, "{text}");
        }
    }

    #[test]
    fn tests_come_argument_by_argument() {
        let items = [item("tests/a.py", &["t"]), item("tests/b.py", &["t"]), item("tests/c.py", &["t"])];
        let selection = |texts: &[&str]| {
            texts.iter().try_fold(Selection::default(), |selection, text| selection.with_argument(argument(text)))
        };
        let selected = selection(&["c.py", "a.py"]).expect("apart").select(&items).expect("both are known");
        assert_eq!(selected, [&items[2], &items[0]]);
        assert!(selection(&["a.py", "d.py"]).expect("apart").select(&items).is_err());
    }
}
