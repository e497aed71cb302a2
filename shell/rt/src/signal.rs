//! Signals from the administrator.
//!
//! A simulated process gets none: its host is killed, frozen or restarted through `sim` instead.
//! Not here: what a signal means to a server.

use std::future::poll_fn;
use std::io;
use std::task::Poll;

use tokio::signal::unix::{self, SignalKind};

use crate::rt::{Kind, Rt};

/// A signal a server reacts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM.
    Terminate,
    /// SIGINT.
    Interrupt,
    /// SIGHUP.
    Hangup,
    /// SIGUSR1.
    User1,
    /// SIGUSR2.
    User2,
}

/// The signals of [`Signal`], from now on caught instead of ending the process.
pub struct Signals {
    sources: Vec<(Signal, unix::Signal)>,
}

impl Signals {
    /// Starts catching. The process does not go back to the default actions when this is dropped.
    pub fn catch(rt: &Rt) -> io::Result<Signals> {
        let Kind::Real(real) = &rt.kind else {
            return Ok(Signals {
                sources: Vec::new(),
            });
        };
        let _in_runtime = real.handle.enter();
        let kinds = [
            (Signal::Terminate, SignalKind::terminate()),
            (Signal::Interrupt, SignalKind::interrupt()),
            (Signal::Hangup, SignalKind::hangup()),
            (Signal::User1, SignalKind::user_defined1()),
            (Signal::User2, SignalKind::user_defined2()),
        ];
        let mut sources = Vec::with_capacity(kinds.len());
        for (signal, kind) in kinds {
            sources.push((signal, unix::signal(kind)?));
        }
        Ok(Signals { sources })
    }

    /// Waits for the next signal; of several pending ones, the first in the order of [`Signal`].
    /// The same signal sent twice before it is taken counts once. Loses nothing when dropped.
    pub async fn next(&mut self) -> Signal {
        poll_fn(|cx| {
            for (signal, source) in &mut self.sources {
                if source.poll_recv(cx).is_ready() {
                    return Poll::Ready(*signal);
                }
            }
            Poll::Pending
        })
        .await
    }
}
