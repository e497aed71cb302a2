//! `/routez`: the connections to the other servers of this cluster.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use gannet_units::WallTime;
use gannet_wire::server_info::SubjectPermission;
use serde::Serialize;

use crate::conn::{ConnInfo, subjects};
use crate::format;
use crate::json::{time, uptime};
use crate::query::{BadValue, Query, Subscriptions};
use crate::response::Response;
use crate::sub::Detail;

/// What is asked of `/routez`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    subs: Subscriptions,
}

impl Options {
    pub(crate) fn parse(query: &Query) -> Result<Options, BadValue> {
        let subs = query.subscriptions()?;
        Ok(Options { subs })
    }

    /// Whether the routes' subscriptions have to be gathered.
    pub fn wants_subscriptions(&self) -> bool {
        self.subs != Subscriptions::Count
    }
}

/// One route, as seen from here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// The connection. Its name is the other server's id, its account the one that has this route
    /// to itself (empty for none). The subscriptions are the interest that came over it, if
    /// [`Options::wants_subscriptions`]; what they have for a `sid` does not matter.
    pub conn: ConnInfo,
    /// The other server's name.
    pub remote_name: String,
    /// Whether this server dialled.
    pub did_solicit: bool,
    /// Whether a configuration, at either end, names the other server.
    pub is_configured: bool,
    /// The interest that the other server tells; `None` for all of it.
    pub import: Option<SubjectPermission>,
    /// The interest that the other server lets others have; `None` for all of it.
    pub export: Option<SubjectPermission>,
    /// How what is sent is compressed, as INFO says it (`s2_fast`, `off`, `not supported`); empty
    /// while nobody knows.
    pub compression: String,
}

/// What the caller gathered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// This server's id.
    pub server_id: String,
    /// This server's name.
    pub server_name: String,
    /// When this was gathered.
    pub now: WallTime,
    /// This server's own permission to import, if configured.
    pub import: Option<SubjectPermission>,
    /// This server's own permission to export, if configured.
    pub export: Option<SubjectPermission>,
    /// The routes, in any order.
    pub routes: Vec<Route>,
}

/// The answer. Routes that serve all accounts come first, then those of single accounts, each by
/// server and number; the reference has them in no order.
pub fn respond(options: &Options, snapshot: &Snapshot) -> Response {
    let mut routes: Vec<&Route> = snapshot.routes.iter().collect();
    routes.sort_by_key(|route| {
        let conn = &route.conn;
        (&conn.account, &route.remote_name, &conn.name, conn.cid)
    });
    Response::json(&Routez {
        server_id: &snapshot.server_id,
        server_name: &snapshot.server_name,
        now: snapshot.now,
        import: snapshot.import.as_ref(),
        export: snapshot.export.as_ref(),
        num_routes: routes.len(),
        routes: routes
            .into_iter()
            .map(|route| route.view(options.subs, snapshot.now))
            .collect(),
    })
}

impl Route {
    fn view(&self, subs: Subscriptions, now: WallTime) -> View<'_> {
        let conn = &self.conn;
        View {
            rid: conn.cid.0,
            remote_id: &conn.name,
            remote_name: &self.remote_name,
            did_solicit: self.did_solicit,
            is_configured: self.is_configured,
            ip: &conn.ip,
            port: conn.port,
            start: conn.start,
            last_activity: conn.last_activity,
            rtt: format::rtt(conn.rtt),
            uptime: conn.age(now),
            idle: now.since(conn.last_activity),
            import: self.import.as_ref(),
            export: self.export.as_ref(),
            pending_size: conn.pending_bytes,
            in_msgs: conn.in_msgs,
            out_msgs: conn.out_msgs,
            in_bytes: conn.in_bytes,
            out_bytes: conn.out_bytes,
            subscriptions: conn.num_subs,
            subscriptions_list: subjects(&conn.subs, subs),
            subscriptions_list_detail: self.details(subs),
            account: &conn.account,
            compression: &self.compression,
        }
    }

    fn details(&self, wanted: Subscriptions) -> Vec<Detail<'_>> {
        if wanted != Subscriptions::Detail {
            return Vec::new();
        }
        let names_account = self.conn.account.is_empty();
        let subs = self.conn.subs.iter();
        subs.map(|sub| sub.detail_of_route(names_account)).collect()
    }
}

#[derive(Serialize)]
struct Routez<'a> {
    server_id: &'a str,
    server_name: &'a str,
    #[serde(serialize_with = "time")]
    now: WallTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    import: Option<&'a SubjectPermission>,
    #[serde(skip_serializing_if = "Option::is_none")]
    export: Option<&'a SubjectPermission>,
    num_routes: usize,
    routes: Vec<View<'a>>,
}

#[derive(Serialize)]
struct View<'a> {
    rid: u64,
    remote_id: &'a str,
    remote_name: &'a str,
    did_solicit: bool,
    is_configured: bool,
    ip: &'a str,
    port: u16,
    #[serde(serialize_with = "time")]
    start: WallTime,
    #[serde(serialize_with = "time")]
    last_activity: WallTime,
    rtt: String,
    #[serde(serialize_with = "uptime")]
    uptime: Duration,
    #[serde(serialize_with = "uptime")]
    idle: Duration,
    #[serde(skip_serializing_if = "Option::is_none")]
    import: Option<&'a SubjectPermission>,
    #[serde(skip_serializing_if = "Option::is_none")]
    export: Option<&'a SubjectPermission>,
    pending_size: u64,
    in_msgs: u64,
    out_msgs: u64,
    in_bytes: u64,
    out_bytes: u64,
    subscriptions: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subscriptions_list: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subscriptions_list_detail: Vec<Detail<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    account: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    compression: &'a str,
}
