//! The progress bar.

use rpytest_report::{Progress, Reporter};

use crate::shapes;

#[test]
fn it_counts_as_pytests_last_line_does() {
    let mut progress = Progress::hidden();
    for event in shapes::events() {
        progress.receive(&event).expect("a hidden bar cannot fail");
    }
    let latest = "tests/test_shapes.py::test_strict_xpass";
    let counts = "6 failed, 3 passed, 1 skipped, 1 xfailed, 1 xpassed, 3 error";
    assert_eq!(progress.position(), (13, Some(13)));
    assert_eq!(progress.text(), format!("{counts}: {latest}"));
}

#[test]
fn the_number_of_tests_is_open_until_it_is_known() {
    let mut progress = Progress::hidden();
    progress.receive(&shapes::started("test_a.py::test_b")).expect("a hidden bar cannot fail");
    assert_eq!((progress.position(), progress.text()), ((0, None), ": test_a.py::test_b".to_owned()));
}

#[test]
fn a_bar_with_a_name_counts_too() {
    let mut progress = Progress::named_on_stderr("warm 1");
    progress.receive(&shapes::started("test_a.py::test_b")).expect("standard error takes a bar or hides it");
    assert_eq!(progress.text(), ": test_a.py::test_b");
}
