//! The server's flags and what they override.

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, FromArgMatches, Parser};

use gannet_config::{ByteCount, LogFormat, Options, Port, Secret, Without};

use super::cluster::ClusterFlags;
use super::error::FlagError;
use super::grammar::Line;
use super::tls::TlsFlags;

/// Every flag of the reference server that we act on. Names of more than one letter that begin with
/// a single dash in its manual are aliases here, since the grammar knows only one kind of dash.
#[derive(Clone, Debug, Default, PartialEq, Parser)]
#[command(
    no_binary_name = true,
    disable_help_flag = true,
    disable_version_flag = true,
    args_override_self = true
)]
pub(super) struct ServerFlags {
    /// Bind to this address (default: 0.0.0.0)
    #[arg(short = 'a', long = "addr", alias = "net", value_name = "HOST")]
    #[arg(help_heading = "Server")]
    host: Option<String>,
    /// Port for clients (default: 4222; -1 for any free one)
    #[arg(short, long, value_name = "PORT", value_parser = go_port, allow_hyphen_values = true)]
    #[arg(help_heading = "Server")]
    port: Option<i64>,
    /// Name of this server (default: its id)
    #[arg(
        short,
        long,
        alias = "server_name",
        value_name = "NAME",
        help_heading = "Server"
    )]
    name: Option<String>,
    /// File to write the process id to
    #[arg(short = 'P', long, value_name = "FILE", help_heading = "Server")]
    pid: Option<String>,
    /// Port for monitoring
    #[arg(short = 'm', long = "http_port", value_name = "PORT", value_parser = go_port)]
    #[arg(allow_hyphen_values = true, help_heading = "Server")]
    http_port: Option<i64>,
    /// Port for monitoring, encrypted with the clients' certificate (also -ms)
    #[arg(long = "https_port", alias = "ms", value_name = "PORT", value_parser = go_port)]
    #[arg(allow_hyphen_values = true, help_heading = "Server")]
    https_port: Option<i64>,
    /// Configuration file; flags override what it says
    #[arg(short, long, value_name = "FILE", help_heading = "Server")]
    pub(super) config: Option<String>,
    /// Check the configuration file and exit
    #[arg(short = 't', long = "check", value_parser = go_bool, num_args = 0..=1)]
    #[arg(value_name = "BOOL", help_heading = "Server")]
    pub(super) check: Option<bool>,
    /// Parts that are still to be built (but none that says whom to let in), by the keys of their blocks: the configuration file may have those, and they
    /// are left out with a warning (default: GANNET_WITHOUT, or none)
    #[arg(long, value_name = "PART[,PART...]", help_heading = "Server")]
    pub(super) without: Option<Without>,
    /// Tell a running server: stop, quit, term, reopen, reload or ldm (also -sl); the process is
    /// given by its id, by a file that holds it, or by the beginning of some ids and a *
    #[arg(
        long,
        alias = "sl",
        value_name = "SIGNAL[=PID]",
        help_heading = "Server"
    )]
    pub(super) signal: Option<String>,
    /// With --signal reload: say what it would change and which connections it would end; change nothing
    #[arg(long = "dry-run", value_parser = go_bool, num_args = 0..=1, value_name = "BOOL")]
    #[arg(help_heading = "Server")]
    pub(super) dry_run: Option<bool>,
    /// With --dry-run: where to ask (default: the monitoring port of the process)
    #[arg(long, value_name = "URL", help_heading = "Server")]
    pub(super) monitor: Option<String>,
    /// With --dry-run: answer in JSON
    #[arg(long, value_parser = go_bool, num_args = 0..=1, value_name = "BOOL")]
    #[arg(help_heading = "Server")]
    pub(super) json: Option<bool>,
    /// Address to tell clients instead of our own
    #[arg(
        long = "client_advertise",
        value_name = "HOST[:PORT]",
        help_heading = "Server"
    )]
    client_advertise: Option<String>,
    /// Directory to write <program>_<pid>.ports to
    #[arg(long = "ports_file_dir", value_name = "DIR", help_heading = "Server")]
    ports_file_dir: Option<String>,
    /// Directory for streams; unused while there are none (also -sd)
    #[arg(
        long = "store_dir",
        alias = "sd",
        value_name = "DIR",
        help_heading = "Server"
    )]
    store_dir: Option<String>,

    /// File to write the log to
    #[arg(short, long, value_name = "FILE", help_heading = "Logging")]
    log: Option<String>,
    /// Begin a new log file at this size in bytes
    #[arg(long = "log_size_limit", value_name = "BYTES", value_parser = go_integer)]
    #[arg(allow_hyphen_values = true, help_heading = "Logging")]
    log_size_limit: Option<i64>,
    /// Send the log to this machine's syslog
    #[arg(short = 's', long, value_parser = go_bool, num_args = 0..=1, value_name = "BOOL")]
    #[arg(help_heading = "Logging")]
    syslog: Option<bool>,
    /// Send the log to the syslog at udp://HOST:PORT, tcp://HOST:PORT or unix:///PATH
    #[arg(
        short = 'r',
        long = "remote_syslog",
        value_name = "URL",
        help_heading = "Logging"
    )]
    remote_syslog: Option<String>,
    /// Lines as text or as json
    #[arg(long = "log_format", value_name = "FORMAT", value_parser = log_format)]
    #[arg(help_heading = "Logging")]
    log_format: Option<LogFormat>,
    /// Begin lines with the time (default: true)
    #[arg(short = 'T', long, value_parser = go_bool, num_args = 0..=1, value_name = "BOOL")]
    #[arg(help_heading = "Logging")]
    logtime: Option<bool>,
    /// That time in UTC
    #[arg(long = "logtime_utc", value_parser = go_bool, num_args = 0..=1, value_name = "BOOL")]
    #[arg(help_heading = "Logging")]
    logtime_utc: Option<bool>,
    /// Log what helps to find errors
    #[arg(short = 'D', long, value_parser = go_bool, num_args = 0..=1, value_name = "BOOL")]
    #[arg(help_heading = "Logging")]
    debug: Option<bool>,
    /// Log the protocol as it is spoken
    #[arg(short = 'V', long, value_parser = go_bool, num_args = 0..=1, value_name = "BOOL")]
    #[arg(help_heading = "Logging")]
    trace: Option<bool>,
    /// As --trace, the system account's too
    #[arg(long = "VV", value_parser = go_bool, num_args = 0..=1, value_name = "BOOL")]
    #[arg(help_heading = "Logging")]
    trace_verbose: Option<bool>,
    /// --debug and --trace
    #[arg(long = "DV", value_parser = go_bool, num_args = 0..=1, value_name = "BOOL")]
    #[arg(help_heading = "Logging")]
    debug_trace: Option<bool>,
    /// --debug and --VV
    #[arg(long = "DVV", value_parser = go_bool, num_args = 0..=1, value_name = "BOOL")]
    #[arg(help_heading = "Logging")]
    debug_trace_verbose: Option<bool>,
    /// Show at most this much of a traced message (default: all)
    #[arg(long = "max_traced_msg_len", value_name = "BYTES", value_parser = go_integer)]
    #[arg(allow_hyphen_values = true, help_heading = "Logging")]
    max_traced_msg_len: Option<i64>,

    /// User that clients must name
    #[arg(long, value_name = "USER", help_heading = "Authorization")]
    user: Option<String>,
    /// That user's password
    #[arg(long, value_name = "PASSWORD", value_parser = secret, help_heading = "Authorization")]
    pass: Option<Secret>,
    /// Token that clients must give
    #[arg(long, value_name = "TOKEN", value_parser = secret, help_heading = "Authorization")]
    auth: Option<Secret>,

    #[command(flatten)]
    cluster: ClusterFlags,
    #[command(flatten)]
    pub(super) tls: TlsFlags,

    /// Port that tells of the process below /debug (-1 for any free one)
    #[arg(long, value_name = "PORT", value_parser = go_port, allow_hyphen_values = true)]
    #[arg(help_heading = "Profiling")]
    profile: Option<i64>,

    /// Show this and exit
    #[arg(short = 'h', long, value_parser = go_bool, num_args = 0..=1, value_name = "BOOL")]
    #[arg(help_heading = "Common")]
    pub(super) help: Option<bool>,
    /// Show the version and exit
    #[arg(short = 'v', long, value_parser = go_bool, num_args = 0..=1, value_name = "BOOL")]
    #[arg(help_heading = "Common")]
    pub(super) version: Option<bool>,
}

impl ServerFlags {
    /// Overrides what is set. An empty text or a 0 gives the default back, whatever the file says.
    pub(super) fn apply(&self, options: &mut Options) -> Result<(), FlagError> {
        let default = Options::default();
        if let Some(host) = &self.host {
            options.host = non_empty(host).unwrap_or(default.host);
        }
        if let Some(port) = self.port {
            options.port = as_port(port).unwrap_or(default.port);
        }
        if let Some(port) = self.http_port {
            options.monitoring.port = as_port(port);
        }
        if let Some(port) = self.https_port {
            options.monitoring.https_port = as_port(port);
        }
        if let Some(port) = self.profile {
            options.profiling.port = as_port(port);
        }
        override_text(&self.name, &mut options.server_name);
        override_text(&self.pid, &mut options.pid_file);
        override_text(&self.client_advertise, &mut options.client_advertise);
        override_text(&self.ports_file_dir, &mut options.ports_file_dir);
        override_text(&self.store_dir, &mut options.store_dir);
        override_text(&self.user, &mut options.auth.user);
        if let Some(password) = &self.pass {
            options.auth.password = password.clone();
        }
        if let Some(token) = &self.auth {
            options.auth.token = Some(token.clone()).filter(|t| !t.is_empty());
        }
        self.apply_logging(options);
        self.tls.apply(options)?;
        self.cluster.apply(options)
    }

    fn apply_logging(&self, options: &mut Options) {
        let logging = &mut options.logging;
        override_text(&self.log, &mut logging.file);
        if let Some(limit) = self.log_size_limit {
            logging.file_size_limit = positive(limit);
        }
        if let Some(limit) = self.max_traced_msg_len {
            logging.max_traced_message = positive(limit);
        }
        logging.syslog = self.syslog.unwrap_or(logging.syslog);
        override_text(&self.remote_syslog, &mut logging.remote_syslog);
        logging.format = self.log_format.unwrap_or(logging.format);
        logging.time = self.logtime.unwrap_or(logging.time);
        logging.time_utc = self.logtime_utc.unwrap_or(logging.time_utc);
        logging.debug = self.debug.unwrap_or(logging.debug);
        logging.trace = self.trace.unwrap_or(logging.trace);
        // The combined flags come after the single ones, whatever their order.
        if let Some(on) = self.debug_trace {
            (logging.debug, logging.trace) = (on, on);
        }
        if let Some(on) = self.debug_trace_verbose {
            (logging.debug, logging.trace, logging.trace_verbose) = (on, on, on);
        }
        if let Some(on) = self.trace_verbose {
            (logging.trace, logging.trace_verbose) = (on, on);
        }
    }
}

/// The flags as clap knows them.
pub(super) fn definition() -> clap::Command {
    ServerFlags::command()
}

/// The flags of a line that has been taken apart with the same definition.
pub(super) fn parse(known: clap::Command, line: &Line) -> Result<ServerFlags, FlagError> {
    known
        .try_get_matches_from(&line.normal)
        .and_then(|matches| ServerFlags::from_arg_matches(&matches))
        .map_err(|error| explained(&error, line))
}

/// clap's complaint about a value in the reference's words, about the flag as it was written.
fn explained(error: &clap::Error, line: &Line) -> FlagError {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        _ => String::new(),
    };
    let argument = context(ContextKind::InvalidArg);
    let value = context(ContextKind::InvalidValue);
    let long = argument
        .trim_start_matches('-')
        .split([' ', '=', '['])
        .next()
        .unwrap_or_default();
    let spelled = line.spelled.iter().rev().find(|(l, _)| l == long);
    let flag = spelled.map_or_else(|| long.to_string(), |(_, written)| written.clone());
    let reason = std::error::Error::source(error);
    let reason = reason.map_or_else(|| "parse error".to_string(), |reason| reason.to_string());
    FlagError::InvalidValue {
        flag,
        value,
        switch: argument.contains("BOOL"),
        reason,
    }
}

pub(super) fn non_empty(text: &str) -> Option<String> {
    Some(text.to_string()).filter(|t| !t.is_empty())
}

pub(super) fn override_text(flag: &Option<String>, target: &mut Option<String>) {
    if let Some(text) = flag {
        *target = non_empty(text);
    }
}

fn positive(number: i64) -> Option<ByteCount> {
    u64::try_from(number).ok().filter(|n| *n > 0).map(ByteCount)
}

/// A port that `go_port` has let through; 0 is none.
pub(super) fn as_port(number: i64) -> Option<Port> {
    match u16::try_from(number) {
        Ok(0) => None,
        Ok(port) => Some(Port::At(port)),
        Err(_) => Some(Port::Random),
    }
}

pub(super) fn secret(text: &str) -> Result<Secret, String> {
    Ok(Secret::new(text))
}

/// A switch's value as the reference reads it.
pub(super) fn go_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("parse error".to_string()),
    }
}

fn log_format(text: &str) -> Result<LogFormat, &'static str> {
    LogFormat::named(text)
}

/// An integer as the reference reads it: decimal, or with `0x`, `0o`, `0b` in front.
pub(super) fn go_integer(text: &str) -> Result<i64, String> {
    let (sign, digits) = match text.as_bytes().first() {
        Some(b'-') => ("-", &text[1..]),
        Some(b'+') => ("", &text[1..]),
        _ => ("", text),
    };
    let (radix, digits) = match digits.get(..2) {
        Some("0x" | "0X") => (16, &digits[2..]),
        Some("0o" | "0O") => (8, &digits[2..]),
        Some("0b" | "0B") => (2, &digits[2..]),
        Some(octal) if octal.starts_with('0') => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Err("parse error".to_string());
    }
    i64::from_str_radix(&format!("{sign}{digits}"), radix)
        .map_err(|_| "value out of range".to_string())
}

/// A port: -1 for any, 0 for none.
fn go_port(text: &str) -> Result<i64, String> {
    let number = go_integer(text)?;
    if (-1..=i64::from(u16::MAX)).contains(&number) {
        Ok(number)
    } else {
        Err("value out of range".to_string())
    }
}
