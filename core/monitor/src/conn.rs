//! One connection as `/connz` and `/gatewayz` show it. Which ones are shown is in `connz`.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use gannet_units::{ConnId, WallTime};
use serde::Serialize;

use crate::format;
use crate::json::{is_default, time, uptime};
use crate::query::Subscriptions;
use crate::sub::{Detail, SubInfo};

/// The account of connections that name none. It is not shown.
pub(crate) const GLOBAL_ACCOUNT: &str = "$G";

/// Who is at the other end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConnKind {
    /// A client.
    #[default]
    Client,
    /// A leaf node.
    Leafnode,
    /// A server of another cluster.
    Gateway,
    /// A server of the same cluster.
    Router,
}

impl ConnKind {
    fn name(self) -> &'static str {
        match self {
            ConnKind::Client => "Client",
            ConnKind::Leafnode => "Leafnode",
            ConnKind::Gateway => "Gateway",
            ConnKind::Router => "Router",
        }
    }
}

/// What a client speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientType {
    /// Not a client.
    #[default]
    None,
    /// The NATS protocol over TCP.
    Nats,
    /// The NATS protocol over WebSocket.
    Websocket,
    /// MQTT.
    Mqtt,
}

impl ClientType {
    fn name(self) -> &'static str {
        match self {
            ClientType::None => "",
            ClientType::Nats => "nats",
            ClientType::Websocket => "websocket",
            ClientType::Mqtt => "mqtt",
        }
    }
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// When.
    pub at: WallTime,
    /// Why, in the reference's words for closed connections.
    pub reason: &'static str,
}

/// A certificate that a client has shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PeerCertificate {
    /// Its subject as RFC 2253 writes it.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub subject: String,
    /// SHA-256 of its public key, in hexadecimal digits.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub spki_sha256: String,
    /// SHA-256 of all of it, in hexadecimal digits.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub cert_sha256: String,
}

/// A connection at one instant; for a closed one, the instant it was closed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnInfo {
    /// Its number.
    pub cid: ConnId,
    /// Who is at the other end.
    pub kind: ConnKind,
    /// What a client speaks.
    pub client_type: ClientType,
    /// The peer's address.
    pub ip: String,
    /// The peer's port.
    pub port: u16,
    /// When it was accepted or dialled.
    pub start: WallTime,
    /// When bytes last went either way.
    pub last_activity: WallTime,
    /// How it ended; `None` while it is open.
    pub closed: Option<Closed>,
    /// The last measured round trip; zero when none was.
    pub rtt: Duration,
    /// Bytes waiting to be sent to it.
    pub pending_bytes: u64,
    /// Messages that came from it.
    pub in_msgs: u64,
    /// Messages that went to it.
    pub out_msgs: u64,
    /// Payload bytes that came from it.
    pub in_bytes: u64,
    /// Payload bytes that went to it.
    pub out_bytes: u64,
    /// How often it was held back for the sake of slower receivers.
    pub stalls: u64,
    /// How many subscriptions it has.
    pub num_subs: u32,
    /// The name it gave itself; for a server, its id.
    pub name: String,
    /// The client library's language.
    pub lang: String,
    /// The client library's version.
    pub version: String,
    /// The version of TLS, such as `1.3`; empty on a plain connection.
    pub tls_version: &'static str,
    /// The cipher suite; empty on a plain connection.
    pub tls_cipher: String,
    /// The certificates that it has shown, its own first; shown to those who ask who it is.
    pub tls_peers: Vec<PeerCertificate>,
    /// TLS came before anything else, INFO too.
    pub tls_first: bool,
    /// The user it is, never a secret: `[REDACTED]` when it used a token; empty for none.
    pub user: String,
    /// Its account; empty while it has none.
    pub account: String,
    /// Its MQTT client id; empty when it has none.
    pub mqtt_client: String,
    /// Its subscriptions. Needed on the connections of a page only, and only if asked for.
    pub subs: Vec<SubInfo>,
}

impl ConnInfo {
    /// The account that can be seen and asked for. The reference forgets the global account
    /// when it keeps a closed connection.
    pub(crate) fn visible_account(&self) -> &str {
        if self.closed.is_some() && self.account == GLOBAL_ACCOUNT {
            ""
        } else {
            &self.account
        }
    }

    /// How long it has been open at `now`, or had been when it was closed.
    pub(crate) fn age(&self, now: WallTime) -> Duration {
        self.ended(now).since(self.start)
    }

    fn ended(&self, now: WallTime) -> WallTime {
        self.closed.as_ref().map_or(now, |closed| closed.at)
    }

    /// Its JSON at `now`, saying who it is if `auth`, and its subscriptions as `subs` wants them.
    pub(crate) fn view(&self, now: WallTime, auth: bool, subs: Subscriptions) -> View<'_> {
        let account = self.visible_account();
        let tag = if account.is_empty() && self.closed.is_none() {
            GLOBAL_ACCOUNT
        } else {
            account
        };
        let who = |text| if auth { text } else { "" };
        View {
            cid: self.cid.0,
            kind: self.kind.name(),
            client_type: self.client_type.name(),
            ip: &self.ip,
            port: self.port,
            start: self.start,
            last_activity: self.last_activity,
            stop: self.closed.as_ref().map(|closed| format::time(closed.at)),
            reason: self.closed.as_ref().map_or("", |closed| closed.reason),
            rtt: format::rtt(self.rtt),
            uptime: self.age(now),
            idle: self.ended(now).since(self.last_activity),
            pending_bytes: self.pending_bytes,
            in_msgs: self.in_msgs,
            out_msgs: self.out_msgs,
            in_bytes: self.in_bytes,
            out_bytes: self.out_bytes,
            stalls: self.stalls,
            subscriptions: self.num_subs,
            name: &self.name,
            lang: &self.lang,
            version: &self.version,
            tls_version: self.tls_version,
            tls_cipher_suite: &self.tls_cipher,
            tls_peer_certs: if auth { &self.tls_peers } else { &[] },
            tls_first: self.tls_first,
            authorized_user: who(&self.user),
            account: who(if account == GLOBAL_ACCOUNT {
                ""
            } else {
                account
            }),
            subscriptions_list: subjects(&self.subs, subs),
            subscriptions_list_detail: self.details(subs),
            name_tag: who(tag),
            mqtt_client: &self.mqtt_client,
        }
    }

    /// A closed connection's subscriptions say their account too.
    fn details(&self, subs: Subscriptions) -> Vec<Detail<'_>> {
        match subs {
            Subscriptions::Detail if self.closed.is_some() => {
                self.subs.iter().map(SubInfo::detail_with_account).collect()
            }
            _ => details(&self.subs, subs),
        }
    }
}

/// The subjects, if they are wanted.
pub(crate) fn subjects(subs: &[SubInfo], wanted: Subscriptions) -> Vec<&str> {
    match wanted {
        Subscriptions::Subjects => subs.iter().map(|sub| sub.subject.as_str()).collect(),
        Subscriptions::Count | Subscriptions::Detail => Vec::new(),
    }
}

/// The details, if they are wanted.
pub(crate) fn details(subs: &[SubInfo], wanted: Subscriptions) -> Vec<Detail<'_>> {
    match wanted {
        Subscriptions::Detail => subs.iter().map(SubInfo::detail).collect(),
        Subscriptions::Count | Subscriptions::Subjects => Vec::new(),
    }
}

/// The JSON of one connection.
#[derive(Serialize)]
pub(crate) struct View<'a> {
    cid: u64,
    kind: &'static str,
    #[serde(rename = "type", skip_serializing_if = "str::is_empty")]
    client_type: &'static str,
    ip: &'a str,
    port: u16,
    #[serde(serialize_with = "time")]
    start: WallTime,
    #[serde(serialize_with = "time")]
    last_activity: WallTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'a str,
    rtt: String,
    #[serde(serialize_with = "uptime")]
    uptime: Duration,
    #[serde(serialize_with = "uptime")]
    idle: Duration,
    pending_bytes: u64,
    in_msgs: u64,
    out_msgs: u64,
    in_bytes: u64,
    out_bytes: u64,
    #[serde(skip_serializing_if = "is_default")]
    stalls: u64,
    subscriptions: u32,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    lang: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    tls_version: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    tls_cipher_suite: &'a str,
    #[serde(skip_serializing_if = "is_default")]
    tls_peer_certs: &'a [PeerCertificate],
    #[serde(skip_serializing_if = "is_default")]
    tls_first: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    authorized_user: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    account: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subscriptions_list: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subscriptions_list_detail: Vec<Detail<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    name_tag: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    mqtt_client: &'a str,
}
