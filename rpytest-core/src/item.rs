//! A test as collection finds it.

use serde::{Deserialize, Serialize};

use crate::{Literal, NodeId};

/// One collected test (pytest: `Item`), with all that selection looks at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TestItem {
    /// Its name for users.
    pub nodeid: NodeId,
    /// The file that it was collected from, relative to the rootdir and with `/` (pytest: `item.path`). A plugin may name
    /// its items after another.
    pub file: String,
    /// The line where it is defined, counted from 1 (pytest: `item.location`); `None` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The names of the nodes below the file, outermost first; the last is its own, with its parameters.
    pub names: Vec<String>,
    /// The names that `-k` looks into, as this version of pytest gathers them (`KeywordMatcher.from_item`): no name twice.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// Its marks and those of its parents, the closest first (pytest: `item.iter_markers()`).
    #[serde(default)]
    pub marks: Vec<Mark>,
    /// The fixtures that it uses, directly or not (pytest: `item.fixturenames`).
    #[serde(default)]
    pub fixtures: Vec<String>,
    /// The values that it is parametrised with.
    #[serde(default)]
    pub parameters: Vec<Parameter>,
}

impl TestItem {
    /// What the node id alone tells of a test: the names of its directories, its file, its classes and its own, which
    /// are keywords too. Marks and all else are not in it.
    pub fn from_nodeid(nodeid: NodeId) -> Self {
        let mut names: Vec<_> = nodeid.parts().map(str::to_owned).collect();
        if let Some(own) = names.last_mut() {
            own.push_str(nodeid.bracket());
        }
        let file = nodeid.file().to_owned();
        let keywords = file.split('/').map(str::to_owned).chain(names.iter().cloned()).collect();
        Self { nodeid, file, names, keywords, ..Self::default() }
    }
}

/// A mark with its arguments (pytest: `Mark`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// Its name: `skipif`.
    pub name: String,
    /// The positional arguments.
    #[serde(default)]
    pub arguments: Vec<Value>,
    /// The keyword arguments.
    #[serde(default)]
    pub keywords: Vec<(String, Value)>,
}

/// One argument name of a parametrised test with its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// The name of the argument.
    pub name: String,
    /// Its value in this test.
    pub value: Value,
}

/// A Python object, as far as it is worth knowing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Value {
    /// `None`.
    None,
    /// A `bool`.
    Bool(bool),
    /// An `int` that is not larger.
    Int(i64),
    /// A `float`.
    Float(f64),
    /// A `str`; of exactly this class, as for all above.
    Str(String),
    /// A container of exactly a built-in class, which is never equal to any of the above: its `repr`.
    Container(String),
    /// Anything else; only Python knows what it is equal to: its `repr`.
    Other(String),
}

impl Value {
    /// Whether the object is equal to a literal, as Python compares them: `1 == True == 1.0`. `None` where only Python
    /// can tell.
    pub fn equals(&self, literal: &Literal) -> Option<bool> {
        Some(match (self, literal) {
            (Self::Other(_), _) => return None,
            (Self::None, Literal::None) => true,
            (Self::Str(text), Literal::Str(other)) => text == other,
            (_, Literal::Int(number)) => self.is_number(*number),
            (_, Literal::Bool(truth)) => self.is_number(i64::from(*truth)),
            _ => false,
        })
    }

    fn is_number(&self, number: i64) -> bool {
        match self {
            Self::Bool(truth) => i64::from(*truth) == number,
            Self::Int(own) => *own == number,
            Self::Float(own) => is_whole(*own, number),
            _ => false,
        }
    }
}

/// Whether a float is exactly this number.
fn is_whole(float: f64, number: i64) -> bool {
    // 2^63: below it in both directions, a whole float is an `i64`.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and within the limits of i64")]
    let is_number = || float as i64 == number;
    float.fract() == 0.0 && (-LIMIT..LIMIT).contains(&float) && is_number()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_id_tells_names() {
        let item = TestItem::from_nodeid("tests/test_a.py::TestB::test_c[x/y]".into());
        assert_eq!((item.file.as_str(), item.names), ("tests/test_a.py", vec!["TestB".into(), "test_c[x/y]".into()]));
        assert_eq!(item.keywords, ["tests", "test_a.py", "TestB", "test_c[x/y]"]);
    }

    #[test]
    fn values_are_compared_as_python_does() {
        let cases = [
            (Value::Bool(true), Literal::Int(1), Some(true)),
            (Value::Int(0), Literal::Bool(false), Some(true)),
            (Value::Float(2.0), Literal::Int(2), Some(true)),
            (Value::Float(2.5), Literal::Int(2), Some(false)),
            (Value::Float(9_007_199_254_740_992.0), Literal::Int(9_007_199_254_740_993), Some(false)),
            (Value::Float(f64::NAN), Literal::Int(0), Some(false)),
            (Value::None, Literal::Int(0), Some(false)),
            (Value::Str("1".into()), Literal::Int(1), Some(false)),
            (Value::Container("[1]".into()), Literal::Int(1), Some(false)),
            (Value::Other("Decimal('1')".into()), Literal::Int(1), None),
        ];
        for (value, literal, equal) in cases {
            assert_eq!(value.equals(&literal), equal, "{value:?} {literal:?}");
        }
    }
}
