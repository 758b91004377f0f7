//! What JUnit calls a test.

use rpytest_core::NodeId;

/// The class name and the name of a test case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CaseName {
    /// The file as a dotted path without `.py`, then the classes: `tests.test_cart.TestCart`.
    pub(crate) classname: String,
    /// The function with its parameters; for something that could not be collected, the last of its names.
    pub(crate) name: String,
}

impl CaseName {
    /// Splits a node id as pytest does (`_pytest/junitxml.py`, `mangle_test_address`).
    pub(crate) fn of(nodeid: &NodeId) -> Self {
        let file = nodeid.file().replace('/', ".");
        let mut names = vec![file.strip_suffix(".py").unwrap_or(&file)];
        names.extend(nodeid.parts());
        let last = names.pop().unwrap_or_default();
        Self { classname: names.join("."), name: format!("{last}{}", nodeid.bracket()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_as_pytest_splits_them() {
        let cases = [
            ("tests/test_a.py::test_b", "tests.test_a", "test_b"),
            ("test_a.py::TestA::TestB::test_c[x::y.py-[1]]", "test_a.TestA.TestB", "test_c[x::y.py-[1]]"),
            ("tests/test_broken.py", "", "tests.test_broken"),
            ("docs/guide.rst::guide.rst", "docs.guide.rst", "guide.rst"),
            ("", "", ""),
        ];
        for (nodeid, classname, name) in cases {
            let expected = CaseName { classname: classname.into(), name: name.into() };
            assert_eq!(CaseName::of(&nodeid.into()), expected, "{nodeid}");
        }
    }
}
