//! The server's log: lines in the reference server's format, to wherever the embedder wants them.
//! Not here: files and rotation (they are a [`LogWriter`]), and what is worth a line.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use gannet_config::LoggingOptions;
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

impl From<&LoggingOptions> for LogOptions {
    fn from(options: &LoggingOptions) -> LogOptions {
        LogOptions {
            debug: options.debug,
            trace: options.trace,
            time: options.time,
            utc: options.time_utc,
        }
    }
}

/// Writes the log of one server.
#[derive(Clone)]
pub struct Logger {
    inner: Option<Arc<Inner>>,
}

struct Inner {
    debug: AtomicBool,
    trace: AtomicBool,
    rt: Rt,
    pid: u32,
    look: ArcSwap<Look>,
    writer: ArcSwap<Box<dyn LogWriter>>,
}

/// What lines begin with.
struct Look {
    time: bool,
    zone: TimeZone,
}

impl Look {
    fn new(rt: &Rt, options: &LogOptions) -> Look {
        let zone = if options.utc {
            TimeZone::UTC
        } else {
            local_zone(rt)
        };
        Look {
            time: options.time,
            zone,
        }
    }
}

/// The zone that times in logs are of: this machine's, or UTC if it has none that can be read.
pub fn local_zone(rt: &Rt) -> TimeZone {
    gannet_rt::zone::local(rt)
        .and_then(|rules| TimeZone::tzif("Local", &rules).ok())
        .unwrap_or(TimeZone::UTC)
}

impl Logger {
    /// A log into `writer`.
    pub fn new(rt: &Rt, options: LogOptions, writer: Box<dyn LogWriter>) -> Logger {
        let pid = gannet_rt::process::pid(rt);
        Logger {
            inner: Some(Arc::new(Inner {
                debug: AtomicBool::new(options.debug),
                trace: AtomicBool::new(options.trace),
                rt: rt.clone(),
                pid,
                look: ArcSwap::from_pointee(Look::new(rt, &options)),
                writer: ArcSwap::from_pointee(writer),
            })),
        }
    }

    /// A log that nobody reads.
    pub fn none() -> Logger {
        Logger { inner: None }
    }

    /// Lines look like this from now on, in all handles of this log.
    pub fn set_options(&self, options: LogOptions) {
        if let Some(inner) = &self.inner {
            inner.debug.store(options.debug, Ordering::Relaxed);
            inner.trace.store(options.trace, Ordering::Relaxed);
            inner.look.store(Arc::new(Look::new(&inner.rt, &options)));
        }
    }

    /// Lines go into `writer` from now on, from all handles of this log.
    pub fn set_writer(&self, writer: Box<dyn LogWriter>) {
        if let Some(inner) = &self.inner {
            inner.writer.store(Arc::new(writer));
        }
    }

    /// Whether lines of this level are written.
    pub fn enabled(&self, level: Level) -> bool {
        match (&self.inner, level) {
            (None, _) => false,
            (Some(inner), Level::Debug) => inner.debug.load(Ordering::Relaxed),
            (Some(inner), Level::Trace) => inner.trace.load(Ordering::Relaxed),
            (Some(_), _) => true,
        }
    }

    /// Writes a line of this level.
    pub fn write(&self, level: Level, text: fmt::Arguments<'_>) {
        if let Some(inner) = self.inner.as_ref().filter(|_| self.enabled(level)) {
            let line = inner.line(level, text);
            inner.writer.load().write_line(level, &line);
        }
    }
}

impl Inner {
    fn line(&self, level: Level, text: fmt::Arguments<'_>) -> String {
        let tag = level.tag();
        let look = self.look.load();
        if !look.time {
            return format!("[{}] [{tag}] {text}", self.pid);
        }
        format!(
            "[{}] {} [{tag}] {text}",
            self.pid,
            format_time(self.rt.wall(), &look.zone)
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
