//! The digest that tells whether two configurations say the same.
//!
//! It is the SHA-256 of the tree written as JSON in the reference's way: keys sorted, no spaces, a
//! newline at the end, and `<`, `>`, `&` and the two line separators of Unicode escaped.

use alloc::format;
use alloc::string::String;

use sha2::{Digest, Sha256};

use crate::tree::{Map, Value};

/// `sha256:` and 64 hexadecimal digits.
pub(crate) fn digest(map: &Map) -> String {
    let mut hash = Sha256::new();
    feed_map(&mut hash, map);
    hash.update(b"\n");
    format!("sha256:{:x}", hash.finalize())
}

fn feed(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Text(text) | Value::Datetime(text) => feed_text(hash, text),
        Value::Integer(number) => hash.update(format!("{number}")),
        Value::Float(number) => hash.update(float(*number)),
        Value::Bool(bool) => hash.update(if *bool { "true" } else { "false" }),
        Value::Map(map) => feed_map(hash, map),
        Value::Array(nodes) => {
            hash.update(b"[");
            for (at, node) in nodes.iter().enumerate() {
                if at > 0 {
                    hash.update(b",");
                }
                feed(hash, &node.value);
            }
            hash.update(b"]");
        }
    }
}

fn feed_map(hash: &mut Sha256, map: &Map) {
    hash.update(b"{");
    for (at, (key, node)) in map.sorted().enumerate() {
        if at > 0 {
            hash.update(b",");
        }
        feed_text(hash, key);
        hash.update(b":");
        feed(hash, &node.value);
    }
    hash.update(b"}");
}

fn feed_text(hash: &mut Sha256, text: &str) {
    hash.update(b"\"");
    let mut plain = 0;
    for (at, c) in text.char_indices() {
        let escape = match c {
            '"' => "\\\"".into(),
            '\\' => "\\\\".into(),
            '\u{8}' => "\\b".into(),
            '\u{c}' => "\\f".into(),
            '\n' => "\\n".into(),
            '\r' => "\\r".into(),
            '\t' => "\\t".into(),
            '\0'..' ' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                format!("\\u{:04x}", u32::from(c))
            }
            _ => continue,
        };
        hash.update(&text[plain..at]);
        hash.update(escape);
        plain = at + c.len_utf8();
    }
    hash.update(&text[plain..]);
    hash.update(b"\"");
}

/// The shortest form that reads back the same; with an exponent only for very large and very small
/// numbers.
fn float(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{number:e}");
        return if size >= 1.0 {
            text.replace('e', "e+")
        } else {
            text
        };
    }
    format!("{number}")
}

#[cfg(test)]
mod tests {
    use super::float;

    #[test]
    fn floats_are_written_as_json_has_them() {
        for (number, wanted) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-1.5, "-1.5"),
            (1e20, "100000000000000000000"),
            (1.5e21, "1.5e+21"),
            (0.000001, "0.000001"),
            (0.00000015, "1.5e-7"),
        ] {
            assert_eq!(float(number), wanted);
        }
    }
}
