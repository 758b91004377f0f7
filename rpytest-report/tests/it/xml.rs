//! A JUnit file as a tree to compare.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// One element, with its text put together from text, references and CDATA sections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
}

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    /// The element without what differs from run to run and machine to machine.
    pub(crate) fn without(mut self, names: &[&str]) -> Self {
        self.attributes.retain(|name, _| !names.contains(&name.as_str()));
        self.children = self.children.into_iter().map(|child| child.without(names)).collect();
        self
    }
}

/// The root of a document. Panics when it is not well-formed or holds a character that XML does not allow.
pub(crate) fn parse(document: &[u8]) -> Element {
    let mut reader = Reader::from_reader(document);
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().expect("the document is well-formed") {
            Event::Start(start) => open.push(element(&start)),
            Event::Empty(start) => {
                open.push(element(&start));
                close(&mut open);
            }
            Event::End(_) => close(&mut open),
            Event::Text(text) => {
                innermost(&mut open).text += &text.decode().expect("the document is UTF-8");
            }
            Event::CData(text) => {
                innermost(&mut open).text += &text.decode().expect("the document is UTF-8");
            }
            Event::GeneralRef(name) => {
                let reference = format!("&{};", name.decode().expect("the document is UTF-8"));
                innermost(&mut open).text += &unescape(&reference);
            }
            Event::Eof => break,
            Event::Decl(_) => {}
            other => panic!("a JUnit file has no {other:?}"),
        }
    }
    assert_eq!(open.len(), 1, "every element is closed");
    let mut root = open.remove(0);
    assert_eq!(root.children.len(), 1, "a document has one root");
    root.children.remove(0)
}

fn element(start: &BytesStart<'_>) -> Element {
    let utf8 = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("the document is UTF-8");
    let attributes = start.attributes().map(|attribute| {
        let attribute = attribute.expect("attributes are well-formed and named once");
        // A reader makes spaces of the breaks that stand in an attribute as they are.
        let value = utf8(&attribute.value).replace(['\n', '\t', '\r'], " ");
        (utf8(attribute.key.as_ref()), checked(unescape(&value)))
    });
    Element { name: utf8(start.name().as_ref()), attributes: attributes.collect(), ..Element::default() }
}

fn unescape(text: &str) -> String {
    quick_xml::escape::unescape(text).expect("references are well-formed").into_owned()
}

fn checked(text: String) -> String {
    let allowed = |character| matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    assert!(text.chars().all(allowed), "{text:?}");
    text
}

fn innermost(open: &mut [Element]) -> &mut Element {
    open.last_mut().expect("the root holder is never closed")
}

fn close(open: &mut Vec<Element>) {
    let mut closed = open.pop().expect("an element is open");
    closed.text = checked(closed.text);
    innermost(open).children.push(closed);
}
