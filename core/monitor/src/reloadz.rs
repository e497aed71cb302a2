//! `/reloadz`: what a reload would do now, without doing it. The reference server has no such page.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use gannet_config::{Difference, Shown};
use gannet_units::WallTime;
use serde::Serialize;

use crate::json::time;
use crate::query::{BadValue, Query, Window};
use crate::response::Response;

/// What is asked of `/reloadz`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    window: Window,
}

impl Options {
    pub(crate) fn parse(query: &Query) -> Result<Options, BadValue> {
        Ok(Options {
            window: Window::parse(query)?,
        })
    }
}

/// What would come of a reload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The changes would be taken over.
    Live,
    /// No setting differs. Certificates and keys would be read again.
    #[default]
    Unchanged,
    /// Something cannot change while the server runs, so nothing would.
    Refused,
    /// The configuration cannot be used, so nothing would change.
    Invalid,
}

/// What the caller gathered.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// This server's id.
    pub server_id: String,
    /// This server's name.
    pub server_name: String,
    /// Its process.
    pub pid: u32,
    /// The time.
    pub now: WallTime,
    /// The digest of the configuration that the server goes by.
    pub running_digest: Option<String>,
    /// The digest of the one that was read.
    pub digest: Option<String>,
    /// What would come of it.
    pub verdict: Verdict,
    /// Why not, if it is refused or cannot be used: the lines that the log would have.
    pub reasons: Vec<String>,
    /// What is not quite right with the configuration.
    pub warnings: Vec<String>,
    /// The settings that differ.
    pub changes: Vec<Difference>,
    /// What kinds of connections would end.
    pub dropped: Vec<String>,
    /// The connections that would end.
    pub connections: Vec<Connection>,
    /// The numbers of connections of which it is not known.
    pub unanswered: Vec<u64>,
}

/// A connection that would end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Connection {
    /// Its number.
    pub cid: u64,
    /// `client`, `route`, `outbound gateway` or `inbound gateway`.
    pub kind: &'static str,
    /// Where the peer is.
    pub ip: String,
    /// Its port.
    pub port: u16,
    /// The client's own name, the other server's, or the other cluster's.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The client's user.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// The client's account.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub account: String,
    /// Why it would end, in the words of `/connz`.
    pub reason: &'static str,
    /// What comes then: `gone`, `made anew`, or `moved`, if what it carried has moved to other connections before.
    pub then: &'static str,
}

/// The answer.
pub fn respond(options: &Options, snapshot: &Snapshot) -> Response {
    let window = options.window;
    let changes = snapshot.changes.iter().map(|change| Change {
        key: change.key.to_string(),
        old: &change.old,
        new: &change.new,
        verdict: change.verdict.word(),
        text: change.to_string(),
    });
    let connections = &snapshot.connections;
    let shown = connections.iter().skip(window.skip()).take(window.take());
    let of = |kind: &str| {
        let ended = connections.iter().filter(|c| c.kind.ends_with(kind));
        ended.count()
    };
    Response::json(&Reloadz {
        server_id: &snapshot.server_id,
        server_name: &snapshot.server_name,
        pid: snapshot.pid,
        now: snapshot.now,
        verdict: snapshot.verdict,
        running_digest: snapshot.running_digest.as_deref(),
        config_digest: snapshot.digest.as_deref(),
        reasons: &snapshot.reasons,
        warnings: &snapshot.warnings,
        changes: changes.collect(),
        dropped: &snapshot.dropped,
        ending: Ending {
            clients: of("client"),
            routes: of("route"),
            gateways: of("gateway"),
            offset: window.offset,
            limit: window.limit,
            connections: shown.collect(),
        },
        unanswered: &snapshot.unanswered,
    })
}

#[derive(Serialize)]
struct Reloadz<'a> {
    server_id: &'a str,
    server_name: &'a str,
    pid: u32,
    #[serde(serialize_with = "time")]
    now: WallTime,
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    running_digest: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    config_digest: Option<&'a str>,
    reasons: &'a [String],
    warnings: &'a [String],
    changes: Vec<Change<'a>>,
    dropped: &'a [String],
    ending: Ending<'a>,
    unanswered: &'a [u64],
}

#[derive(Serialize)]
struct Change<'a> {
    key: String,
    old: &'a Shown,
    new: &'a Shown,
    verdict: &'static str,
    text: String,
}

#[derive(Serialize)]
struct Ending<'a> {
    clients: usize,
    routes: usize,
    gateways: usize,
    offset: u64,
    limit: u64,
    connections: Vec<&'a Connection>,
}
