//! Text that an XML document can hold.

/// `text` with every character that XML does not allow made visible, as pytest does it (`_pytest/junitxml.py`,
/// `bin_xml_escape`): the bell becomes `#x07`, U+FFFF becomes `#xFFFF`. Like there, DEL counts as not allowed.
pub(crate) fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for character in text.chars() {
        if is_allowed(character) {
            visible.push(character);
        } else {
            visible.push_str(&number(character));
        }
    }
    visible
}

fn number(character: char) -> String {
    format!("#x{:02X}", u32::from(character))
}

const fn is_allowed(character: char) -> bool {
    matches!(
        character,
        '\t' | '\n' | '\r' | '\u{20}'..='\u{7e}' | '\u{80}'..='\u{fffd}' | '\u{10000}'..
    )
}

/// [`visible`] text to be put into one CDATA section as it stands.
///
/// `]]>` would end the section, so there it ends and begins anew between `]]` and `>`. A reader sees the text unchanged.
pub(crate) fn cdata(text: &str) -> String {
    visible(text).replace("]]>", "]]]]><![CDATA[>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_does_not_allow_is_made_visible_as_in_pytest() {
        let cases = [
            ("hello\u{7}world\u{8}", "hello#x07world#x08"),
            ("\0\t\n\r\u{b}\u{1f} ", "#x00\t\n\r#x0B#x1F "),
            ("~\u{7f}\u{80}", "~#x7F\u{80}"),
            ("\u{d7ff}\u{e000}\u{fffd}\u{fffe}\u{ffff}", "\u{d7ff}\u{e000}\u{fffd}#xFFFE#xFFFF"),
            ("\u{10000}\u{10ffff}é", "\u{10000}\u{10ffff}é"),
        ];
        for (text, expected) in cases {
            assert_eq!(visible(text), expected);
        }
    }

    #[test]
    fn a_section_never_ends_early() {
        assert_eq!(cdata("a]]>b]]"), "a]]]]><![CDATA[>b]]");
        assert_eq!(cdata("]]]>>"), "]]]]]><![CDATA[>>");
    }
}
