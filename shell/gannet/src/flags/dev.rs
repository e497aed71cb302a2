//! `gannet dev`: a whole super-cluster in one process, to try things out.

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser};

use super::Command;
use super::error::FlagError;

/// What `gannet dev` starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Parser)]
#[command(
    name = "gannet dev",
    about = "Runs a super-cluster on this machine and shows how it is",
    no_binary_name = true
)]
pub(crate) struct DevOptions {
    /// How many clusters to join by gateways
    #[arg(long, value_name = "M", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) clusters: u16,
    /// How many servers each of them has
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) nodes: u16,
    /// First port for clients; those of routes begin 2000 above it, those of gateways 3000, those of
    /// monitoring 4000 (default: any free ports)
    #[arg(long = "base-port", value_name = "P", value_parser = clap::value_parser!(u16).range(1..=61_000))]
    pub(crate) base_port: Option<u16>,
    /// No monitoring
    #[arg(long = "no-monitor")]
    pub(crate) no_monitor: bool,
    /// Also show everything that the servers log, not only warnings and errors
    #[arg(long)]
    pub(crate) verbose: bool,
}

/// What may stand behind `dev`.
pub(super) fn definition() -> clap::Command {
    DevOptions::command()
}

/// The arguments behind `dev`.
pub(super) fn parse(args: &[OsString]) -> Result<Command, FlagError> {
    let command = DevOptions::command();
    let options = command
        .try_get_matches_from(args)
        .and_then(|matches| DevOptions::from_arg_matches(&matches));
    match options {
        Ok(options) => Ok(Command::Dev(options)),
        Err(error) => super::told(&error),
    }
}
