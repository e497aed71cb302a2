//! Query strings and the values in them, refused with the reference server's texts. What the
//! keys mean is decided per endpoint.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

/// A query value that cannot be used: the text of the 400 answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadValue(pub String);

/// How much a list of subscriptions should say (`subs=`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Subscriptions {
    /// Their number only.
    #[default]
    Count,
    /// The subjects (`subs=1`).
    Subjects,
    /// One object each (`subs=detail`).
    Detail,
}

/// The pairs of a query string, decoded.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Splits and decodes; pairs with a bad escape or a semicolon are left out, as the reference does.
    pub(crate) fn parse(query: &str) -> Query {
        let pair = |piece: &str| {
            let (key, value) = piece.split_once('=').unwrap_or((piece, ""));
            Some((form_decoded(key)?, form_decoded(value)?))
        };
        Query(
            query
                .split('&')
                .filter(|p| !p.is_empty() && !p.contains(';'))
                .filter_map(pair)
                .collect(),
        )
    }

    /// The first value of `key`; empty when there is none.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.0
            .iter()
            .find(|(k, _)| k == key)
            .map_or("", |(_, value)| value)
    }

    /// A yes or no; absent and empty mean no.
    pub(crate) fn flag(&self, key: &str) -> Result<bool, BadValue> {
        match self.text(key) {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
            "" | "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
            bad => Err(refusal(
                "boolean",
                key,
                "ParseBool",
                bad,
                NumberError::Syntax,
            )),
        }
    }

    /// A signed number; absent and empty mean 0.
    pub(crate) fn int(&self, key: &str) -> Result<i64, BadValue> {
        match self.text(key) {
            "" => Ok(0),
            text => parse_int(text).map_err(|error| refusal("int", key, "Atoi", text, error)),
        }
    }

    /// An unsigned number; absent and empty mean 0.
    pub(crate) fn uint(&self, key: &str) -> Result<u64, BadValue> {
        match self.text(key) {
            "" => Ok(0),
            text => {
                parse_uint(text).map_err(|error| refusal("uint64", key, "ParseUint", text, error))
            }
        }
    }

    /// `subs=detail` in any case, or a yes or no.
    pub(crate) fn subscriptions(&self) -> Result<Subscriptions, BadValue> {
        if self.text("subs").eq_ignore_ascii_case("detail") {
            return Ok(Subscriptions::Detail);
        }
        Ok(if self.flag("subs")? {
            Subscriptions::Subjects
        } else {
            Subscriptions::Count
        })
    }
}

/// A window on a list: `offset` and `limit`, where nothing or nonsense means the defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) offset: u64,
    pub(crate) limit: u64,
}

/// How many entries a list shows when nobody says.
pub(crate) const DEFAULT_LIMIT: u64 = 1024;

impl Default for Window {
    fn default() -> Window {
        Window {
            offset: 0,
            limit: DEFAULT_LIMIT,
        }
    }
}

impl Window {
    pub(crate) fn parse(query: &Query) -> Result<Window, BadValue> {
        let offset = query.int("offset")?;
        let limit = query.int("limit")?;
        Ok(Window {
            offset: offset.max(0).unsigned_abs(),
            limit: if limit > 0 {
                limit.unsigned_abs()
            } else {
                DEFAULT_LIMIT
            },
        })
    }

    pub(crate) fn skip(self) -> usize {
        usize::try_from(self.offset).unwrap_or(usize::MAX)
    }

    pub(crate) fn take(self) -> usize {
        usize::try_from(self.limit).unwrap_or(usize::MAX)
    }
}

#[derive(Clone, Copy)]
enum NumberError {
    Syntax,
    Range,
}

fn refusal(kind: &str, key: &str, function: &str, value: &str, error: NumberError) -> BadValue {
    let why = match error {
        NumberError::Syntax => "invalid syntax",
        NumberError::Range => "value out of range",
    };
    BadValue(format!(
        "Error decoding {kind} for '{key}': strconv.{function}: parsing {}: {why}",
        quoted(value)
    ))
}

fn parse_uint(text: &str) -> Result<u64, NumberError> {
    if text.is_empty() {
        return Err(NumberError::Syntax);
    }
    text.chars().try_fold(0u64, |sum, c| {
        let digit = c.to_digit(10).ok_or(NumberError::Syntax)?;
        sum.checked_mul(10)
            .and_then(|n| n.checked_add(u64::from(digit)))
            .ok_or(NumberError::Range)
    })
}

fn parse_int(text: &str) -> Result<i64, NumberError> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let size = parse_uint(digits)?;
    let value = if negative {
        0i64.checked_sub_unsigned(size)
    } else {
        i64::try_from(size).ok()
    };
    value.ok_or(NumberError::Range)
}

/// The text in double quotes, with what cannot be printed escaped the way the reference's language does.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        let short = match c {
            '\x07' => "\\a",
            '\x08' => "\\b",
            '\x0c' => "\\f",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\x0b' => "\\v",
            '\\' => "\\\\",
            '"' => "\\\"",
            _ => "",
        };
        let code = u32::from(c);
        // Writing to a String cannot fail.
        let _ = match () {
            () if !short.is_empty() => out.write_str(short),
            () if code < 0x20 || code == 0x7f => write!(out, "\\x{code:02x}"),
            () if code < 0x7f || c.escape_debug().len() == 1 => out.write_char(c),
            () if code < 0x10000 => write!(out, "\\u{code:04x}"),
            () => write!(out, "\\U{code:08x}"),
        };
    }
    out.push('"');
    out
}

/// Percent escapes resolved; nothing when one is malformed. Bytes that are not UTF-8 are replaced.
pub(crate) fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let high = char::from(bytes.next()?).to_digit(16)?;
        let low = char::from(bytes.next()?).to_digit(16)?;
        out.push(u8::try_from(high * 16 + low).ok()?);
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

fn form_decoded(text: &str) -> Option<String> {
    if text.contains('+') {
        percent_decoded(&text.replace('+', "%20"))
    } else {
        percent_decoded(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn int(query: &str) -> Result<i64, String> {
        Query::parse(query).int("n").map_err(|bad| bad.0)
    }

    #[test]
    fn the_first_value_counts_and_broken_pairs_are_skipped() {
        let query = Query::parse("a=1&a=2&&b&%63=x+y%21&d=%zz&e=1;f=2&=v&g=h=i");
        let got: Vec<&str> = ["a", "b", "c", "d", "e", "f", "", "g", "nope"]
            .map(|key| query.text(key))
            .to_vec();
        assert_eq!(got, ["1", "", "x y!", "", "", "", "v", "h=i", ""]);
    }

    #[test]
    fn a_flag_is_one_of_twelve_words() {
        for (text, expect) in [
            ("1", true),
            ("t", true),
            ("TRUE", true),
            ("True", true),
            ("0", false),
            ("F", false),
            ("false", false),
        ] {
            assert_eq!(
                Query::parse(&format!("x={text}")).flag("x"),
                Ok(expect),
                "{text}"
            );
        }
        assert_eq!(
            Query::parse("subs=zz").flag("subs"),
            Err(BadValue(
                r#"Error decoding boolean for 'subs': strconv.ParseBool: parsing "zz": invalid syntax"#.to_string()
            ))
        );
    }

    #[test]
    fn numbers_are_read_like_the_reference_reads_them() {
        assert_eq!(int("n=%2B17"), Ok(17));
        assert_eq!(int("n=-9223372036854775808"), Ok(i64::MIN));
        let refused = |value: &str, why: &str| {
            Err(format!(
                "Error decoding int for 'n': strconv.Atoi: parsing \"{value}\": {why}"
            ))
        };
        assert_eq!(int("n=x"), refused("x", "invalid syntax"));
        assert_eq!(int("n=+1"), refused(" 1", "invalid syntax"));
        assert_eq!(int("n=-"), refused("-", "invalid syntax"));
        assert_eq!(
            int("n=9223372036854775808"),
            refused("9223372036854775808", "value out of range")
        );
        assert_eq!(
            int("n=99999999999999999999x"),
            refused("99999999999999999999x", "value out of range")
        );
        assert_eq!(
            Query::parse("cid=-1").uint("cid"),
            Err(BadValue(
                r#"Error decoding uint64 for 'cid': strconv.ParseUint: parsing "-1": invalid syntax"#.to_string()
            ))
        );
        assert_eq!(
            Query::parse("cid=18446744073709551615").uint("cid"),
            Ok(u64::MAX)
        );
    }

    #[test]
    fn refused_values_are_quoted_printably() {
        assert_eq!(
            quoted("<\"\n\u{e9}\\\x01\x7f\u{ad}"),
            r#""<\"\né\\\x01\x7f\u00ad""#
        );
    }

    #[test]
    fn a_window_that_makes_no_sense_is_the_default_one() {
        let window = |q: &str| Window::parse(&Query::parse(q));
        assert_eq!(window("limit=-5&offset=-3"), Ok(Window::default()));
        assert_eq!(window("limit=0"), Ok(Window::default()));
        assert_eq!(
            window("limit=3&offset=2"),
            Ok(Window {
                offset: 2,
                limit: 3
            })
        );
    }
}
