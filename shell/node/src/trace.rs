//! The trace of a connection in the server's log. Whether there is one is looked up once per batch that is
//! read and once per write to the socket; messages have nothing of this on their way. Not here: what a line
//! shows (`gannet_session::trace`).

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use gannet_session::trace::{Incoming, Outgoing, Shown, Speaker, subscription_deleted};
use parking_lot::Mutex;

use crate::log::{About, Level, Logger, Subsystem, log};
use crate::shared::Shared;
use crate::transport::Transport;

/// The trace of one connection, in the hands of its task.
pub(crate) struct Trace {
    lines: Arc<Lines>,
    shown: Shown,
    heard: Incoming,
}

impl Trace {
    /// The trace that the log wants now of a connection with `speaker`: `before` with another label, or a new
    /// one, of what is said from here on, or none. Arguments longer than `longest_line` break a bound of the
    /// peer's, and are not shown.
    pub(crate) fn now(
        before: Option<Box<Trace>>,
        shared: &Shared,
        transport: &Transport,
        (speaker, longest_line): (Speaker, usize),
        about: impl FnOnce() -> About,
    ) -> Option<Box<Trace>> {
        let tap = &transport.stream.tap;
        let subsystem = match speaker {
            Speaker::Client => Subsystem::Clients,
            Speaker::Route => Subsystem::Routes,
            Speaker::Gateway => Subsystem::Gateways,
        };
        if !shared.log.enabled(subsystem, Level::Trace) {
            tap.close();
            return None;
        }
        let options = shared.now();
        let shown = Shown {
            bytes: options.logging.max_traced_message.map(|n| n.as_usize()),
            headers_only: options.logging.trace_headers,
        };
        if let Some(same) = before.filter(|trace| trace.shown == shown) {
            same.set_about(about());
            return Some(same);
        }
        let lines = Arc::new(Lines {
            log: shared.log.clone(),
            about: Mutex::new(about()),
        });
        tap.open(lines.clone(), shown);
        let outbox = transport.peer.outbox();
        let appended = outbox.flushed() + outbox.pending() as u64;
        tap.from.store(appended, Ordering::Release);
        drop(outbox);
        Some(Box::new(Trace {
            lines,
            shown,
            heard: Incoming::new(speaker, longest_line, shown),
        }))
    }

    /// Names the connection from now on.
    pub(crate) fn set_about(&self, about: About) {
        *self.lines.about.lock() = about;
    }

    /// Shows what is new of the operation at the start of `bytes`; answers its length if all of it is there.
    pub(crate) fn hear(&mut self, bytes: &[u8]) -> Option<usize> {
        let lines = &self.lines;
        self.heard.show(bytes, &mut |line| lines.write(line))
    }

    /// A subscription was taken off.
    pub(crate) fn deleted(&self, sid: &[u8]) {
        self.lines.write(&subscription_deleted(sid));
    }
}

/// Where the lines of one connection go.
struct Lines {
    log: Logger,
    /// Names the connection; what is known of it grows.
    about: Mutex<About>,
}

impl Lines {
    fn write(&self, line: &str) {
        let about = self.about.lock();
        log!(self.log, Trace, about about, "{line}");
    }
}

/// The place between an outbox and its socket where a trace listens.
#[derive(Debug, Default)]
pub(crate) struct Tap {
    is_open: AtomicBool,
    /// Bytes that the socket has taken.
    taken: AtomicU64,
    /// The first of all bytes to be shown: an operation begins there.
    from: AtomicU64,
    said: Mutex<Option<Box<Said>>>,
}

struct Said {
    lines: Arc<Lines>,
    outgoing: Outgoing,
    /// Bytes that have been shown. Some may not have been taken yet: they will be offered again.
    shown: u64,
}

impl Tap {
    /// Shows nothing until `from` is set.
    fn open(&self, lines: Arc<Lines>, shown: Shown) {
        let mut said = self.said.lock();
        self.from.store(u64::MAX, Ordering::Release);
        *said = Some(Box::new(Said {
            lines,
            outgoing: Outgoing::new(shown),
            shown: 0,
        }));
        self.is_open.store(true, Ordering::Release);
    }

    fn close(&self) {
        if self.is_open.swap(false, Ordering::AcqRel) {
            *self.said.lock() = None;
        }
    }

    /// The socket is about to be offered these bytes. They are shown before they leave, so that no answer to
    /// them is shown first.
    #[inline]
    pub(crate) fn offer(&self, chunks: &[&[u8]]) {
        if self.is_open.load(Ordering::Acquire) {
            self.show(chunks);
        }
    }

    /// The socket has taken so many of them. One at a time, as flushes are.
    #[inline]
    pub(crate) fn took(&self, count: usize) {
        let taken = self.taken.load(Ordering::Relaxed);
        self.taken.store(taken + count as u64, Ordering::Relaxed);
    }

    #[cold]
    fn show(&self, chunks: &[&[u8]]) {
        let mut said = self.said.lock();
        let Some(said) = said.as_mut() else { return };
        let from = self.from.load(Ordering::Acquire);
        let mut start = self.taken.load(Ordering::Relaxed);
        for chunk in chunks {
            let known = said.shown.max(from).saturating_sub(start);
            let new = usize::try_from(known).ok().and_then(|at| chunk.get(at..));
            start += chunk.len() as u64;
            if let Some(new) = new.filter(|new| !new.is_empty()) {
                said.shown = start;
                let lines = &said.lines;
                said.outgoing.show(new, &mut |line| lines.write(line));
            }
        }
    }
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Said")
    }
}

#[cfg(test)]
mod tests {
    use gannet_config::LoggingOptions;
    use gannet_rt::sim::Sim;

    use super::*;
    use crate::log::{Kind, Line, LogWriter};

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<String>>>);

    impl LogWriter for Written {
        fn write_line(&self, line: &Line<'_>) {
            self.0.lock().push(line.message(usize::MAX));
        }
    }

    const BYTES: &[u8] = b"PONG\r\nMSG a 1 2\r\nhi\r\nPING\r\n";

    /// What is shown if the trace begins with byte `from`, and a socket takes so many bytes at a time.
    fn shown(from: u64, takes: &[usize]) -> Vec<String> {
        let written = Written::default();
        let options = LoggingOptions {
            trace: true,
            ..LoggingOptions::default()
        };
        let rt = Sim::new(1).host("a").rt();
        let lines = Arc::new(Lines {
            log: Logger::new(&rt, &options, Box::new(written.clone())),
            about: Mutex::new(About::link(Kind::Route, ([10, 0, 0, 1], 1).into(), 7)),
        });
        let tap = Tap::default();
        let mut at = 0;
        tap.offer(&[BYTES]);
        for (round, &taken) in takes.iter().enumerate() {
            if round == 1 {
                tap.open(lines.clone(), Shown::default());
                tap.offer(&[&BYTES[at..]]);
                tap.from.store(from, Ordering::Release);
            }
            let end = (at + 14).min(BYTES.len());
            let middle = end.min(at + 4);
            tap.offer(&[&BYTES[at..middle], &BYTES[middle..end]]);
            tap.took(taken);
            at += taken;
        }
        tap.close();
        tap.offer(&[BYTES]);
        written.0.lock().clone()
    }

    #[test]
    fn each_operation_is_shown_once_however_often_it_is_offered() {
        let all = [
            "->> [PONG]",
            "->> [MSG a 1 2]",
            "->> MSG_PAYLOAD: [\"hi\"]",
            "->> [PING]",
        ];
        let all = all.map(|line| format!("10.0.0.1:1 - rid:7 - {line}"));
        assert_eq!(shown(0, &[0, 0, 3, 2, 0, 9, 8, 5]), all);
        assert_eq!(shown(6, &[2, 0, 3, 2, 0, 9, 6, 5]), all[1..]);
        assert_eq!(shown(21, &[7, 2, 3, 0, 0, 8, 1, 6]), all[3..]);
    }
}
