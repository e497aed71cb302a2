//! Durations as the reference writes them: `2m`, `1h30m`, `-1.5s`.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt::Write;

/// Units by name, in nanoseconds.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000), // U+00B5, the micro sign
    ("μs", 1_000), // U+03BC, the Greek letter
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// The nanoseconds that `text` means: an optional sign, then numbers each with a unit
/// (`ns us ms s m h`), or a bare `0`. The error is the reference's text.
pub fn parse_duration(text: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {}", quote(text));
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (whole, after) = rest.split_at(digits);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(tail) => {
                let n = tail.len() - tail.trim_start_matches(|c: char| c.is_ascii_digit()).len();
                tail.split_at(n)
            }
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let end = after
            .find(|c: char| c == '.' || c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        if unit.is_empty() {
            return Err(format!("time: missing unit in duration {}", quote(text)));
        }
        let Some(&(_, scale)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(format!(
                "time: unknown unit {} in duration {}",
                quote(unit),
                quote(text)
            ));
        };
        let part = scaled(whole, fraction, scale).ok_or_else(invalid)?;
        total = total
            .checked_add(part)
            .filter(|t| *t <= 1 << 63)
            .ok_or_else(invalid)?;
        rest = after;
    }
    match (negative, i64::try_from(total)) {
        (false, Ok(nanos)) => Ok(nanos),
        (false, Err(_)) => Err(invalid()),
        (true, _) => Ok((total as i64).wrapping_neg()), // 2^63 is the one value that wraps, onto itself
    }
}

/// `whole.fraction` times `scale`, exact to the nanosecond below; `None` if it does not fit.
fn scaled(whole: &str, fraction: &str, scale: u64) -> Option<u64> {
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let (mut below, mut unit) = (0u64, scale);
    for digit in fraction.bytes() {
        below += u64::from(digit - b'0') * unit / 10;
        unit /= 10;
    }
    whole.checked_mul(scale)?.checked_add(below)
}

/// `nanos` in the reference's shortest form: `1m30s`, `1.5ms`, `0s`.
pub fn format_duration(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let n = nanos.unsigned_abs();
    if n == 0 {
        return "0s".to_string();
    }
    if n < 1_000_000_000 {
        let (unit, scale) = match n {
            1_000_000.. => ("ms", 1_000_000),
            1_000.. => ("µs", 1_000),
            _ => ("ns", 1),
        };
        return format!("{sign}{}{unit}", decimal(n, scale));
    }
    let mut out = String::from(sign);
    let (minutes, below) = (n / 60_000_000_000, n % 60_000_000_000);
    if minutes >= 60 {
        // Writing to a String cannot fail.
        _ = write!(out, "{}h", minutes / 60);
    }
    if minutes > 0 {
        _ = write!(out, "{}m", minutes % 60);
    }
    _ = write!(out, "{}s", decimal(below, 1_000_000_000));
    out
}

/// `n / scale` with as many decimals as it has.
fn decimal(n: u64, scale: u64) -> String {
    let (whole, below) = (n / scale, n % scale);
    if below == 0 {
        return whole.to_string();
    }
    let width = scale.ilog10() as usize;
    let decimals = format!("{below:0width$}");
    format!("{whole}.{}", decimals.trim_end_matches('0'))
}

/// Quotes as the reference's time package does: bytes outside ASCII are shown as `\x..`.
fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(char::from(byte));
            }
            b' '..=b'~' | 0x7f => out.push(char::from(byte)),
            // Writing to a String cannot fail.
            _ => _ = write!(out, "\\x{byte:02x}"),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::{format_duration, parse_duration};
    use std::string::ToString;

    #[test]
    fn durations_are_read_exactly_or_refused_with_the_reference_text() {
        let cases: &[(&str, Result<i64, &str>)] = &[
            ("0", Ok(0)),
            ("2m", Ok(120_000_000_000)),
            ("1h30m", Ok(5_400_000_000_000)),
            ("1.5s", Ok(1_500_000_000)),
            ("-10ms", Ok(-10_000_000)),
            ("+.5s", Ok(500_000_000)),
            ("1.s", Ok(1_000_000_000)),
            ("3µs", Ok(3_000)),
            ("3μs", Ok(3_000)),
            ("0.0000000019s", Ok(1)),
            ("0.333h", Ok(1_198_800_000_000)),
            ("9223372036854775807ns", Ok(i64::MAX)),
            ("-9223372036854775808ns", Ok(i64::MIN)),
            (
                "9223372036854775808ns",
                Err("time: invalid duration \"9223372036854775808ns\""),
            ),
            (
                "99999999999h",
                Err("time: invalid duration \"99999999999h\""),
            ),
            ("", Err("time: invalid duration \"\"")),
            ("-", Err("time: invalid duration \"-\"")),
            (".s", Err("time: invalid duration \".s\"")),
            ("10", Err("time: missing unit in duration \"10\"")),
            ("1m5", Err("time: missing unit in duration \"1m5\"")),
            ("1x", Err("time: unknown unit \"x\" in duration \"1x\"")),
            ("1 s", Err("time: unknown unit \" s\" in duration \"1 s\"")),
            ("é", Err("time: invalid duration \"\\xc3\\xa9\"")),
        ];
        for (text, wanted) in cases {
            assert_eq!(
                parse_duration(text),
                wanted.map_err(|e| e.to_string()),
                "{text}"
            );
        }
    }

    #[test]
    fn durations_are_printed_in_their_shortest_form() {
        for (nanos, wanted) in [
            (0, "0s"),
            (1, "1ns"),
            (1_500, "1.5µs"),
            (2_000_000, "2ms"),
            (31_000_000_000, "31s"),
            (120_000_000_000, "2m0s"),
            (5_400_500_000_000, "1h30m0.5s"),
            (-1_000_000_000, "-1s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
        ] {
            assert_eq!(format_duration(nanos), wanted);
        }
    }
}
