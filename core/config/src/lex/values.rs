//! States inside and after a value: maps, arrays, strings.

use alloc::format;

use super::{END, Kind, Lexer, State, Step, is_blank, is_newline, lossy, shown};
use crate::error::ConfigError;

impl Lexer<'_> {
    /// The start of any value.
    pub(super) fn value(&mut self) -> Step {
        match self.next() {
            c if is_blank(c) => self.then(State::Value),
            '[' => {
                self.skip();
                self.emit(Kind::ArrayStart);
                Ok(State::ArrayValue)
            }
            '{' => {
                self.skip();
                self.emit(Kind::MapStart);
                Ok(State::MapKeyStart)
            }
            '\'' => self.then(State::SingleQuoted),
            '"' => self.then(State::DoubleQuoted),
            '-' => Ok(State::NegativeStart),
            '(' => self.then(State::BlockText),
            '0'..='9' => Ok(State::Number),
            '.' => Err(self.fault("Floats must start with a digit")),
            c if is_newline(c) => Err(self.fault("Expected value but found new line")),
            _ => {
                self.back();
                Ok(State::Bare)
            }
        }
    }

    pub(super) fn map_value(&mut self) -> Step {
        match self.next() {
            c if c.is_whitespace() => self.then(State::MapValue),
            ',' => Err(self.fault("Unexpected map value terminator \",\".")),
            '}' => self.map_end(),
            _ => {
                self.back();
                self.push(State::MapValueEnd)?;
                Ok(State::Value)
            }
        }
    }

    pub(super) fn map_value_end(&mut self) -> Step {
        match self.next() {
            c if is_blank(c) => self.then(State::MapValueEnd),
            '#' => self.comment_then(State::MapValueEnd),
            '/' if self.slash_begins_comment() => self.comment_then(State::MapValueEnd),
            '/' | ';' | ',' | '\n' | '\r' => self.then(State::MapKeyStart),
            '}' => self.map_end(),
            c => Err(self.fault(format!(
                "Expected a map value terminator \",\" or a map terminator \"}}\", \
                 but got '{}' instead.",
                shown(c)
            ))),
        }
    }

    /// After a map's closing brace.
    pub(super) fn map_end(&mut self) -> Step {
        self.skip();
        self.emit(Kind::MapEnd);
        self.pop()
    }

    pub(super) fn array_value(&mut self) -> Step {
        match self.next() {
            c if c.is_whitespace() => self.then(State::ArrayValue),
            '#' => self.comment_then(State::ArrayValue),
            '/' if self.slash_begins_comment() => self.comment_then(State::ArrayValue),
            '/' | ',' => Err(self.fault("Unexpected array value terminator ','.")),
            ']' => self.array_end(),
            _ => {
                self.back();
                self.push(State::ArrayValueEnd)?;
                Ok(State::Value)
            }
        }
    }

    pub(super) fn array_value_end(&mut self) -> Step {
        match self.next() {
            c if is_blank(c) => self.then(State::ArrayValueEnd),
            '#' => self.comment_then(State::ArrayValueEnd),
            '/' if self.slash_begins_comment() => self.comment_then(State::ArrayValueEnd),
            '/' | ',' | '\n' | '\r' => self.then(State::ArrayValue),
            ']' => self.array_end(),
            c => Err(self.fault(format!(
                "Expected an array value terminator \",\" or an array terminator \"]\", \
                 but got '{}' instead.",
                shown(c)
            ))),
        }
    }

    fn array_end(&mut self) -> Step {
        self.skip();
        self.emit(Kind::ArrayEnd);
        self.pop()
    }

    pub(super) fn single_quoted(&mut self) -> Step {
        match self.next() {
            '\'' => self.emit_without_quote(Kind::Text),
            END => self.end(),
            _ => Ok(State::SingleQuoted),
        }
    }

    pub(super) fn double_quoted(&mut self) -> Step {
        match self.next() {
            '\\' => {
                self.escape()?;
                Ok(State::DoubleQuoted)
            }
            '"' => self.emit_without_quote(Kind::Text),
            END => self.end(),
            _ => Ok(State::DoubleQuoted),
        }
    }

    /// A string without quotes, which may turn out to be a bool or a variable.
    pub(super) fn bare(&mut self) -> Step {
        match self.next() {
            '\\' => {
                self.escape()?;
                Ok(State::Bare)
            }
            '\n' | '\r' | END | ';' | ',' | ']' | '}' | ' ' | '\t' => {
                self.back();
                let word = &self.input[self.start..self.at];
                let kind = if self.escaped {
                    Kind::Text
                } else if is_bool(word) {
                    Kind::Bool
                } else if self.input.get(self.start) == Some(&b'$') {
                    self.start += 1;
                    Kind::Variable
                } else {
                    Kind::Text
                };
                self.emit(kind);
                self.pop()
            }
            '\'' => self.emit_without_quote(Kind::Text),
            _ => Ok(State::Bare),
        }
    }

    /// Text up to a `)` on a line of its own.
    pub(super) fn block_text(&mut self) -> Step {
        match self.next() {
            ')' => {
                let paren = self.at - 1;
                let line_begins = paren > 0 && self.input[paren - 1] == b'\n';
                let line_ends = self.input.get(self.at).is_none_or(|b| *b == b'\n');
                if line_begins && line_ends {
                    return self.emit_without_quote(Kind::Text);
                }
                Ok(State::BlockText)
            }
            END => Err(self.fault("Unexpected EOF processing block.")),
            _ => Ok(State::BlockText),
        }
    }

    /// What a backslash, which has been read, stands for.
    fn escape(&mut self) -> Result<(), ConfigError> {
        self.unescaped
            .extend_from_slice(&self.input[self.start..self.at - 1]);
        self.escaped = true;
        let byte = match self.next() {
            'x' => self.hexadecimal()?,
            't' => b'\t',
            'n' => b'\n',
            'r' => b'\r',
            '"' => b'"',
            '\\' => b'\\',
            c => {
                return Err(self.fault(format!(
                    "Invalid escape character '{}'. Only the following escape characters are \
                     allowed: \\xXX, \\t, \\n, \\r, \\\", \\\\.",
                    shown(c)
                )));
            }
        };
        self.unescaped.push(byte);
        self.start = self.at;
        Ok(())
    }

    /// The byte that two hexadecimal digits mean.
    fn hexadecimal(&mut self) -> Result<u8, ConfigError> {
        let from = self.at;
        for _ in 0..2 {
            if is_newline(self.next()) {
                return Err(
                    self.fault("Expected two hexadecimal digits after '\\x', but hit end of line")
                );
            }
        }
        let digits = &self.input[from..self.at];
        let parsed = core::str::from_utf8(digits)
            .ok()
            .filter(|d| d.len() == 2 && d.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|d| u8::from_str_radix(d, 16).ok());
        parsed.ok_or_else(|| {
            self.fault(format!(
                "Expected two hexadecimal digits after '\\x', but got '{}'",
                lossy(digits)
            ))
        })
    }
}

fn is_bool(word: &[u8]) -> bool {
    ["true", "false", "on", "off", "yes", "no"]
        .iter()
        .any(|bool| word.eq_ignore_ascii_case(bool.as_bytes()))
}
