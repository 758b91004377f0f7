//! What a JUnit file says, in its order, without times.

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

/// Attributes that say when and how long.
const TIMES: [&str; 2] = ["time", "timestamp"];

/// A test case or a test suite, as the file has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JunitEntry {
    /// `classname::name` of a test case, `testsuite name` of a suite.
    pub id: String,
    /// What is in the element: the kind of each element (`failure`, `skipped`, `system-out`, `property`, …) with its
    /// attributes and its text. Nothing for a test that passed. A suite begins with its own attributes, the counts.
    pub text: String,
}

/// Why a JUnit file could not be understood.
#[derive(Debug, thiserror::Error)]
#[error("read the JUnit file")]
pub struct ReadJunitError(#[from] quick_xml::Error);

/// Everything that `xml` says of suites and tests, but not the times.
pub fn read_junit(xml: &str) -> Result<Vec<JunitEntry>, ReadJunitError> {
    let mut reader = Reader::from_str(xml);
    let mut entries = Entries::default();
    loop {
        match reader.read_event()? {
            Event::Start(element) => entries.open(&element)?,
            Event::Empty(element) => {
                entries.open(&element)?;
                entries.close();
            }
            Event::End(_) => entries.close(),
            Event::Text(text) => entries.say(&text.decode().map_err(quick_xml::Error::from)?),
            Event::CData(text) => entries.say(&text.decode().map_err(quick_xml::Error::from)?),
            Event::GeneralRef(reference) => {
                let entity = format!("&{};", reference.decode().map_err(quick_xml::Error::from)?);
                entries.say(&unescape(&entity).map_err(quick_xml::Error::from)?);
            }
            Event::Eof => return Ok(entries.all),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

/// What has been read so far.
#[derive(Debug, Default)]
struct Entries {
    all: Vec<JunitEntry>,
    /// For each open element the entry that it belongs to; none outside the suites.
    open: Vec<Option<usize>>,
}

impl Entries {
    fn open(&mut self, element: &BytesStart<'_>) -> Result<(), quick_xml::Error> {
        let attributes = attributes(element)?;
        let kind = String::from_utf8_lossy(element.name().as_ref()).into_owned();
        let value = |wanted: &str| {
            let found = attributes.iter().find(|(name, _)| name == wanted);
            found.map_or("", |(_, value)| value.as_str())
        };
        let id = match kind.as_str() {
            "testcase" => Some(format!("{}::{}", value("classname"), value("name"))),
            "testsuite" => Some(format!("testsuite {}", value("name"))),
            _ => None,
        };
        if let Some(id) = id {
            self.open.push(Some(self.all.len()));
            self.all.push(JunitEntry { id, text: String::new() });
        } else {
            self.open.push(self.current());
            self.say(&format!("[{kind}]\n"));
        }
        let known: &[&str] = if kind == "testcase" { &["classname", "name"] } else { &[] };
        for (name, value) in attributes.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
            self.say(&format!("{name}: {value}\n"));
        }
        Ok(())
    }

    fn close(&mut self) {
        self.open.pop();
    }

    fn current(&self) -> Option<usize> {
        self.open.last().copied().flatten()
    }

    fn say(&mut self, text: &str) {
        if let Some(entry) = self.current() {
            self.all[entry].text.push_str(text);
        }
    }
}

/// Names and values, without the times.
fn attributes(element: &BytesStart<'_>) -> Result<Vec<(String, String)>, quick_xml::Error> {
    element
        .attributes()
        .map(|attribute| {
            let attribute = attribute?;
            let name = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
            let value = String::from_utf8_lossy(&attribute.value);
            Ok((name, unescape(&value)?.into_owned()))
        })
        .filter(|attribute| !matches!(attribute, Ok((name, _)) if TIMES.contains(&name.as_str())))
        .collect()
}
