//! Where log lines go: standard error (`console`), or a file that is rotated (`file`). Not here: what
//! they look like (`gannet_node::Logger`).

mod console;
mod file;

use std::sync::Arc;

use gannet_config::{LoggingOptions, Options};
use gannet_node::{Level, LogWriter, Logger};
use gannet_rt::Rt;
use parking_lot::Mutex;

use console::Console;
use file::LogFile;

/// The log of the server that this process runs.
#[derive(Clone)]
pub(crate) struct Log {
    /// Writes lines.
    logger: Logger,
    /// Where it writes them, if that is a file.
    file: Arc<Mutex<Option<Arc<LogFile>>>>,
}

/// Where lines are to go.
pub(crate) struct Target(Option<Arc<LogFile>>);

impl Target {
    fn open(rt: &Rt, options: &LoggingOptions) -> Result<Target, String> {
        let Some(path) = &options.file else {
            return Ok(Target(None));
        };
        let limit = options.file_size_limit.map(|n| n.0);
        let file = LogFile::open(rt, path, limit, options.file_max_count);
        let file = file.map_err(|e| format!("error opening file: {e}"))?;
        Ok(Target(Some(Arc::new(file))))
    }

    fn writer(&self) -> Box<dyn LogWriter> {
        match &self.0 {
            None => Box::new(Console::stderr()),
            Some(file) => Box::new(FileWriter(file.clone())),
        }
    }
}

impl Log {
    /// Opens the log that the options ask for.
    pub(crate) fn open(rt: &Rt, options: &Options) -> Result<Log, String> {
        let target = Target::open(rt, &options.logging)?;
        let logger = Logger::new(rt, (&options.logging).into(), target.writer());
        let log = Log {
            logger,
            file: Arc::new(Mutex::new(target.0)),
        };
        log.note_rotation();
        Ok(log)
    }

    /// The log for a server.
    pub(crate) fn logger(&self) -> Logger {
        self.logger.clone()
    }

    /// Opens what other options ask for, unless that is where lines go already.
    pub(crate) fn other_target(
        &self,
        rt: &Rt,
        options: &Options,
    ) -> Result<Option<Target>, String> {
        let file = self.file.lock();
        if file.as_ref().map(|file| file.path()) == options.logging.file.as_deref() {
            return Ok(None);
        }
        Target::open(rt, &options.logging).map(Some)
    }

    /// Lines go there from now on.
    pub(crate) fn go_over(&self, target: Target) {
        self.logger.set_writer(target.writer());
        *self.file.lock() = target.0;
        self.note_rotation();
    }

    /// Writes a line.
    pub(crate) fn say(&self, level: Level, text: impl std::fmt::Display) {
        self.logger.write(level, format_args!("{text}"));
    }

    /// Closes the log file and opens what has its name now, so that it can be moved away.
    pub(crate) fn reopen(&self) {
        let file = self.file.lock().clone();
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

    /// A file that is too large already is rotated by its next line; this is that line.
    fn note_rotation(&self) {
        let file = self.file.lock().clone();
        if file.is_some_and(|file| file.is_too_large()) {
            self.say(Level::Info, "Rotating logfile...");
        }
    }
}

struct FileWriter(Arc<LogFile>);

impl LogWriter for FileWriter {
    fn write_line(&self, _level: Level, line: &str) {
        self.0.write_line(line);
    }
}
