//! Instruction counts of the hot path: runs every workload of `proof/bench` under valgrind and compares
//! with the list agreed on, `proof/bench/counts.txt`. Not here: the workloads.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde::Deserialize;

use crate::Error;
use crate::laws::cargo_program;

/// An operation may get dearer by this share before somebody has to agree to it.
const AGREED_SHARE: f64 = 0.05;
/// The list, from the top of the repository.
const LIST: &str = "proof/bench/counts.txt";
/// First word of the line that says what a list was made with.
const MADE_WITH: &str = "# made with ";
const NO_VALGRIND: &str = "\
instructions: **************************************************************
instructions: *** NOT CHECKED: valgrind is missing. Instruction counts of
instructions: *** the hot path can't be taken here. `apt-get install valgrind`
instructions: **************************************************************
";

/// Instructions per operation, by the workload's name.
type Counts = BTreeMap<String, f64>;

/// Counts and compares, or writes the counts into the list if `accept`. Answers whether all is well; it
/// is not without valgrind.
pub fn run(root: &Path, accept: bool) -> Result<bool, Error> {
    let Some(valgrind) = valgrind_version() else {
        print!("{NO_VALGRIND}");
        return Ok(false);
    };
    let made_with = format!("{}, {valgrind}", compiler()?);
    let built = ["--package", "gannet-proof-bench", "--example", "count"];
    let program = build(root, &built)?;
    let folder = program.with_file_name("instructions");
    fs::create_dir_all(&folder)?;
    let counts = count_all(&program, &folder)?;
    let path = root.join(LIST);
    let list = List::parse(&fs::read_to_string(&path).unwrap_or_default())?;
    let comparison = Comparison::new(&list.counts, &counts);
    print!("{comparison}");
    println!(
        "instructions: where they go: callgrind_annotate {}/NAME.out",
        folder.display()
    );
    if accept {
        fs::write(&path, List { made_with, counts }.to_string())?;
        println!("instructions: {LIST} written");
        return Ok(true);
    }
    if list.made_with != made_with {
        println!(
            "instructions: note: the list was made with {}, these with {made_with}",
            list.made_with
        );
    }
    Ok(comparison.is_fine())
}

/// As [`run`] without accepting, but a machine without valgrind is forgiven, loudly.
pub fn run_if_possible(root: &Path) -> Result<bool, Error> {
    if valgrind_version().is_some() {
        return run(root, false);
    }
    print!("{NO_VALGRIND}");
    Ok(true)
}

/// Name and version of valgrind, if it is there.
pub(crate) fn valgrind_version() -> Option<String> {
    let output = Command::new("valgrind").arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(text)
}

/// Version and machine of the compiler.
pub(crate) fn compiler() -> Result<String, Error> {
    let program = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(program).arg("-vV").output()?;
    let text = String::from_utf8(output.stdout)?;
    let value = |name| {
        let found = text.lines().find_map(|line| line.strip_prefix(name));
        found.unwrap_or("?").trim().to_owned()
    };
    Ok(format!("rustc {}, {}", value("release:"), value("host:")))
}

/// Builds the program that `arguments` of `cargo build` name, for release.
pub(crate) fn build(root: &Path, arguments: &[&str]) -> Result<PathBuf, Error> {
    let output = Command::new(cargo_program())
        .args(["build", "--release"])
        .args(arguments)
        .args(["--message-format", "json-render-diagnostics"])
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("{} does not build", arguments.join(" ")).into());
    }
    executable(&String::from_utf8(output.stdout)?)
        .ok_or_else(|| "cargo names no program that it has built".into())
}

/// The program that cargo's messages name.
fn executable(messages: &str) -> Option<PathBuf> {
    #[derive(Deserialize)]
    struct Artifact {
        executable: Option<PathBuf>,
    }
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Artifact>(line).ok())
        .find_map(|artifact| artifact.executable)
}

fn count_all(program: &Path, folder: &Path) -> Result<Counts, Error> {
    let listed = Command::new(program).output()?;
    let mut counts = Counts::new();
    for line in String::from_utf8(listed.stdout)?.lines() {
        let (name, operations) = line
            .split_once(' ')
            .ok_or("the list of workloads can't be read")?;
        let count = count(program, folder, name, operations.parse()?)?;
        counts.insert(name.into(), count);
    }
    Ok(counts)
}

/// Instructions of one operation: what twice as many cost more, so that start-up cancels out.
fn count(program: &Path, folder: &Path, name: &str, operations: u64) -> Result<f64, Error> {
    // Two at a time, since the machine has more than one core. The longer one stays, to be looked at.
    let files = [
        folder.join(format!("{name}.once.out")),
        folder.join(format!("{name}.out")),
    ];
    let runs = [
        start(program, name, operations, &files[0])?,
        start(program, name, 2 * operations, &files[1])?,
    ];
    for run in runs {
        let output = run.wait_with_output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
    }
    let [once, twice] = files.map(|file| -> Result<u64, Error> {
        let text = fs::read_to_string(&file)?;
        total(&text).ok_or_else(|| format!("{}: no totals", file.display()).into())
    });
    Ok(per_operation(once?, twice?, operations))
}

/// With an empty environment, so that its size does not move the stack.
fn start(program: &Path, name: &str, operations: u64, file: &Path) -> Result<Child, Error> {
    let mut out = std::ffi::OsString::from("--callgrind-out-file=");
    out.push(file);
    Ok(Command::new("valgrind")
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .args(["--quiet", "--tool=callgrind"])
        .arg(out)
        .arg(program)
        .args([name, &operations.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?)
}

/// The sum over all functions in a file of callgrind's, where instructions are the only event.
fn total(text: &str) -> Option<u64> {
    if !text.lines().any(|line| line == "events: Ir") {
        return None;
    }
    let line = text.lines().find_map(|line| line.strip_prefix("totals:"))?;
    line.trim().parse().ok()
}

/// To one decimal, as the list has it.
fn per_operation(once: u64, twice: u64, operations: u64) -> f64 {
    let count = twice.saturating_sub(once) as f64 / operations as f64;
    (count * 10.0).round() / 10.0
}

/// The list agreed on.
#[derive(Clone, Debug, Default, PartialEq)]
struct List {
    made_with: String,
    counts: Counts,
}

impl List {
    fn parse(text: &str) -> Result<List, Error> {
        let mut list = List::default();
        for (at, line) in text.lines().enumerate() {
            if let Some(made_with) = line.strip_prefix(MADE_WITH) {
                list.made_with = made_with.into();
            }
            if line.starts_with('#') || line.trim().is_empty() {
                continue;
            }
            let wrong = || format!("{LIST}, line {}: {line:?} is no name and count", at + 1);
            let (name, count) = line.split_once(char::is_whitespace).ok_or_else(wrong)?;
            let count: f64 = count.trim().parse().map_err(|_| wrong())?;
            if !count.is_finite() || list.counts.insert(name.into(), count).is_some() {
                return Err(wrong().into());
            }
        }
        Ok(list)
    }
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "# Instructions per operation of the hot path, as agreed on. Written by\n\
             # `cargo xtask instructions --accept`; the header of src/lib.rs tells how they are counted.\n\
             {MADE_WITH}{}",
            self.made_with
        )?;
        let width = self.counts.keys().map(String::len).max().unwrap_or(0);
        for (name, count) in &self.counts {
            writeln!(f, "{name:width$} {count:>10.1}")?;
        }
        Ok(())
    }
}

/// What became of one operation.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Verdict {
    /// Within the agreed share.
    Kept { agreed: f64, now: f64 },
    /// Cheaper by more than the agreed share.
    Cheaper { agreed: f64, now: f64 },
    /// Dearer by more than the agreed share.
    Dearer { agreed: f64, now: f64 },
    /// Counted, but not in the list.
    New { now: f64 },
    /// In the list, but not counted any more.
    Gone { agreed: f64 },
}

impl Verdict {
    fn of(agreed: Option<f64>, now: Option<f64>) -> Option<Verdict> {
        Some(match (agreed, now) {
            (None, None) => return None,
            (None, Some(now)) => Verdict::New { now },
            (Some(agreed), None) => Verdict::Gone { agreed },
            (Some(agreed), Some(now)) if now > agreed * (1.0 + AGREED_SHARE) => {
                Verdict::Dearer { agreed, now }
            }
            (Some(agreed), Some(now)) if now < agreed * (1.0 - AGREED_SHARE) => {
                Verdict::Cheaper { agreed, now }
            }
            (Some(agreed), Some(now)) => Verdict::Kept { agreed, now },
        })
    }

    fn is_fine(self) -> bool {
        matches!(self, Verdict::Kept { .. } | Verdict::Cheaper { .. })
    }
}

/// The list beside the counts of now.
#[derive(Debug)]
struct Comparison(Vec<(String, Verdict)>);

impl Comparison {
    fn new(agreed: &Counts, now: &Counts) -> Comparison {
        let mut names: Vec<&String> = agreed.keys().chain(now.keys()).collect();
        names.sort();
        names.dedup();
        let verdict = |name| Verdict::of(agreed.get(name).copied(), now.get(name).copied());
        let verdicts = names
            .into_iter()
            .filter_map(|name| Some((name.clone(), verdict(name)?)));
        Comparison(verdicts.collect())
    }

    fn is_fine(&self) -> bool {
        self.0.iter().all(|(_, verdict)| verdict.is_fine())
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = "operation";
        let longest = self.0.iter().map(|(name, _)| name.len()).max();
        let width = title.len().max(longest.unwrap_or(0));
        writeln!(
            f,
            "instructions: {title:width$} {:>10} {:>10}  change",
            "agreed", "now"
        )?;
        for (name, verdict) in &self.0 {
            let (agreed, now, word) = match *verdict {
                Verdict::Kept { agreed, now } => (Some(agreed), Some(now), ""),
                Verdict::Cheaper { agreed, now } => {
                    (Some(agreed), Some(now), "  cheaper: --accept")
                }
                Verdict::Dearer { agreed, now } => (Some(agreed), Some(now), "  DEARER"),
                Verdict::New { now } => (None, Some(now), "NEW: --accept"),
                Verdict::Gone { agreed } => (Some(agreed), None, "GONE: --accept"),
            };
            let cell = |count: Option<f64>| count.map_or("-".into(), |count| format!("{count:.1}"));
            let change = match (agreed, now) {
                (Some(agreed), Some(now)) => format!("{:+.1} %", share(agreed, now)),
                _ => String::new(),
            };
            writeln!(
                f,
                "instructions: {name:width$} {:>10} {:>10}  {change}{word}",
                cell(agreed),
                cell(now)
            )?;
        }
        let broken = self.0.iter().filter(|(_, verdict)| !verdict.is_fine());
        match broken.count() {
            0 => writeln!(f, "instructions: kept"),
            n => writeln!(
                f,
                "instructions: {n} of {} not as agreed (at most {:.0} % dearer)",
                self.0.len(),
                AGREED_SHARE * 100.0
            ),
        }
    }
}

/// By how many percent `now` is more than `agreed`.
fn share(agreed: f64, now: f64) -> f64 {
    if agreed == now {
        0.0
    } else {
        (now / agreed - 1.0) * 100.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# callgrind format
version: 1
creator: callgrind-3.19.0
pid: 26110
cmd:  count decode-pub-16 40000
part: 1


desc: I1 cache:
desc: Timerange: Basic block 0 - 2180291
desc: Trigger: Program termination

positions: line
events: Ir
summary: 4651312


ob=(1) count
fl=(1) lib.rs
fn=(1) decode
12 7
calls=1 0
0 4651305

totals: 4651312
";

    fn counts(of: &[(&str, f64)]) -> Counts {
        of.iter()
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect()
    }

    #[test]
    fn the_total_of_a_callgrind_file_is_its_last_word() {
        assert_eq!(total(FILE), Some(4_651_312));
        let cut_short = FILE.replace("totals: 4651312\n", "");
        assert_eq!(total(&cut_short), None);
        let other_events = FILE.replace("events: Ir\n", "events: Ir Dr Dw\n");
        assert_eq!(total(&other_events), None);
    }

    #[test]
    fn start_up_cancels_out() {
        assert_eq!(per_operation(1_000_000, 1_731_500, 5_000), 146.3);
        assert_eq!(per_operation(1_000, 990, 5), 0.0);
    }

    #[test]
    fn the_program_is_the_one_that_cargo_names() {
        let messages = "\
{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"gannet_units\"},\"executable\":null}\n\
{\"reason\":\"compiler-artifact\",\"target\":{\"name\":\"count\"},\"executable\":\"/t/examples/count\"}\n\
{\"reason\":\"build-finished\",\"success\":true}\n";
        assert_eq!(executable(messages), Some("/t/examples/count".into()));
        assert_eq!(
            executable("{\"reason\":\"build-finished\",\"success\":true}\n"),
            None
        );
    }

    #[test]
    fn a_list_is_read_as_it_was_written() {
        let list = List {
            made_with: "rustc 1.95.0, x86_64-unknown-linux-gnu, valgrind-3.19.0".into(),
            counts: counts(&[("a", 12.3), ("longer-name", 100_000.0)]),
        };
        let text = list.to_string();
        let ends = "a                 12.3\nlonger-name   100000.0\n";
        assert!(text.ends_with(ends), "{text}");
        assert_eq!(List::parse(&text).unwrap(), list);
    }

    #[test]
    fn a_line_that_is_no_count_is_refused() {
        for line in ["a", "a b", "a 1.0 2.0", "a NaN", "b 1\nb 2"] {
            assert!(List::parse(line).is_err(), "{line:?}");
        }
    }

    #[test]
    fn what_is_dearer_new_or_gone_breaks_the_agreement() {
        let agreed = counts(&[
            ("cheaper", 100.0),
            ("dearer", 100.0),
            ("gone", 1.0),
            ("kept", 100.0),
        ]);
        let now = counts(&[
            ("cheaper", 90.0),
            ("dearer", 105.1),
            ("kept", 105.0),
            ("new", 2.0),
        ]);
        let comparison = Comparison::new(&agreed, &now);
        assert_eq!(
            comparison.to_string(),
            "instructions: operation     agreed        now  change\n\
             instructions: cheaper        100.0       90.0  -10.0 %  cheaper: --accept\n\
             instructions: dearer         100.0      105.1  +5.1 %  DEARER\n\
             instructions: gone             1.0          -  GONE: --accept\n\
             instructions: kept           100.0      105.0  +5.0 %\n\
             instructions: new                -        2.0  NEW: --accept\n\
             instructions: 3 of 5 not as agreed (at most 5 % dearer)\n"
        );
        assert!(!comparison.is_fine());
    }

    #[test]
    fn each_breach_alone_is_enough_and_none_is_fine() {
        let agreed = counts(&[("a", 100.0), ("b", 20.0)]);
        for now in [
            counts(&[("a", 100.0), ("b", 21.1)]),
            counts(&[("a", 100.0)]),
            counts(&[("a", 100.0), ("b", 20.0), ("c", 1.0)]),
        ] {
            assert!(!Comparison::new(&agreed, &now).is_fine(), "{now:?}");
        }
        let cheaper = counts(&[("a", 3.0), ("b", 20.9)]);
        assert!(Comparison::new(&agreed, &cheaper).is_fine());
    }

    #[test]
    fn the_list_of_this_repository_can_be_read() {
        let text = fs::read_to_string(crate::workspace_root().join(LIST)).unwrap();
        let list = List::parse(&text).unwrap();
        assert!(!list.counts.is_empty() && !list.made_with.is_empty());
    }
}
