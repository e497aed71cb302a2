//! The load tool behind `gannet bench`: it starts server processes of its own, drives them over loopback with the raw
//! client protocol, proves that every message arrived once and in order, and reports what that cost the server.
//!
//! Lives here: the scenarios, the publishing and receiving threads, the accounting of child processes, the report.
//! Does not live here: anything the server itself needs; nothing of the server may use this crate.
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a client-side tool measuring real processes: it needs the real clock, sockets and threads, and is never simulated"
)]

mod cli;
mod codec;
mod error;
mod flow;
mod footprint;
mod link;
mod metric;
mod process;
mod report;
mod request;
mod run;
mod scenario;
mod stats;
mod watch;

use std::ffi::OsString;

pub use cli::Arguments;

/// Runs the load tool and returns the process's exit code: 0 when every scenario passed, 1 when one failed,
/// 2 for wrong arguments, 130 when interrupted.
///
/// `args` begins with the name under which the tool was called, which the help text repeats (`gannet bench`).
pub fn main(args: impl Iterator<Item = OsString>) -> i32 {
    use clap::Parser;
    match Arguments::try_parse_from(args) {
        Ok(arguments) => run::run(&arguments),
        Err(error) => {
            // Nothing sensible is left to do when the terminal refuses even the usage text.
            let _ = error.print();
            error.exit_code()
        }
    }
}
