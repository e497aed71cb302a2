//! Tidiness, reported and never gated: long files, long functions, missing headers, repeated code.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::source::{Masked, rust_files};

/// More lines of code than this make a file long.
const FILE_LINES: usize = 500;
/// More lines than this make a function long.
const FUNCTION_LINES: usize = 60;
/// This many equal lines in a row are a repetition.
const REPEATED_LINES: usize = 6;
/// Folders that hold our code.
const FOLDERS: &[&str] = &["core", "shell", "proof", "xtask"];

/// What is untidy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    files: usize,
    code_lines: usize,
    long_files: Vec<(PathBuf, usize)>,
    long_functions: Vec<(PathBuf, usize, String, usize)>,
    headless: Vec<PathBuf>,
    repeated: Vec<Repetition>,
}

/// The same code twice: where, and how many lines of code.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Repetition {
    first: (PathBuf, usize),
    again: (PathBuf, usize),
    lines: usize,
}

/// Reads the sources of the workspace in `root`.
pub fn report(root: &Path) -> Result<Report, Error> {
    let mut sources = Vec::new();
    for folder in FOLDERS {
        for path in rust_files(&root.join(folder))? {
            let text = fs::read_to_string(&path)?;
            sources.push((path.strip_prefix(root).unwrap_or(&path).to_path_buf(), text));
        }
    }
    Ok(judge(&sources))
}

fn judge(sources: &[(PathBuf, String)]) -> Report {
    let mut report = Report {
        files: sources.len(),
        ..Report::default()
    };
    let mut code = Vec::new();
    for (path, text) in sources {
        let masked = Masked::new(text);
        let tests = masked.test_modules();
        let lines = code_lines(text, &masked, &tests);
        report.code_lines += lines.len();
        if lines.len() > FILE_LINES {
            report.long_files.push((path.clone(), lines.len()));
        }
        if !text.trim_start().starts_with("//!") {
            report.headless.push(path.clone());
        }
        for (name, range) in masked.functions() {
            let first = masked.line_of(range.start);
            let length = masked.line_of(range.end.saturating_sub(1)) - first + 1;
            if length > FUNCTION_LINES && !tests.iter().any(|test| test.contains(&range.start)) {
                report
                    .long_functions
                    .push((path.clone(), first, name.to_owned(), length));
            }
        }
        code.push((path.clone(), lines));
    }
    report
        .long_files
        .sort_by_key(|(_, lines)| std::cmp::Reverse(*lines));
    report
        .long_functions
        .sort_by_key(|(_, _, _, lines)| std::cmp::Reverse(*lines));
    report.repeated = repetitions(&code);
    report
}

/// The lines that hold code, with their numbers; test modules, comments and blank lines left out.
fn code_lines<'a>(text: &'a str, masked: &Masked, tests: &[Range<usize>]) -> Vec<(usize, &'a str)> {
    let tests: Vec<Range<usize>> = tests
        .iter()
        .map(|range| masked.line_of(range.start)..masked.line_of(range.end) + 1)
        .collect();
    let is_code = |number: usize, masked: &str| {
        !masked.trim().is_empty() && !tests.iter().any(|range| range.contains(&number))
    };
    text.lines()
        .zip(masked.text().lines())
        .enumerate()
        .filter(|(index, (_, masked))| is_code(index + 1, masked))
        .map(|(index, (line, _))| (index + 1, line.trim()))
        .collect()
}

/// Places where [`REPEATED_LINES`] telling lines or more stand twice. Imports, attributes and lone
/// brackets tell nothing.
fn repetitions(code: &[(PathBuf, Vec<(usize, &str)>)]) -> Vec<Repetition> {
    let mut seen: BTreeMap<Vec<&str>, (usize, usize)> = BTreeMap::new();
    let mut found = Vec::new();
    let telling: Vec<Vec<(usize, &str)>> = code
        .iter()
        .map(|(_, lines)| {
            lines
                .iter()
                .copied()
                .filter(|(_, line)| tells(line))
                .collect()
        })
        .collect();
    for (file, lines) in telling.iter().enumerate() {
        let mut at = 0;
        while at + REPEATED_LINES <= lines.len() {
            let window: Vec<&str> = lines[at..at + REPEATED_LINES]
                .iter()
                .map(|(_, line)| *line)
                .collect();
            let Some(&(other, start)) = seen.get(&window) else {
                seen.insert(window, (file, at));
                at += 1;
                continue;
            };
            let same = lines[at..]
                .iter()
                .zip(&telling[other][start..])
                .take_while(|(a, b)| a.1 == b.1)
                .count();
            found.push(Repetition {
                first: (code[other].0.clone(), telling[other][start].0),
                again: (code[file].0.clone(), lines[at].0),
                lines: same,
            });
            at += same;
        }
    }
    found
}

fn tells(line: &str) -> bool {
    !line.starts_with("use ")
        && !line.starts_with("#[")
        && !line.starts_with("#![")
        && line.chars().filter(|c| c.is_alphanumeric()).count() > 2
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "report: {} files, {} lines of code",
            self.files, self.code_lines
        )?;
        for (path, lines) in &self.long_files {
            writeln!(
                f,
                "report: long file: {} has {lines} lines of code",
                path.display()
            )?;
        }
        for (path, line, name, lines) in &self.long_functions {
            writeln!(
                f,
                "report: long function: {}:{line} {name} has {lines} lines",
                path.display()
            )?;
        }
        for path in &self.headless {
            writeln!(
                f,
                "report: no header: {} does not open with //!",
                path.display()
            )?;
        }
        for Repetition {
            first,
            again,
            lines,
        } in &self.repeated
        {
            let (first, first_line, again, again_line) =
                (first.0.display(), first.1, again.0.display(), again.1);
            writeln!(
                f,
                "report: repeated: {lines} lines of {first}:{first_line} again at {again}:{again_line}"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(sources: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<(PathBuf, String)> = sources
            .iter()
            .map(|(path, text)| (PathBuf::from(path), (*text).to_owned()))
            .collect();
        judge(&sources)
            .to_string()
            .lines()
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn comments_blank_lines_and_tests_are_not_code() {
        let source = "//! Head.\n\n/* x\ny */\nfn a() {}\nconst S: &str = \"\n// text\n\";\n#[cfg(test)]\nmod tests {\nfn b() {}\n}\n";
        assert_eq!(
            lines(&[("a.rs", source)]),
            ["report: 1 files, 3 lines of code"]
        );
    }

    #[test]
    fn long_files_long_functions_and_missing_headers_are_named() {
        let body: String = (0..520).map(|n| format!("    step({n});\n")).collect();
        let source = format!(
            "fn long() {{\n{body}}}\n#[cfg(test)]\nmod tests {{\nfn long_too() {{\n{body}}}\n}}\n"
        );
        assert_eq!(
            lines(&[("a.rs", &source)]),
            [
                "report: 1 files, 522 lines of code",
                "report: long file: a.rs has 522 lines of code",
                "report: long function: a.rs:1 long has 522 lines",
                "report: no header: a.rs does not open with //!",
            ]
        );
    }

    #[test]
    fn the_same_six_lines_in_two_places_are_found_whatever_stands_between() {
        let block: String = (0..7)
            .map(|n| format!("    let v{n} = call({n});\n"))
            .collect();
        let first = format!("//! A.\nfn a() {{\n{block}}}\n");
        let again = format!(
            "//! B.\nfn other() {{\n{}}}\n",
            block.replace("call(3);", "call(3); // why\n")
        );
        let copy = format!(
            "//! C.\nfn b() {{\n    first();\n{}}}\n",
            block.replacen('\n', "\n\n", 2)
        );
        assert_eq!(
            lines(&[("a.rs", &first), ("b.rs", &again), ("c.rs", &copy)]),
            [
                "report: 3 files, 28 lines of code",
                "report: repeated: 7 lines of a.rs:3 again at c.rs:4",
            ]
        );
        let short = block.lines().take(5).collect::<Vec<_>>().join("\n");
        assert_eq!(
            lines(&[
                ("a.rs", &first),
                ("d.rs", &format!("//! D.\nfn d() {{\n{short}\n}}\n"))
            ])
            .len(),
            1
        );
    }
}
