//! The templates of scoped signing keys: subjects with words in `{{ }}` that stand for what a user's and its
//! account's claims say.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use gannet_subject::is_valid_pattern;
use thiserror::Error;

use super::permissions::SubjectPermissionClaims;
use super::user::UserLimits;

/// A template may become so many subjects.
const MAX_SUBJECTS: usize = 4096;
/// They may have so many bytes in all: tags are as long as their user likes.
const MAX_BYTES: usize = 1024 * 1024;

/// Why a template says nothing about a user.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TemplateError {
    /// A word that means nothing.
    #[error("template operation in {0:?}: {1:?} is not defined")]
    Unknown(String, String),
    /// A tag that is not there, where leaving the subject out would allow more.
    #[error("generated invalid subject {0:?}: {1:?} is not defined")]
    Undefined(String, String),
    /// What came of it is no subject, where leaving it out would allow more.
    #[error("generated invalid subject")]
    Invalid,
    /// Too many, or too long.
    #[error("template expansion exceeds limit: {MAX_SUBJECTS}")]
    TooMany,
}

/// What the words of a template stand for.
pub(super) struct Values<'a> {
    /// `name()`.
    pub(super) name: &'a str,
    /// `subject()`.
    pub(super) subject: &'a str,
    /// `tag(…)`.
    pub(super) tags: &'a [String],
    /// `account-name()`.
    pub(super) account_name: &'a str,
    /// `account-subject()`.
    pub(super) account_subject: &'a str,
    /// `account-tag(…)`.
    pub(super) account_tags: &'a [String],
}

/// The template with everything put in.
pub(super) fn fill(
    template: &UserLimits,
    values: &Values<'_>,
) -> Result<UserLimits, TemplateError> {
    let mut limits = template.clone();
    let permissions = &mut limits.permissions;
    for list in [&mut permissions.sub, &mut permissions.r#pub] {
        *list = fill_permission(list, values)?;
    }
    Ok(limits)
}

fn fill_permission(
    list: &SubjectPermissionClaims,
    values: &Values<'_>,
) -> Result<SubjectPermissionClaims, TemplateError> {
    let allow = fill_list(&list.allow, values, false)?;
    let mut deny = fill_list(&list.deny, values, true)?;
    // An empty list would allow everything.
    let emptied = allow.is_empty() && !list.allow.is_empty();
    if emptied && !deny.iter().any(|subject| subject == ">") {
        deny.push(">".into());
    }
    Ok(SubjectPermissionClaims { allow, deny })
}

fn fill_list(
    list: &[String],
    values: &Values<'_>,
    strict: bool,
) -> Result<Vec<String>, TemplateError> {
    if !list.iter().any(|entry| next_word(entry).is_some()) {
        return Ok(list.to_vec());
    }
    let (mut filled, mut bytes) = (Vec::new(), 0);
    for entry in list {
        for subject in expand(entry, values, strict, filled.len())? {
            if is_valid_pattern(subject.as_bytes()).is_ok() {
                bytes += subject.len();
                if bytes > MAX_BYTES {
                    return Err(TemplateError::TooMany);
                }
                filled.push(subject);
            } else if strict {
                return Err(TemplateError::Invalid);
            }
        }
    }
    Ok(filled)
}

/// One word with all that it stands for.
struct Word<'a> {
    text: &'a str,
    values: Vec<&'a str>,
}

/// All subjects that an entry stands for: each value of a word with each of the others, the last word's first.
fn expand(
    entry: &str,
    values: &Values<'_>,
    strict: bool,
    already: usize,
) -> Result<Vec<String>, TemplateError> {
    let mut words = Vec::new();
    let (mut rest, mut has_tags, mut dropped) = (entry, false, false);
    while let Some((text, after)) = next_word(rest) {
        let operation = text.get(2..text.len() - 2).unwrap_or_default().trim();
        let (found, is_tag) = values
            .of(operation)
            .ok_or_else(|| TemplateError::Unknown(entry.to_string(), operation.to_string()))?;
        if found.is_empty() {
            if strict {
                let tag = tag_of(operation).map_or(operation, |(_, key)| key);
                return Err(TemplateError::Undefined(entry.to_string(), tag.to_string()));
            }
            // What cannot be filled in allows nothing.
            dropped = true;
        }
        has_tags |= is_tag;
        words.push(Word {
            text,
            values: found,
        });
        rest = after;
    }
    if dropped {
        return Ok(Vec::new());
    }
    let count =
        (words.iter()).try_fold(1_usize, |count, word| count.checked_mul(word.values.len()));
    let count = count.filter(|count| !has_tags || already + count <= MAX_SUBJECTS);
    let count = count.ok_or(TemplateError::TooMany)?;
    combine(entry, &words, count)
}

fn combine(entry: &str, words: &[Word<'_>], count: usize) -> Result<Vec<String>, TemplateError> {
    let mut subjects = Vec::with_capacity(count);
    let mut bytes = 0;
    let mut chosen = vec![0; words.len()];
    for _ in 0..count {
        let mut subject = String::from(entry);
        for (word, at) in words.iter().zip(&chosen) {
            let value = word.values.get(*at).copied().unwrap_or_default();
            let more = subject
                .matches(word.text)
                .count()
                .saturating_mul(value.len());
            if subject.len().saturating_add(more) > MAX_BYTES {
                return Err(TemplateError::TooMany);
            }
            subject = subject.replace(word.text, value);
        }
        bytes += subject.len();
        if bytes > MAX_BYTES {
            return Err(TemplateError::TooMany);
        }
        subjects.push(subject);
        for (word, at) in words.iter().zip(&mut chosen).rev() {
            *at += 1;
            if *at < word.values.len() {
                break;
            }
            *at = 0;
        }
    }
    Ok(subjects)
}

impl<'a> Values<'a> {
    /// What a word stands for, and whether it names a tag; `None` if it means nothing.
    fn of(&self, operation: &str) -> Option<(Vec<&'a str>, bool)> {
        for (name, value) in [
            ("name()", self.name),
            ("subject()", self.subject),
            ("account-name()", self.account_name),
            ("account-subject()", self.account_subject),
        ] {
            if operation.eq_ignore_ascii_case(name) {
                return Some((vec![value], false));
            }
        }
        let (of_account, key) = tag_of(operation)?;
        let tags = if of_account {
            self.account_tags
        } else {
            self.tags
        };
        let prefix = format!("{}:", key.to_lowercase());
        let values = tags.iter().filter_map(|tag| tag.strip_prefix(&prefix));
        Some((values.collect(), true))
    }
}

/// Whose tag is meant, and which.
fn tag_of(operation: &str) -> Option<(bool, &str)> {
    let inside = operation.strip_suffix(')')?;
    for (name, of_account) in [("tag(", false), ("account-tag(", true)] {
        let (head, key) = inside.split_at_checked(name.len()).unwrap_or((inside, ""));
        if head.eq_ignore_ascii_case(name) {
            return Some((of_account, key));
        }
    }
    None
}

/// The first `{{…}}` with no brace inside, and what follows it.
fn next_word(text: &str) -> Option<(&str, &str)> {
    let mut from = 0;
    while let Some(found) = text.get(from..)?.find("{{") {
        let open = from + found;
        let inner = text.get(open + 2..)?;
        let length = inner.find('}')?;
        if length > 0 && inner.get(length..)?.starts_with("}}") {
            let end = open + 2 + length + 2;
            return Some((text.get(open..end)?, text.get(end..)?));
        }
        from = open + 1;
    }
    None
}
