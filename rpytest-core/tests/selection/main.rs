//! What is selected, and what is said of a wrong expression, is what pytest itself selects and says: generated
//! expressions and arguments over generated projects.
//!
//! `RPYTEST_TEST_CASES` is how many, 300 by default.

mod oracle;
mod project;

use std::cell::RefCell;

use oracle::{Answer, Oracle, Request};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use rpytest_core::{CollectionArgument, Selection, SelectionError};

/// How many cases one project is for.
const CASES_OF_A_PROJECT: u32 = 250;

fn cases() -> u32 {
    std::env::var("RPYTEST_TEST_CASES").ok().map_or(300, |cases| cases.parse().expect("a number of cases"))
}

/// A name as somebody may type it: a piece of a word, in any case.
fn name() -> impl Strategy<Value = String> {
    let words: Vec<&str> =
        project::WORDS.into_iter().chain(project::MARKS).chain(["test_", "sub", "x-1", "::", "[1]"]).collect();
    (select(words), any::<Index>(), 0..3).prop_map(|(word, end, case)| {
        let length = word.chars().count();
        let piece: String = word.chars().take(length - end.index(length)).collect();
        match case {
            0 => piece.to_uppercase(),
            1 => piece,
            _ => word.to_owned(),
        }
    })
}

fn call() -> impl Strategy<Value = String> {
    let argument = (select(&["serial", "size", "absent", "for", "1x"][..]), project::literals());
    (select(&project::MARKS[..]), prop::collection::vec(argument, 1..3)).prop_map(|(name, arguments)| {
        let arguments: Vec<_> = arguments.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{name}({})", arguments.join(", "))
    })
}

fn well_formed() -> impl Strategy<Value = String> {
    prop_oneof![4 => name(), 2 => call()].prop_recursive(4, 16, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("{left} and {right}")),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| format!("{left} or {right}")),
            inner.clone().prop_map(|inner| format!("not {inner}")),
            inner.prop_map(|inner| format!("({inner})")),
        ]
    })
}

/// Pieces of expressions in no order, and characters that have no place in one.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => name(),
        3 => select(&["and", "or", "not", "(", ")", "=", ",", "'", "\"", " ", "\t", "1", "-", "True"][..]).prop_map(str::to_owned),
        1 => select(&["{", "\n", "\\", "@", "é", "²", "ᱠ", "ா", "–", "AND", "\u{1c}", "-1", "a(b=", "\u{301}"][..]).prop_map(str::to_owned),
        1 => any::<char>().prop_filter("JSON has no NUL problem, a command line has", |it| *it != '\0').prop_map(String::from),
    ];
    (prop::collection::vec(piece, 0..8), select(&["", " "][..])).prop_map(|(pieces, between)| pieces.join(between))
}

fn expression() -> impl Strategy<Value = String> {
    prop_oneof![2 => Just(String::new()), 5 => well_formed(), 3 => soup()]
}

/// A positional argument that is made from a known test: how much of its id is taken.
fn arguments() -> impl Strategy<Value = Vec<(Index, u8)>> {
    prop_oneof![9 => Just(Vec::new()), 1 => prop::collection::vec((any::<Index>(), 0..6_u8), 1..4)]
}

fn argument(oracle: &Oracle, which: Index, how: u8) -> String {
    let item = which.get(&oracle.items);
    let nodeid = item.nodeid.as_str();
    let without_bracket = nodeid.strip_suffix(item.nodeid.bracket()).unwrap_or(nodeid);
    match how {
        0 => item.file.clone(),
        1 => item.file.rsplit_once('/').map_or(".", |(directory, _)| directory).to_owned(),
        2 => without_bracket.to_owned(),
        3 => without_bracket.rsplit_once("::").map_or(nodeid, |(parent, _)| parent).to_owned(),
        4 => format!("./{}", nodeid.replace('/', "//")),
        _ => oracle.rootdir.join(nodeid).to_str().expect("a plain temporary directory").to_owned(),
    }
}

fn select_here(oracle: &Oracle, request: &Request) -> Result<Vec<String>, SelectionError> {
    let mut selection =
        Selection::default().with_keyword(&request.keyword, oracle.grammar).with_mark(&request.mark, oracle.grammar);
    for text in &request.arguments {
        selection = selection.with_argument(CollectionArgument::parse(text, &oracle.rootdir, &oracle.rootdir)?)?;
    }
    for prefix in &request.deselected {
        selection = selection.with_deselected(prefix);
    }
    let selected = selection.select(&oracle.items)?;
    Ok(selected.iter().map(|item| item.nodeid.as_str().to_owned()).collect())
}

#[test]
fn pytest_selects_the_same() {
    let mut decided = 0;
    let mut left = cases();
    while left > 0 {
        let cases = left.min(CASES_OF_A_PROJECT);
        left -= cases;
        decided += compare_on_one_project(cases);
    }
    assert!(decided * 10 >= cases() * 7, "only {decided} of {} cases were decided without pytest", cases());
}

/// Returns how many of the cases were decided here.
fn compare_on_one_project(cases: u32) -> u32 {
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let files = project::project().new_tree(&mut runner).expect("there are projects").current();
    let directory = tempfile::tempdir().expect("a temporary directory");
    let rootdir = directory.path().canonicalize().expect("it is there");
    project::write(&files, &rootdir);
    let oracle = RefCell::new(Oracle::start(&rootdir));
    let decided = RefCell::new(0);
    let deselected = prop::collection::vec((any::<Index>(), 0..6_u8), 0..2);
    let outcome =
        runner.run(&(expression(), expression(), arguments(), deselected), |(keyword, mark, arguments, deselected)| {
            let mut oracle = oracle.borrow_mut();
            let texts = |choices: Vec<(Index, u8)>| {
                choices.into_iter().map(|(which, how)| argument(&oracle, which, how)).collect()
            };
            let request = Request { keyword, mark, arguments: texts(arguments), deselected: texts(deselected) };
            let here = match select_here(&oracle, &request) {
                Ok(selected) => Answer::Selected(selected),
                Err(SelectionError::Usage(message)) => Answer::Usage(message),
                Err(SelectionError::Undecided(_)) => return Ok(()),
            };
            *decided.borrow_mut() += 1;
            prop_assert_eq!(oracle.ask(&request), here, "{:?}", request);
            Ok(())
        });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    decided.into_inner()
}
