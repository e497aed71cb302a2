//! Subcommands and their help. What each does is in the module of its name.

use std::path::Path;
use std::process::{Command, ExitCode};

use crate::{
    Error, features, instructions, laws, layout, linkage, mutants, report, workspace_root,
};

const HELP: &str = "\
Checks this repository.

Usage: cargo xtask <command> [--help]

Commands:
  verify        all checks below, formatting, clippy and the tests; what a change must pass
  laws          who may depend on whom, and what core may not do
  features      docs/features.md: every row there once, every test it names exists
  report        long files, long functions, files without a header, repeated code (never fails)
  instructions  instruction counts of the hot path: none more than 5 % above the agreed one

Not part of verify, since it takes half an hour:
  mutants       puts known faults in, one at a time: the test for each must fail

Not part of verify, since it builds for release:
  static        a binary that needs no loader and no shared library

Not a check:
  layout        writes the order in which the binary's functions are linked
";

const VERIFY_HELP: &str = "\
Runs, in this order, until one fails: cargo fmt --check, cargo clippy with warnings as errors,
the laws, the check of docs/features.md, the report (which cannot fail), cargo test, and the
instruction counts of the hot path, if valgrind is there; it says loudly if it is not.

Usage: cargo xtask verify
";

const LAWS_HELP: &str = "\
Checks the three laws of docs/ARCHITECTURE.md against `cargo metadata` and the sources:
  1  core is pure: no_std, no unsafe code, only dependencies that are pure too
  2  only shell/rt touches the world: async runtime, TLS, sockets, entropy
  3  every dependency between our own crates is in the table of who may use whom

Usage: cargo xtask laws
";

const FEATURES_HELP: &str = "\
Checks docs/features.md: every feature is there exactly once, with a known status; what works
names the test that shows it; every test or file named exists.

Usage: cargo xtask features
";

const REPORT_HELP: &str = "\
Prints files of more than 500 lines of code, functions of more than 60 lines, files that don't
open with a //! header, and code of 6 lines or more that stands in several places.

Usage: cargo xtask report
";

const INSTRUCTIONS_HELP: &str = "\
Builds the workloads of proof/bench for release, counts their instructions per operation with
valgrind, and compares with proof/bench/counts.txt. Fails when an operation got more than 5 %
dearer, when one is not in the list or not there any more, and when valgrind is missing.

Usage: cargo xtask instructions [--accept]

Options:
  --accept  write the counts into the list instead
";

const LAYOUT_HELP: &str = "\
Builds gannet for release, runs a super-cluster of nine with one server under valgrind, and writes
the functions that it ran into shell/gannet/layout: the next build puts them side by side, so that
less of the program is mapped into each process. To be run after a change of compiler.

Usage: cargo xtask layout
";

const MUTANTS_HELP: &str = "\
Copies the tree as it stands to a folder, and there puts faults in, one at a time: bugs that other
servers of this kind are known for, and some against what every message is promised. For each it
builds and runs the test that must notice. Fails when one was not noticed, when one does not build,
and when the text that one replaces does not stand in its file exactly once.

Usage: cargo xtask mutants [--in FOLDER] [ID...]
       cargo xtask mutants --list

Options:
  --in FOLDER  work there, and leave what was built and said there for the next time; else in a
               temporary folder, which is removed
  --list       name the faults
";

const STATIC_HELP: &str = "\
Builds gannet for release and checks what came of it: the ELF header names no loader and no shared
library, and the program answers --version. On x86_64-unknown-linux-gnu this is the usual release
build, which is linked statically where libc.a and libgcc_eh.a are installed; on other targets the
compiler is told to (crt-static).

Usage: cargo xtask static [--copy-to FILE]
       cargo xtask static --check FILE

Options:
  --copy-to FILE  leave the binary there, too
  --check FILE    check this one, build nothing
";

/// Runs one command line, without the program's name.
pub fn run(args: &[String]) -> ExitCode {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let root = workspace_root();
    let done = match words.as_slice() {
        [] | ["help" | "--help" | "-h"] => help(HELP),
        ["verify", "--help" | "-h"] => help(VERIFY_HELP),
        ["laws", "--help" | "-h"] => help(LAWS_HELP),
        ["features", "--help" | "-h"] => help(FEATURES_HELP),
        ["report", "--help" | "-h"] => help(REPORT_HELP),
        ["instructions", "--help" | "-h"] => help(INSTRUCTIONS_HELP),
        ["layout", "--help" | "-h"] => help(LAYOUT_HELP),
        ["mutants", "--help" | "-h"] => help(MUTANTS_HELP),
        ["static", "--help" | "-h"] => help(STATIC_HELP),
        ["verify"] => verify(&root),
        ["laws"] => judged("laws", laws::check(&root)),
        ["features"] => judged("features", features::check(&root)),
        ["report"] => print_report(&root),
        ["instructions"] => instructions::run(&root, false),
        ["instructions", "--accept"] => instructions::run(&root, true),
        ["layout"] => layout::run(&root),
        ["mutants", "--list"] => {
            mutants::print_list();
            Ok(true)
        }
        ["mutants", "--in", folder, ids @ ..] => mutants::run(&root, ids, Some(Path::new(folder))),
        ["mutants", ids @ ..] => mutants::run(&root, ids, None),
        ["static"] => linkage::run(&root, None),
        ["static", "--copy-to", file] => linkage::run(&root, Some(Path::new(file))),
        ["static", "--check", file] => linkage::check(Path::new(file)),
        _ => {
            eprint!("xtask: cannot read {:?}\n\n{HELP}", words.join(" "));
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn help(text: &str) -> Result<bool, Error> {
    print!("{text}");
    Ok(true)
}

fn judged<T: std::fmt::Display>(name: &str, found: Result<Vec<T>, Error>) -> Result<bool, Error> {
    let found = found?;
    for problem in &found {
        println!("{name}: {problem}");
    }
    println!(
        "{name}: {}",
        if found.is_empty() {
            "kept".into()
        } else {
            format!("{} broken", found.len())
        }
    );
    Ok(found.is_empty())
}

fn print_report(root: &Path) -> Result<bool, Error> {
    print!("{}", report::report(root)?);
    Ok(true)
}

fn verify(root: &Path) -> Result<bool, Error> {
    Ok(cargo(root, &["fmt", "--all", "--check"])?
        && cargo(
            root,
            &[
                "clippy",
                "--workspace",
                "--all-targets",
                "--",
                "-D",
                "warnings",
            ],
        )?
        && judged("laws", laws::check(root))?
        && judged("features", features::check(root))?
        && print_report(root)?
        && cargo(root, &["test", "--workspace"])?
        && instructions::run_if_possible(root)?)
}

fn cargo(root: &Path, args: &[&str]) -> Result<bool, Error> {
    println!("$ cargo {}", args.join(" "));
    Ok(Command::new(laws::cargo_program())
        .args(args)
        .current_dir(root)
        .status()?
        .success())
}
