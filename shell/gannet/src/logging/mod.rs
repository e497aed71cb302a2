//! Where log lines go: standard error (`console`), or a file that is rotated (`file`). Not here: what
//! they look like (`gannet_node::Logger`).

mod console;
mod file;

use std::sync::Arc;

use gannet_config::Options;
use gannet_node::{Level, LogOptions, LogWriter, Logger};
use gannet_rt::Rt;

use console::Console;
use file::LogFile;

/// The log of the server that this process runs.
#[derive(Clone)]
pub(crate) struct Log {
    /// Writes lines.
    pub(crate) logger: Logger,
    file: Option<Arc<LogFile>>,
}

impl Log {
    /// Opens the log that the options ask for.
    pub(crate) fn open(rt: &Rt, options: &Options) -> Result<Log, String> {
        let logging = &options.logging;
        let lines = LogOptions {
            debug: logging.debug,
            trace: logging.trace,
            time: logging.time,
            utc: logging.time_utc,
        };
        let Some(path) = &logging.file else {
            let logger = Logger::new(rt, lines, Box::new(Console::stderr()));
            return Ok(Log { logger, file: None });
        };
        let limit = logging.file_size_limit.map(|n| n.0);
        let file = LogFile::open(rt, path, limit, logging.file_max_count);
        let file = Arc::new(file.map_err(|e| format!("error opening file: {e}"))?);
        let logger = Logger::new(rt, lines, Box::new(FileWriter(file.clone())));
        let log = Log {
            logger,
            file: Some(file),
        };
        log.note_rotation();
        Ok(log)
    }

    /// Writes a line.
    pub(crate) fn say(&self, level: Level, text: impl std::fmt::Display) {
        self.logger.write(level, format_args!("{text}"));
    }

    /// Closes the log file and opens what has its name now, so that it can be moved away.
    pub(crate) fn reopen(&self) {
        match self.file.as_ref().map(|file| file.reopen()) {
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
        if self.file.as_ref().is_some_and(|file| file.is_too_large()) {
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
