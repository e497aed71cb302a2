//! The command line: arguments → what is meant.
//!
//! What lives here: the reference server's flags in its own grammar (`grammar`), their meaning
//! (`server`, `cluster`, `tls`), the flags of parts that aren't built yet (`unbuilt`), signals to other servers
//! (`signal`), our subcommands (`config`, `dev`, `bench`, `completions`, `man`), what is told of all that (`manual`), what
//! flags give their values (`origins`), which of them hold secrets (`redact`), and what a configuration file may
//! read (`disk`). What does not: doing any of it.

mod cluster;
mod config;
mod dev;
mod disk;
mod error;
mod grammar;
mod manual;
mod origins;
mod redact;
mod server;
mod signal;
#[cfg(test)]
mod tests;
mod tls;
mod unbuilt;

use std::ffi::OsString;
use std::path::Path;

use gannet_config::{Options, Origins, Source, Without};

pub(crate) use config::ConfigCommand;
pub(crate) use dev::DevOptions;
pub(crate) use disk::Disk;
pub(crate) use error::FlagError;
pub(crate) use manual::ManualPage;
pub(crate) use redact::redacted_arguments;
pub(crate) use signal::SignalRequest;

/// The reference server's version that we are compatible with.
const REFERENCE_VERSION: &str = "2.15.1";

/// The environment variable that says what `--without` says.
const WITHOUT: &str = "GANNET_WITHOUT";

/// The name under which the program was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// Ours, with our own subcommands.
    Gannet,
    /// The reference's, by a link: then tools find exactly what they expect.
    NatsServer,
}

impl Program {
    /// The name in front of messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Program::Gannet => "gannet",
            Program::NatsServer => "nats-server",
        }
    }

    fn called_by(path: Option<OsString>) -> Program {
        let path = path.unwrap_or_default();
        match Path::new(&path).file_stem() {
            Some(stem) if stem == "nats-server" => Program::NatsServer,
            _ => Program::Gannet,
        }
    }

    fn version(self) -> String {
        match self {
            Program::NatsServer => format!("nats-server: v{REFERENCE_VERSION}"),
            Program::Gannet => {
                let own = env!("CARGO_PKG_VERSION");
                format!("gannet: v{own} (nats-server {REFERENCE_VERSION} compatible)")
            }
        }
    }
}

/// What the program was asked to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Command {
    /// Run a server.
    Serve,
    /// Check the configuration file and say whether it is valid (`-t`). There is one then.
    CheckConfig,
    /// Print this and exit with 0.
    Print(String),
    /// Send a signal to another server and exit.
    Signal(SignalRequest),
    /// Say what a reload of another server would do, and exit.
    DryRun(DryRun),
    /// Write these manual pages to this directory.
    WritePages(String, Vec<ManualPage>),
    /// Look at configurations.
    Config(ConfigCommand),
    /// Run a whole super-cluster.
    Dev(DevOptions),
    /// Run the load tool with these arguments.
    Bench(Vec<OsString>),
}

/// What would come of a reload: whom to ask, and how to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DryRun {
    /// The processes that a signal would go to.
    pub(crate) request: SignalRequest,
    /// Where to ask instead of at their monitoring ports.
    pub(crate) monitor: Option<String>,
    /// Answer in JSON.
    pub(crate) json: bool,
}

/// A command line that makes sense.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Invocation {
    /// The name under which we were called.
    pub(crate) program: Program,
    /// What to do.
    pub(crate) command: Command,
    /// The configuration file to read first.
    pub(crate) config: Option<String>,
    flags: server::ServerFlags,
    /// The flags as they were written, without dashes, each behind its long name.
    spelled: Vec<(String, String)>,
}

impl Invocation {
    /// Overrides what the configuration file says with what the command line says.
    pub(crate) fn apply(&self, options: &mut Options) -> Result<(), FlagError> {
        self.flags.apply(options)
    }

    /// The parts that the configuration file may have although they are not built: those of the flag, or else those of
    /// the environment.
    pub(crate) fn without(&self, source: &dyn Source) -> Result<Without, FlagError> {
        match &self.flags.without {
            Some(without) => Ok(without.clone()),
            None => {
                let text = source.env(WITHOUT).unwrap_or_default();
                let invalid = |reason| FlagError::Variable {
                    name: WITHOUT,
                    reason,
                };
                text.parse().map_err(invalid)
            }
        }
    }

    /// Notes which settings [`Invocation::apply`] has given their values.
    pub(crate) fn note(&self, origins: &mut Origins) {
        origins::note(&self.spelled, origins);
    }
}

/// Reads the arguments, the first of which is the program's own path. An error is to be printed on
/// standard error, with [`Program::name`] and a colon in front, and ends the program with 1.
pub(crate) fn parse(
    mut args: impl Iterator<Item = OsString>,
) -> (Program, Result<Invocation, FlagError>) {
    let program = Program::called_by(args.next());
    (program, invocation(program, args.collect()))
}

fn invocation(program: Program, args: Vec<OsString>) -> Result<Invocation, FlagError> {
    let known = server::definition();
    let line = grammar::split(&known, args)?;
    let flags = server::parse(known, &line)?;
    let command = command(program, &flags, &line.rest)?;
    // Flags of parts that aren't built don't stop anybody from asking for help.
    if !matches!(command, Command::Print(_)) {
        unbuilt::check(&line.unbuilt)?;
    }
    let config = flags.config.clone().filter(|path| !path.is_empty());
    if command == Command::CheckConfig && config.is_none() {
        return Err(FlagError::NothingToCheck);
    }
    Ok(Invocation {
        program,
        command,
        config,
        flags,
        spelled: line.spelled,
    })
}

/// The command, in the reference's order of precedence.
fn command(
    program: Program,
    flags: &server::ServerFlags,
    rest: &[OsString],
) -> Result<Command, FlagError> {
    if flags.version == Some(true) {
        return Ok(Command::Print(program.version()));
    }
    if flags.help == Some(true) {
        return Ok(Command::Print(manual::help(program)));
    }
    if flags.tls.help == Some(true) {
        return Ok(Command::Print(tls::HELP.into()));
    }
    if let Some((word, arguments)) = rest.split_first() {
        return match (word.to_string_lossy().to_lowercase().as_str(), program) {
            ("version", _) => Ok(Command::Print(program.version())),
            ("help", _) => Ok(Command::Print(manual::help(program))),
            ("config", Program::Gannet) => config::parse(arguments),
            ("dev", Program::Gannet) => dev::parse(arguments),
            ("completions", Program::Gannet) => manual::completions(arguments),
            ("man", Program::Gannet) => manual::man(arguments),
            ("bench", Program::Gannet) => Ok(Command::Bench(arguments.to_vec())),
            _ => Err(FlagError::UnknownCommand(
                word.to_string_lossy().into_owned(),
            )),
        };
    }
    if let Some(signal) = flags.signal.as_deref().filter(|s| !s.is_empty()) {
        return told_signal(flags, signal::parse(signal)?);
    }
    is_alone(flags, "--signal reload")?;
    if flags.check == Some(true) {
        return Ok(Command::CheckConfig);
    }
    Ok(Command::Serve)
}

fn told_signal(flags: &server::ServerFlags, request: SignalRequest) -> Result<Command, FlagError> {
    if flags.dry_run != Some(true) {
        is_alone(flags, "--dry-run")?;
        return Ok(Command::Signal(request));
    }
    if !request.is_reload() {
        is_alone(flags, "--signal reload")?;
    }
    Ok(Command::DryRun(DryRun {
        request,
        monitor: flags.monitor.clone().filter(|url| !url.is_empty()),
        json: flags.json == Some(true),
    }))
}

/// Refuses the flags of a dry run where there is none.
fn is_alone(flags: &server::ServerFlags, with: &'static str) -> Result<(), FlagError> {
    let given = [
        ("dry-run", flags.dry_run == Some(true)),
        ("monitor", flags.monitor.is_some()),
        ("json", flags.json == Some(true)),
    ];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        Some((flag, _)) => Err(FlagError::Alone { flag, with }),
        None => Ok(()),
    }
}

/// What clap says about the arguments of a subcommand: help that was asked for, or what is wrong with them.
fn told(error: &clap::Error) -> Result<Command, FlagError> {
    let text = error.render().to_string();
    if error.use_stderr() {
        let text = text.trim_start_matches("error: ").trim_end();
        return Err(FlagError::Subcommand(text.to_string()));
    }
    Ok(Command::Print(text.trim_end().to_string()))
}
