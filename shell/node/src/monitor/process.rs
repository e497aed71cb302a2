//! What `/debug/vars` and `/stacksz` need: the process, as its owner and the system know it.

use gannet_monitor::Response;
use gannet_monitor::process::{Tasks, Thread, Vars};
use gannet_rt::process;

use crate::shared::Shared;

/// `/debug/vars`
pub(super) fn vars(shared: &Shared) -> Response {
    Vars {
        command_line: command_line(shared),
        resident: process::rss_bytes(&shared.rt),
    }
    .respond()
}

/// The command line, without secrets.
pub(super) fn command_line(shared: &Shared) -> Vec<String> {
    let host = shared.host.get();
    host.map_or_else(Vec::new, |host| host.command_line())
}

/// `/stacksz`
pub(super) fn tasks(shared: &Shared) -> Response {
    let thread = |thread: process::Thread| Thread {
        id: thread.id,
        name: thread.name,
        state: thread.state,
        user: thread.user,
        system: thread.system,
    };
    let routes = shared.routes.get().map_or(0, |mesh| mesh.links().len());
    Tasks {
        threads: (process::threads(&shared.rt).into_iter())
            .map(thread)
            .collect(),
        tasks: process::tasks(&shared.rt),
        clients: shared.clients.len(),
        links: routes + shared.broker.outbound().len() + shared.broker.inbound().len(),
    }
    .respond()
}
