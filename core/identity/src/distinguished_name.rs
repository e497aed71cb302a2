//! Distinguished names as users write them and certificates have them (RFC 4514), and whether two are the same.

use alloc::string::String;
use alloc::vec::Vec;

/// A distinguished name: its parts, each one or more attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DistinguishedName(Vec<Vec<Attribute>>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Attribute {
    /// In capital letters: their case means nothing.
    kind: String,
    value: Vec<u8>,
}

impl DistinguishedName {
    /// Reads `CN=a,OU=b+L=c,O=d`. Attributes that are encoded (`CN=#…`) are not understood.
    pub(crate) fn parse(text: &str) -> Option<DistinguishedName> {
        if text.is_empty() {
            return None;
        }
        let mut parts = Vec::new();
        let mut part = Vec::new();
        let mut rest = text;
        loop {
            let (kind, after) = rest.split_once('=')?;
            let kind = kind.trim_matches(' ');
            if kind.is_empty() || kind.contains([',', '+', '\\']) || after.starts_with('#') {
                return None;
            }
            let (value, end, after) = value(after)?;
            part.push(Attribute {
                kind: kind.to_ascii_uppercase(),
                value,
            });
            if end != Some('+') {
                parts.push(core::mem::take(&mut part));
            }
            match end {
                None => return Some(DistinguishedName(parts)),
                Some(_) => rest = after,
            }
        }
    }

    /// Whether both are the same, part by part.
    pub(crate) fn is_same(&self, other: &DistinguishedName) -> bool {
        let mut parts = self.0.iter().zip(&other.0);
        self.0.len() == other.0.len() && parts.all(|(a, b)| same_part(a, b))
    }

    /// Whether both have the same parts, in whatever order.
    pub(crate) fn has_same_parts(&self, other: &DistinguishedName) -> bool {
        let mut left: Vec<&Vec<Attribute>> = other.0.iter().collect();
        let found = self.0.iter().all(|part| {
            let at = left.iter().position(|other| same_part(part, other));
            at.map(|at| left.swap_remove(at)).is_some()
        });
        found && left.is_empty()
    }
}

/// The value up to a comma or plus, that character, and what comes after it.
fn value(text: &str) -> Option<(Vec<u8>, Option<char>, &str)> {
    let text = text.trim_start_matches(' ');
    let mut value = Vec::new();
    // Spaces at the end don't count, unless they are escaped.
    let mut kept = 0;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            ',' | '+' => {
                value.truncate(kept);
                return Some((value, Some(c), &text[at + 1..]));
            }
            '\\' => {
                value.push(escaped(&mut chars)?);
                kept = value.len();
            }
            c => {
                value.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                if c != ' ' {
                    kept = value.len();
                }
            }
        }
    }
    value.truncate(kept);
    Some((value, None, ""))
}

fn escaped(chars: &mut core::str::CharIndices<'_>) -> Option<u8> {
    let (_, first) = chars.next()?;
    if let ' ' | '"' | '#' | '+' | ',' | ';' | '<' | '=' | '>' | '\\' = first {
        return u8::try_from(first).ok();
    }
    let (_, second) = chars.next()?;
    let digits = (first.to_digit(16)?, second.to_digit(16)?);
    u8::try_from(digits.0 * 16 + digits.1).ok()
}

fn same_part(one: &[Attribute], other: &[Attribute]) -> bool {
    let holds = |a: &[Attribute], b: &[Attribute]| b.iter().all(|wanted| a.contains(wanted));
    one.len() == other.len() && holds(one, other) && holds(other, one)
}

#[cfg(test)]
mod tests {
    use super::DistinguishedName as Dn;

    #[test]
    fn names_are_the_same_whatever_their_order_and_spelling() {
        for (one, other, same, same_parts) in [
            ("CN=a,O=b", "CN=a,O=b", true, true),
            ("CN=a,O=b", "cn = a , o=b", true, true),
            ("CN=a,O=b", "O=b,CN=a", false, true),
            ("CN=a,O=b", "CN=a", false, false),
            ("CN=a,O=b", "CN=a,O=B", false, false),
            ("CN=a+OU=x,O=b", "OU=x+CN=a,O=b", true, true),
            ("CN=a+OU=x,O=b", "CN=a,OU=x,O=b", false, false),
            ("DC=a,DC=a,DC=b", "DC=a,DC=b,DC=b", false, false),
            ("CN=a\\, b", "CN=a\\2c b", true, true),
            ("CN=a\\ ", "CN=a", false, false),
            ("CN=", "CN=", true, true),
        ] {
            let (a, b) = (Dn::parse(one).expect(one), Dn::parse(other).expect(other));
            assert_eq!(
                (a.is_same(&b), a.has_same_parts(&b)),
                (same, same_parts),
                "{one} / {other}"
            );
        }
    }

    #[test]
    fn what_is_no_name_is_none() {
        for text in [
            "", "a", "=a", "CN=#0102", "CN=a,", "CN=a,b", "CN=a\\", "CN=a\\x1", "CN=a+", ",CN=a",
        ] {
            assert_eq!(Dn::parse(text), None, "{text:?}");
        }
    }
}
