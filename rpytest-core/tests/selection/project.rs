//! Generated projects: names that contain each other, in every place where a name may stand.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::select;

/// Words for everything that has a name.
pub(crate) const WORDS: [&str; 14] =
    ["cart", "Cart", "total", "a", "tot", "eur", "naïve", "Straße", "ΣΑΣ", "İx", "ſ", "notes", "or_", "False"];

/// Mark names; some are words, too.
pub(crate) const MARKS: [&str; 5] = ["slow", "Slow", "device", "total", "notes"];

/// Values of a mark's arguments, as Python and `-m` write them; the last ones stand in the source alone.
const VALUES: [&str; 14] = [
    "1",
    "0",
    "-7",
    "True",
    "False",
    "None",
    "'A1'",
    "'1'",
    "\"a b\"",
    "1.0",
    "0.5",
    "[1]",
    "2 ** 70",
    "__import__('decimal').Decimal(1)",
];

const IDS: [&str; 8] = ["eur", "EUR-3", "a::b", "[1]", "x/y", "é", "", "cart]"];

pub(crate) fn literals() -> impl Strategy<Value = &'static str> {
    select(&VALUES[..9])
}

#[derive(Clone, Debug)]
struct Function {
    name: &'static str,
    marks: Vec<String>,
    ids: Vec<&'static str>,
}

/// A test file: functions, and classes with functions.
#[derive(Clone, Debug)]
pub(crate) struct File {
    path: String,
    functions: Vec<Function>,
    classes: Vec<(&'static str, Vec<String>, Vec<Function>)>,
}

fn mark() -> impl Strategy<Value = String> {
    let argument = (select(&["serial", "size"][..]), select(&VALUES[..]));
    (select(&MARKS[..]), prop::collection::btree_map(argument.0, argument.1, 0..3)).prop_map(|(name, arguments)| {
        let arguments: Vec<_> = arguments.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("@pytest.mark.{name}({})", ["1".to_owned()].into_iter().chain(arguments).collect::<Vec<_>>().join(", "))
    })
}

fn functions() -> impl Strategy<Value = Vec<Function>> {
    let function = (select(&WORDS[..]), prop::collection::vec(mark(), 0..3), prop::sample::subsequence(&IDS[..], 0..4))
        .prop_map(|(name, marks, ids)| Function { name, marks, ids });
    prop::collection::vec(function, 1..4)
}

pub(crate) fn project() -> impl Strategy<Value = Vec<File>> {
    let path = (select(&["", "sub/", "sub/deep/", "tests/"][..]), select(&["cart", "a", "total"][..]));
    let classes = prop::collection::vec((select(&WORDS[..]), prop::collection::vec(mark(), 0..2), functions()), 0..3);
    let file = (path, functions(), classes).prop_map(|((directory, name), functions, classes)| File {
        // A name for each directory: modules without packages must not share one.
        path: format!("{directory}test_{name}{}.py", directory.len()),
        functions,
        classes,
    });
    prop::collection::vec(file, 2..6)
}

pub(crate) fn write(files: &[File], rootdir: &Path) {
    // Collecting a second time in one process escapes what is escaped already.
    let settings = "[pytest]\ndisable_test_id_escaping_and_forfeit_all_rights_to_community_support = true\n";
    fs::write(rootdir.join("pytest.ini"), settings).expect("a new directory");
    for file in files {
        let path = rootdir.join(&file.path);
        fs::create_dir_all(path.parent().expect("it is in the rootdir")).expect("a new directory");
        fs::write(path, source(file)).expect("a new directory");
    }
}

fn source(file: &File) -> String {
    let mut source = "import pytest\n".to_owned();
    for function in &file.functions {
        write_function(&mut source, function, "", "");
    }
    for (name, marks, functions) in &file.classes {
        let _ = writeln!(source, "{}\nclass Test{name}:", marks.join("\n"));
        for function in functions {
            write_function(&mut source, function, "    ", "self, ");
        }
    }
    source
}

/// Writing to a string cannot fail.
fn write_function(source: &mut String, function: &Function, indent: &str, first: &str) {
    for mark in &function.marks {
        let _ = writeln!(source, "{indent}{mark}");
    }
    let parameter = if function.ids.is_empty() { "" } else { "value" };
    if !function.ids.is_empty() {
        let _ = writeln!(
            source,
            "{indent}@pytest.mark.parametrize('value', range({}), ids={:?})",
            function.ids.len(),
            function.ids
        );
    }
    let _ = writeln!(
        source,
        "{indent}def test_{}({first}{parameter}):\n{indent}    test.{}_seen = 1",
        function.name, function.name
    );
}
