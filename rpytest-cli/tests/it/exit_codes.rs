//! A command ends as its session: same exit status, or same signal.

use crate::harness::{End, Project};

#[test]
fn passed_tests_are_0() {
    let project = Project::new(&[("test_a.py", "def test_a():\n    pass\n")]);
    project.assert_same(&[]).ended(End::Code(0));
}
