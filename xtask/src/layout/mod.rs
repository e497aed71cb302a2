//! The order of functions in the binary: what a server of a super-cluster runs, under valgrind, from its start to
//! messages and monitoring, written to `shell/gannet/layout`. Not here: how the linker is told (`shell/gannet/build.rs`).
//!
//! A function's symbol depends on its crate's name, version and profile and on the compiler, not on its code: the list
//! stays good for long. It should be written anew with each new compiler, and after large changes.

mod servers;
mod trace;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Error;
use crate::instructions::{build, compiler, valgrind_version};

/// The list, from the top of the repository.
const LIST: &str = "shell/gannet/layout/x86_64-unknown-linux-gnu.txt";

/// Writes the list.
pub fn run(root: &Path) -> Result<bool, Error> {
    let Some(valgrind) = valgrind_version() else {
        return Err("valgrind is missing. `apt-get install valgrind`".into());
    };
    let program = build(root, &["--package", "gannet", "--bin", "gannet"])?;
    let folder = program.with_file_name("layout");
    fs::create_dir_all(&folder)?;
    let mut names = Vec::new();
    for pages in [&[][..], &servers::PAGES] {
        let text = servers::trace_one(&program, &folder, pages)?;
        let ran = trace::functions(&text, &program.to_string_lossy());
        if ran.is_empty() {
            return Err("valgrind saw no function of the program".into());
        }
        // What only monitoring needs stands behind all else, not among it.
        add(&mut names, ran);
    }
    let before = fs::read_to_string(root.join(LIST)).unwrap_or_default();
    let known = names.iter().filter(|name| before.contains(name.as_str()));
    println!(
        "layout: {} functions, {} of them in the list so far",
        names.len(),
        known.count()
    );
    let head = format!("# made with {}, {valgrind}\n", compiler()?);
    fs::write(root.join(LIST), head + &names.join("\n") + "\n")?;
    println!("layout: {LIST} written");
    Ok(true)
}

/// Appends what is not there yet, and of the C library's functions the form for newer processors than valgrind's.
fn add(names: &mut Vec<String>, more: Vec<String>) {
    let mut known: BTreeSet<String> = names.iter().cloned().collect();
    for name in more {
        let newer = name
            .replace("_avx_unaligned", "_evex_unaligned")
            .replace("_avx2", "_evex");
        for name in [name, newer] {
            if known.insert(name.clone()) {
                names.push(name);
            }
        }
    }
}

/// `valgrind` with what makes it write down, into `out`, which functions the program after it runs.
fn valgrind(out: &Path) -> Command {
    let mut command = Command::new("valgrind");
    command.args(["--quiet", "--tool=callgrind", "--demangle=no"]);
    command.arg(format!("--callgrind-out-file={}", out.display()));
    command
}
