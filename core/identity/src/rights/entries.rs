//! One list of a user's permissions, made ready for quick answers.
//!
//! What lives here: which entries of a list match a subject. What does not: what a match means.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use gannet_subject::{covers, has_wildcard, is_valid_pattern, matches, overlaps};

/// How many bytes at a subject's beginning are compared in one go.
const HEAD: usize = 8;

/// The entries of one list. Most entries are told from a subject by their first bytes, without a look at the
/// text; so a list is walked from its beginning to its end.
#[derive(Debug, Default)]
pub(super) struct Entries {
    entries: Box<[Entry]>,
    /// All entries in a row, each as `subject` or `subject queue`.
    text: Box<str>,
}

#[derive(Debug)]
struct Entry {
    /// The first bytes up to the first wildcard, and which of the eight those are.
    head: u64,
    mask: u64,
    /// Where in the text it begins.
    start: u32,
    subject_len: u32,
    /// 0 without a queue, whose name stands behind the subject and a space.
    queue_len: u32,
    shape: Shape,
}

/// What is to be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// A subject without wildcards.
    Literal,
    /// `>` after tokens without wildcards, or alone.
    Below,
    /// Anything else.
    Pattern,
}

impl Entries {
    /// Makes `list` ready. Entries that are spelled wrong match nothing.
    pub(super) fn new(list: &[String]) -> Entries {
        Entries::of(list.iter().filter_map(|entry| split(entry)))
    }

    /// Makes those of `list` ready that have no queue.
    pub(super) fn without_queues(list: &[String]) -> Entries {
        let entries = list.iter().filter_map(|entry| split(entry));
        Entries::of(entries.filter(|(_, queue)| queue.is_none()))
    }

    /// Makes the subjects of `list` ready, as if none had a queue.
    pub(super) fn whatever_queue(list: &[String]) -> Entries {
        let entries = list.iter().filter_map(|entry| split(entry));
        Entries::of(entries.map(|(subject, _)| (subject, None)))
    }

    fn of<'a>(list: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> Entries {
        let mut text = String::new();
        let mut entries = Vec::new();
        for (subject, queue) in list {
            entries.push(Entry::new(text.len(), subject, queue));
            text.push_str(subject);
            if let Some(queue) = queue {
                text.push(' ');
                text.push_str(queue);
            }
        }
        Entries {
            entries: entries.into(),
            text: text.into(),
        }
    }

    /// Whether there is no entry.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries without a queue that match `subject`. What has empty tokens is matched by none.
    #[inline]
    pub(super) fn find(&self, subject: &[u8]) -> Option<&str> {
        let at = self.find_from(0, subject, |entry| entry.queue_len == 0)?;
        Some(self.whole(&self.entries[at]))
    }

    /// What the entries with a queue that match `subject` say of the group `queue`.
    pub(super) fn find_queue(&self, subject: &[u8], queue: &[u8]) -> QueueVerdict<'_> {
        let mut verdict = QueueVerdict::Unsaid;
        let mut from = 0;
        while let Some(at) = self.find_from(from, subject, |entry| entry.queue_len != 0) {
            let entry = &self.entries[at];
            if same_group(self.queue(entry), queue) {
                return QueueVerdict::Named(self.whole(entry));
            }
            verdict = QueueVerdict::OthersNamed(self.whole(entry));
            from = at + 1;
        }
        verdict
    }

    /// Whether an entry matches subjects that `pattern` matches, too, for members of `queue`.
    pub(super) fn overlap(&self, pattern: &[u8], queue: Option<&[u8]>) -> bool {
        self.entries.iter().any(|entry| {
            let concerns = entry.queue_len == 0
                || queue.is_some_and(|queue| same_group(self.queue(entry), queue));
            concerns && overlaps(self.subject(entry), pattern)
        })
    }

    /// Each entry as configured: a subject, which may have a queue's name behind it.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| self.whole(entry))
    }

    #[inline]
    fn find_from(
        &self,
        from: usize,
        subject: &[u8],
        wanted: impl Fn(&Entry) -> bool,
    ) -> Option<usize> {
        let head = head_of(subject);
        let rest = self.entries.get(from..)?;
        let matching = |entry: &Entry| {
            (entry.head ^ head) & entry.mask == 0
                && wanted(entry)
                && entry.matches(self.subject(entry), subject)
        };
        rest.iter().position(matching).map(|at| from + at)
    }

    #[inline]
    fn subject(&self, entry: &Entry) -> &[u8] {
        let start = entry.start as usize;
        &self.text.as_bytes()[start..start + entry.subject_len as usize]
    }

    fn queue(&self, entry: &Entry) -> &[u8] {
        let end = entry.end();
        &self.text.as_bytes()[end - entry.queue_len as usize..end]
    }

    fn whole(&self, entry: &Entry) -> &str {
        &self.text[entry.start as usize..entry.end()]
    }
}

impl Entry {
    fn new(start: usize, subject: &str, queue: Option<&str>) -> Entry {
        let bytes = subject.as_bytes();
        let literal = literal_len(bytes);
        let shape = match bytes.len() - literal {
            0 => Shape::Literal,
            1 if bytes.ends_with(b">") => Shape::Below,
            _ => Shape::Pattern,
        };
        let known = literal.min(HEAD);
        let mut mask = [0; HEAD];
        mask[..known].fill(0xff);
        let mask = u64::from_le_bytes(mask);
        Entry {
            head: head_of(bytes) & mask,
            mask,
            start: len(start),
            subject_len: len(bytes.len()),
            queue_len: queue.map_or(0, |queue| len(queue.len())),
            shape,
        }
    }

    fn end(&self) -> usize {
        let queue = match self.queue_len {
            0 => 0,
            queue => 1 + queue as usize,
        };
        self.start as usize + self.subject_len as usize + queue
    }

    /// Whether `pattern`, this entry's subject, matches `subject`.
    #[inline]
    fn matches(&self, pattern: &[u8], subject: &[u8]) -> bool {
        match self.shape {
            Shape::Literal => pattern == subject,
            Shape::Below => {
                let above = &pattern[..pattern.len() - 1];
                subject.starts_with(above) && !has_empty_token(subject)
            }
            Shape::Pattern => matches(pattern, subject) && !has_empty_token(subject),
        }
    }
}

/// What entries with queues say of one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QueueVerdict<'a> {
    /// Nothing: no such entry matches the subject.
    Unsaid,
    /// This entry names it.
    Named(&'a str),
    /// Those that match the subject name other groups; this is the last of them.
    OthersNamed(&'a str),
}

/// A subject and the queue's name behind it; `None` if that is spelled wrong.
fn split(entry: &str) -> Option<(&str, Option<&str>)> {
    let mut words = entry.split_whitespace();
    let (subject, queue) = (words.next()?, words.next());
    let valid = |text: &str| is_valid_pattern(text.as_bytes()).is_ok();
    let good = words.next().is_none() && valid(subject) && queue.is_none_or(valid);
    good.then_some((subject, queue))
}

/// Whether the entry's queue, which may be a pattern, is this one.
fn same_group(entry: &[u8], queue: &[u8]) -> bool {
    entry == queue || (has_wildcard(entry) && covers(entry, queue))
}

/// How much of a pattern stands before its first wildcard.
fn literal_len(pattern: &[u8]) -> usize {
    let mut before = 0;
    for token in gannet_subject::tokens(pattern) {
        if matches!(token, b"*" | b">") {
            return before;
        }
        before += token.len() + 1;
    }
    pattern.len()
}

#[inline]
fn head_of(subject: &[u8]) -> u64 {
    match subject.first_chunk::<HEAD>() {
        Some(head) => u64::from_le_bytes(*head),
        None => {
            let mut head = [0; HEAD];
            head[..subject.len()].copy_from_slice(subject);
            u64::from_le_bytes(head)
        }
    }
}

#[inline]
fn has_empty_token(subject: &[u8]) -> bool {
    let mut before = b'.';
    for &byte in subject {
        if byte == b'.' && before == b'.' {
            return true;
        }
        before = byte;
    }
    before == b'.'
}

fn len(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("permissions come from texts that are far below 4 GiB")
}
