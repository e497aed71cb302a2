//! Quoting of text in messages.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

/// `text` in double quotes, with quotes, backslashes and unprintable characters escaped as the
/// reference prints them.
pub fn quoted(text: &str) -> String {
    quoted_bytes(text.as_bytes())
}

/// All of `texts` in quotes, in brackets, as the reference prints a list.
pub(crate) fn quoted_list(texts: &[String]) -> String {
    let all: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    ["[", &all.join(" "), "]"].concat()
}

/// As [`quoted`], of bytes that need not be text: those that are none are shown by their numbers.
pub fn quoted_bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push('"');
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            push_escaped(&mut out, c);
        }
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            _ = write!(out, "\\x{byte:02x}");
        }
    }
    out.push('"');
    out
}

fn push_escaped(out: &mut String, c: char) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{b}' => out.push_str("\\v"),
        // Writing to a String cannot fail.
        c if c < ' ' || c == '\u{7f}' => _ = write!(out, "\\x{:02x}", u32::from(c)),
        c if is_unprintable(c) && c < '\u{10000}' => _ = write!(out, "\\u{:04x}", u32::from(c)),
        c if is_unprintable(c) => _ = write!(out, "\\U{:08x}", u32::from(c)),
        c => out.push(c),
    }
}

/// Beyond ASCII: control characters, spaces of other kinds, and what has no shape of its own.
fn is_unprintable(c: char) -> bool {
    // A mark that joins the character before it is printable there; alone, it would be escaped too.
    let joined = String::from_iter(['a', c]);
    c > '\u{7f}' && joined.escape_debug().count() > 2
}

#[cfg(test)]
mod tests {
    use super::{quoted, quoted_bytes};

    #[test]
    fn text_is_quoted_for_a_message() {
        let cases = [
            ("", r#""""#),
            ("plain é", r#""plain é""#),
            ("a\"b\\c", r#""a\"b\\c""#),
            ("\n\t\r\u{1}\u{7f}", r#""\n\t\r\x01\x7f""#),
        ];
        for (text, wanted) in cases {
            assert_eq!(quoted(text), wanted);
        }
    }

    /// The wanted texts are the reference server's, from its trace of such a message.
    #[test]
    fn bytes_that_are_no_text_are_shown_by_their_numbers() {
        let cases: [(&[u8], &str); 4] = [
            (b"\"\xff\n", r#""\"\xff\n""#),
            (b"a\xe2\x82b", r#""a\xe2\x82b""#),
            (
                "\u{85}\u{a0}\u{200b}\u{1f600}\u{10ffff}".as_bytes(),
                "\"\\u0085\\u00a0\\u200b\u{1f600}\\U0010ffff\"",
            ),
            ("e\u{301}".as_bytes(), "\"e\u{301}\""),
        ];
        for (bytes, wanted) in cases {
            assert_eq!(quoted_bytes(bytes), wanted);
        }
    }
}
