//! States of values that begin like a number: integers with units, floats, dates, IP addresses, and
//! strings that only look like one at first.

use alloc::format;

use super::{END, Kind, Lexer, State, Step, shown};

impl Lexer<'_> {
    /// After the first digit.
    pub(super) fn number(&mut self) -> Step {
        match self.next() {
            '-' if self.at - self.start == 5 => Ok(State::Date),
            '-' => Err(self.fault("All ISO8601 dates must be in full Zulu form.")),
            '0'..='9' => Ok(State::Number),
            '.' => Ok(State::FractionStart),
            c if is_unit(c) => Ok(State::NumberSuffix),
            c if ends_number(c) => self.emit_number(Kind::Integer),
            _ => Ok(State::Bare),
        }
    }

    /// After a unit such as the `k` of `1kib`.
    pub(super) fn number_suffix(&mut self) -> Step {
        match self.next() {
            'b' | 'B' | 'i' | 'I' => Ok(State::NumberSuffix),
            c if ends_number(c) => self.emit_number(Kind::Integer),
            _ => {
                self.back();
                Ok(State::Bare)
            }
        }
    }

    pub(super) fn negative_start(&mut self) -> Step {
        match self.next() {
            '0'..='9' => Ok(State::Negative),
            '.' => Err(self.fault("Floats must start with a digit, not '.'.")),
            c => Err(self.fault(format!("Expected a digit but got '{}'.", shown(c)))),
        }
    }

    pub(super) fn negative(&mut self) -> Step {
        match self.next() {
            '0'..='9' => Ok(State::Negative),
            '.' => Ok(State::FractionStart),
            c if is_unit(c) => Ok(State::NumberSuffix),
            _ => self.emit_number(Kind::Integer),
        }
    }

    pub(super) fn fraction_start(&mut self) -> Step {
        match self.next() {
            '0'..='9' => Ok(State::Fraction),
            c => Err(self.fault(format!(
                "Floats must have a digit after the '.', but got '{}' instead.",
                shown(c)
            ))),
        }
    }

    pub(super) fn fraction(&mut self) -> Step {
        match self.next() {
            '0'..='9' => Ok(State::Fraction),
            '.' => Ok(State::IpAddress),
            _ => self.emit_number(Kind::Float),
        }
    }

    pub(super) fn ip_address(&mut self) -> Step {
        match self.next() {
            '0'..='9' | '.' | ':' | '-' => Ok(State::IpAddress),
            _ => self.emit_number(Kind::Text),
        }
    }

    /// After the year and its dash.
    pub(super) fn date(&mut self) -> Step {
        for wanted in "00-00T00:00:00Z".chars() {
            let c = self.next();
            let found = shown(c);
            if wanted == '0' && !c.is_ascii_digit() {
                return Err(self.fault(format!(
                    "Expected digit in ISO8601 datetime, but found '{found}' instead."
                )));
            }
            if wanted != '0' && wanted != c {
                return Err(self.fault(format!(
                    "Expected '{wanted}' in ISO8601 datetime, but found '{found}' instead."
                )));
            }
        }
        self.emit(Kind::Datetime);
        self.pop()
    }

    /// Gives out what stands before the character just read.
    fn emit_number(&mut self, kind: Kind) -> Step {
        self.back();
        self.emit(kind);
        self.pop()
    }
}

fn is_unit(c: char) -> bool {
    matches!(c.to_ascii_lowercase(), 'k' | 'm' | 'g' | 't' | 'p' | 'e')
}

/// What may follow a number. The `]` of an array is not among them: the reference reads `[1]` as
/// the unfinished string `1]`.
fn ends_number(c: char) -> bool {
    matches!(c, '\n' | '\r' | END | '}' | ';' | ',' | ' ' | '\t')
}
