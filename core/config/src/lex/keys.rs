//! States in which a key may stand: the top of a file, `{ … }` around a whole file, maps; and
//! `include`, which stands where a key does.

use alloc::format;

use super::{END, Kind, Lexer, State, Step, is_blank, is_newline, is_separator, shown};
use crate::error::ConfigError;

impl Lexer<'_> {
    /// The top level of a file.
    pub(super) fn top(&mut self) -> Step {
        match self.next() {
            c if c.is_whitespace() => self.then(State::Top),
            '{' => {
                self.push(State::Top)?;
                self.then(State::Block)
            }
            '#' => self.comment_then(State::Top),
            '/' if self.slash_begins_comment() => self.comment_then(State::Top),
            '/' | END => self.end(),
            _ => {
                self.back();
                self.push(State::TopValueEnd)?;
                Ok(State::KeyStart)
            }
        }
    }

    /// After a top-level value. A lone slash and a stray brace are forgiven.
    pub(super) fn top_value_end(&mut self) -> Step {
        match self.next() {
            '#' => self.comment_then(State::Top),
            '/' if self.slash_begins_comment() => self.comment_then(State::Top),
            '/' => Ok(State::TopValueEnd),
            c if is_blank(c) => Ok(State::TopValueEnd),
            '\n' | '\r' | END | ';' | ',' | '}' => self.then(State::Top),
            c => Err(self.fault(format!(
                "Expected a top-level value to end with a new line, comment or EOF, \
                 but got '{}' instead.",
                shown(c)
            ))),
        }
    }

    /// Inside the braces that a JSON-like file has around it.
    pub(super) fn block(&mut self) -> Step {
        match self.next() {
            c if c.is_whitespace() => self.then(State::Block),
            '{' => {
                self.push(State::BlockEnd)?;
                self.then(State::Block)
            }
            '}' => {
                self.skip();
                self.pop()
            }
            '#' => self.comment_then(State::Block),
            '/' if self.slash_begins_comment() => self.comment_then(State::Block),
            '/' | END => self.end(),
            _ => {
                self.back();
                self.push(State::BlockValueEnd)?;
                Ok(State::KeyStart)
            }
        }
    }

    pub(super) fn block_value_end(&mut self) -> Step {
        match self.next() {
            '#' => self.comment_then(State::BlockValueEnd),
            '/' if self.slash_begins_comment() => self.comment_then(State::BlockValueEnd),
            '/' => Ok(State::BlockValueEnd),
            c if is_blank(c) => Ok(State::BlockValueEnd),
            '\n' | '\r' | ';' | ',' => self.then(State::Block),
            '}' => {
                self.back();
                Ok(State::BlockEnd)
            }
            c => Err(self.fault(format!(
                "Expected a block-level value to end with a new line, comment or EOF, \
                 but got '{}' instead.",
                shown(c)
            ))),
        }
    }

    pub(super) fn block_end(&mut self) -> Step {
        match self.next() {
            '#' => self.comment_then(State::Block),
            '/' if self.slash_begins_comment() => self.comment_then(State::Block),
            '/' => Ok(State::BlockEnd),
            c if is_newline(c) || is_blank(c) => Ok(State::BlockEnd),
            ';' | ',' => self.then(State::Block),
            '}' => {
                self.skip();
                self.pop()
            }
            c => Err(self.fault(format!(
                "Expected a block-level to end with a '}}', but got '{}' instead.",
                shown(c)
            ))),
        }
    }

    pub(super) fn key_start(&mut self) -> Step {
        match self.peek() {
            c if is_separator(c) => {
                Err(self.fault(format!("Unexpected key separator '{}'", shown(c))))
            }
            c if c.is_whitespace() => {
                self.next();
                self.then(State::KeyStart)
            }
            c @ ('"' | '\'') => {
                self.next();
                self.then(State::QuotedKey(c as u8))
            }
            _ => {
                self.skip();
                self.next();
                Ok(State::Key)
            }
        }
    }

    pub(super) fn key(&mut self) -> Step {
        match self.peek() {
            c if c.is_whitespace() => {
                if self.at_include() {
                    return self.then(State::IncludeStart);
                }
                self.emit(Kind::Key);
                Ok(State::KeyEnd)
            }
            c if is_separator(c) || c == END => {
                self.emit(Kind::Key);
                Ok(State::KeyEnd)
            }
            _ => {
                self.next();
                Ok(State::Key)
            }
        }
    }

    pub(super) fn quoted_key(&mut self, quote: u8) -> Step {
        match self.peek() {
            END => self.end(),
            c if c == char::from(quote) => {
                self.emit(Kind::Key);
                self.next();
                self.then(State::KeyEnd)
            }
            _ => {
                self.next();
                Ok(State::QuotedKey(quote))
            }
        }
    }

    pub(super) fn key_end(&mut self) -> Step {
        match self.next() {
            c if c.is_whitespace() => self.then(State::KeyEnd),
            c if is_separator(c) => self.then(State::Value),
            END => {
                self.emit(Kind::End);
                Ok(State::Done)
            }
            _ => {
                self.back();
                Ok(State::Value)
            }
        }
    }

    /// Whether the key just read is the word `include`.
    fn at_include(&self) -> bool {
        self.input[self.start..self.at].eq_ignore_ascii_case(b"include")
    }

    pub(super) fn include_start(&mut self) -> Step {
        let problem = match self.next() {
            c if is_blank(c) => return self.then(State::IncludeStart),
            c @ ('"' | '\'') => return self.then(State::QuotedInclude(c as u8)),
            '[' => "found start of an array",
            '{' => "found start of a map",
            '(' => "found start of a block",
            '-' | '0'..='9' => "found start of a number",
            '\\' => "found escape sequence",
            '\n' | '\r' => "found new line",
            _ => {
                self.back();
                return Ok(State::BareInclude);
            }
        };
        Err(self.fault(format!("Expected include value but {problem}")))
    }

    pub(super) fn quoted_include(&mut self, quote: u8) -> Step {
        match self.next() {
            c if c == char::from(quote) => self.emit_without_quote(Kind::Include),
            END if quote == b'"' => Err(self.fault("Unexpected EOF in double quoted include")),
            END => Err(self.fault("Unexpected EOF in quoted include")),
            _ => Ok(State::QuotedInclude(quote)),
        }
    }

    pub(super) fn bare_include(&mut self) -> Step {
        match self.next() {
            '\n' | '\r' | END | ';' | '}' | ' ' | '\t' => {
                self.back();
                self.emit(Kind::Include);
                self.pop()
            }
            '\'' => self.emit_without_quote(Kind::Include),
            _ => Ok(State::BareInclude),
        }
    }

    /// Gives out what stands before the quote just read.
    pub(super) fn emit_without_quote(&mut self, kind: Kind) -> Step {
        self.back();
        self.emit(kind);
        self.next();
        self.skip();
        self.pop()
    }

    pub(super) fn map_key_start(&mut self) -> Step {
        match self.peek() {
            c if is_separator(c) => {
                return Err(self.fault(format!("Unexpected key separator '{c}'.")));
            }
            ']' => return Err(self.fault("Unexpected array end ']' processing map.")),
            c if c.is_whitespace() => {
                self.next();
                return self.then(State::MapKeyStart);
            }
            '}' => {
                self.next();
                return self.map_end();
            }
            '#' => {
                self.next();
                return self.comment_then(State::MapKeyStart);
            }
            '/' => {
                self.next();
                if self.slash_begins_comment() {
                    return self.comment_then(State::MapKeyStart);
                }
            }
            c @ ('"' | '\'') => {
                self.next();
                return self.then(State::QuotedMapKey(c as u8));
            }
            END => return Err(self.fault("Unexpected EOF processing map.")),
            _ => {}
        }
        self.skip();
        self.next();
        Ok(State::MapKey)
    }

    pub(super) fn map_key(&mut self) -> Step {
        match self.peek() {
            END => Err(self.fault("Unexpected EOF processing map key.")),
            c if c.is_whitespace() => {
                if self.at_include() {
                    self.skip();
                    self.push(State::MapValueEnd)?;
                    return Ok(State::IncludeStart);
                }
                self.emit(Kind::Key);
                Ok(State::MapKeyEnd)
            }
            c if is_separator(c) => {
                self.emit(Kind::Key);
                Ok(State::MapKeyEnd)
            }
            _ => {
                self.next();
                Ok(State::MapKey)
            }
        }
    }

    pub(super) fn quoted_map_key(&mut self, quote: u8) -> Step {
        match self.peek() {
            END => Err(self.unfinished_map_key(quote)),
            c if c == char::from(quote) => {
                self.emit(Kind::Key);
                self.next();
                self.then(State::MapKeyEnd)
            }
            _ => {
                self.next();
                Ok(State::QuotedMapKey(quote))
            }
        }
    }

    fn unfinished_map_key(&self, quote: u8) -> ConfigError {
        let kind = if quote == b'"' {
            "double quoted"
        } else {
            "quoted"
        };
        self.fault(format!("Unexpected EOF processing {kind} map key."))
    }

    pub(super) fn map_key_end(&mut self) -> Step {
        match self.next() {
            c if c.is_whitespace() => self.then(State::MapKeyEnd),
            c if is_separator(c) => self.then(State::MapValue),
            _ => {
                self.back();
                Ok(State::MapValue)
            }
        }
    }
}
