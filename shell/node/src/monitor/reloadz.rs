//! What `/reloadz` needs: the configuration, read as a reload would read it, and what would come of it.

use std::sync::Arc;

use gannet_broker::PeerKind;
use gannet_monitor::Response;
use gannet_monitor::reloadz::{Connection, Options, Snapshot, Verdict, respond as render};
use gannet_rt::process;

use crate::preview::{Ending, Preview, Then, preview};
use crate::shared::Shared;

/// Of a server that nobody can tell to read its configuration again.
const NO_FILE: &str = "can only reload config when a file is provided using -c or --config";

/// The page. Reading files and asking connections may take a while.
pub(super) async fn respond(shared: &Arc<Shared>, options: &Options) -> Response {
    let mut snapshot = Snapshot {
        server_id: shared.id.clone(),
        server_name: shared.name.clone(),
        pid: process::pid(&shared.rt),
        now: shared.rt.wall(),
        running_digest: shared.options().digest.clone(),
        ..Snapshot::default()
    };
    if let Err((verdict, reasons)) = fill(shared, &mut snapshot).await {
        (snapshot.verdict, snapshot.reasons) = (verdict, reasons);
    }
    render(options, &snapshot)
}

async fn fill(shared: &Arc<Shared>, snapshot: &mut Snapshot) -> Result<(), (Verdict, Vec<String>)> {
    let Some(host) = shared.host.get().cloned() else {
        return Err((Verdict::Invalid, vec![NO_FILE.into()]));
    };
    let read = shared.rt.run_blocking(move || host.configuration()).await;
    let configuration = read.map_err(|reasons| (Verdict::Invalid, reasons))?;
    snapshot.warnings = configuration.warnings;
    snapshot.digest = configuration.options.digest.clone();
    let preview = preview(shared, configuration.options).await;
    let Preview {
        running,
        options,
        diff,
        endings,
        unanswered,
    } = preview.map_err(|error| (Verdict::Invalid, error.reasons()))?;
    snapshot.changes = diff.differences(&running, &options);
    let refused = diff.refused.iter().map(ToString::to_string);
    snapshot.reasons = refused.collect();
    snapshot.connections = endings.into_iter().map(connection).collect();
    snapshot.unanswered = unanswered.iter().map(|id| id.0).collect();
    snapshot.verdict = match (diff.refused.is_empty(), snapshot.changes.is_empty()) {
        (false, _) => Verdict::Refused,
        (true, true) => Verdict::Unchanged,
        (true, false) => Verdict::Live,
    };
    // Nothing ends where nothing changes.
    let dropped = diff.dropped.iter().filter(|_| diff.refused.is_empty());
    snapshot.dropped = dropped.map(ToString::to_string).collect();
    Ok(())
}

fn connection(ending: Ending) -> Connection {
    Connection {
        cid: ending.id.0,
        kind: match ending.kind {
            PeerKind::Client => "client",
            PeerKind::Route => "route",
            PeerKind::OutboundGateway => "outbound gateway",
            PeerKind::InboundGateway => "inbound gateway",
        },
        ip: ending.addr.ip().to_string(),
        port: ending.addr.port(),
        name: ending.name,
        user: ending.user,
        account: ending.account,
        reason: ending.reason.text(),
        then: match ending.then {
            Then::Gone => "gone",
            Then::MadeAnew => "made anew",
            Then::Moved => "moved",
        },
    }
}
