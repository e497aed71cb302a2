//! `cargo xtask static`: a binary that needs nothing of the system that it runs on, no loader and no shared library.
//!
//! What lives here: building it, and reading from its ELF header what it needs. What does not: how it is linked
//! (`shell/gannet/build.rs`).

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Error;
use crate::instructions::build;

/// The target whose release builds are static anyway, where the libraries for it are installed.
const STATIC_ANYWAY: &str = "x86_64-unknown-linux-gnu";
/// What to build.
const BINARY: [&str; 4] = ["--package", "gannet", "--bin", "gannet"];

/// Program headers (ELF-64, figure 6-1 of the System V ABI) that say what is to be loaded, and by whom.
const LOAD: u32 = 1;
const DYNAMIC: u32 = 2;
const INTERPRETER: u32 = 3;
/// Tags of the dynamic section.
const NEEDED: u64 = 1;
const STRING_TABLE: u64 = 5;

/// Builds the binary for release and checks it; a copy of it goes to `copy_to`. Answers whether all is well.
pub fn run(root: &Path, copy_to: Option<&Path>) -> Result<bool, Error> {
    let host = host()?;
    let flags = format!("target.{host}.rustflags=[\"-Ctarget-feature=+crt-static\"]");
    let mut arguments = BINARY.to_vec();
    if host != STATIC_ANYWAY {
        arguments.extend(["--target", &host, "--config", &flags]);
    }
    let program = build(root, &arguments)?;
    let is_static = check(&program)?;
    if let Some(copy) = copy_to.filter(|_| is_static) {
        fs::copy(&program, copy)?;
    }
    Ok(is_static)
}

/// Whether the program at this place needs nothing, and runs.
pub fn check(program: &Path) -> Result<bool, Error> {
    let shown = program.display();
    let needs = Needs::of(&fs::read(program)?).map_err(|why| format!("{shown}: {why}"))?;
    if needs != Needs::default() {
        println!("static: {shown} needs {needs}");
        if host()? == STATIC_ANYWAY {
            println!(
                "static: are libc.a and libgcc_eh.a installed? `apt-get install libc6-dev gcc`"
            );
        }
        return Ok(false);
    }
    let output = Command::new(program).arg("--version").output()?;
    let version = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() || !version.starts_with("gannet: v") {
        println!(
            "static: {shown} --version says {version:?}, {}",
            output.status
        );
        return Ok(false);
    }
    println!("static: {shown} needs nothing; {}", version.trim_end());
    Ok(true)
}

/// The target that the compiler builds for if nobody says otherwise.
fn host() -> Result<String, Error> {
    let output = Command::new("rustc").arg("-vV").output()?;
    let text = String::from_utf8(output.stdout)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.ok_or("rustc does not say its host")?.to_owned())
}

/// What a program wants of the system before its first instruction.
#[derive(Debug, Default, PartialEq, Eq)]
struct Needs {
    loader: Option<String>,
    libraries: Vec<String>,
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.loader.iter().chain(&self.libraries);
        f.write_str(&all.map(String::as_str).collect::<Vec<_>>().join(", "))
    }
}

impl Needs {
    /// Of the program that these bytes are.
    fn of(file: &[u8]) -> Result<Needs, String> {
        let elf = Elf { file };
        let headers = elf.headers()?;
        let mut needs = Needs::default();
        for header in &headers {
            match header.kind {
                INTERPRETER => needs.loader = Some(elf.text(header.offset)?),
                DYNAMIC => needs.libraries.extend(elf.libraries(header, &headers)?),
                _ => {}
            }
        }
        Ok(needs)
    }
}

/// A program header: which part of the file goes where.
struct Header {
    kind: u32,
    offset: u64,
    address: u64,
    size: u64,
}

/// An executable of 64 bits, little end first.
struct Elf<'a> {
    file: &'a [u8],
}

impl Elf<'_> {
    fn headers(&self) -> Result<Vec<Header>, String> {
        if !self.file.starts_with(b"\x7fELF\x02\x01") {
            return Err("no ELF file of 64 bits, little end first".into());
        }
        let (table, size, count) = (self.u64(0x20)?, self.u16(0x36)?, self.u16(0x38)?);
        let header = |index: u16| {
            let at = table
                .checked_add(u64::from(size) * u64::from(index))
                .ok_or("cut short")?;
            Ok(Header {
                kind: u32::from_le_bytes(self.bytes(at)?),
                offset: self.u64(at + 8)?,
                address: self.u64(at + 16)?,
                size: self.u64(at + 32)?,
            })
        };
        (0..count).map(header).collect()
    }

    /// The names of shared libraries in a dynamic section.
    fn libraries(&self, dynamic: &Header, headers: &[Header]) -> Result<Vec<String>, String> {
        let (mut names, mut table) = (Vec::new(), None);
        for entry in 0..dynamic.size / 16 {
            let at = dynamic.offset.saturating_add(entry * 16);
            match (self.u64(at)?, self.u64(at + 8)?) {
                (NEEDED, name) => names.push(name),
                (STRING_TABLE, address) => table = Some(address),
                _ => {}
            }
        }
        let Some(table) = table.and_then(|address| place(headers, address)) else {
            return Ok(names.iter().map(|_| "a shared library".into()).collect());
        };
        let name = |name: &u64| self.text(table.saturating_add(*name));
        names.iter().map(name).collect()
    }

    /// Text up to a zero.
    fn text(&self, at: u64) -> Result<String, String> {
        let start = usize::try_from(at).ok().and_then(|at| self.file.get(at..));
        let text = start.and_then(|rest| rest.split(|byte| *byte == 0).next());
        let text = text.ok_or("cut short")?;
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    fn u64(&self, at: u64) -> Result<u64, String> {
        self.bytes(at).map(u64::from_le_bytes)
    }

    fn u16(&self, at: u64) -> Result<u16, String> {
        self.bytes(at).map(u16::from_le_bytes)
    }

    fn bytes<const N: usize>(&self, at: u64) -> Result<[u8; N], String> {
        let start = usize::try_from(at).ok().and_then(|at| self.file.get(at..));
        let bytes = start.and_then(<[u8]>::first_chunk);
        bytes.copied().ok_or_else(|| "cut short".into())
    }
}

/// Where in the file the byte is that will be at this address.
fn place(headers: &[Header], address: u64) -> Option<u64> {
    let loads = headers.iter().filter(|header| header.kind == LOAD);
    let mut offsets = loads.filter_map(|load| {
        let inside = address.checked_sub(load.address)?;
        (inside < load.size).then_some(load.offset + inside)
    });
    offsets.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An executable with these program headers (kind, offset, address, size) and this behind them, at 512.
    fn elf(headers: &[(u32, u64, u64, u64)], rest: &[u8]) -> Vec<u8> {
        let mut file = vec![0; 64];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        file[0x20] = 64;
        file[0x36] = 56;
        file[0x38] = u8::try_from(headers.len()).unwrap();
        for (kind, offset, address, size) in headers {
            file.extend(kind.to_le_bytes());
            file.extend([0; 4]);
            for number in [offset, address, &0, size, size, &0] {
                file.extend(number.to_le_bytes());
            }
        }
        file.resize(512, 0);
        file.extend(rest);
        file
    }

    #[test]
    fn a_loader_and_libraries_are_needs() {
        let text = b"\0libc.so.6\0/lib/ld.so\0";
        let dynamic = [NEEDED, 1, STRING_TABLE, 0x4000, 0, 0].map(u64::to_le_bytes);
        let rest = [&text[..], dynamic.as_flattened()].concat();
        let size = rest.len() as u64;
        let load = (LOAD, 512, 0x4000, size);
        let section = (DYNAMIC, 512 + text.len() as u64, 0x5000, 48);
        let interpreter = (INTERPRETER, 512 + 11, 0x4000, 11);
        let needs = |headers: &[_]| Needs::of(&elf(headers, &rest)).unwrap();
        assert_eq!(needs(&[load]), Needs::default());
        assert_eq!(
            needs(&[load, interpreter, section]).to_string(),
            "/lib/ld.so, libc.so.6"
        );
        // Nobody knows what it is called, but it is one.
        assert_eq!(needs(&[section]).to_string(), "a shared library");
    }

    /// As a static program has it that can be loaded anywhere.
    #[test]
    fn a_dynamic_section_without_libraries_needs_nothing() {
        let dynamic = [STRING_TABLE, 0x4000, 0, 0].map(u64::to_le_bytes);
        let section = (DYNAMIC, 512, 0x5000, 32);
        let file = elf(&[section], dynamic.as_flattened());
        assert_eq!(Needs::of(&file), Ok(Needs::default()));
    }

    #[test]
    fn what_is_no_program_is_refused() {
        assert!(Needs::of(b"#!/bin/sh\n").is_err());
        let whole = elf(&[(INTERPRETER, 600, 0, 9)], b"");
        for length in 0..whole.len() {
            assert!(Needs::of(&whole[..length]).is_err(), "{length}");
        }
        let endless = elf(&[(DYNAMIC, u64::MAX - 3, 0, u64::MAX)], b"");
        assert!(Needs::of(&endless).is_err());
    }
}
