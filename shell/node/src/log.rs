//! The server's log: lines in the reference server's format, to wherever the embedder wants them.
//! Not here: files and rotation (they are a [`LogWriter`]), and what is worth a line.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use gannet_rt::Rt;
use gannet_units::WallTime;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
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

impl Level {
    fn tag(self) -> &'static str {
        match self {
            Level::Fatal => "FTL",
            Level::Error => "ERR",
            Level::Warn => "WRN",
            Level::Info => "INF",
            Level::Debug => "DBG",
            Level::Trace => "TRC",
        }
    }
}

/// Takes finished lines, without a line end. It must not wait for long: the server's tasks call it.
pub trait LogWriter: Send + Sync {
    /// Writes one line.
    fn write_line(&self, level: Level, line: &str);
}

/// What the lines look like and which there are.
#[derive(Clone, Copy, Debug)]
pub struct LogOptions {
    /// Debug lines, too.
    pub debug: bool,
    /// Trace lines, too.
    pub trace: bool,
    /// Begin lines with the time.
    pub time: bool,
    /// The time in UTC instead of the machine's zone.
    pub utc: bool,
}

/// Writes the log of one server.
#[derive(Clone)]
pub struct Logger {
    inner: Option<Arc<Inner>>,
}

struct Inner {
    options: LogOptions,
    rt: Rt,
    pid: u32,
    zone: TimeZone,
    writer: Box<dyn LogWriter>,
}

impl Logger {
    /// A log into `writer`.
    pub fn new(rt: &Rt, options: LogOptions, writer: Box<dyn LogWriter>) -> Logger {
        let zone = if options.utc || rt.is_simulated() {
            TimeZone::UTC
        } else {
            TimeZone::system()
        };
        let pid = gannet_rt::process::pid(rt);
        Logger {
            inner: Some(Arc::new(Inner {
                options,
                rt: rt.clone(),
                pid,
                zone,
                writer,
            })),
        }
    }

    /// A log that nobody reads.
    pub fn none() -> Logger {
        Logger { inner: None }
    }

    /// Whether lines of this level are written.
    pub fn enabled(&self, level: Level) -> bool {
        match (&self.inner, level) {
            (None, _) => false,
            (Some(inner), Level::Debug) => inner.options.debug,
            (Some(inner), Level::Trace) => inner.options.trace,
            (Some(_), _) => true,
        }
    }

    /// Writes a line of this level.
    pub fn write(&self, level: Level, text: fmt::Arguments<'_>) {
        if let Some(inner) = self.inner.as_ref().filter(|_| self.enabled(level)) {
            inner.writer.write_line(level, &inner.line(level, text));
        }
    }
}

impl Inner {
    fn line(&self, level: Level, text: fmt::Arguments<'_>) -> String {
        let tag = level.tag();
        if !self.options.time {
            return format!("[{}] [{tag}] {text}", self.pid);
        }
        format!(
            "[{}] {} [{tag}] {text}",
            self.pid,
            format_time(self.rt.wall(), &self.zone)
        )
    }
}

/// `2006/01/02 15:04:05.000000`, in `zone`.
fn format_time(at: WallTime, zone: &TimeZone) -> String {
    let timestamp = Timestamp::from_nanosecond(i128::from(at.as_unix_nanos())).unwrap_or_default();
    let local = timestamp.to_zoned(zone.clone());
    local.strftime("%Y/%m/%d %H:%M:%S.%6f").to_string()
}

/// A duration as the reference server's log shows it.
pub(crate) fn shown_duration(duration: Duration) -> String {
    gannet_config::format_duration(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
}

impl fmt::Debug for Logger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Logger")
    }
}

/// Writes a line of the named level to a [`Logger`], formatting it only if it is wanted.
macro_rules! log {
    ($logger:expr, $level:ident, $($text:tt)+) => {
        if $logger.enabled($crate::log::Level::$level) {
            $logger.write($crate::log::Level::$level, format_args!($($text)+));
        }
    };
}
pub(crate) use log;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_has_the_form_that_log_tools_parse() {
        let at = WallTime::from_unix_nanos(1_136_214_245_000_042_999);
        assert_eq!(
            format_time(at, &TimeZone::UTC),
            "2006/01/02 15:04:05.000042"
        );
    }
}
