//! `gannet config`: looking at configurations without running them.

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueHint};

use super::Command;
use super::error::FlagError;

/// What `gannet config` is asked.
#[derive(Clone, Debug, PartialEq, Eq, Parser)]
#[command(
    name = "gannet config",
    bin_name = "gannet config",
    about = "Looks at configurations without running them",
    no_binary_name = true,
    subcommand_required = true,
    disable_help_subcommand = true
)]
struct ConfigLine {
    #[command(subcommand)]
    command: ConfigCommand,
}

/// One of its questions.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Shows every setting, its value and where that comes from
    #[command(after_help = EXPLAIN_HELP)]
    Explain {
        /// As JSON
        #[arg(long)]
        json: bool,
        /// The configuration file (default: the one that -c names, or none)
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: Option<String>,
    },
    /// Says what a reload would change, and which connections it would end
    #[command(after_help = DIFF_HELP)]
    Diff {
        /// As JSON
        #[arg(long)]
        json: bool,
        /// The file that the server was started with
        #[arg(value_name = "OLD", value_hint = ValueHint::FilePath)]
        old: String,
        /// The file that it would go by
        #[arg(value_name = "NEW", value_hint = ValueHint::FilePath)]
        new: String,
    },
}

const EXPLAIN_HELP: &str = "\
A value comes from a place in a file (through a variable, if one stands there), from a flag, or it is the \
default. What is not set at all is left out (in JSON it is null); secrets are not shown. The text is itself \
a configuration file.

The server's own flags go in front: `gannet -p 4333 config explain a.conf`.

Exit codes:
  0  the configuration can be used
  1  it cannot; standard error says why";

const DIFF_HELP: &str = "\
Each line is a setting with its old and its new value, and what becomes of it:
  live     it changes while the server runs
  refused  it cannot, so that nothing at all changes
  ignored  nobody looks: it counts from the next start, or has no meaning
Files that a configuration names, such as certificates, are read again by every reload.

The server's own flags go in front, since they override both files: `gannet -D config diff a.conf b.conf`.

Exit codes:
  0  a reload would do it, and no connection would end
  1  one of the files cannot be used; standard error says why
  2  a reload would be refused
  3  a reload would do it, and end some connections";

/// What may stand behind `config`.
pub(super) fn definition() -> clap::Command {
    ConfigLine::command()
}

/// The arguments behind `config`.
pub(super) fn parse(args: &[OsString]) -> Result<Command, FlagError> {
    let matches = ConfigLine::command().try_get_matches_from(args);
    match matches.and_then(|matches| ConfigLine::from_arg_matches(&matches)) {
        Ok(line) => Ok(Command::Config(line.command)),
        Err(error) => super::told(&error),
    }
}
