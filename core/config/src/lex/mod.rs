//! Bytes of the configuration language → items, each with its line and column.
//!
//! What lives here: the cursor, the items and the driver of the state machine; its states are in
//! `keys` (where a key may stand), `values` and `numbers`. What does not: what items mean together,
//! that is `tree`.
//!
//! The language has grown rather than been designed, so the states follow the reference server's
//! reading exactly, including where it forgives (a stray `}` after a value) and where it doesn't.
//! Columns are counted its way too: bytes after the line's newline.

mod keys;
mod numbers;
mod values;

use alloc::string::String;
use alloc::vec::Vec;

use crate::error::ConfigError;

/// Maps and arrays may be this deep; far above need, far below what recursion over the tree can
/// bear.
pub(crate) const MAX_DEPTH: usize = 128;

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Key,
    Text,
    Bool,
    Integer,
    Float,
    Datetime,
    ArrayStart,
    ArrayEnd,
    MapStart,
    MapEnd,
    Variable,
    Include,
    End,
}

/// A piece of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) kind: Kind,
    pub(crate) text: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// Where the machine is; named after what it expects next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Top,
    TopValueEnd,
    Block,
    BlockValueEnd,
    BlockEnd,
    KeyStart,
    Key,
    QuotedKey(u8),
    KeyEnd,
    IncludeStart,
    QuotedInclude(u8),
    BareInclude,
    MapKeyStart,
    MapKey,
    QuotedMapKey(u8),
    MapKeyEnd,
    MapValue,
    MapValueEnd,
    Value,
    ArrayValue,
    ArrayValueEnd,
    SingleQuoted,
    DoubleQuoted,
    Bare,
    BlockText,
    Number,
    NegativeStart,
    Negative,
    NumberSuffix,
    Date,
    FractionStart,
    Fraction,
    IpAddress,
    Comment,
    Done,
}

/// The next state, or what is wrong.
type Step = Result<State, ConfigError>;

/// The end of the text, as a character: no character of a valid file.
const END: char = '\0';

/// Reads items off a text.
pub(crate) struct Lexer<'a> {
    input: &'a [u8],
    /// Where the current item begins.
    start: usize,
    /// The next byte to read.
    at: usize,
    /// Bytes of the character read last, for `back`.
    width: usize,
    line: u32,
    /// Where the newline stands that began the current line.
    line_start: usize,
    /// The same for the line on which the current item begins.
    item_line_start: usize,
    state: State,
    /// What to do after the current value or comment.
    stack: Vec<State>,
    /// The part of an escaped string that has been read.
    unescaped: Vec<u8>,
    /// Whether the current string has escapes, so that it is not looked at as a bool or variable.
    escaped: bool,
    /// The item that a state has found.
    found: Option<Item>,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Lexer<'a> {
        Lexer {
            input,
            start: 0,
            at: 0,
            width: 0,
            line: 1,
            line_start: 0,
            item_line_start: 0,
            state: State::Top,
            stack: Vec::new(),
            unescaped: Vec::new(),
            escaped: false,
            found: None,
        }
    }

    /// The next item; after [`Kind::End`] it repeats that.
    pub(crate) fn item(&mut self) -> Result<Item, ConfigError> {
        loop {
            if let Some(item) = self.found.take() {
                return Ok(item);
            }
            self.state = self.step(self.state)?;
        }
    }

    fn step(&mut self, state: State) -> Step {
        match state {
            State::Top => self.top(),
            State::TopValueEnd => self.top_value_end(),
            State::Block => self.block(),
            State::BlockValueEnd => self.block_value_end(),
            State::BlockEnd => self.block_end(),
            State::KeyStart => self.key_start(),
            State::Key => self.key(),
            State::QuotedKey(quote) => self.quoted_key(quote),
            State::KeyEnd => self.key_end(),
            State::IncludeStart => self.include_start(),
            State::QuotedInclude(quote) => self.quoted_include(quote),
            State::BareInclude => self.bare_include(),
            State::MapKeyStart => self.map_key_start(),
            State::MapKey => self.map_key(),
            State::QuotedMapKey(quote) => self.quoted_map_key(quote),
            State::MapKeyEnd => self.map_key_end(),
            State::MapValue => self.map_value(),
            State::MapValueEnd => self.map_value_end(),
            State::Value => self.value(),
            State::ArrayValue => self.array_value(),
            State::ArrayValueEnd => self.array_value_end(),
            State::SingleQuoted => self.single_quoted(),
            State::DoubleQuoted => self.double_quoted(),
            State::Bare => self.bare(),
            State::BlockText => self.block_text(),
            State::Number => self.number(),
            State::NegativeStart => self.negative_start(),
            State::Negative => self.negative(),
            State::NumberSuffix => self.number_suffix(),
            State::Date => self.date(),
            State::FractionStart => self.fraction_start(),
            State::Fraction => self.fraction(),
            State::IpAddress => self.ip_address(),
            State::Comment => self.comment(),
            State::Done => self.end(),
        }
    }

    /// Reads a character; [`END`] after the last. A byte that is no UTF-8 counts as a character.
    fn next(&mut self) -> char {
        let Some(&first) = self.input.get(self.at) else {
            self.width = 0;
            return END;
        };
        if first == b'\n' {
            self.line += 1;
            self.line_start = self.at;
        }
        let (c, width) = character(&self.input[self.at..], first);
        self.width = width;
        self.at += width;
        c
    }

    /// Takes the character read last back; once per `next`.
    fn back(&mut self) {
        self.at -= self.width;
        if self.input.get(self.at) == Some(&b'\n') {
            self.line -= 1;
        }
    }

    fn peek(&mut self) -> char {
        let c = self.next();
        self.back();
        c
    }

    /// Lets the next item begin here.
    fn skip(&mut self) {
        self.start = self.at;
        self.item_line_start = self.line_start;
    }

    /// Skips what has been read and goes on with `state`.
    fn then(&mut self, state: State) -> Step {
        self.skip();
        Ok(state)
    }

    /// Remembers what to do after the current value or comment.
    fn push(&mut self, state: State) -> Result<(), ConfigError> {
        // A level of nesting pushes at most one state, a comment one more.
        if self.stack.len() > MAX_DEPTH {
            return Err(self.fault("Nested too deep."));
        }
        self.stack.push(state);
        Ok(())
    }

    /// What to do after the current value or comment.
    fn pop(&mut self) -> Step {
        self.stack
            .pop()
            .ok_or_else(|| self.fault("Unexpected end of a block."))
    }

    /// Gives out what was read since the item began.
    fn emit(&mut self, kind: Kind) {
        let mut text = core::mem::take(&mut self.unescaped);
        text.extend_from_slice(&self.input[self.start..self.at]);
        self.escaped = false;
        let column = (self.at - self.item_line_start).saturating_sub(text.len());
        self.found = Some(Item {
            kind,
            text: lossy(&text),
            line: self.line,
            column: u32::try_from(column).unwrap_or(u32::MAX),
        });
        self.skip();
    }

    /// The end of the text where it may end.
    fn end(&mut self) -> Step {
        if self.at > self.start {
            return Err(self.fault("Unexpected EOF."));
        }
        self.emit(Kind::End);
        Ok(State::Done)
    }

    /// After a slash: whether a comment follows.
    fn slash_begins_comment(&mut self) -> bool {
        let comment = self.next() == '/';
        if !comment {
            self.back();
        }
        comment
    }

    /// A comment, after which `state` follows.
    fn comment_then(&mut self, state: State) -> Step {
        self.push(state)?;
        self.then(State::Comment)
    }

    fn comment(&mut self) -> Step {
        match self.peek() {
            '\n' | '\r' | END => {
                self.skip();
                self.pop()
            }
            _ => {
                self.next();
                Ok(State::Comment)
            }
        }
    }

    fn fault(&self, text: impl Into<String>) -> ConfigError {
        ConfigError::Syntax {
            line: self.line,
            text: text.into(),
        }
    }
}

/// A character as messages show it.
fn shown(c: char) -> String {
    match c {
        '\n' => "\\n".into(),
        END => "EOF".into(),
        c => c.into(),
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

fn is_newline(c: char) -> bool {
    matches!(c, '\n' | '\r')
}

fn is_separator(c: char) -> bool {
    matches!(c, '=' | ':')
}

/// The character at the front of `bytes`, whose first byte is `first`, and its width.
fn character(bytes: &[u8], first: u8) -> (char, usize) {
    let width = match first {
        0..=0x7f => return (char::from(first), 1),
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    };
    let decoded = bytes
        .get(..width)
        .and_then(|b| core::str::from_utf8(b).ok());
    match decoded.and_then(|s| s.chars().next()) {
        Some(c) => (c, width),
        None => (char::REPLACEMENT_CHARACTER, 1),
    }
}

/// `bytes` as text, each byte that is no UTF-8 replaced.
fn lossy(bytes: &[u8]) -> String {
    if let Ok(text) = core::str::from_utf8(bytes) {
        return text.into();
    }
    let mut text = String::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&first) = bytes.get(at) {
        let (c, width) = character(&bytes[at..], first);
        text.push(c);
        at += width;
    }
    text
}
