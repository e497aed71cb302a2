//! How the binary is linked, for little memory in many processes.
//!
//! What lives here: the order of functions, and linking statically. What does not: how the order is found
//! (`cargo xtask layout`).
//!
//! **Order.** The linker's own scatters what starts a server and carries messages over the whole program, so that
//! nearly all of it is mapped into every process. `layout/TARGET.txt` lists, by symbol, what a server of a
//! super-cluster ran. A name that the program does not have any more is passed over: an old list costs memory,
//! nothing else.
//!
//! **Static** (feature `static`). The loader, the C library and what else comes with it are 2 MiB in each process, for
//! the few hundred KiB that are used. Rust's own way, the target feature `crt-static`, cannot be had without naming a
//! target to cargo, which puts the binary elsewhere. So the linker is shown the static libraries first. Where they
//! aren't installed, the binary is linked as usual.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The target that this is for.
const TARGET: &str = "x86_64-unknown-linux-gnu";
/// The libraries that the compiler asks for by name.
const LIBRARIES: [&str; 6] = ["c", "dl", "m", "pthread", "rt", "util"];

fn main() {
    let list = Path::new("layout").join(TARGET).with_extension("txt");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={}", list.display());
    if variable("TARGET") != TARGET || variable("PROFILE") != "release" || !is_usual_linker() {
        return;
    }
    let list = PathBuf::from(variable("CARGO_MANIFEST_DIR")).join(list);
    if list.exists() {
        tell_linker(&format!("-Wl,--symbol-ordering-file={}", list.display()));
        tell_linker("-Wl,--no-warn-symbol-ordering");
    }
    if env::var_os("CARGO_FEATURE_STATIC").is_some()
        && let Some(folder) = static_libraries()
    {
        tell_linker(&format!("-L{}", folder.display()));
        tell_linker("-static-pie");
        // A tenth of the size, and the code that reads it is linked with it.
        tell_linker("-Wl,-z,pack-relative-relocs");
    }
}

fn tell_linker(argument: &str) {
    println!("cargo:rustc-link-arg-bins={argument}");
}

/// Whether linking is left to the linker that the toolchain brings along, which knows these arguments.
fn is_usual_linker() -> bool {
    let flags = variable("CARGO_ENCODED_RUSTFLAGS");
    if env::var_os("RUSTC_LINKER").is_some() || flags.contains("link") {
        return false;
    }
    let sysroot = answer(&variable("RUSTC"), &["--print", "sysroot"]).unwrap_or_default();
    let tools = Path::new(&sysroot).join("lib/rustlib").join(TARGET);
    tools.join("bin/gcc-ld/ld.lld").exists()
}

/// A folder of static libraries by the names that the compiler asks for, if this machine has them all.
fn static_libraries() -> Option<PathBuf> {
    let folder = PathBuf::from(variable("OUT_DIR")).join("static");
    fs::create_dir_all(&folder).ok()?;
    let script = |name: &str, files: &[String]| {
        let text = format!("GROUP ( {} )\n", files.join(" "));
        fs::write(folder.join(format!("lib{name}.a")), text).ok()
    };
    for name in LIBRARIES {
        script(name, &[installed(name)?])?;
    }
    // What the shared one holds is two static ones.
    script("gcc_s", &[installed("gcc_eh")?, installed("gcc")?])?;
    Some(folder)
}

/// Where the C compiler finds the static library of that name.
fn installed(name: &str) -> Option<String> {
    let path = answer("cc", &[&format!("-print-file-name=lib{name}.a")])?;
    // Of what it doesn't find it says the name alone.
    Path::new(&path).is_absolute().then_some(path)
}

/// What a program prints, without the line's end.
fn answer(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}
