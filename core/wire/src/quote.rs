//! Bytes as the reference server's error texts quote them. Not here: the texts.

use alloc::string::String;
use core::fmt::Write as _;

/// Bytes of context that an error text quotes at most.
const SNIPPET: usize = 32;

/// Quotes the beginning of `bytes`. It stops before JSON, which may hold a password.
pub(crate) fn quote(bytes: &[u8]) -> String {
    let stop = match bytes.len() {
        n if n > SNIPPET => SNIPPET,
        // The reference server leaves out the buffer's last byte.
        n => n.saturating_sub(1),
    };
    let shown = bytes[..stop]
        .split(|&b| b == b'{')
        .next()
        .unwrap_or_default();
    let mut out = String::from("\"");
    for chunk in shown.utf8_chunks() {
        for c in chunk.valid().chars() {
            quote_char(&mut out, c);
        }
        for b in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\x{b:02x}");
        }
    }
    out.push('"');
    out
}

fn quote_char(out: &mut String, c: char) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\r' => out.push_str("\\r"),
        '\n' => out.push_str("\\n"),
        '\t' => out.push_str("\\t"),
        c if c.is_ascii_control() => {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\x{:02x}", u32::from(c));
        }
        c => out.push(c),
    }
}
