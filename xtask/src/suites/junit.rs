//! The test cases of a `JUnit` file, in its order, without times.

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};
use thiserror::Error;

/// One test, as the file has it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TestCase {
    /// `classname::name`.
    pub(crate) id: String,
    /// The kind of each element in the test case (`failure`, `error`, `skipped`, `system-out`, …) with its type,
    /// message and text. Nothing for a test that passed.
    pub(crate) outcome: String,
}

/// Why a `JUnit` file could not be understood.
#[derive(Debug, Error)]
#[error("failed to understand the JUnit file")]
pub(crate) struct JunitError(#[from] quick_xml::Error);

/// All test cases of `xml`.
pub(crate) fn parse(xml: &str) -> Result<Vec<TestCase>, JunitError> {
    let mut reader = Reader::from_str(xml);
    let mut cases = Cases::default();
    loop {
        match reader.read_event()? {
            Event::Start(element) => {
                cases.opened(&element)?;
                cases.depth += 1;
            }
            Event::Empty(element) => cases.opened(&element)?,
            Event::End(_) => cases.depth = cases.depth.saturating_sub(1),
            Event::Text(text) => {
                let text = text.decode().map_err(quick_xml::Error::from)?;
                cases.said(&text);
            }
            Event::CData(text) => {
                let text = text.decode().map_err(quick_xml::Error::from)?;
                cases.said(&text);
            }
            Event::GeneralRef(reference) => {
                let name = reference.decode().map_err(quick_xml::Error::from)?;
                let entity = format!("&{name};");
                cases.said(&unescape(&entity).map_err(quick_xml::Error::from)?);
            }
            Event::Eof => return Ok(cases.all),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

/// What has been read so far.
#[derive(Debug, Default)]
struct Cases {
    all: Vec<TestCase>,
    depth: usize,
    /// The depth of the `testcase` that was opened last.
    depth_of_case: usize,
}

impl Cases {
    fn opened(&mut self, element: &BytesStart<'_>) -> Result<(), quick_xml::Error> {
        let attributes = attributes(element)?;
        if element.name().as_ref() == b"testcase" {
            let value = |wanted: &str| {
                let found = attributes.iter().find(|(name, _)| name == wanted);
                found.map_or("", |(_, value)| value.as_str())
            };
            let id = format!("{}::{}", value("classname"), value("name"));
            self.all.push(TestCase { id, outcome: String::new() });
            self.depth_of_case = self.depth;
        } else {
            let kind = String::from_utf8_lossy(element.name().as_ref()).into_owned();
            self.said(&format!("[{kind}]\n"));
            for (name, value) in attributes {
                self.said(&format!("{name}: {value}\n"));
            }
        }
        Ok(())
    }

    fn said(&mut self, text: &str) {
        if self.depth > self.depth_of_case
            && let Some(case) = self.all.last_mut()
        {
            case.outcome.push_str(text);
        }
    }
}

fn attributes(element: &BytesStart<'_>) -> Result<Vec<(String, String)>, quick_xml::Error> {
    element
        .attributes()
        .map(|attribute| {
            let attribute = attribute?;
            let name = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
            Ok((name, attribute.unescape_value()?.into_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{TestCase, parse};

    fn case(id: &str, outcome: &str) -> TestCase {
        TestCase { id: id.into(), outcome: outcome.into() }
    }

    #[test]
    fn cases_come_in_the_order_of_the_file_without_times() {
        let xml = r#"<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests">
            <testsuite name="pytest" tests="2" time="1.5"><testcase classname="b" name="two" time="0.1" />
            <testcase classname="a" name="one[&lt;&#233;&gt;]" time="0.2"></testcase></testsuite></testsuites>"#;
        let cases = parse(xml).expect("the text is right");
        assert_eq!(cases, [case("b::two", ""), case("a::one[<é>]", "")]);
    }

    #[test]
    fn a_failure_has_its_message_and_its_text() {
        let xml = r#"<testsuite><testcase classname="a" name="one"><failure message="assert 1 == 2&#10; +  where">line
&gt; E  x</failure></testcase><testcase classname="a" name="two"/></testsuite>"#;
        let cases = parse(xml).expect("the text is right");
        assert_eq!(
            cases,
            [case("a::one", "[failure]\nmessage: assert 1 == 2\n +  where\nline\n> E  x"), case("a::two", "")]
        );
    }

    #[test]
    fn a_test_may_have_several_outcomes() {
        let xml = r#"<testsuite><testcase classname="a" name="one"><skipped type="pytest.xfail" message="m"/><error
            message="n"><![CDATA[<t>]]></error></testcase></testsuite>"#;
        let cases = parse(xml).expect("the text is right");
        assert_eq!(cases, [case("a::one", "[skipped]\ntype: pytest.xfail\nmessage: m\n[error]\nmessage: n\n<t>")]);
    }

    #[test]
    fn half_a_file_is_an_error_or_has_the_cases_so_far() {
        let xml = r#"<testsuite><testcase classname="a" name="one"/><testcase classn"#;
        assert!(parse(xml).is_err());
    }
}
