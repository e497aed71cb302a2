//! Settings → the text of a configuration that says the same, with the origin of each value beside it.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::{Setting, Shown};
use crate::origin::Step;

/// Where origins begin, unless a line is longer.
const COLUMN: usize = 48;

/// The settings in the language of configuration files, which reads back but for secrets. What is unset is
/// left out.
pub fn as_file(settings: &[Setting]) -> String {
    let mut file = File::default();
    for setting in settings {
        if setting.value != Shown::Unset {
            file.setting(setting);
        }
    }
    file.close_down_to(0);
    file.text
}

/// The text so far.
#[derive(Default)]
struct File {
    text: String,
    /// The blocks and lists that are open, each with what closes it.
    open: Vec<(Step, char)>,
}

impl File {
    fn setting(&mut self, setting: &Setting) {
        let Some((Step::Key(key), blocks)) = setting.key.steps().split_last() else {
            return;
        };
        let same = self.open.iter().zip(blocks);
        let common = same.take_while(|((open, _), step)| open == *step).count();
        self.close_down_to(common);
        for (at, step) in blocks.iter().enumerate().skip(common) {
            self.open(step, blocks.get(at + 1));
        }
        let indent = "  ".repeat(self.open.len());
        let line = format!("{indent}{}: {}", name(key), literal(&setting.value));
        let origin = setting.origin.to_string();
        let origin = origin.replace(char::is_control, "?");
        self.text.push_str(&format!("{line:COLUMN$}  # {origin}\n"));
    }

    fn open(&mut self, step: &Step, next: Option<&Step>) {
        let indent = "  ".repeat(self.open.len());
        let (line, end) = match (step, next) {
            (Step::Key(key), Some(Step::Entry(_))) => (format!("{indent}{}: [\n", name(key)), ']'),
            (Step::Key(key), _) => (format!("{indent}{} {{\n", name(key)), '}'),
            (Step::Entry(_), _) => (format!("{indent}{{\n"), '}'),
        };
        self.text.push_str(&line);
        self.open.push((step.clone(), end));
    }

    fn close_down_to(&mut self, depth: usize) {
        while self.open.len() > depth
            && let Some((_, end)) = self.open.pop()
        {
            let indent = "  ".repeat(self.open.len());
            self.text.push_str(&format!("{indent}{end}\n"));
        }
    }
}

impl fmt::Display for Shown {
    /// As the language has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&literal(self))
    }
}

fn literal(value: &Shown) -> String {
    match value {
        Shown::Unset => text(""),
        Shown::Secret(_) => text("[REDACTED]"),
        Shown::Bool(on) => on.to_string(),
        Shown::Integer(number) => number.to_string(),
        Shown::Text(value) => text(value),
        Shown::Url(url) => text(&url.redacted()),
        Shown::List(values) => {
            let values: Vec<String> = values.iter().map(literal).collect();
            format!("[{}]", values.join(", "))
        }
        Shown::Map(values) => {
            let entries = values.iter();
            let entries: Vec<String> = entries
                .map(|(key, value)| format!("{}: {}", text(key), literal(value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// A key: names of the user's own are put in quotes, unless they look like ours.
fn name(key: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match key {
        // It would be taken for the command.
        "include" | "" => text(key),
        key if key.chars().all(is_word) => key.to_string(),
        key => text(key),
    }
}

/// In quotes, as the language has them.
fn text(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_ascii_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
