//! Clients that take their bytes slowly: counting, telling, giving up. Not here: when which of it is due
//! (`gannet_session::client::Patience`).

use std::sync::atomic::Ordering;

use gannet_session::CloseReason;
use gannet_session::client::{Backlog, Patience, Progress, Verdict};

use crate::log::{log, shown_duration};
use crate::registry::ClientConn;
use crate::shared::Shared;
use crate::transport::Transport;

/// Looks how a client's socket is getting on; answers the reason if the client is given up. One that
/// `must_connect` first is not counted: it may not even be a client.
pub(super) fn judge(
    shared: &Shared,
    conn: &ClientConn,
    transport: &Transport,
    patience: &mut Patience,
    must_connect: bool,
) -> Option<CloseReason> {
    let progress = progress(transport);
    let options = shared.now();
    let limits = &options.limits;
    match patience.judge(shared.rt.now(), limits, &progress) {
        Verdict::Fine => None,
        Verdict::Recovered { backlog, took } => {
            let Backlog { chunks, bytes } = backlog;
            log!(
                shared.log,
                Info,
                about conn.about(),
                "Slow Consumer Recovered: Flush took {:.3}s with {chunks} chunks of {bytes} total bytes.",
                took.as_secs_f64()
            );
            None
        }
        Verdict::Slow { .. } if must_connect => Some(CloseReason::SlowConsumerWriteDeadline),
        Verdict::Slow {
            backlog,
            again,
            give_up,
        } => {
            let trouble = &shared.trouble;
            trouble.slow_clients.fetch_add(1, Ordering::Relaxed);
            let Backlog { chunks, bytes } = backlog;
            log!(
                shared.log,
                Info,
                about conn.about(),
                "Slow Consumer {}: WriteDeadline of {} exceeded with {chunks} chunks of {bytes} total bytes.",
                if again { "State" } else { "Detected" },
                shown_duration(limits.write_deadline)
            );
            give_up.then_some(CloseReason::SlowConsumerWriteDeadline)
        }
    }
}

fn progress(transport: &Transport) -> Progress {
    let outbox = transport.peer.outbox();
    Progress {
        flushed: outbox.flushed(),
        is_blocked: outbox.is_blocked(),
        backlog: Backlog {
            chunks: outbox.chunks(),
            bytes: outbox.pending(),
        },
    }
}
