//! Integers with units, floats and dates.

use alloc::format;
use alloc::string::ToString;

use super::Value;
use crate::error::ConfigError;

/// The value of digits with an optional sign and unit: `k m g t p e` count in thousands, with a `b`,
/// `i` or `ib` behind them in 1,024s.
pub(crate) fn integer(text: &str) -> Result<Value, ConfigError> {
    let out_of_range = || ConfigError::Malformed(format!("integer '{text}' is out of the range"));
    let not_a_number = || ConfigError::Malformed(format!("expected integer, but got '{text}'"));
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '-')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: i64 = number.parse().map_err(|_| out_of_range())?;
    let unit = unit.to_ascii_lowercase();
    let mut letters = unit.chars();
    let power = match letters.next() {
        None => return Ok(Value::Integer(number)),
        Some(letter) => "kmgtpe".find(letter).ok_or_else(not_a_number)?,
    };
    let base: i64 = match letters.as_str() {
        "" => 1000,
        "b" | "i" | "ib" => 1024,
        _ => return Err(not_a_number()),
    };
    let factor = base.pow(power as u32 + 1);
    number
        .checked_mul(factor)
        .map(Value::Integer)
        .ok_or_else(out_of_range)
}

pub(super) fn float(text: &str) -> Result<Value, ConfigError> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Value::Float(number)),
        _ => Err(ConfigError::Malformed(format!(
            "float '{text}' is out of the range"
        ))),
    }
}

/// A date of the form `2006-01-02T15:04:05Z`, whose digits the lexer has checked.
pub(super) fn datetime(text: &str) -> Result<Value, ConfigError> {
    let field = |from: usize, to: usize| text.get(from..to).and_then(|f| f.parse::<u32>().ok());
    let valid = || {
        let (year, month, day) = (field(0, 4)?, field(5, 7)?, field(8, 10)?);
        let (hour, minute, second) = (field(11, 13)?, field(14, 16)?, field(17, 19)?);
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            1..=12 => 31,
            _ => return None,
        };
        ((1..=days).contains(&day) && hour < 24 && minute < 60 && second < 60).then_some(())
    };
    valid()
        .map(|()| Value::Datetime(text.to_string()))
        .ok_or_else(|| {
            ConfigError::Malformed(format!(
                "expected Zulu formatted DateTime, but got '{text}'"
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::{datetime, float, integer};
    use crate::tree::Value;
    use std::string::ToString;

    #[test]
    fn integers_carry_units() {
        for (text, wanted) in [
            ("0", Ok(0)),
            ("-1", Ok(-1)),
            ("-8k", Ok(-8_000)),
            ("8kb", Ok(8 << 10)),
            ("8Ki", Ok(8 << 10)),
            ("8KIB", Ok(8 << 10)),
            ("1m", Ok(1_000_000)),
            ("1MB", Ok(1 << 20)),
            ("1g", Ok(1_000_000_000)),
            ("1gib", Ok(1 << 30)),
            ("1t", Ok(1_000_000_000_000)),
            ("1tb", Ok(1 << 40)),
            ("1p", Ok(1_000_000_000_000_000)),
            ("1pi", Ok(1 << 50)),
            ("1e", Ok(1_000_000_000_000_000_000)),
            ("7eb", Ok(7 << 60)),
            ("8eb", Err("integer '8eb' is out of the range")),
            (
                "9223372036854775808",
                Err("integer '9223372036854775808' is out of the range"),
            ),
            ("1kbb", Err("expected integer, but got '1kbb'")),
            ("1kbi", Err("expected integer, but got '1kbi'")),
        ] {
            let wanted = wanted.map(Value::Integer).map_err(|e: &str| e.to_string());
            assert_eq!(integer(text).map_err(|e| e.to_string()), wanted, "{text}");
        }
    }

    #[test]
    fn floats_and_dates_are_checked() {
        assert_eq!(float("-1.50"), Ok(Value::Float(-1.5)));
        let huge = "1".repeat(400) + ".0";
        assert!(float(&huge).is_err());
        for (text, valid) in [
            ("2016-05-04T18:53:41Z", true),
            ("2000-02-29T00:00:00Z", true),
            ("1900-02-29T00:00:00Z", false),
            ("2016-13-01T00:00:00Z", false),
            ("2016-00-01T00:00:00Z", false),
            ("2016-04-31T00:00:00Z", false),
            ("2016-05-04T24:00:00Z", false),
            ("2016-05-04T23:59:60Z", false),
        ] {
            assert_eq!(datetime(text).is_ok(), valid, "{text}");
        }
    }
}
