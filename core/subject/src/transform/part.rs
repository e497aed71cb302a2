//! The pieces that a transform's result is put together from, and how each is written. Not here: how they are
//! spelled in a configuration.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

use super::error::TransformError;
use super::function::{Cut, Function};
use crate::validity::tokens;

/// One piece of the result. Tokens of the subject are counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// These bytes, separators included.
    Text(Box<[u8]>),
    /// That token.
    Token(usize),
    /// The hash of those tokens, or of the whole subject, as a number below the first one.
    Partition(u32, Box<[usize]>),
    /// A random number below this one.
    Random(u32),
    /// That token without the delimiter, in parts.
    Split(usize, Box<str>),
    /// That token, cut by so many bytes.
    Cut(Cut, usize, usize),
}

/// The part of one token of a destination whose source has wildcards at these tokens; `None` for a text.
pub(super) fn planned(
    token: &str,
    function: Function,
    wildcards: &[usize],
) -> Result<Option<Part>, TransformError> {
    let at = |number: i64| match usize::try_from(number) {
        Ok(0) | Err(_) => Ok(0),
        Ok(number) => wildcards
            .get(number - 1)
            .copied()
            .ok_or_else(|| TransformError::IndexOutOfRange(format!("{token}: [{number}]"))),
    };
    Ok(Some(match function {
        Function::Text => return Ok(None),
        Function::Wildcard(number) => Part::Token(at(number)?),
        Function::Partition(below, of) => {
            Part::Partition(below, of.into_iter().map(at).collect::<Result<_, _>>()?)
        }
        Function::Random(below) => Part::Random(below),
        Function::Split(number, delimiter) => Part::Split(at(number)?, delimiter.into()),
        Function::Cut(cut, number, size) => {
            Part::Cut(cut, at(number)?, usize::try_from(size).unwrap_or(0))
        }
    }))
}

/// The same for a source without any wildcard: what counts them is at fault, but partitions take the whole subject.
pub(super) fn planned_for_literal(
    token: &str,
    function: Function,
) -> Result<Option<Part>, TransformError> {
    match function {
        Function::Text => Ok(None),
        Function::Partition(below, _) => Ok(Some(Part::Partition(below, Box::default()))),
        Function::Random(below) => Ok(Some(Part::Random(below))),
        Function::Wildcard(_) | Function::Split(..) | Function::Cut(..) => {
            Err(TransformError::IndexOutOfRange(token.to_owned()))
        }
    }
}

/// That token of the subject; nothing if it has no such token.
fn token_at(subject: &[u8], at: usize) -> &[u8] {
    tokens(subject).nth(at).unwrap_or_default()
}

impl Part {
    /// Appends what this part is for the subject.
    pub(super) fn apply(
        &self,
        subject: &[u8],
        random: &mut impl FnMut(u32) -> u32,
        out: &mut Vec<u8>,
    ) {
        match self {
            Part::Text(text) => out.extend_from_slice(text),
            Part::Token(at) => out.extend_from_slice(token_at(subject, *at)),
            Part::Partition(below, of) => {
                let hash = if of.is_empty() {
                    fnv1a(FNV_BASIS, subject)
                } else {
                    let each = of.iter().map(|at| token_at(subject, *at));
                    each.fold(FNV_BASIS, fnv1a)
                };
                // None at all is one, as in the reference.
                decimal(out, hash.checked_rem(*below).unwrap_or(0));
            }
            Part::Random(0) => out.push(b'0'),
            Part::Random(below) => decimal(out, random(*below)),
            Part::Split(at, delimiter) => split(token_at(subject, *at), delimiter, out),
            Part::Cut(cut, at, size) => cut.apply(token_at(subject, *at), *size, out),
        }
    }
}

impl Cut {
    fn apply(self, token: &[u8], size: usize, out: &mut Vec<u8>) {
        if size == 0 || size >= token.len() {
            out.extend_from_slice(token);
            return;
        }
        let before_end = token.len() - size;
        match self {
            Cut::SplitFromLeft => join([&token[..size], &token[size..]], out),
            Cut::SplitFromRight => join([&token[..before_end], &token[before_end..]], out),
            Cut::SliceFromLeft => join(token.chunks(size), out),
            Cut::SliceFromRight => {
                let (first, others) = token.split_at(token.len() % size);
                let first = Some(first).filter(|first| !first.is_empty());
                join(first.into_iter().chain(others.chunks(size)), out);
            }
            Cut::Left => out.extend_from_slice(&token[..size]),
            Cut::Right => out.extend_from_slice(&token[before_end..]),
        }
    }
}

/// Appends the parts between delimiters that are not empty; an empty delimiter stands between any two characters.
fn split(token: &[u8], delimiter: &str, out: &mut Vec<u8>) {
    if delimiter.is_empty() {
        return join(characters(token), out);
    }
    let finder = memchr::memmem::find_iter(token, delimiter.as_bytes());
    let mut from = 0;
    let ends = finder.chain([token.len()]);
    let parts = ends.map(|end| {
        let part = &token[from..end];
        from = (end + delimiter.len()).min(token.len());
        part
    });
    join(parts.filter(|part| !part.is_empty()), out);
}

/// The characters of a token; every byte that is part of none stands for itself.
fn characters(token: &[u8]) -> impl Iterator<Item = &[u8]> {
    token.utf8_chunks().flat_map(|chunk| {
        let valid = chunk.valid();
        let starts = valid.char_indices();
        let each = starts.map(move |(at, c)| &valid.as_bytes()[at..at + c.len_utf8()]);
        each.chain(chunk.invalid().chunks(1))
    })
}

fn join<'a>(parts: impl IntoIterator<Item = &'a [u8]>, out: &mut Vec<u8>) {
    for (number, part) in parts.into_iter().enumerate() {
        if number > 0 {
            out.push(b'.');
        }
        out.extend_from_slice(part);
    }
}

/// Where the 32 bits FNV-1a hash begins.
const FNV_BASIS: u32 = 0x811c_9dc5;
const FNV_PRIME: u32 = 0x0100_0193;

fn fnv1a(hash: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(hash, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(FNV_PRIME)
    })
}

fn decimal(out: &mut Vec<u8>, number: u32) {
    let mut power = 1;
    while number / power >= 10 {
        power *= 10;
    }
    while power > 0 {
        let digit = number / power % 10;
        out.push(b'0' + digit as u8);
        power /= 10;
    }
}
