//! The server's log: which lines there are, and the way from who writes one to where the embedder wants it.
//! Not here: files, rotation, syslog (they are [`LogWriter`]s), and what is worth a line.

mod about;
mod line;
mod repeats;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use gannet_config::LoggingOptions;
use gannet_rt::Rt;
use parking_lot::Mutex;
use repeats::Repeats;

pub use about::About;
pub(crate) use about::Kind;
pub use gannet_config::{LogLevel as Level, Subsystem};
pub use line::{Form, Line, local_zone};

/// Takes lines. It must not wait for long: the server's tasks call it.
pub trait LogWriter: Send + Sync {
    /// Writes one line.
    fn write_line(&self, line: &Line<'_>);
}

impl<W: LogWriter> LogWriter for Arc<W> {
    fn write_line(&self, line: &Line<'_>) {
        W::write_line(self, line);
    }
}

/// Writes the log of one server.
#[derive(Clone)]
pub struct Logger {
    inner: Option<Arc<Inner>>,
}

struct Inner {
    /// Of each subsystem the levels that are written, as bits.
    levels: [AtomicU8; Subsystem::ALL.len()],
    form: ArcSwap<Form>,
    writer: ArcSwap<Box<dyn LogWriter>>,
    rt: Rt,
    repeats: Mutex<Repeats>,
}

impl Inner {
    fn set_levels(&self, options: &LoggingOptions) {
        for (subsystem, levels) in Subsystem::ALL.into_iter().zip(&self.levels) {
            let wanted = options.levels_of(subsystem).into_iter();
            levels.store(wanted.map(bit).sum(), Ordering::Relaxed);
        }
    }
}

fn bit(level: Level) -> u8 {
    1 << level as u8
}

impl Logger {
    /// A log into `writer`.
    pub fn new(rt: &Rt, options: &LoggingOptions, writer: Box<dyn LogWriter>) -> Logger {
        let inner = Inner {
            levels: Default::default(),
            form: ArcSwap::from_pointee(Form::new(rt, options)),
            writer: ArcSwap::from_pointee(writer),
            rt: rt.clone(),
            repeats: Mutex::default(),
        };
        inner.set_levels(options);
        Logger {
            inner: Some(Arc::new(inner)),
        }
    }

    /// A log that nobody reads.
    pub fn none() -> Logger {
        Logger { inner: None }
    }

    /// Lines look like this from now on, and these are written, in all handles of this log.
    pub fn set_options(&self, options: &LoggingOptions) {
        if let Some(inner) = &self.inner {
            inner.set_levels(options);
            inner.form.store(Arc::new(Form::new(&inner.rt, options)));
        }
    }

    /// Lines go into `writer` from now on, from all handles of this log.
    pub fn set_writer(&self, writer: Box<dyn LogWriter>) {
        if let Some(inner) = &self.inner {
            inner.writer.store(Arc::new(writer));
        }
    }

    /// Whether lines of this level about `subsystem` are written.
    pub fn enabled(&self, subsystem: Subsystem, level: Level) -> bool {
        let Some(inner) = &self.inner else {
            return false;
        };
        let levels = inner.levels[subsystem as usize].load(Ordering::Relaxed);
        levels & bit(level) != 0
    }

    /// Whether a line of this text has been written a moment ago, whomever it was about; if not, it is going to be
    /// now. For lines that somebody can cause as often as they like.
    pub(crate) fn has_just_said(&self, text: &str) -> bool {
        let inner = self.inner.as_ref();
        inner.is_some_and(|inner| inner.repeats.lock().contain(text, inner.rt.now()))
    }

    /// Writes a line about the server.
    pub fn write(&self, level: Level, text: fmt::Arguments<'_>) {
        self.write_about(Subsystem::Server, level, None, text);
    }

    /// Writes a line about a subsystem, and perhaps about one connection.
    pub fn write_about(
        &self,
        subsystem: Subsystem,
        level: Level,
        about: Option<&About>,
        text: fmt::Arguments<'_>,
    ) {
        let wanted = |_: &&Arc<Inner>| self.enabled(subsystem, level);
        if let Some(inner) = self.inner.as_ref().filter(wanted) {
            let form = inner.form.load();
            inner.writer.load().write_line(&Line {
                subsystem,
                about,
                ..form.line(level, text)
            });
        }
    }
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

/// Writes a line about a subsystem, of the named level, to a [`Logger`], formatting it only if it is wanted;
/// with `about CONNECTION` after the level instead of a subsystem in front of it, one about that connection.
macro_rules! log {
    ($logger:expr, $level:ident, about $about:expr, $($text:tt)+) => {{
        let (about, level) = (&$about, $crate::log::Level::$level);
        if $logger.enabled(about.subsystem(), level) {
            $logger.write_about(about.subsystem(), level, Some(about), format_args!($($text)+));
        }
    }};
    ($logger:expr, $subsystem:ident, $level:ident, $($text:tt)+) => {{
        let (subsystem, level) = ($crate::log::Subsystem::$subsystem, $crate::log::Level::$level);
        if $logger.enabled(subsystem, level) {
            $logger.write_about(subsystem, level, None, format_args!($($text)+));
        }
    }};
}
pub(crate) use log;

#[cfg(test)]
mod tests {
    use gannet_config::LogLevels;
    use gannet_rt::sim::Sim;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<String>>>);

    impl LogWriter for Written {
        fn write_line(&self, line: &Line<'_>) {
            self.0.lock().push(line.message(99));
        }
    }

    /// What is written of a line of each level about each of two subsystems.
    fn written(logger: &Logger, written: &Written) -> String {
        for subsystem in [Subsystem::Clients, Subsystem::Routes] {
            for level in Level::ALL {
                let name = (subsystem.name(), level.name());
                let text = format_args!("{}:{}", name.0, name.1);
                logger.write_about(subsystem, level, None, text);
            }
        }
        std::mem::take(&mut *written.0.lock()).join(" ")
    }

    #[test]
    fn a_subsystem_has_the_levels_of_its_own_or_those_of_all() {
        let (sink, rt) = (Written::default(), Sim::new(1).host("a").rt());
        let mut options = LoggingOptions {
            trace: true,
            ..LoggingOptions::default()
        };
        let logger = Logger::new(&rt, &options, Box::new(sink.clone()));
        assert_eq!(
            written(&logger, &sink),
            "clients:fatal clients:error clients:warn clients:info clients:trace \
             routes:fatal routes:error routes:warn routes:info routes:trace"
        );
        options.levels = LogLevels([(Subsystem::Clients, Level::Warn)].into());
        logger.set_options(&options);
        assert_eq!(
            written(&logger, &sink),
            "clients:fatal clients:error clients:warn \
             routes:fatal routes:error routes:warn routes:info routes:trace"
        );
        options.levels = LogLevels([(Subsystem::Routes, Level::Trace)].into());
        options.trace = false;
        logger.set_options(&options);
        assert_eq!(
            written(&logger, &sink),
            "clients:fatal clients:error clients:warn clients:info \
             routes:fatal routes:error routes:warn routes:info routes:debug routes:trace"
        );
        assert_eq!(written(&Logger::none(), &sink), "");
    }
}
