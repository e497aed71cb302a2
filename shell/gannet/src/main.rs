//! The `gannet` binary: what the command line means, done; and the exit code.
//!
//! What lives here: flags (`flags`), one server with its log, files and signals (`serve` and its
//! neighbours), signals to other servers (`tell`) and what they would do (`dry_run`), a look at configurations (`config`), and a super-cluster
//! to try things out (`dev`). What does not: anything that an embedder of `gannet_node` would need, too.

mod config;
mod configuration;
mod descriptors;
mod dev;
mod dry_run;
mod files;
mod flags;
mod host;
mod logging;
mod memory;
mod process;
mod serve;
mod supervision;
mod tell;
mod words;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use flags::{Command, Invocation, Program};

fn main() -> ExitCode {
    memory::set_up();
    let (program, invocation) = flags::parse(std::env::args_os());
    match invocation {
        Ok(invocation) => run(&invocation),
        Err(error) => refuse(program, error),
    }
}

fn run(invocation: &Invocation) -> ExitCode {
    match &invocation.command {
        Command::Serve => serve::run(invocation),
        Command::CheckConfig => configuration::check(invocation),
        Command::Print(text) => {
            say(text);
            ExitCode::SUCCESS
        }
        Command::Signal(request) => match tell::tell(invocation.program, request) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => refuse(invocation.program, error),
        },
        Command::DryRun(asked) => dry_run::run(invocation, asked),
        Command::WritePages(directory, pages) => match files::write_pages(directory, pages) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => refuse(invocation.program, error),
        },
        Command::Config(command) => config::run(invocation, command),
        Command::Dev(options) => dev::run(options),
        Command::Bench(arguments) => bench(arguments),
    }
}

fn bench(arguments: &[OsString]) -> ExitCode {
    let name = std::iter::once(OsString::from("gannet bench"));
    let code = gannet_load::main(name.chain(arguments.iter().cloned()));
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

/// Prints on standard output. A reader that has gone away is no reason to fail.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints why the program can't do what it was asked to, as the reference server puts it.
fn refuse(program: Program, why: impl std::fmt::Display) -> ExitCode {
    // Nobody is left to be told if this fails.
    let _ = writeln!(std::io::stderr(), "{}: {why}", program.name());
    ExitCode::FAILURE
}
