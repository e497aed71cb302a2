//! What `/routez` needs: the routes, and the interest that came over them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gannet_broker::RouteLink;
use gannet_config::{ClusterPermissions, SubjectPermission};
use gannet_monitor::routez::{self, Options, Route, Snapshot};
use gannet_monitor::{ConnInfo, ConnKind, Response, SubInfo};
use gannet_session::route::Place;
use gannet_session::topology::routes::Origin;
use gannet_subject::{Class, Entry};
use gannet_units::ConnId;
use gannet_wire::server_info;

use super::cluster::{conns, origins};
use super::{link, subs};
use crate::route::Conn;
use crate::shared::Shared;

/// The answer.
pub(super) fn respond(shared: &Shared, options: &Options) -> Response {
    let routes = shared.broker.routes();
    let mut interest = if options.wants_subscriptions() {
        interest(shared, &routes)
    } else {
        BTreeMap::new()
    };
    let (conns, origins) = (conns(shared), origins(shared));
    let view = |route: &Arc<RouteLink>| {
        let id = route.peer().id();
        let subs = interest.remove(&id).unwrap_or_default();
        Some(view(route, conns.get(&id)?, origins.get(&id)?, subs))
    };
    let configured = shared.options();
    let permissions = configured.cluster.permissions.as_ref();
    let said = |of: fn(&ClusterPermissions) -> &Option<SubjectPermission>| {
        permissions.and_then(|p| of(p).as_ref()).map(permission)
    };
    let snapshot = Snapshot {
        server_id: shared.id.clone(),
        server_name: shared.name.clone(),
        now: shared.rt.wall(),
        import: said(|p| &p.import),
        export: said(|p| &p.export),
        routes: routes.iter().filter_map(view).collect(),
    };
    routez::respond(options, &snapshot)
}

/// The number of routes, and that of the servers they lead to.
pub(super) fn count(shared: &Shared) -> (usize, usize) {
    let routes = shared.broker.routes();
    let servers: BTreeSet<&str> = routes.iter().map(|route| route.server_id()).collect();
    (routes.len(), servers.len())
}

fn view(route: &RouteLink, conn: &Conn, origin: &Origin, subs: Vec<SubInfo>) -> Route {
    let remote = conn.remote.lock().clone();
    let account = match remote.as_ref().map(|remote| &remote.place) {
        Some(Place::Account(name)) => name.clone(),
        Some(Place::Only | Place::Pooled(_)) | None => String::new(),
    };
    let info = remote.as_ref().map(|remote| &remote.info);
    Route {
        remote_name: info
            .map(|info| info.server_name.clone())
            .unwrap_or_default(),
        did_solicit: origin.is_solicited,
        is_configured: origin.is_configured,
        import: info.and_then(|info| info.import.clone()),
        export: info.and_then(|info| info.export.clone()),
        compression: (*conn.compression.lock()).to_owned(),
        conn: ConnInfo {
            name: route.server_id().to_owned(),
            account,
            subs,
            ..link::conn(ConnKind::Router, &conn.peer, &conn.facts)
        },
    }
}

/// The interest that came over each of these routes, in a fixed order: the index has none.
fn interest(shared: &Shared, routes: &[Arc<RouteLink>]) -> BTreeMap<ConnId, Vec<SubInfo>> {
    let mut found: BTreeMap<ConnId, Vec<SubInfo>> = routes
        .iter()
        .map(|route| (route.peer().id(), Vec::new()))
        .collect();
    if found.is_empty() {
        return found;
    }
    for account in shared.broker.accounts() {
        for sub in subs::taken(&account, |sub| sub.class() == Class::Route) {
            if let Some(of_route) = found.get_mut(&sub.peer().id()) {
                of_route.push(SubInfo {
                    // What counts deliveries on a client's subscription is a queue group's weight here.
                    max: 0,
                    ..subs::info(account.name(), &sub)
                });
            }
        }
    }
    for subs in found.values_mut() {
        subs.sort_by(|a, b| {
            let (one, other) = ((&a.account, &a.subject), (&b.account, &b.subject));
            one.cmp(&other).then_with(|| a.queue.cmp(&b.queue))
        });
    }
    found
}

fn permission(configured: &SubjectPermission) -> server_info::SubjectPermission {
    server_info::SubjectPermission {
        allow: configured.allow.clone().unwrap_or_default(),
        deny: configured.deny.clone(),
    }
}
