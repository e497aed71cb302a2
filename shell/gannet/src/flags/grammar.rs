//! The grammar of the reference's flags → the one that clap reads.
//!
//! A flag has one dash or two (`-js` is one flag, not two), its value behind `=` or in the next
//! argument; a switch takes a value only behind `=`. The first argument that is no flag ends them.

use std::ffi::{OsStr, OsString};

use super::error::FlagError;
use super::unbuilt;

/// A command line taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// Every flag as `--long=value`, for clap.
    pub(super) normal: Vec<OsString>,
    /// The flags as they were written, without dashes, each beside its long name.
    pub(super) spelled: Vec<(String, String)>,
    /// Flags of parts that aren't built yet, with their values.
    pub(super) unbuilt: Vec<(String, String)>,
    /// What follows the flags.
    pub(super) rest: Vec<OsString>,
}

/// What a name stands for.
struct Flag {
    /// Its long name for clap; none if the flag's part isn't built.
    long: Option<String>,
    /// Whether it takes a value only behind `=`.
    switch: bool,
}

/// Takes the arguments apart. `known` has a long name and perhaps a letter and aliases for each flag.
pub(super) fn split(known: &clap::Command, args: Vec<OsString>) -> Result<Line, FlagError> {
    let mut line = Line::default();
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        let text = arg.to_string_lossy();
        if text == "--" {
            break;
        }
        let Some(body) = text.strip_prefix('-').filter(|b| !b.is_empty()) else {
            line.rest.push(arg);
            break;
        };
        let body = body.strip_prefix('-').unwrap_or(body);
        if body.starts_with(['-', '=']) {
            return Err(FlagError::Syntax(text.into_owned()));
        }
        let (name, inline) = match body.split_once('=') {
            Some((name, _)) => (name, Some(after_equals(&arg))),
            None => (body, None),
        };
        let flag = find(known, name).ok_or_else(|| FlagError::Unknown(name.to_string()))?;
        let value = match inline {
            Some(value) => value,
            None if flag.switch => "true".into(),
            None => args
                .next()
                .ok_or_else(|| FlagError::NeedsArgument(name.to_string()))?,
        };
        let value = value
            .into_string()
            .map_err(|_| FlagError::NotText(name.to_string()))?;
        match flag.long {
            Some(long) => {
                line.normal.push(format!("--{long}={value}").into());
                line.spelled.push((long, name.to_string()));
            }
            None => line.unbuilt.push((name.to_string(), value)),
        }
    }
    line.rest.extend(args);
    Ok(line)
}

/// What follows the first `=`.
fn after_equals(arg: &OsStr) -> OsString {
    match arg.to_str() {
        Some(text) => text.split_once('=').map_or("", |(_, value)| value).into(),
        // Not UTF-8: handed on whole, so that it is refused as such.
        None => arg.to_os_string(),
    }
}

fn find(known: &clap::Command, name: &str) -> Option<Flag> {
    let named = |arg: &&clap::Arg| {
        let letter = name.chars().next().filter(|c| c.len_utf8() == name.len());
        arg.get_long() == Some(name)
            || letter.is_some() && arg.get_short() == letter
            || arg
                .get_all_aliases()
                .is_some_and(|aliases| aliases.contains(&name))
    };
    if let Some(arg) = known.get_arguments().find(named) {
        let switch = arg.get_num_args().is_some_and(|n| n.min_values() == 0);
        return arg.get_long().map(|long| Flag {
            long: Some(long.to_string()),
            switch,
        });
    }
    unbuilt::find(name).map(|_| Flag {
        long: None,
        switch: true,
    })
}
