//! The order of functions in the binary: what servers of a super-cluster run, under valgrind, from their start to
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
    // Where the program begins, which valgrind has no name for.
    let mut names = vec!["_start".to_owned()];
    for (watched, pages) in [
        (&servers::ALL[..], &[][..]),
        (&servers::ONE, &servers::PAGES),
    ] {
        let texts = servers::trace(&program, &folder, watched, pages)?;
        let ran = trace::functions(&texts, &program.to_string_lossy());
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

/// Appends what is not there yet, and of the C library's functions the forms for other processors than valgrind's, with
/// what chooses among them at the start.
fn add(names: &mut Vec<String>, more: Vec<String>) {
    let mut known: BTreeSet<String> = names.iter().cloned().collect();
    for name in more {
        let others = other_forms(&name);
        for name in [name].into_iter().chain(others) {
            if known.insert(name.clone()) {
                names.push(name);
            }
        }
    }
}

/// Names that the C library may have for the same function. Those that it doesn't have do no harm.
fn other_forms(name: &str) -> Vec<String> {
    const FORMS: [&str; 5] = ["_sse2", "_sse42", "_ssse3", "_avx", "_evex"];
    let Some(rest) = name.strip_prefix("__") else {
        let is_plain = !name.starts_with('_');
        return is_plain
            .then(|| format!("{name}_ifunc"))
            .into_iter()
            .collect();
    };
    let Some(stem) = FORMS.iter().find_map(|form| Some(rest.split_once(form)?.0)) else {
        return Vec::new();
    };
    let newer = ["_avx2", "_evex", "_avx512"].map(|form| format!("__{stem}{form}"));
    let unaligned = ["_evex", "_avx512"].map(|form| format!("__{stem}{form}_unaligned_erms"));
    let chooser = format!("{stem}_ifunc");
    newer
        .into_iter()
        .chain(unaligned)
        .chain([chooser])
        .collect()
}

/// `valgrind` with what makes it write down, into `out`, which functions the program after it runs.
fn valgrind(out: &Path) -> Command {
    let mut command = Command::new("valgrind");
    command.args(["--quiet", "--tool=callgrind", "--demangle=no"]);
    command.arg(format!("--callgrind-out-file={}", out.display()));
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_for_other_processors_follow_the_one_that_ran() {
        let mut names = vec!["_ZN5first".to_owned()];
        let more = ["__memmove_avx_unaligned_erms", "isatty", "_ZN5first"];
        add(&mut names, more.map(str::to_owned).to_vec());
        assert_eq!(
            names,
            [
                "_ZN5first",
                "__memmove_avx_unaligned_erms",
                "__memmove_avx2",
                "__memmove_evex",
                "__memmove_avx512",
                "__memmove_evex_unaligned_erms",
                "__memmove_avx512_unaligned_erms",
                "memmove_ifunc",
                "isatty",
                "isatty_ifunc",
            ]
        );
    }
}
