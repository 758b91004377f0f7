//! JUnit files read back: all they say but the times.

use rpytest_report::{JunitEntry, read_junit};

fn entry(id: &str, text: &str) -> JunitEntry {
    JunitEntry { id: id.into(), text: text.into() }
}

#[track_caller]
fn assert_read(xml: &str, expected: &[JunitEntry]) {
    assert_eq!(read_junit(xml).expect("the text is right"), expected);
}

#[test]
fn cases_come_in_the_order_of_the_file_without_times() {
    let xml = r#"<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" tests="2"
        time="1.5" timestamp="2026-01-01T00:00:00"><testcase classname="b" name="two" time="0.1" /><testcase
        classname="a" name="one[&lt;&#233;&gt;]" time="0.2"></testcase></testsuite></testsuites>"#;
    assert_read(
        xml,
        &[entry("testsuite pytest", "name: pytest\ntests: 2\n"), entry("b::two", ""), entry("a::one[<é>]", "")],
    );
}

#[test]
fn a_failure_has_its_message_and_its_text() {
    let xml = r#"<testcase classname="a" name="one"><failure message="assert 1 == 2&#10; +  where">line
&gt; E  x</failure></testcase>"#;
    assert_read(xml, &[entry("a::one", "[failure]\nmessage: assert 1 == 2\n +  where\nline\n> E  x")]);
}

#[test]
fn a_test_may_have_several_outcomes() {
    let xml = r#"<testcase classname="a" name="one"><skipped type="pytest.xfail" message="m"/><error
        message="n"><![CDATA[<t>]]></error></testcase>"#;
    assert_read(xml, &[entry("a::one", "[skipped]\ntype: pytest.xfail\nmessage: m\n[error]\nmessage: n\n<t>")]);
}

#[test]
fn properties_belong_to_what_they_stand_in() {
    let property = |name: &str| format!("<properties><property name=\"{name}\" value=\"1\"/></properties>");
    let of_case = format!("<testcase classname=\"a\" name=\"one\" line=\"3\">{}</testcase>", property("case"));
    let xml = format!("<testsuite name=\"s\">{}{of_case}<system-out>end</system-out></testsuite>", property("suite"));
    let properties = |name: &str| format!("[properties]\n[property]\nname: {name}\nvalue: 1\n");
    assert_read(
        &xml,
        &[
            entry("testsuite s", &format!("name: s\n{}[system-out]\nend", properties("suite"))),
            entry("a::one", &format!("line: 3\n{}", properties("case"))),
        ],
    );
}

#[test]
fn half_a_file_is_an_error() {
    assert!(read_junit(r#"<testsuite><testcase classname="a" name="one"/><testcase classn"#).is_err());
}
