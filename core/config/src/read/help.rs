//! What a user can do about a mistake, where the reference's words don't say.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::table::Key;
use super::{auth, cluster, gateway, tls, top};
use crate::text::quote::quoted;
use crate::tree::{Value, integer};

/// About a key that is not one of `known`.
pub(super) fn unknown(name: &str, known: &[&'static str]) -> Option<String> {
    let lower = name.to_lowercase();
    likely(&lower, known).or_else(|| {
        let place = home(&lower)?;
        Some(format!("{} is known {place}, not here", quoted(name)))
    })
}

/// About a name in small letters that is probably meant to be one of `known`.
pub(super) fn likely(name: &str, known: &[&'static str]) -> Option<String> {
    closest(name, known).map(|likely| format!("did you mean {}?", quoted(likely)))
}

/// About a value of another type than the key takes.
pub(super) fn wrong_type(found: &Value, wanted: &str) -> Option<String> {
    let is_quoted = |is_wanted: fn(&str) -> bool| match found {
        Value::Text(text) if is_wanted(text) => ", without quotes",
        _ => "",
    };
    Some(match wanted {
        "string" if found.is_scalar() => "a text is wanted; in quotes, this would be one".into(),
        "string" => "a text is wanted, such as \"abc\"".into(),
        "bool" => {
            let quotes = is_quoted(|text| matches!(text, "true" | "false"));
            format!("true or false is wanted{quotes}")
        }
        "int64" => {
            let quotes = is_quoted(|text| integer(text).is_ok());
            format!("a whole number is wanted{quotes}, with or without a unit: 4222, 8MB")
        }
        "map[string]interface {}" => "a block is wanted: { key: value }".into(),
        "[]interface {}" => "a list is wanted: [ one, two ]".into(),
        _ => return None,
    })
}

/// The names of the keys of a table.
pub(super) fn names<T>(keys: &[Key<T>]) -> Vec<&'static str> {
    keys.iter().flat_map(|key| key.names).copied().collect()
}

/// Where a key belongs that is spelled right and stands in the wrong block.
fn home(name: &str) -> Option<&'static str> {
    let has = |names: Vec<&str>| names.contains(&name);
    // The blocks from the most to the least likely.
    [
        ("at the top of the file", has(names(top::KEYS))),
        ("in the block \"cluster\"", has(names(cluster::KEYS))),
        ("in the block \"gateway\"", has(names(gateway::KEYS))),
        ("in the block \"authorization\"", has(names(auth::KEYS))),
        ("in the block \"tls\"", has(names(tls::KEYS))),
    ]
    .into_iter()
    .find_map(|(place, is_there)| is_there.then_some(place))
}

/// The one of `known` that `name` is probably meant to be: no more than every third letter is wrong.
fn closest(name: &str, known: &[&'static str]) -> Option<&'static str> {
    /// Longer ones are no keys of ours, and would take long to compare.
    const LONGEST: usize = 64;
    let letters: Vec<char> = name.chars().collect();
    if letters.len() > LONGEST {
        return None;
    }
    let distances = known.iter().map(|key| (distance(&letters, key), *key));
    let (mistakes, key) = distances.min_by_key(|(mistakes, _)| *mistakes)?;
    (mistakes <= letters.len().max(key.len()) / 3).then_some(key)
}

/// How many letters must be put in, left out, replaced or swapped with their neighbour.
fn distance(name: &[char], key: &str) -> usize {
    let key: Vec<char> = key.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=key.len()).collect();
    for (i, letter) in name.iter().enumerate() {
        let mut row = alloc::vec![i + 1];
        for (j, other) in key.iter().enumerate() {
            let replaced = last[j] + usize::from(letter != other);
            let mut best = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *letter == key[j - 1] && name[i - 1] == *other {
                best = best.min(before_last[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = core::mem::replace(&mut last, row);
    }
    last[key.len()]
}

#[cfg(test)]
mod tests {
    use super::unknown;

    #[test]
    fn misspelt_keys_lead_to_the_right_ones() {
        let known = ["port", "host", "ports_file_dir", "max_payload", "ping_max"];
        for (name, wanted) in [
            ("prot", Some("did you mean \"port\"?")),
            ("Port_", Some("did you mean \"port\"?")),
            ("port_file_dir", Some("did you mean \"ports_file_dir\"?")),
            ("maxpayload", Some("did you mean \"max_payload\"?")),
            (
                "routes",
                Some("\"routes\" is known in the block \"cluster\", not here"),
            ),
            ("foo", None),
            ("", None),
            (
                "a_key_that_nobody_has_ever_thought_of_and_that_has_far_too_many_letters",
                None,
            ),
        ] {
            assert_eq!(unknown(name, &known).as_deref(), wanted, "{name}");
        }
    }
}
