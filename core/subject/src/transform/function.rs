//! What one token of a destination asks for: itself, or a function of the source's wildcards. Not here: whether
//! the source has them, and carrying it out.
//!
//! As the reference server reads it: a function stands between double braces, each word of its name may begin with a
//! small or a capital letter, and spaces may stand around the name, the parentheses and the arguments. What stands
//! around the braces inside of the token is ignored.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::str::FromStr;

use super::error::TransformError;

/// What a token of a destination stands for. Wildcards of the source are counted from 1; the reference takes
/// what is below for the source's first token, wildcard or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Function {
    /// The token itself.
    Text,
    /// A wildcard's token.
    Wildcard(i64),
    /// A number below the first one: the hash of these wildcards' tokens, or of the whole subject if there are none.
    Partition(u32, Vec<i64>),
    /// A random number below this one.
    Random(u32),
    /// A wildcard's token in parts, cut at the delimiter.
    Split(i64, String),
    /// A wildcard's token, cut by a number of bytes.
    Cut(Cut, i64, i32),
}

/// How a token is cut by a number of bytes. Where there is not enough of it, it stays whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// In two, so far from its beginning.
    SplitFromLeft,
    /// In two, so far from its end.
    SplitFromRight,
    /// Into pieces of that size; the last one may be smaller.
    SliceFromLeft,
    /// Into pieces of that size; the first one may be smaller.
    SliceFromRight,
    /// To its beginning.
    Left,
    /// To its end.
    Right,
}

/// The order matters: a token may hold several functions, and the first of this list is meant.
const CUTS: [(&str, Cut); 6] = [
    ("SplitFromLeft", Cut::SplitFromLeft),
    ("SplitFromRight", Cut::SplitFromRight),
    ("SliceFromLeft", Cut::SliceFromLeft),
    ("SliceFromRight", Cut::SliceFromRight),
    ("Right", Cut::Right),
    ("Left", Cut::Left),
];

/// Whether the token must be a function: double braces around at least one byte.
pub(super) fn is_braced(token: &str) -> bool {
    token.len() > 4 && token.starts_with("{{") && token.ends_with("}}")
}

/// Reads one token of a destination.
pub(super) fn parse(token: &str) -> Result<Function, TransformError> {
    if let Some(number) = token.strip_prefix('$') {
        // Other tokens may begin with a dollar sign, too: those stay as they are.
        return Ok(number.parse().map_or(Function::Text, Function::Wildcard));
    }
    if !is_braced(token) {
        return Ok(Function::Text);
    }
    if let Some(args) = arguments("Wildcard", token) {
        return wildcard(token, &args);
    }
    if let Some(args) = arguments("Partition", token) {
        return partition(token, &args);
    }
    for (name, cut) in CUTS {
        if let Some(args) = arguments(name, token) {
            let [wildcard, size] = two(token, &args)?;
            return Ok(Function::Cut(
                cut,
                number(token, wildcard)?,
                number(token, size)?,
            ));
        }
    }
    if let Some(args) = arguments("Split", token) {
        let [wildcard, delimiter] = two(token, &args)?;
        let wildcard = number(token, wildcard)?;
        if delimiter.contains([' ', '.']) {
            return Err(TransformError::InvalidArgument(token.to_owned()));
        }
        return Ok(Function::Split(wildcard, delimiter.to_owned()));
    }
    if let Some(args) = arguments("Random", token) {
        let [below] = args.as_slice() else {
            return Err(TransformError::NotEnoughArguments(token.to_owned()));
        };
        let below = buckets(token, below)?;
        // The reference divides a positive number by it, so its sign does not matter.
        return Ok(Function::Random(below.unsigned_abs()));
    }
    Err(TransformError::UnknownFunction(token.to_owned()))
}

fn wildcard(token: &str, args: &[&str]) -> Result<Function, TransformError> {
    match args {
        [""] => Err(TransformError::NotEnoughArguments(token.to_owned())),
        [one] => Ok(Function::Wildcard(number(token, one)?)),
        _ => Err(TransformError::TooManyArguments(token.to_owned())),
    }
}

fn partition(token: &str, args: &[&str]) -> Result<Function, TransformError> {
    let Some((below, wildcards)) = args.split_first() else {
        return Err(TransformError::NotEnoughArguments(token.to_owned()));
    };
    let below = buckets(token, below)?;
    let wildcards = wildcards.iter().map(|arg| number(token, arg));
    // A negative number counts as the reference's division takes it: as a very large one.
    Ok(Function::Partition(
        below.cast_unsigned(),
        wildcards.collect::<Result<_, _>>()?,
    ))
}

fn two<'a>(token: &str, args: &[&'a str]) -> Result<[&'a str; 2], TransformError> {
    match args {
        [one, two] => Ok([one, two]),
        [_, _, ..] => Err(TransformError::TooManyArguments(token.to_owned())),
        _ => Err(TransformError::NotEnoughArguments(token.to_owned())),
    }
}

fn number<N: FromStr>(token: &str, arg: &str) -> Result<N, TransformError> {
    let invalid = |_| TransformError::InvalidArgument(token.to_owned());
    arg.trim_matches(' ').parse().map_err(invalid)
}

/// A number of partitions. There is an upper bound, but what is too far below zero loses its upper half.
fn buckets(token: &str, arg: &str) -> Result<i32, TransformError> {
    let number: i64 = number(token, arg)?;
    if number > i64::from(i32::MAX) {
        return Err(TransformError::InvalidArgument(token.to_owned()));
    }
    Ok(number as i32)
}

/// The arguments of the function of that name in the token: at least one, maybe empty. `None` if it is another one.
fn arguments<'a>(name: &str, token: &'a str) -> Option<Vec<&'a str>> {
    let after_braces = (0..token.len()).filter_map(|at| token.get(at..)?.strip_prefix("{{"));
    let inner = after_braces
        .filter_map(|call| between_parentheses(name, call))
        .next()?;
    let mut args = inner.split(',');
    let first = args.next();
    Some(
        first
            .into_iter()
            .chain(args.map(|arg| arg.trim_start_matches(is_space)))
            .collect(),
    )
}

/// What stands between the parentheses of `name ( … ) }}`; the last closing one that such an end follows counts.
fn between_parentheses<'a>(name: &str, call: &'a str) -> Option<&'a str> {
    let rest = after_name(name, call.trim_start_matches(is_space))?;
    let inner = rest.trim_start_matches(is_space).strip_prefix('(')?;
    let line = inner.find('\n').unwrap_or(inner.len());
    let is_end = |at: &usize| {
        let after = inner[at + 1..].trim_start_matches(is_space);
        after.starts_with("}}")
    };
    let end = inner[..line]
        .rmatch_indices(')')
        .map(|(at, _)| at)
        .find(is_end)?;
    Some(&inner[..end])
}

/// What follows the function's name, whose capital letters may be small ones, too.
fn after_name<'a>(name: &str, text: &'a str) -> Option<&'a str> {
    let (have, rest) = text.split_at_checked(name.len())?;
    let is_same = |(want, have): (u8, u8)| have == want || have == want.to_ascii_lowercase();
    name.bytes().zip(have.bytes()).all(is_same).then_some(rest)
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c')
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec;

    use super::*;

    #[test]
    fn names_take_small_and_capital_letters_and_spaces() {
        let partition = |of| Ok(Function::Partition(5, of));
        let cut = |cut| Ok(Function::Cut(cut, 1, 2));
        for (token, want) in [
            ("foo", Ok(Function::Text)),
            ("$", Ok(Function::Text)),
            ("$JS", Ok(Function::Text)),
            ("$1x", Ok(Function::Text)),
            ("{{}}", Ok(Function::Text)),
            ("x{{wildcard(1)}}", Ok(Function::Text)),
            ("$12", Ok(Function::Wildcard(12))),
            ("$+1", Ok(Function::Wildcard(1))),
            ("$-1", Ok(Function::Wildcard(-1))),
            ("{{wildcard(1)}}", Ok(Function::Wildcard(1))),
            ("{{Wildcard(1)}}", Ok(Function::Wildcard(1))),
            ("{{\t wildcard \r( 1 )\n }}", Ok(Function::Wildcard(1))),
            ("{{{wildcard(1)}}", Ok(Function::Wildcard(1))),
            ("{{x}}y{{wildcard(1)}}}}", Ok(Function::Wildcard(1))),
            ("{{ Partition( 5 , 1 ) }}", partition(vec![1])),
            ("{{partition(5,1,  2)}}", partition(vec![1, 2])),
            ("{{partition(5)}}", partition(vec![])),
            ("{{random(5)}}", Ok(Function::Random(5))),
            ("{{Random(-5)}}", Ok(Function::Random(5))),
            ("{{splitFromLeft(1,2)}}", cut(Cut::SplitFromLeft)),
            ("{{splitfromleft(1,2)}}", cut(Cut::SplitFromLeft)),
            ("{{SplitFromRight(1,2)}}", cut(Cut::SplitFromRight)),
            ("{{sliceFromleft(1,2)}}", cut(Cut::SliceFromLeft)),
            ("{{SlicefromRight(1,2)}}", cut(Cut::SliceFromRight)),
            ("{{left(1,2)}}", cut(Cut::Left)),
            ("{{Right(1,2)}}", cut(Cut::Right)),
            ("{{split(1,-)}}", Ok(Function::Split(1, "-".to_string()))),
            ("{{split(1,)}}", Ok(Function::Split(1, String::new()))),
        ] {
            assert_eq!(parse(token), want, "{token:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        type Of = fn(String) -> TransformError;
        for (token, of) in [
            ("{{foo(1)}}", TransformError::UnknownFunction as Of),
            ("{{WILDCARD(1)}}", TransformError::UnknownFunction),
            ("{{wild card(1)}}", TransformError::UnknownFunction),
            ("{{wildcard(1\n)}}", TransformError::UnknownFunction),
            ("{{wildcard 1}}", TransformError::UnknownFunction),
            ("{{wildcard()}}", TransformError::NotEnoughArguments),
            ("{{wildcard(1,2)}}", TransformError::TooManyArguments),
            ("{{wildcard( )}}", TransformError::InvalidArgument),
            (
                "{{wildcard(1)}}x{{wildcard(2)}}",
                TransformError::InvalidArgument,
            ),
            (
                "{{wildcard(9223372036854775808)}}",
                TransformError::InvalidArgument,
            ),
            ("{{partition()}}", TransformError::InvalidArgument),
            ("{{partition(2147483648)}}", TransformError::InvalidArgument),
            ("{{partition(5,x)}}", TransformError::InvalidArgument),
            ("{{random()}}", TransformError::InvalidArgument),
            ("{{random(1,2)}}", TransformError::NotEnoughArguments),
            ("{{left(1)}}", TransformError::NotEnoughArguments),
            ("{{left(1,2,3)}}", TransformError::TooManyArguments),
            ("{{left(1,2147483648)}}", TransformError::InvalidArgument),
            ("{{split(1)}}", TransformError::NotEnoughArguments),
            ("{{split(1,-,+)}}", TransformError::TooManyArguments),
            ("{{split(1,- )}}", TransformError::InvalidArgument),
            ("{{split(1,.)}}", TransformError::InvalidArgument),
            ("{{split(x,-)}}", TransformError::InvalidArgument),
        ] {
            assert_eq!(parse(token), Err(of(token.to_string())), "{token:?}");
        }
    }
}
