//! Options of the log: what is logged, how and where to. Not here: what lines look like, and writing them (the
//! shell does both).

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use gannet_units::ByteCount;

/// How much a line of the log matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// The server can't go on.
    Fatal,
    /// Something failed.
    Error,
    /// Something may fail soon.
    Warn,
    /// A change of state.
    Info,
    /// For finding faults.
    Debug,
    /// Every operation.
    Trace,
}

impl LogLevel {
    /// All of them, those first that matter most.
    pub const ALL: [LogLevel; 6] = [
        LogLevel::Fatal,
        LogLevel::Error,
        LogLevel::Warn,
        LogLevel::Info,
        LogLevel::Debug,
        LogLevel::Trace,
    ];

    /// As configurations and lines in JSON have it.
    pub fn name(self) -> &'static str {
        match self {
            LogLevel::Fatal => "fatal",
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        }
    }

    /// The level of that name, in small letters or large ones.
    pub fn named(name: &str) -> Option<LogLevel> {
        let mut all = LogLevel::ALL.into_iter();
        all.find(|level| level.name().eq_ignore_ascii_case(name))
    }
}

/// The part of a server that a line of the log is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subsystem {
    /// The server as a whole: start, reload, end.
    Server,
    /// Clients and their listener.
    Clients,
    /// The other servers of the cluster.
    Routes,
    /// Other clusters.
    Gateways,
    /// The monitoring listener.
    Monitoring,
}

impl Subsystem {
    /// All of them.
    pub const ALL: [Subsystem; 5] = [
        Subsystem::Server,
        Subsystem::Clients,
        Subsystem::Routes,
        Subsystem::Gateways,
        Subsystem::Monitoring,
    ];

    /// As configurations and lines in JSON have it.
    pub fn name(self) -> &'static str {
        match self {
            Subsystem::Server => "server",
            Subsystem::Clients => "clients",
            Subsystem::Routes => "routes",
            Subsystem::Gateways => "gateways",
            Subsystem::Monitoring => "monitoring",
        }
    }
}

/// `log_levels`: the subsystems that have levels of their own. Its text is what the log says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogLevels(pub BTreeMap<Subsystem, LogLevel>);

impl fmt::Display for LogLevels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (at, (subsystem, level)) in self.0.iter().enumerate() {
            let before = if at == 0 { "" } else { ", " };
            write!(f, "{before}{}: {}", subsystem.name(), level.name())?;
        }
        f.write_str("}")
    }
}

/// `log_format`: what lines look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// As the reference server's.
    #[default]
    Text,
    /// Each is a JSON object.
    Json,
}

impl LogFormat {
    /// As configurations and flags have it.
    pub fn name(self) -> &'static str {
        match self {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        }
    }

    /// The format of that name.
    ///
    /// # Errors
    ///
    /// If there is none, with what to tell the user.
    pub fn named(name: &str) -> Result<LogFormat, &'static str> {
        [LogFormat::Text, LogFormat::Json]
            .into_iter()
            .find(|format| format.name().eq_ignore_ascii_case(name))
            .ok_or("a log format is \"text\" or \"json\"")
    }
}

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogTarget<'a> {
    /// A file of that name.
    File(&'a str),
    /// The syslog receiver at this URL.
    RemoteSyslog(&'a str),
    /// The syslog receiver of this machine.
    LocalSyslog,
    /// Standard error.
    Console,
}

/// What is logged, how and where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggingOptions {
    /// `debug`.
    pub debug: bool,
    /// `trace`: the protocol as it is spoken.
    pub trace: bool,
    /// `trace_verbose`: the system account's too.
    pub trace_verbose: bool,
    /// `trace_headers`: of a traced message only its headers.
    pub trace_headers: bool,
    /// `log_levels`: what counts instead of `debug` and `trace` for some subsystems.
    pub levels: LogLevels,
    /// `log_format`.
    pub format: LogFormat,
    /// `logtime`: whether lines start with the time.
    pub time: bool,
    /// `logtime_utc`: that time in UTC.
    pub time_utc: bool,
    /// `log_file`: it goes before any syslog.
    pub file: Option<String>,
    /// `logfile_size_limit`: a larger file is renamed and a new one begun.
    pub file_size_limit: Option<ByteCount>,
    /// `logfile_max_num`: renamed files beyond this number are removed.
    pub file_max_count: Option<u64>,
    /// `syslog`: lines go to this machine's syslog.
    pub syslog: bool,
    /// `remote_syslog`: lines go to the syslog at this URL (`udp://…`, `tcp://…`, `unix:///…`), which goes before
    /// this machine's.
    pub remote_syslog: Option<String>,
    /// `max_traced_msg_len`: how much of a traced message is shown; all of it if there is none.
    pub max_traced_message: Option<ByteCount>,
}

impl LoggingOptions {
    /// Where lines go. Of several places that are configured only one counts, as with the reference server.
    pub fn target(&self) -> LogTarget<'_> {
        match (&self.file, &self.remote_syslog) {
            (Some(path), _) => LogTarget::File(path),
            (None, Some(url)) => LogTarget::RemoteSyslog(url),
            (None, None) if self.syslog => LogTarget::LocalSyslog,
            (None, None) => LogTarget::Console,
        }
    }

    /// The levels that lines about `subsystem` may have. Without one of its own, `debug` and `trace` each add
    /// theirs to what matters more.
    pub fn levels_of(&self, subsystem: Subsystem) -> Vec<LogLevel> {
        let mut levels = LogLevel::ALL.to_vec();
        match self.levels.0.get(&subsystem) {
            Some(least) => levels.retain(|level| level <= least),
            None => levels.retain(|level| match level {
                LogLevel::Debug => self.debug,
                LogLevel::Trace => self.trace,
                _ => true,
            }),
        }
        levels
    }
}

impl Default for LoggingOptions {
    fn default() -> LoggingOptions {
        LoggingOptions {
            debug: false,
            trace: false,
            trace_verbose: false,
            trace_headers: false,
            levels: LogLevels::default(),
            format: LogFormat::default(),
            time: true,
            time_utc: false,
            file: None,
            file_size_limit: None,
            file_max_count: None,
            syslog: false,
            remote_syslog: None,
            max_traced_message: None,
        }
    }
}
