//! JSON with the reference server's bytes: two spaces of indent, `<`, `>` and `&` escaped,
//! whole floats without a fraction. Shapes are per endpoint.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::time::Duration;

use gannet_units::WallTime;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::format;

/// `value` on several lines, two spaces of indent.
pub(crate) fn pretty(value: &impl Serialize) -> Vec<u8> {
    escaped(&serde_json::to_vec_pretty(value).expect("the shapes have string keys and cannot fail"))
}

/// `value` on one line.
pub(crate) fn compact(value: &impl Serialize) -> Vec<u8> {
    escaped(&serde_json::to_vec(value).expect("the shapes have string keys and cannot fail"))
}

/// Escapes what a browser could take for markup or for the end of a line. These characters occur
/// in JSON inside strings only, so there is no need to know where a string begins.
fn escaped(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len() + json.len() / 16);
    let mut rest = json;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            b'<' => out.extend_from_slice(b"\\u003c"),
            b'>' => out.extend_from_slice(b"\\u003e"),
            b'&' => out.extend_from_slice(b"\\u0026"),
            0xe2 if tail.starts_with(b"\x80\xa8") || tail.starts_with(b"\x80\xa9") => {
                out.extend_from_slice(if tail[1] == 0xa8 {
                    b"\\u2028"
                } else {
                    b"\\u2029"
                });
                rest = &tail[2..];
            }
            byte => out.push(*byte),
        }
    }
    out
}

/// A float that is written `2`, not `2.0`, and never with an exponent. Not a number is written 0.
pub(crate) fn float<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    let value = if value.is_finite() { *value } else { 0.0 };
    match RawValue::from_string(value.to_string()) {
        Ok(number) => number.serialize(serializer),
        Err(_) => serializer.serialize_u64(0),
    }
}

/// A duration in seconds, as a float.
pub(crate) fn seconds<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    float(&value.as_secs_f64(), serializer)
}

/// A duration in nanoseconds.
pub(crate) fn nanos<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(value.as_nanos()).unwrap_or(u64::MAX))
}

/// A duration as text: see [`format::uptime`].
pub(crate) fn uptime<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format::uptime(*value))
}

/// A point in time as text: see [`format::time`].
pub(crate) fn time<S: Serializer>(value: &WallTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format::time(*value))
}

/// A point in time as text, or null: see [`format::time`].
pub(crate) fn some_time<S: Serializer>(
    value: &Option<WallTime>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => time(value, serializer),
        None => serializer.serialize_none(),
    }
}

/// Whether a field that is left out when it says nothing says nothing.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    #[derive(Serialize)]
    struct Number(#[serde(serialize_with = "float")] f64);

    #[test]
    fn markup_and_line_separators_are_escaped() {
        let json = compact(&["<a href=\"x\">&'", "\u{2028}\u{2029}é\u{2027}\t\x01\u{7f}"]);
        assert_eq!(
            String::from_utf8(json).unwrap(),
            "[\"\\u003ca href=\\\"x\\\"\\u003e\\u0026'\",\"\\u2028\\u2029é\u{2027}\\t\\u0001\u{7f}\"]"
        );
    }

    #[test]
    fn floats_are_shortest_and_plain() {
        let cases = [
            (2.0, "2"),
            (0.5416666666666666, "0.5416666666666666"),
            (0.00001, "0.00001"),
            (0.0, "0"),
            (1e20, "100000000000000000000"),
            (f64::NAN, "0"),
        ];
        for (value, expect) in cases {
            assert_eq!(compact(&Number(value)), expect.as_bytes());
        }
    }
}
