//! Cases as XML. junit-report and quick-xml stop here.

use std::borrow::Cow;
use std::io;

use junit_report::{Duration, ReportBuilder, TestCase, TestResult, TestSuite};
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, Writer};

use crate::cases::{Case, CaseResult};
use crate::junit::JunitSuite;
use crate::xml_text::{cdata, visible};

/// The whole document. `seconds` is how long the run took; without it the suite took as long as its cases.
pub(crate) fn render(suite: &JunitSuite, cases: Vec<Case>, seconds: Option<f64>) -> io::Result<Vec<u8>> {
    let skipped = cases.iter().filter(|case| matches!(case.result, CaseResult::Skipped { .. })).count();
    let mut test_suite = TestSuite::new(&visible(&suite.name));
    test_suite.hostname = visible(&suite.hostname);
    test_suite.set_timestamp(suite.started.into());
    test_suite.add_testcases(cases.into_iter().map(test_case));
    let mut plain = Vec::new();
    let report = ReportBuilder::new().add_testsuite(test_suite).build();
    report.write_xml(&mut plain).map_err(io::Error::other)?;
    let seconds = seconds.map(|seconds| format!("{seconds:.3}"));
    Attributes { skipped: skipped.to_string(), seconds }.complete(&plain)
}

fn test_case(case: Case) -> TestCase {
    let mut test_case = TestCase::success(&visible(&case.name.name), milliseconds(case.seconds));
    test_case.classname = Some(visible(&case.name.classname));
    test_case.result = test_result(case.result);
    test_case
}

fn test_result(result: CaseResult) -> TestResult {
    let type_ = String::new();
    match result {
        CaseResult::Passed => TestResult::Success,
        CaseResult::Skipped { kind, message, text } => TestResult::SkippedWithCause {
            type_: kind.into(),
            message: visible(&message),
            cause: text.map(|text| cdata(&text)),
        },
        CaseResult::Failure { message, text } => {
            TestResult::Failure { type_, message: visible(&message), cause: Some(cdata(&text)) }
        }
        CaseResult::Error { message, text } => {
            TestResult::Error { type_, message: visible(&message), cause: Some(cdata(&text)) }
        }
    }
}

/// pytest writes three decimals.
fn milliseconds(seconds: f64) -> Duration {
    Duration::saturating_seconds_f64((seconds * 1000.0).round() / 1000.0)
}

/// The attributes in which pytest's documents differ from junit-report's.
struct Attributes {
    skipped: String,
    seconds: Option<String>,
}

impl Attributes {
    /// Copies the document and puts its attributes right.
    fn complete(&self, plain: &[u8]) -> io::Result<Vec<u8>> {
        let mut reader = Reader::from_reader(plain);
        let mut writer = Writer::new(Vec::with_capacity(plain.len()));
        loop {
            let event = match reader.read_event().map_err(io::Error::other)? {
                Event::Eof => return Ok(writer.into_inner()),
                Event::Start(element) => Event::Start(self.of_element(&element)?),
                Event::Empty(element) => Event::Empty(self.of_element(&element)?),
                other => other,
            };
            writer.write_event(event)?;
        }
    }

    fn of_element(&self, element: &BytesStart<'_>) -> io::Result<BytesStart<'static>> {
        let mut complete = element.to_owned();
        complete.clear_attributes();
        for attribute in element.attributes() {
            let attribute = attribute.map_err(io::Error::other)?;
            if let Some(attribute) = self.adapt(element.name().as_ref(), attribute) {
                complete.push_attribute(attribute);
            }
        }
        match element.name().as_ref() {
            b"testsuites" => complete.push_attribute(("name", "pytest tests")),
            b"testsuite" => complete.push_attribute(("skipped", self.skipped.as_str())),
            _ => {}
        }
        Ok(complete)
    }

    /// `None` for what pytest does not write.
    fn adapt<'a>(&'a self, element: &[u8], attribute: Attribute<'a>) -> Option<Attribute<'a>> {
        match (element, attribute.key.as_ref(), &self.seconds) {
            (b"testsuite", b"id" | b"package", _) | (b"failure" | b"error", b"type", _) => None,
            (b"testsuite", b"time", Some(seconds)) => Some(("time", seconds.as_str()).into()),
            _ => Some(with_visible_breaks(attribute)),
        }
    }
}

/// Line breaks and tabs as references: a reader makes spaces of those that stand in an attribute as they are.
fn with_visible_breaks(mut attribute: Attribute<'_>) -> Attribute<'_> {
    if !attribute.value.iter().any(|byte| matches!(byte, b'\t' | b'\n' | b'\r')) {
        return attribute;
    }
    let mut value = Vec::with_capacity(attribute.value.len() + 16);
    for byte in attribute.value.iter().copied() {
        match byte {
            b'\t' => value.extend(b"&#9;"),
            b'\n' => value.extend(b"&#10;"),
            b'\r' => value.extend(b"&#13;"),
            other => value.push(other),
        }
    }
    attribute.value = Cow::Owned(value);
    attribute
}
