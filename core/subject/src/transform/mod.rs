//! Transforms: from a subject that a source pattern matches to another subject, as mappings and imports do it.
//!
//! What lives here: a checked pair of source and destination, and its inverse. What does not: the language of
//! functions (`function`), carrying them out (`part`), and which transform is taken for a message.

mod error;
mod function;
mod part;

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::validity::{is_valid_pattern, tokens};

pub use error::TransformError;
use function::Function;
use part::Part;

/// A way from subjects that a pattern matches to other subjects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transform {
    source: Box<str>,
    destination: Box<str>,
    parts: Box<[Part]>,
    /// The tokens from this one on are kept: both sides end in `>`.
    rest: Option<usize>,
}

impl Transform {
    /// The transform of a mapping: every function may be used, and wildcards may be left out.
    pub fn mapping(source: &str, destination: &str) -> Result<Transform, TransformError> {
        if is_valid_pattern(source.as_bytes()).is_err() {
            return Err(TransformError::InvalidSubject);
        }
        check_destination(destination)?;
        Transform::new(source, destination, |_, _| Ok(()))
    }

    /// The transform of an import: it can be undone, so wildcards are its only function and each of them is used.
    pub fn import(source: &str, destination: &str) -> Result<Transform, TransformError> {
        let is_valid = is_valid_pattern(source.as_bytes()).is_ok();
        if !is_valid
            || matches!(
                check_destination(destination),
                Err(TransformError::InvalidDestination(_))
            )
        {
            return Err(TransformError::InvalidSubject);
        }
        let mut used = Vec::new();
        let transform = Transform::new(source, destination, |token, function| match function {
            Function::Text => Ok(()),
            Function::Wildcard(number) => {
                used.push(*number);
                Ok(())
            }
            _ => Err(TransformError::NotForImport(token.to_owned())),
        })?;
        let mut numbers = (1..).zip(wildcards(source)).map(|(number, _)| number);
        if !numbers.all(|number| used.contains(&number)) {
            return Err(TransformError::UnusedWildcards(destination.to_owned()));
        }
        Ok(transform)
    }

    /// `check` has a say in which functions may be used.
    fn new(
        source: &str,
        destination: &str,
        mut check: impl FnMut(&str, &Function) -> Result<(), TransformError>,
    ) -> Result<Transform, TransformError> {
        let is_open = |side: &str| side.split('.').next_back() == Some(">");
        let is_pattern = destination.split('.').any(|token| token == "*");
        if is_pattern || is_open(source) != is_open(destination) {
            return Err(TransformError::InvalidSubject);
        }
        let wildcards: Vec<usize> = wildcards(source).collect();
        let is_literal = wildcards.is_empty() && !is_open(source);
        let mut parts = Parts::default();
        let mut rest = None;
        for token in destination.split('.') {
            parts.separate();
            let function = function::parse(token)?;
            check(token, &function)?;
            let part = match is_literal {
                true => part::planned_for_literal(token, function)?,
                false => part::planned(token, function, &wildcards)?,
            };
            match part {
                Some(part) => parts.push(part),
                None if token == ">" => rest = Some(source.split('.').count() - 1),
                None => parts.text(token),
            }
        }
        Ok(Transform {
            source: source.into(),
            destination: destination.into(),
            parts: parts.finish(),
            rest,
        })
    }

    /// The pattern of subjects that it takes.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What it makes of them, with its functions.
    pub fn destination(&self) -> &str {
        &self.destination
    }

    /// Whether the same subject can become different ones.
    pub fn is_random(&self) -> bool {
        self.parts
            .iter()
            .any(|part| matches!(part, Part::Random(below) if *below > 1))
    }

    /// Appends what the subject becomes, and says `true`; says `false` if the source does not match it.
    /// `random` draws a number below its argument.
    pub fn apply(
        &self,
        subject: &[u8],
        random: &mut impl FnMut(u32) -> u32,
        out: &mut Vec<u8>,
    ) -> bool {
        if !self.takes(subject) {
            return false;
        }
        for part in &self.parts {
            part.apply(subject, random, out);
        }
        if let Some(from) = self.rest {
            out.extend_from_slice(tokens_from(subject, from));
        }
        true
    }

    /// Whether the source matches the subject; see [`takes`].
    pub fn takes(&self, subject: &[u8]) -> bool {
        takes(self.source.as_bytes(), subject)
    }

    /// The way back: from what this one makes to what it takes. `None` if something was lost on the way, which never
    /// is with one for imports.
    pub fn inverse(&self) -> Option<Transform> {
        let made = self.destination.split('.').map(function::parse);
        let made: Vec<Function> = made.collect::<Result<_, _>>().ok()?;
        let is_kept = |f: &Function| matches!(f, Function::Text | Function::Wildcard(_));
        if !made.iter().all(is_kept) {
            return None;
        }
        let mut parts = Parts::default();
        let mut destination = String::new();
        let (mut rest, mut number) = (None, 0);
        for token in self.source.split('.') {
            parts.separate();
            if !destination.is_empty() {
                destination.push('.');
            }
            match token {
                ">" => {
                    rest = Some(made.len() - 1);
                    destination.push('>');
                }
                "*" => {
                    number += 1;
                    let at = made.iter().position(|f| *f == Function::Wildcard(number))?;
                    parts.push(Part::Token(at));
                    let before = made[..at].iter().filter(|f| **f != Function::Text);
                    destination.push_str(&format!("${}", before.count() + 1));
                }
                text => {
                    parts.text(text);
                    destination.push_str(text);
                }
            }
        }
        Some(Transform {
            source: with_wildcards(&self.destination).into(),
            destination: destination.into(),
            parts: parts.finish(),
            rest,
        })
    }
}

impl fmt::Display for Transform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.source, self.destination)
    }
}

/// Whether a transform with that source takes the subject. Empty tokens are matched by none, wildcards in the subject
/// by wildcards alone.
pub fn takes(source: &[u8], subject: &[u8]) -> bool {
    let mut subject = tokens(subject);
    for want in tokens(source) {
        let Some(have) = subject.next() else {
            return false;
        };
        match want {
            b">" => return true,
            b"*" if !have.is_empty() && have != b">" => {}
            want if want == have => {}
            _ => return false,
        }
    }
    subject.next().is_none()
}

/// The pattern with its wildcards numbered, as a destination names them: `foo.$1.bar.$2` for `foo.*.bar.*`.
pub fn with_numbers(pattern: &str) -> String {
    let mut number = 0;
    each_token(pattern, |token| {
        (token == "*").then(|| {
            number += 1;
            format!("${number}")
        })
    })
}

/// The destination with a wildcard wherever it names one of its source: `foo.*.bar.*` for `foo.$2.bar.$1`.
pub fn with_wildcards(destination: &str) -> String {
    each_token(destination, |token| {
        matches!(function::parse(token), Ok(Function::Wildcard(_))).then(|| "*".to_owned())
    })
}

fn each_token(subject: &str, mut instead: impl FnMut(&str) -> Option<String>) -> String {
    let tokens = subject
        .split('.')
        .map(|token| instead(token).unwrap_or_else(|| token.to_owned()));
    tokens.collect::<Vec<String>>().join(".")
}

/// Where the source's wildcards of one token stand.
fn wildcards(source: &str) -> impl Iterator<Item = usize> {
    source
        .split('.')
        .enumerate()
        .filter(|(_, token)| *token == "*")
        .map(|(at, _)| at)
}

/// What the subject's tokens are from the given one on.
fn tokens_from(subject: &[u8], from: usize) -> &[u8] {
    let Some(separator) = from.checked_sub(1) else {
        return subject;
    };
    let separator = memchr::memchr_iter(b'.', subject).nth(separator);
    separator.map_or(&[], |at| &subject[at + 1..])
}

/// The faults of a mapping's destination that need no source to be seen, in the reference's order.
fn check_destination(destination: &str) -> Result<(), TransformError> {
    let mut ended = false;
    for token in destination.split('.') {
        if token.is_empty() || ended {
            return Err(TransformError::InvalidDestination(token.to_owned()));
        }
        if function::is_braced(token) {
            if let Err(unknown @ TransformError::UnknownFunction(_)) = function::parse(token) {
                return Err(unknown);
            }
        } else if is_valid_pattern(token.as_bytes()).is_err() {
            return Err(TransformError::InvalidDestination(String::new()));
        }
        ended = token == ">";
    }
    Ok(())
}

/// The parts so far; texts that follow each other are one part.
#[derive(Default)]
struct Parts {
    parts: Vec<Part>,
    text: Vec<u8>,
    is_begun: bool,
}

impl Parts {
    fn separate(&mut self) {
        if self.is_begun {
            self.text.push(b'.');
        }
        self.is_begun = true;
    }

    fn text(&mut self, text: &str) {
        self.text.extend_from_slice(text.as_bytes());
    }

    fn push(&mut self, part: Part) {
        self.end_text();
        self.parts.push(part);
    }

    fn end_text(&mut self) {
        if !self.text.is_empty() {
            let text = core::mem::take(&mut self.text);
            self.parts.push(Part::Text(text.into()));
        }
    }

    fn finish(mut self) -> Box<[Part]> {
        self.end_text();
        self.parts.into()
    }
}
