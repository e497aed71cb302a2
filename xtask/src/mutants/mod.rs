//! `cargo xtask mutants`: faults put in on purpose, one at a time, each with the test that must notice it.
//!
//! A test that stays green whatever the server does shows nothing. The faults are those that other servers
//! of this kind are known for, and some against what every message is promised; all happens in a copy of
//! the tree. Not here: the faults themselves (`list`).

mod list;

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

pub use list::MUTANTS;

use crate::Error;
use crate::laws::cargo_program;

/// A test that runs longer, in seconds, is taken for one that never ends; the slowest needs a tenth of it.
const LIMIT: &str = "200";
/// How `timeout` says that it had to end the program.
const ENDED: i32 = 124;
/// Of what a test says, so much is shown.
const SHOWN: usize = 100;

/// A fault, and the test that must notice it.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// Its name on the command line.
    pub id: &'static str,
    /// What is promised that it breaks; of a bug known from elsewhere, the number in the list of demands.
    pub against: &'static str,
    /// What it does, in a few words.
    pub fault: &'static str,
    /// How it is put in.
    pub edits: &'static [Edit],
    /// What must fail.
    pub test: Test,
}

/// A change of one file.
#[derive(Clone, Copy, Debug)]
pub struct Edit {
    /// The file, from the top of the repository.
    pub file: &'static str,
    /// What stands there, exactly once.
    pub text: &'static str,
    /// What stands there instead.
    pub instead: &'static str,
}

/// Tests of one package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Test {
    /// The package.
    pub package: &'static str,
    /// The file in its folder `tests`, without its ending; `None` for those in the library.
    pub file: Option<&'static str>,
    /// Part of the test's name.
    pub name: &'static str,
}

/// What became of a mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The test failed, with these words.
    Noticed(String),
    /// The test did not end.
    NeverEnded,
    /// The test passed all the same.
    Survived,
    /// It is no program.
    DoesNotBuild,
}

impl Verdict {
    /// Whether the fault was noticed.
    pub fn is_red(&self) -> bool {
        matches!(self, Verdict::Noticed(_) | Verdict::NeverEnded)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Noticed(words) => write!(f, "red: {words}"),
            Verdict::NeverEnded => f.write_str("red: the test does not end"),
            Verdict::Survived => f.write_str("SURVIVED"),
            Verdict::DoesNotBuild => f.write_str("DOES NOT BUILD"),
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Test {
            package,
            file,
            name,
        } = self;
        match file {
            Some(file) => write!(f, "{package}/tests/{file} {name}"),
            None => write!(f, "{package} {name}"),
        }
    }
}

/// Runs the mutants whose ids are given, or all, in a copy of the tree in `root`. The copy and what is built
/// there go into `folder` and stay there, or into one that is removed afterwards. Answers whether all were
/// noticed.
pub fn run(root: &Path, ids: &[&str], folder: Option<&Path>) -> Result<bool, Error> {
    let chosen = choose(MUTANTS, ids)?;
    let Some(folder) = folder else {
        let name = format!("gannet-mutants-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let all_noticed = judge_all(root, &folder, &chosen);
        fs::remove_dir_all(&folder)?;
        return all_noticed;
    };
    judge_all(root, &std::path::absolute(folder)?, &chosen)
}

/// Prints the list.
pub fn print_list() {
    for mutant in MUTANTS {
        println!("{:<24} {}: {}", mutant.id, mutant.against, mutant.fault);
    }
}

fn choose<'a>(mutants: &'a [Mutant], ids: &[&str]) -> Result<Vec<&'a Mutant>, Error> {
    let is_there = |id: &&str| mutants.iter().any(|mutant| mutant.id == *id);
    if let Some(unknown) = ids.iter().find(|id| !is_there(id)) {
        return Err(format!("there is no mutant {unknown:?}").into());
    }
    let is_meant = |mutant: &&Mutant| ids.is_empty() || ids.contains(&mutant.id);
    Ok(mutants.iter().filter(is_meant).collect())
}

/// Texts to be replaced that don't stand in the tree just once.
pub fn misplaced(root: &Path, mutants: &[&Mutant]) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    for mutant in mutants {
        for edit in mutant.edits {
            let times = fs::read_to_string(root.join(edit.file))?
                .matches(edit.text)
                .count();
            if times != 1 {
                let (id, file) = (mutant.id, edit.file);
                found.push(format!("{id}: its text stands {times} times in {file}"));
            }
        }
    }
    Ok(found)
}

fn judge_all(root: &Path, folder: &Path, mutants: &[&Mutant]) -> Result<bool, Error> {
    let misplaced = misplaced(root, mutants)?;
    for problem in &misplaced {
        println!("mutants: {problem}");
    }
    if !misplaced.is_empty() {
        return Ok(false);
    }
    let shop = Workshop::new(root, folder)?;
    println!("mutants: in {}", folder.display());
    for test in mutants.iter().map(|m| m.test).collect::<BTreeSet<_>>() {
        let sane = shop.test(test, "unchanged")?;
        if sane != Verdict::Survived {
            println!("mutants: without any fault, {test}: {sane}");
            return Ok(false);
        }
    }
    let mut verdicts = Vec::new();
    for mutant in mutants {
        let verdict = shop.judge(mutant)?;
        println!("mutants: {:<24} {verdict}", mutant.id);
        verdicts.push(verdict);
    }
    print!("{}", table(mutants, &verdicts));
    let red = verdicts.iter().filter(|verdict| verdict.is_red()).count();
    println!("mutants: {red} of {} noticed", verdicts.len());
    Ok(red == verdicts.len())
}

fn table(mutants: &[&Mutant], verdicts: &[Verdict]) -> String {
    let mut table =
        String::from("\n| mutant | against | fault | test | verdict |\n|---|---|---|---|---|\n");
    for (mutant, verdict) in mutants.iter().zip(verdicts) {
        let Mutant {
            id,
            against,
            fault,
            test,
            ..
        } = mutant;
        let verdict = verdict.to_string().replace('|', "\\|");
        table += &format!("| {id} | {against} | {fault} | {test} | {verdict} |\n");
    }
    table
}

/// A copy of the tree, and what is built from it.
struct Workshop {
    tree: PathBuf,
    target: PathBuf,
    logs: PathBuf,
}

impl Workshop {
    /// Brings the copy in `folder` up to date: files that differ are written anew, so that only they are
    /// built again, and those that are no longer there are removed.
    fn new(root: &Path, folder: &Path) -> Result<Workshop, Error> {
        let place = |name| folder.join(name);
        let shop = Workshop {
            tree: place("tree"),
            target: place("target"),
            logs: place("logs"),
        };
        fs::create_dir_all(&shop.logs)?;
        let files = files_of(root)?;
        for file in &files {
            let (from, to) = (root.join(file), shop.tree.join(file));
            if fs::read(&to).ok() != Some(fs::read(&from)?) {
                fs::create_dir_all(to.parent().unwrap_or(&shop.tree))?;
                fs::copy(&from, &to)?;
            }
        }
        remove_others(&shop.tree, Path::new(""), &files)?;
        Ok(shop)
    }

    /// Puts the fault in, runs the test, and takes it out again.
    fn judge(&self, mutant: &Mutant) -> Result<Verdict, Error> {
        let files: BTreeSet<&str> = mutant.edits.iter().map(|edit| edit.file).collect();
        let read = |file: &&'static str| Ok((*file, fs::read_to_string(self.tree.join(file))?));
        let before: Vec<(&str, String)> = files.iter().map(read).collect::<Result<_, Error>>()?;
        for (file, text) in &before {
            let edits = mutant.edits.iter().filter(|edit| edit.file == *file);
            let changed = edits.fold(text.clone(), |text, e| text.replace(e.text, e.instead));
            fs::write(self.tree.join(file), changed)?;
        }
        let verdict = self.test(mutant.test, mutant.id);
        for (file, text) in before {
            fs::write(self.tree.join(file), text)?;
        }
        verdict
    }

    fn test(&self, test: Test, label: &str) -> Result<Verdict, Error> {
        let name = match label {
            "unchanged" => format!("{label}-{}", test.name),
            _ => label.to_owned(),
        };
        let log = self.logs.join(format!("{name}.log"));
        let Some(program) = self.build(test, &log)? else {
            return Ok(Verdict::DoesNotBuild);
        };
        let out = File::create(&log)?;
        let status = Command::new("timeout")
            .args([LIMIT.as_ref(), program.executable.as_os_str()])
            .arg(test.name)
            .current_dir(program.folder())
            .env("CARGO_MANIFEST_DIR", program.folder())
            .stdout(out.try_clone()?)
            .stderr(out)
            .status()?;
        let said = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        Ok(match status.code() {
            Some(0) if said.contains("running 0 tests") => {
                return Err(format!("there is no test {test}").into());
            }
            Some(0) => Verdict::Survived,
            Some(ENDED) => Verdict::NeverEnded,
            _ => Verdict::Noticed(complaint(&said)),
        })
    }

    /// Builds the test's program, if that can be done; what the compiler says goes into `log`.
    fn build(&self, test: Test, log: &Path) -> Result<Option<Program>, Error> {
        let mut cargo = Command::new(cargo_program());
        cargo.args(["test", "--no-run", "--package", test.package]);
        match test.file {
            Some(file) => cargo.args(["--test", file]),
            None => cargo.arg("--lib"),
        };
        let output = cargo
            .args(["--message-format", "json-render-diagnostics"])
            .current_dir(&self.tree)
            .env("CARGO_TARGET_DIR", &self.target)
            .stdin(Stdio::null())
            .stderr(File::create(log)?)
            .output()?;
        if !output.status.success() {
            return Ok(None);
        }
        let program = String::from_utf8(output.stdout)?
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .find(|program: &Program| program.profile.test);
        program
            .map(Some)
            .ok_or_else(|| "cargo names no test that it has built".into())
    }
}

/// What cargo says of a program that it has built.
#[derive(Deserialize)]
struct Program {
    executable: PathBuf,
    manifest_path: PathBuf,
    profile: Profile,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

impl Program {
    /// Where cargo runs it.
    fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(Path::new("."))
    }
}

/// The files of the tree as it stands, without what is ignored.
fn files_of(root: &Path) -> Result<BTreeSet<PathBuf>, Error> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let names = String::from_utf8(output.stdout)?;
    let files = names.split_terminator('\0').map(PathBuf::from);
    // One that was removed may still be known.
    Ok(files.filter(|file| root.join(file).is_file()).collect())
}

/// Removes files below `folder` of the tree that are not in `files`.
fn remove_others(tree: &Path, folder: &Path, files: &BTreeSet<PathBuf>) -> Result<(), Error> {
    for entry in fs::read_dir(tree.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            remove_others(tree, &path, files)?;
        } else if !files.contains(&path) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The first thing that a test complained of.
fn complaint(said: &str) -> String {
    let mut lines = said
        .lines()
        .skip_while(|line| !line.contains("panicked at "));
    let place = lines.next();
    let words: Vec<&str> = lines
        .take_while(|line| !line.starts_with("note: ") && !line.starts_with("stack backtrace"))
        .map(str::trim)
        .filter(|line| !line.is_empty() && !is_of_a_story(line))
        .collect();
    match (place, words.join(" ")) {
        (None, _) => "it failed without a word".into(),
        (Some(place), words) if words.is_empty() => place.trim().into(),
        (Some(_), words) => words.chars().take(SHOWN).collect(),
    }
}

/// Whether a line is what the simulator tells of the time before: it begins with a moment.
fn is_of_a_story(line: &str) -> bool {
    let first = line.split(' ').next().unwrap_or_default();
    let (seconds, rest) = first.split_once('.').unwrap_or_default();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_number(seconds) && is_number(rest)
}

#[cfg(test)]
mod tests;
