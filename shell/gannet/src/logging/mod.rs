//! Where log lines go: standard error (`console`), a file that is rotated (`file`), or syslog (`syslog`). Not here:
//! what they look like (`gannet_node::Line`).

mod console;
mod file;
mod syslog;

use std::sync::Arc;

use gannet_config::{LogTarget, LoggingOptions, Options};
use gannet_node::{Level, LogWriter, Logger};
use gannet_rt::Rt;
use parking_lot::Mutex;

use console::Console;
use file::LogFile;
use syslog::Syslog;

/// The log of the server that this process runs.
#[derive(Clone)]
pub(crate) struct Log {
    /// Writes lines.
    logger: Logger,
    /// Where it writes them.
    target: Arc<Mutex<Target>>,
}

/// Where lines are to go.
#[derive(Clone)]
pub(crate) enum Target {
    Console,
    File(Arc<LogFile>),
    Syslog(Arc<Syslog>),
}

impl Target {
    async fn open(rt: &Rt, options: &LoggingOptions) -> Result<Target, String> {
        let url = match options.target() {
            LogTarget::Console => return Ok(Target::Console),
            LogTarget::File(path) => {
                let limit = options.file_size_limit.map(|n| n.0);
                let file = LogFile::open(rt, path, limit, options.file_max_count);
                let file = file.map_err(|e| format!("error opening file: {e}"))?;
                return Ok(Target::File(Arc::new(file)));
            }
            LogTarget::RemoteSyslog(url) => Some(url),
            LogTarget::LocalSyslog => None,
        };
        let syslog = Syslog::open(rt, url, options).await?;
        Ok(Target::Syslog(Arc::new(syslog)))
    }

    /// Whether it is the one that the options ask for.
    fn is_wanted(&self, options: &LoggingOptions) -> bool {
        match (self, options.target()) {
            (Target::Console, LogTarget::Console) => true,
            (Target::File(file), LogTarget::File(path)) => file.path() == path,
            (Target::Syslog(syslog), LogTarget::RemoteSyslog(url)) => syslog.url() == Some(url),
            (Target::Syslog(syslog), LogTarget::LocalSyslog) => syslog.url().is_none(),
            _ => false,
        }
    }

    fn writer(&self) -> Box<dyn LogWriter> {
        match self {
            Target::Console => Box::new(Console::stderr()),
            Target::File(file) => Box::new(file.clone()),
            Target::Syslog(syslog) => Box::new(syslog.clone()),
        }
    }

    fn file(&self) -> Option<Arc<LogFile>> {
        match self {
            Target::File(file) => Some(file.clone()),
            Target::Console | Target::Syslog(_) => None,
        }
    }
}

impl Log {
    /// Opens the log that the options ask for.
    pub(crate) async fn open(rt: &Rt, options: &Options) -> Result<Log, String> {
        let target = Target::open(rt, &options.logging).await?;
        let logger = Logger::new(rt, &options.logging, target.writer());
        let log = Log {
            logger,
            target: Arc::new(Mutex::new(target)),
        };
        log.note_rotation();
        Ok(log)
    }

    /// The log for a server.
    pub(crate) fn logger(&self) -> Logger {
        self.logger.clone()
    }

    /// Opens what other options ask for, unless that is where lines go already.
    pub(crate) async fn other_target(
        &self,
        rt: &Rt,
        options: &Options,
    ) -> Result<Option<Target>, String> {
        let target = self.target.lock().clone();
        if target.is_wanted(&options.logging) {
            return Ok(None);
        }
        Target::open(rt, &options.logging).await.map(Some)
    }

    /// Lines go there from now on.
    pub(crate) fn go_over(&self, target: Target) {
        self.logger.set_writer(target.writer());
        *self.target.lock() = target;
        self.note_rotation();
    }

    /// Writes a line.
    pub(crate) fn say(&self, level: Level, text: impl std::fmt::Display) {
        self.logger.write(level, format_args!("{text}"));
    }

    /// Closes the log file and opens what has its name now, so that it can be moved away.
    pub(crate) fn reopen(&self) {
        let file = self.target.lock().file();
        match file.map(|file| file.reopen()) {
            None => self.say(Level::Info, "File log re-open ignored, not a file logger"),
            Some(Err(error)) => self.say(
                Level::Error,
                format_args!("File log could not be re-opened: {error}"),
            ),
            Some(Ok(())) => {
                self.note_rotation();
                self.say(Level::Info, "File log re-opened");
            }
        }
    }

    /// Waits until the last lines have arrived, where that takes time.
    pub(crate) async fn finish(&self) {
        let target = self.target.lock().clone();
        if let Target::Syslog(syslog) = target {
            syslog.finish().await;
        }
    }

    /// A file that is too large already is rotated by its next line; this is that line.
    fn note_rotation(&self) {
        let file = self.target.lock().file();
        if file.is_some_and(|file| file.is_too_large()) {
            self.say(Level::Info, "Rotating logfile...");
        }
    }
}
