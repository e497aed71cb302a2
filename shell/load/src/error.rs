//! What can go wrong in a run, by blame: the caller, the server's process, its protocol, its deliveries, or the machine.
//! How an error is shown is the report's business.

use std::io;

/// Why a scenario, or the whole run, ended without figures.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    /// The arguments do not describe a run.
    #[error("{0}")]
    Usage(String),
    /// The server process did not start, or ended during the run.
    #[error("server {server}: {reason}")]
    Server {
        /// Path of the binary.
        server: String,
        /// What happened, with the end of its log.
        reason: String,
    },
    /// The server sent something that the client protocol does not allow here, an `-ERR` included.
    #[error("protocol: {0}")]
    Protocol(String),
    /// A message was lost, doubled, reordered or changed.
    #[error("delivery: {0}")]
    Delivery(String),
    /// Nothing moved for as long as the caller's patience lasts.
    #[error("no progress for {seconds} s: {missing}")]
    Stalled {
        /// The patience that ran out, in seconds.
        seconds: u64,
        /// What had not arrived.
        missing: String,
    },
    /// The operating system refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// Its refusal.
        source: io::Error,
    },
    /// SIGINT or SIGTERM arrived.
    #[error("interrupted")]
    Interrupted,
}

impl LoadError {
    /// An adapter for `map_err`: names what was being done when the operating system refused.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> LoadError {
        let what = what.into();
        move |source| LoadError::Io { what, source }
    }

    /// The same for the error numbers that `nix` returns.
    pub(crate) fn os(what: impl Into<String>) -> impl FnOnce(nix::errno::Errno) -> LoadError {
        let what = what.into();
        move |errno| LoadError::Io {
            what,
            source: errno.into(),
        }
    }
}
