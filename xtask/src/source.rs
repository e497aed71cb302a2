//! Reading Rust source without compiling it: comments and strings blanked, braces matched.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::Error;

/// Every `.rs` file below `dir`, sorted; none if `dir` is not there. Build output is skipped.
pub(crate) fn rust_files(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        if !folder.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default();
            if path.is_dir() {
                if name != "target" && !name.to_string_lossy().starts_with('.') {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Source text in which everything inside comments, strings and character literals is blank.
/// Lines and offsets are those of the original.
pub(crate) struct Masked(String);

impl Masked {
    pub(crate) fn new(source: &str) -> Masked {
        let mut out = Vec::with_capacity(source.len());
        let bytes = source.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let end = literal_end(bytes, at);
            if end > at {
                out.extend(
                    bytes[at..end]
                        .iter()
                        .map(|byte| if *byte == b'\n' { b'\n' } else { b' ' }),
                );
                at = end;
            } else {
                out.push(if bytes[at].is_ascii() {
                    bytes[at]
                } else {
                    b'x'
                });
                at += 1;
            }
        }
        Masked(String::from_utf8(out).unwrap_or_default())
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// The line of an offset, from 1.
    pub(crate) fn line_of(&self, offset: usize) -> usize {
        self.0[..offset].matches('\n').count() + 1
    }

    /// The end of the block that begins with the brace at `open`: one past its closing brace.
    pub(crate) fn block_end(&self, open: usize) -> usize {
        let mut depth = 0usize;
        for (index, byte) in self.0.bytes().enumerate().skip(open) {
            match byte {
                b'{' => depth += 1,
                b'}' if depth <= 1 => return index + 1,
                b'}' => depth -= 1,
                _ => {}
            }
        }
        self.0.len()
    }

    /// Where modules for tests are.
    pub(crate) fn test_modules(&self) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        for (start, _) in self.0.match_indices("#[cfg(test)]") {
            let inside = found.last().is_some_and(|last| last.contains(&start));
            let rest = self.0[start..]
                .trim_start_matches("#[cfg(test)]")
                .trim_start();
            if inside || !(rest.starts_with("mod ") || rest.starts_with("pub(crate) mod ")) {
                continue;
            }
            match self.0[start..].find(['{', ';']) {
                Some(open) if self.0.as_bytes()[start + open] == b'{' => {
                    found.push(start..self.block_end(start + open));
                }
                _ => {}
            }
        }
        found
    }

    /// Functions with a body: name, and from its `fn` to the closing brace.
    pub(crate) fn functions(&self) -> Vec<(&str, Range<usize>)> {
        let mut found = Vec::new();
        for (start, _) in self.0.match_indices("fn ") {
            let before = self.0[..start].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let rest = &self.0[start + 3..];
            let name = rest
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
                .unwrap_or("");
            if name.is_empty() {
                continue;
            }
            if let Some(open) = body_of(rest) {
                found.push((name, start..self.block_end(start + 3 + open)));
            }
        }
        found
    }
}

/// Where the body begins after `fn `, if a body comes before the signature ends.
fn body_of(rest: &str) -> Option<usize> {
    let mut depth = 0i32;
    for (index, byte) in rest.bytes().enumerate() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b';' if depth == 0 => return None,
            b'{' if depth == 0 => return Some(index),
            _ => {}
        }
    }
    None
}

/// One past the comment, string or character literal that begins at `at`; `at` if none does.
fn literal_end(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    match rest {
        [b'/', b'/', ..] => at + rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len()),
        [b'/', b'*', ..] => at + block_comment(rest),
        [b'"', ..] => at + quoted(rest),
        [b'r' | b'b' | b'c', ..] if !follows_word(bytes, at) => at + prefixed(rest),
        [b'\'', ..] => at + character(rest),
        _ => at,
    }
}

fn follows_word(bytes: &[u8], at: usize) -> bool {
    at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_')
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] if depth == 1 => return at + 2,
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    rest.len()
}

fn quoted(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// `b"…"`, `br#"…"#`, `r"…"`, `c"…"`, `b'…'`; 0 for a mere word.
fn prefixed(rest: &[u8]) -> usize {
    let letters = rest
        .iter()
        .take_while(|byte| matches!(byte, b'r' | b'b' | b'c'))
        .count();
    let raw = rest[..letters].contains(&b'r');
    let hashes = if raw {
        rest[letters..]
            .iter()
            .take_while(|byte| **byte == b'#')
            .count()
    } else {
        0
    };
    let open = letters + hashes;
    match rest.get(open) {
        Some(b'"') if raw => {
            let mut close = vec![b'"'];
            close.resize(1 + hashes, b'#');
            let body = &rest[open + 1..];
            let end = body.windows(close.len()).position(|window| window == close);
            end.map_or(rest.len(), |end| open + 1 + end + close.len())
        }
        Some(b'"') => open + quoted(&rest[open..]),
        Some(b'\'') if hashes == 0 => match character(&rest[open..]) {
            0 => 0,
            length => open + length,
        },
        _ => 0,
    }
}

/// A character literal, told from a lifetime by its closing quote.
fn character(rest: &[u8]) -> usize {
    match rest {
        [_, b'\\', _, tail @ ..] => {
            3 + tail
                .iter()
                .position(|byte| *byte == b'\'')
                .map_or(0, |end| end + 1)
        }
        [_, first, tail @ ..] => {
            let width = match first {
                0..0x80 => 1,
                0x80..0xe0 => 2,
                0xe0..0xf0 => 3,
                _ => 4,
            };
            if tail.get(width - 1) == Some(&b'\'') {
                width + 2
            } else {
                0
            }
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(source: &str) -> String {
        Masked::new(source)
            .text()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn comments_strings_and_characters_are_blanked() {
        let cases = [
            ("a // b\nc", "a c"),
            ("a /* b /* c */ d */ e", "a e"),
            (
                r#"f("{ \" }", 'x', '\'', '{', b'}', 'é')"#,
                "f( , , , , , )",
            ),
            ("r#\"a \"{\" b\"# + br\"{\" + c\"{\" + bar", "+ + + bar"),
            (
                "fn f<'a>(x: &'a str) -> Foo<'static> {}",
                "fn f<'a>(x: &'a str) -> Foo<'static> {}",
            ),
            (r"'\u{7b}' '\\' x", "x"),
        ];
        for (source, expect) in cases {
            assert_eq!(masked(source), expect, "{source}");
        }
    }

    #[test]
    fn functions_have_names_and_bodies() {
        let source = Masked::new(
            "trait T { fn no(&self); fn yes(&self) -> [u8; 2] { { } [0; 2] } }\n\
             const fn with<F: Fn(u8)>(f: F)\nwhere F: Copy {\n f(1)\n}\nlet x: fn (u8); // fn text() {}\n",
        );
        let lines: Vec<(&str, usize, usize)> = source
            .functions()
            .into_iter()
            .map(|(name, range)| {
                (
                    name,
                    source.line_of(range.start),
                    source.line_of(range.end - 1),
                )
            })
            .collect();
        assert_eq!(lines, [("yes", 1, 1), ("with", 2, 5)]);
    }

    #[test]
    fn test_modules_are_found_and_other_test_items_are_not() {
        let source = Masked::new(
            "#[cfg(test)]\nextern crate std;\nfn a() {}\n#[cfg(test)]\nmod tests {\n fn b() {}\n}\nfn c() {}\n#[cfg(test)]\nmod other;\n",
        );
        let ranges: Vec<(usize, usize)> = source
            .test_modules()
            .into_iter()
            .map(|r| (source.line_of(r.start), source.line_of(r.end - 1)))
            .collect();
        assert_eq!(ranges, [(4, 7)]);
    }
}
