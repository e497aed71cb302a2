//! What is told of the command line, all from its one definition: `--help`, completions for shells, manual pages.
//! Not here: the definition (`server` and its neighbours).

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser, ValueHint};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::error::FlagError;
use super::{Command, Program, config, dev, server, signal};

const ABOUT: &str = "A NATS-compatible messaging server built around the super-cluster";

const GRAMMAR: &str = "Flags may have one dash or two, their values after a blank or an equals sign. \
                       `gannet COMMAND --help` tells more about a command.";

/// Prints what a shell needs to complete the command line, to be read by it at its start
#[derive(Debug, Parser)]
#[command(
    name = "gannet completions",
    bin_name = "gannet completions",
    no_binary_name = true,
    after_help = COMPLETIONS_HELP
)]
struct CompletionsLine {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
    /// Complete the command line of nats-server, a link to this program
    #[arg(long = "nats-server")]
    nats_server: bool,
}

const COMPLETIONS_HELP: &str = "\
Where shells look for it:
  bash        gannet completions bash > /usr/share/bash-completion/completions/gannet
  zsh         gannet completions zsh > /usr/share/zsh/vendor-completions/_gannet
  fish        gannet completions fish > /usr/share/fish/vendor_completions.d/gannet.fish
  elvish      eval (gannet completions elvish | slurp)
  powershell  gannet completions powershell | Out-String | Invoke-Expression";

/// Prints the manual page, or writes all of them to a directory
#[derive(Debug, Parser)]
#[command(
    name = "gannet man",
    bin_name = "gannet man",
    no_binary_name = true,
    after_help = "`gannet man | man -l -` shows the page; `gannet man DIR` writes it and those of the commands."
)]
struct ManLine {
    /// The directory, which must be there (default: the page goes to standard output)
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    directory: Option<String>,
}

/// What the pages are part of: the same for all, whatever a command is called.
const SOURCE: &str = concat!("gannet ", env!("CARGO_PKG_VERSION"));

/// A page of the manual.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ManualPage {
    /// `gannet-config.1`
    pub(crate) file: String,
    /// Its text, for `man`.
    pub(crate) text: Vec<u8>,
}

/// The text for `--help`.
pub(super) fn help(program: Program) -> String {
    let text = whole(program).render_help().to_string();
    text.trim_end().to_string()
}

/// The arguments behind `completions`.
pub(super) fn completions(args: &[OsString]) -> Result<Command, FlagError> {
    let matches = CompletionsLine::command().try_get_matches_from(args);
    let line = match matches.and_then(|matches| CompletionsLine::from_arg_matches(&matches)) {
        Ok(line) => line,
        Err(error) => return super::told(&error),
    };
    let program = match line.nats_server {
        true => Program::NatsServer,
        false => Program::Gannet,
    };
    let mut script = Vec::new();
    // A process may follow; that is rare where somebody is at the keyboard.
    let words = signal::COMMANDS.map(signal::SignalCommand::word);
    let mut command = whole(program).mut_arg("signal", |arg| arg.value_parser(words));
    clap_complete::generate(line.shell, &mut command, program.name(), &mut script);
    let script = String::from_utf8_lossy(&script);
    Ok(Command::Print(script.trim_end().to_string()))
}

/// The arguments behind `man`.
pub(super) fn man(args: &[OsString]) -> Result<Command, FlagError> {
    let matches = ManLine::command().try_get_matches_from(args);
    let line = match matches.and_then(|matches| ManLine::from_arg_matches(&matches)) {
        Ok(line) => line,
        Err(error) => return super::told(&error),
    };
    let pages = pages();
    match (line.directory, pages.first()) {
        (None, Some(first)) => {
            let text = String::from_utf8_lossy(&first.text);
            Ok(Command::Print(text.trim_end().to_string()))
        }
        (directory, _) => Ok(Command::WritePages(directory.unwrap_or_default(), pages)),
    }
}

/// The whole command line, for whoever tells of it. (Nothing is parsed by it: flags have a grammar of their own.)
fn whole(program: Program) -> clap::Command {
    let command = server::definition()
        .name(program.name())
        .bin_name(program.name())
        .version(env!("CARGO_PKG_VERSION"))
        .about(ABOUT)
        .mut_args(|arg| {
            // A switch is shown without the value that it may have.
            let switch = arg.get_num_args().is_some_and(|n| n.min_values() == 0);
            let hint = hint(&arg);
            if switch {
                arg.num_args(0)
            } else {
                arg.value_hint(hint)
            }
        });
    match program {
        Program::NatsServer => command.override_usage("nats-server [options]"),
        Program::Gannet => {
            let command = command.override_usage("gannet [options]\n       gannet COMMAND ...");
            let command = command.after_help(GRAMMAR).disable_help_subcommand(true);
            commands()
                .into_iter()
                .fold(command, clap::Command::subcommand)
        }
    }
}

/// What a shell may offer as the flag's value.
fn hint(arg: &clap::Arg) -> ValueHint {
    let names = arg.get_value_names().unwrap_or_default();
    match names.first().map(clap::builder::Str::as_str) {
        Some("FILE") => ValueHint::FilePath,
        Some("DIR") => ValueHint::DirPath,
        Some("HOST") => ValueHint::Hostname,
        Some("URL") => ValueHint::Url,
        _ => ValueHint::Other,
    }
}

/// What may stand behind the flags.
fn commands() -> Vec<clap::Command> {
    let named = |command: clap::Command, name: &'static str| {
        command
            .name(name)
            .bin_name(format!("gannet {name}"))
            .no_binary_name(false)
    };
    vec![
        named(config::definition(), "config"),
        named(dev::definition(), "dev"),
        named(gannet_load::Arguments::command(), "bench")
            .about("Measures a server, or two in turn, and checks every message"),
        named(CompletionsLine::command(), "completions"),
        named(ManLine::command(), "man"),
        clap::Command::new("help").about("Shows what --help shows"),
        clap::Command::new("version").about("Shows the version"),
    ]
}

/// The pages of the manual, that of the program first.
fn pages() -> Vec<ManualPage> {
    // `help` and `version` have no pages to refer to.
    let mut program = ["help", "version"].into_iter().fold(
        whole(Program::Gannet).disable_help_flag(true),
        |program, name| program.mut_subcommand(name, |command| command.hide(true)),
    );
    program.build();
    let mut pages = vec![ManualPage {
        file: "gannet.1".into(),
        text: program_page(program.clone()),
    }];
    for command in program.get_subcommands() {
        add_pages("gannet", command, &mut pages);
    }
    pages
}

/// Adds the page of a command and those of the commands in it.
fn add_pages(above: &str, command: &clap::Command, pages: &mut Vec<ManualPage>) {
    let name = format!("{above}-{}", command.get_name());
    if matches!(command.get_name(), "help" | "version") {
        return;
    }
    let man = Man::new(command.clone().display_name(name.clone()))
        .title(name.to_uppercase())
        .source(SOURCE);
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let _ = man.render(&mut text);
    pages.push(ManualPage {
        file: format!("{name}.1"),
        text,
    });
    for within in command.get_subcommands() {
        add_pages(&name, within, pages);
    }
}

/// The page of the program, with what a page has beyond `--help`.
fn program_page(command: clap::Command) -> Vec<u8> {
    let man = Man::new(command).title("GANNET").source(SOURCE);
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let _ = (|| {
        man.render_title(&mut text)?;
        man.render_name_section(&mut text)?;
        man.render_synopsis_section(&mut text)?;
        man.render_description_section(&mut text)?;
        man.render_options_section(&mut text)?;
        man.render_subcommands_section(&mut text)?;
        sections().to_writer(&mut text)?;
        man.render_version_section(&mut text)
    })();
    text
}

/// Sections of pairs: what, and what it does.
const SECTIONS: &[(&str, &[(&str, &str)])] = &[
    (
        "SIGNALS",
        &[
            ("INT", "ends in order"),
            ("TERM", "ends in order; nothing in lame duck mode"),
            ("HUP", "reads the configuration anew"),
            ("USR1", "opens the log file anew"),
            (
                "USR2",
                "lame duck mode: sends clients away bit by bit, then ends",
            ),
        ],
    ),
    (
        "EXIT STATUS",
        &[
            (
                "0",
                "the server has ended in order, or what was asked is done",
            ),
            (
                "1",
                "it could not start, or the command line or the file is wrong",
            ),
            ("2", "a reload would be refused (--dry-run, config diff)"),
            (
                "3",
                "a reload would end some connections (--dry-run, config diff)",
            ),
            ("4", "nobody can say what a reload would change (--dry-run)"),
        ],
    ),
    (
        "ENVIRONMENT",
        &[
            ("NAME", "is what $NAME in a configuration stands for"),
            ("GANNET_WITHOUT", "what --without says, if no flag does"),
            ("TZ", "the zone of the times in the log"),
            (
                "NOTIFY_SOCKET, WATCHDOG_USEC",
                "where and how often a service manager is told",
            ),
        ],
    ),
    (
        "SEE ALSO",
        &[(
            "https://github.com/gannet-io/gannet",
            "the operator's handbook, in docs/handbook",
        )],
    ),
];

fn sections() -> Roff {
    let mut roff = Roff::default();
    for (title, entries) in SECTIONS {
        roff.control("SH", [*title]);
        for (what, does) in *entries {
            roff.control("TP", []);
            roff.text([bold(*what)]);
            roff.text([roman(*does)]);
        }
    }
    roff
}
