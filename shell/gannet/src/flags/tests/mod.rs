//! Tables about the command line, by subject; what they share is here.

mod cluster;
mod commands;
mod disk;
mod manual;
mod options;
mod refusals;
mod signals;
mod tls;
mod without;

use std::ffi::OsString;

use gannet_config::Options;

use super::Invocation;

/// The invocation of a line whose words are separated by blanks; `''` is an empty one.
fn invocation(line: &str) -> Result<Invocation, String> {
    let args = line
        .split(' ')
        .map(|arg| OsString::from(if arg == "''" { "" } else { arg }));
    let (program, result) = super::parse(args);
    result.map_err(|error| format!("{}: {error}", program.name()))
}

/// The options of a line over a file that says `file`.
fn over(file: &Options, line: &str) -> Options {
    let invocation = invocation(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    let mut options = file.clone();
    invocation
        .apply(&mut options)
        .unwrap_or_else(|error| panic!("{line}: {error}"));
    options
}

fn changed(change: impl FnOnce(&mut Options)) -> Options {
    let mut options = Options::default();
    change(&mut options);
    options
}
