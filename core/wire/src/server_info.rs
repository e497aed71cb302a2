//! What servers say of themselves to each other: the JSON of INFO and CONNECT on gateways and routes.
//! Fields, their order and what is left out when empty are the reference server's; unknown fields are
//! ignored, so that newer servers can be talked to.
//!
//! Not here: what to do with it.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use core::ops::Not;

use data_encoding::BASE64;
use serde::de::DeserializeSeed;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest JSON text that is looked at, in bytes. The decoder's own limit for a line is usually lower.
pub const MAX_JSON: usize = 1024 * 1024;

/// JSON that is no INFO or CONNECT.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JsonError(String);

/// What an INFO with a command asks of the other side of a gateway link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GatewayCommand {
    /// There is another cluster, reachable at these addresses.
    Gossip,
    /// All plain interest of the account named in the payload follows.
    AllSubsStart,
    /// All plain interest of the account has been sent: send nothing else from now on.
    AllSubsComplete,
    /// A command that nobody knows yet.
    Unknown(u8),
}

/// What a server does with the news of another one that it dials for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GossipMode {
    /// Dials, and tells nobody.
    #[default]
    Default,
    /// Dials, and tells nobody; the one dialled tells nobody either.
    Disabled,
    /// Dials, and tells everybody.
    Override,
}

impl GossipMode {
    /// The number in INFO.
    pub fn number(self) -> u8 {
        match self {
            GossipMode::Default => 0,
            GossipMode::Disabled => 1,
            GossipMode::Override => 2,
        }
    }
}

/// Subjects that a route imports or exports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SubjectPermission {
    /// Allowed subjects; all if empty.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub allow: Vec<String>,
    /// Denied subjects.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub deny: Vec<String>,
}

/// The JSON of INFO between servers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServerInfo {
    /// The server's public nkey. Empty in commands; `GW` and the id in gossip to routes.
    pub server_id: String,
    /// The server's name; its id if it was given none.
    pub server_name: String,
    /// The version of the reference server whose behaviour peers can count on.
    pub version: String,
    /// Level of the protocol between servers: 3 understands message tracing.
    pub proto: i64,
    /// Revision the server was built from.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub git_commit: String,
    /// Version of the Go compiler; empty elsewhere.
    pub go: String,
    /// Host listened on, or advertised.
    pub host: String,
    /// Port listened on, or advertised.
    pub port: i64,
    /// Messages with headers are understood.
    pub headers: bool,
    /// The dialler must authenticate.
    #[serde(skip_serializing_if = "Not::not")]
    pub auth_required: bool,
    /// The dialler must start TLS now.
    #[serde(skip_serializing_if = "Not::not")]
    pub tls_required: bool,
    /// The dialler must show a certificate.
    #[serde(skip_serializing_if = "Not::not")]
    pub tls_verify: bool,
    /// The dialler may start TLS now.
    #[serde(skip_serializing_if = "Not::not")]
    pub tls_available: bool,
    /// Largest payload of a client, in bytes.
    pub max_payload: i64,
    /// Streams are enabled.
    #[serde(skip_serializing_if = "Not::not")]
    pub jetstream: bool,
    /// Address of the server as a route sees it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ip: String,
    /// The connection's number.
    #[serde(skip_serializing_if = "is_zero_u64")]
    pub client_id: u64,
    /// Address of the peer as the server sees it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub client_ip: String,
    /// To be signed by the peer.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub nonce: String,
    /// Name of the server's cluster.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cluster: String,
    /// The cluster's name was made up.
    #[serde(skip_serializing_if = "Not::not")]
    pub cluster_dynamic: bool,
    /// Domain of its streams.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub domain: String,
    /// Where clients connect.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub connect_urls: Vec<String>,
    /// Where clients connect by WebSocket.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub ws_connect_urls: Vec<String>,
    /// The server is about to shut down.
    #[serde(skip_serializing_if = "Not::not")]
    pub ldm: bool,
    /// Compression that the server wants.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub compression: String,
    /// This INFO answers a CONNECT.
    #[serde(skip_serializing_if = "Not::not")]
    pub connect_info: bool,
    /// The account the peer is bound to.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remote_account: String,
    /// That account is the system account.
    #[serde(skip_serializing_if = "Not::not")]
    pub acc_is_sys: bool,
    /// Level of the stream API.
    #[serde(skip_serializing_if = "is_zero_i64")]
    pub api_lvl: i64,
    /// What a route takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import: Option<SubjectPermission>,
    /// What a route gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export: Option<SubjectPermission>,
    /// A route understands interest with the origin cluster of a leaf node.
    #[serde(skip_serializing_if = "Not::not")]
    pub lnoc: bool,
    /// The same for the end of such interest.
    #[serde(skip_serializing_if = "Not::not")]
    pub lnocu: bool,
    /// Servers since 2.15 say so on routes; what they do does not change with it.
    #[serde(skip_serializing_if = "Not::not")]
    pub ln: bool,
    /// CONNECT is answered with INFO.
    #[serde(skip_serializing_if = "Not::not")]
    pub info_on_connect: bool,
    /// Connections between two servers of a cluster.
    #[serde(skip_serializing_if = "is_zero_i64")]
    pub route_pool_size: i64,
    /// Which of them this is.
    #[serde(skip_serializing_if = "is_zero_i64")]
    pub route_pool_idx: i64,
    /// The account that has this route to itself.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub route_account: String,
    /// Request for such a route.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub route_acc_add_reqid: String,
    /// How a new route spreads.
    #[serde(skip_serializing_if = "is_zero_u8")]
    pub gossip_mode: u8,
    /// Name of the cluster this INFO is about: the sender's, or the one gossiped.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub gateway: String,
    /// Gateway addresses (`host:port`) of all servers of that cluster.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub gateway_urls: Vec<String>,
    /// Gateway address of the sender.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub gateway_url: String,
    /// Number of a command; 0 for none. See [`ServerInfo::command`].
    #[serde(skip_serializing_if = "is_zero_u8")]
    pub gateway_cmd: u8,
    /// What the command is about: the account's name. Base64 in JSON.
    #[serde(
        skip_serializing_if = "is_empty_payload",
        serialize_with = "to_base64",
        deserialize_with = "from_base64"
    )]
    pub gateway_cmd_payload: Option<Vec<u8>>,
    /// Mapped replies start with `_GR_.`.
    #[serde(skip_serializing_if = "Not::not")]
    pub gateway_nrp: bool,
    /// All accounts are interest-only from the start.
    #[serde(skip_serializing_if = "Not::not")]
    pub gateway_iom: bool,
    /// Where leaf nodes can connect.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub leafnode_urls: Vec<String>,
    /// The server's public x25519 key.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub xkey: String,
    /// Our own version; the sign that the peer is one of ours.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub gannet: String,
    /// Between two of ours, on a route: the interest in these accounts was told here in full, and the
    /// sender wants their messages over this connection from now on.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub gannet_turn: Vec<String>,
}

impl ServerInfo {
    /// Reads the JSON text of an INFO.
    ///
    /// # Errors
    ///
    /// If it is no JSON object, or a known field has a value of another type.
    pub fn parse(json: &[u8]) -> Result<ServerInfo, JsonError> {
        parse_json(json)
    }

    /// The JSON text.
    pub fn to_json(&self) -> String {
        to_json(self)
    }

    /// The command in it, if there is one.
    pub fn command(&self) -> Option<GatewayCommand> {
        match self.gateway_cmd {
            0 => None,
            1 => Some(GatewayCommand::Gossip),
            2 => Some(GatewayCommand::AllSubsStart),
            3 => Some(GatewayCommand::AllSubsComplete),
            n => Some(GatewayCommand::Unknown(n)),
        }
    }

    /// The INFO that tells another server of cluster `gateway`.
    pub fn gossip(server_id: &str, gateway: &str, urls: Vec<String>) -> ServerInfo {
        ServerInfo {
            server_id: server_id.to_string(),
            gateway: gateway.to_string(),
            gateway_urls: urls,
            gateway_cmd: 1,
            ..ServerInfo::default()
        }
    }

    /// As [`ServerInfo::gossip`], the way it goes over routes: the sender is named, and its id marked.
    pub fn gossip_to_route(
        server_id: &str,
        server_name: &str,
        gateway: &str,
        urls: Vec<String>,
    ) -> ServerInfo {
        let server_id = alloc::format!("GW{server_id}");
        ServerInfo {
            server_name: server_name.to_string(),
            ..ServerInfo::gossip(&server_id, gateway, urls)
        }
    }

    /// The INFO on a route that says: `account` gets a route of its own now, so forget its interest here.
    /// `pool_size` is the sender's.
    pub fn dedicated_route_request(pool_size: i64, account: &str, request_id: &str) -> ServerInfo {
        ServerInfo {
            route_pool_size: pool_size,
            route_account: account.to_string(),
            route_acc_add_reqid: request_id.to_string(),
            ..ServerInfo::default()
        }
    }

    /// The INFO on a route between two of ours that asks for the messages of these accounts over this very
    /// connection.
    pub fn turn(accounts: Vec<String>) -> ServerInfo {
        ServerInfo {
            gannet_turn: accounts,
            ..ServerInfo::default()
        }
    }

    /// The answer to [`ServerInfo::dedicated_route_request`]: the same without the account.
    pub fn dedicated_route_answer(&self) -> ServerInfo {
        ServerInfo {
            route_account: String::new(),
            ..self.clone()
        }
    }

    /// How the news of the server that this INFO is about may spread.
    pub fn gossip_mode(&self) -> GossipMode {
        match self.gossip_mode {
            1 => GossipMode::Disabled,
            2 => GossipMode::Override,
            _ => GossipMode::Default,
        }
    }

    /// The INFO that begins (`complete` is false) or ends the switch of `account` to interest-only.
    /// `gateway` is the sender's cluster.
    pub fn interest_switch(gateway: &str, account: &[u8], complete: bool) -> ServerInfo {
        ServerInfo {
            gateway: gateway.to_string(),
            gateway_cmd: if complete { 3 } else { 2 },
            gateway_cmd_payload: Some(account.to_vec()),
            ..ServerInfo::default()
        }
    }
}

/// The JSON of CONNECT between servers. Its `Debug` does not show the password.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServerConnect {
    /// Of no meaning between servers.
    pub echo: bool,
    /// Asks for `+OK`; never set.
    pub verbose: bool,
    /// Of no meaning between servers.
    pub pedantic: bool,
    /// User.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// Password.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pass: String,
    /// The dialler uses TLS.
    pub tls_required: bool,
    /// Messages with headers are understood; false on gateways, where INFO says it.
    pub headers: bool,
    /// The dialler's server id.
    pub name: String,
    /// Name of the dialler's cluster, on routes.
    pub cluster: String,
    /// That name was made up.
    #[serde(skip_serializing_if = "Not::not")]
    pub cluster_dynamic: bool,
    /// As in INFO.
    #[serde(skip_serializing_if = "Not::not")]
    pub lnoc: bool,
    /// As in INFO, where alone Go servers say it.
    #[serde(skip_serializing_if = "Not::not")]
    pub lnocu: bool,
    /// As in INFO.
    #[serde(skip_serializing_if = "Not::not")]
    pub ln: bool,
    /// Name of the dialler's cluster, on gateways.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub gateway: String,
    /// Language of the client library: the dialler is a client at the wrong port.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub lang: String,
}

impl ServerConnect {
    /// Reads the JSON text of a CONNECT.
    ///
    /// # Errors
    ///
    /// If it is no JSON object, or a known field has a value of another type.
    pub fn parse(json: &[u8]) -> Result<ServerConnect, JsonError> {
        parse_json(json)
    }

    /// The JSON text.
    pub fn to_json(&self) -> String {
        to_json(self)
    }
}

impl fmt::Debug for ServerConnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerConnect")
            .field("user", &self.user)
            .field("name", &self.name)
            .field("cluster", &self.cluster)
            .field("gateway", &self.gateway)
            .finish_non_exhaustive()
    }
}

pub(crate) fn parse_json<T: for<'a> Deserialize<'a>>(json: &[u8]) -> Result<T, JsonError> {
    parse_json_with(json, PhantomData::<T>)
}

/// As [`parse_json`], into what `seed` makes of it.
pub(crate) fn parse_json_with<T>(
    json: &[u8],
    seed: impl for<'a> DeserializeSeed<'a, Value = T>,
) -> Result<T, JsonError> {
    if json.len() > MAX_JSON {
        return Err(JsonError("JSON input too large".to_string()));
    }
    // Like the reference server, take bytes that are no UTF-8 for U+FFFD.
    let text: Cow<'_, str> = String::from_utf8_lossy(json);
    // The parser's own words quote values from the text, which may be a password.
    let mut parser = serde_json::Deserializer::from_str(&text);
    let value = seed
        .deserialize(&mut parser)
        .and_then(|value| parser.end().map(|()| value));
    value.map_err(|e| {
        let what = match e.classify() {
            serde_json::error::Category::Eof => "unexpected end of JSON input",
            serde_json::error::Category::Syntax => "invalid JSON input",
            _ => "JSON value of the wrong type",
        };
        JsonError(alloc::format!("{what} (column {})", e.column()))
    })
}

/// JSON as Go writes it: what has a meaning in HTML is escaped.
fn to_json<T: Serialize>(value: &T) -> String {
    let text =
        serde_json::to_string(value).expect("plain fields with string keys always serialize");
    let html = |c: char| matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}');
    if !text.contains(html) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if html(c) {
            out.push_str(&alloc::format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

fn is_zero_u64(n: &u64) -> bool {
    *n == 0
}

fn is_zero_i64(n: &i64) -> bool {
    *n == 0
}

fn is_zero_u8(n: &u8) -> bool {
    *n == 0
}

fn is_empty_payload(payload: &Option<Vec<u8>>) -> bool {
    payload.as_ref().is_none_or(Vec::is_empty)
}

/// `null` stands for an empty list.
fn or_default<'a, D: Deserializer<'a>, T: Deserialize<'a> + Default>(d: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(d)?.unwrap_or_default())
}

fn to_base64<S: Serializer>(payload: &Option<Vec<u8>>, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(&BASE64.encode(payload.as_deref().unwrap_or_default()))
}

fn from_base64<'a, D: Deserializer<'a>>(d: D) -> Result<Option<Vec<u8>>, D::Error> {
    let Some(text) = Option::<String>::deserialize(d)? else {
        return Ok(None);
    };
    BASE64
        .decode(text.as_bytes())
        .map(Some)
        .map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod route_tests;
#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use std::format;

    /// As a Go server 2.15.1 wrote it on accepting a gateway connection.
    const GO_INFO: &str = r#"{"server_id":"NBMISBNYPGFMNSOAKPJW2UDVEUPWJUMMUOXOFSMF7PF6CJS53NX253J3","server_name":"Bsrv","version":"2.15.1","proto":3,"go":"","host":"127.0.0.1","port":33205,"headers":true,"max_payload":1048576,"gateway":"B","gateway_urls":["127.0.0.1:33205"],"gateway_url":"127.0.0.1:33205","gateway_nrp":true,"gateway_iom":true}"#;
    const GO_SWITCH: &str = r#"{"server_id":"","server_name":"","version":"","proto":0,"go":"","host":"","port":0,"headers":false,"max_payload":0,"gateway":"B","gateway_cmd":2,"gateway_cmd_payload":"JFNZUw=="}"#;
    const GO_CONNECT: &str = r#"{"echo":false,"verbose":false,"pedantic":false,"user":"u","pass":"p","tls_required":false,"headers":false,"name":"NAFV7I3L76BATQO5KNKFQEWANYVU2QO5F4W65VPZLH7VVH5O74DFIASH","cluster":"","gateway":"A"}"#;

    #[test]
    fn the_texts_of_a_go_server_survive_a_round_trip_byte_for_byte() {
        assert_eq!(
            ServerInfo::parse(GO_INFO.as_bytes()).unwrap().to_json(),
            GO_INFO
        );
        assert_eq!(
            ServerInfo::parse(GO_SWITCH.as_bytes()).unwrap().to_json(),
            GO_SWITCH
        );
        assert_eq!(
            ServerConnect::parse(GO_CONNECT.as_bytes())
                .unwrap()
                .to_json(),
            GO_CONNECT
        );
    }

    #[test]
    fn a_switch_command_names_its_account_in_base64() {
        let info = ServerInfo::parse(GO_SWITCH.as_bytes()).unwrap();
        assert_eq!(info.command(), Some(GatewayCommand::AllSubsStart));
        assert_eq!(info.gateway_cmd_payload.as_deref(), Some(&b"$SYS"[..]));
        assert_eq!(ServerInfo::interest_switch("B", b"$SYS", false), info);
        assert_eq!(
            ServerInfo::parse(br#"{"gateway_cmd":3}"#)
                .unwrap()
                .gateway_cmd_payload,
            None
        );
        assert!(ServerInfo::parse(br#"{"gateway_cmd_payload":"not base64!"}"#).is_err());
    }

    #[test]
    fn gossip_names_the_other_cluster() {
        let info = ServerInfo::gossip("NID", "C", vec!["c:1".to_string(), "c:2".to_string()]);
        assert_eq!(
            info.to_json(),
            r#"{"server_id":"NID","server_name":"","version":"","proto":0,"go":"","host":"","port":0,"headers":false,"max_payload":0,"gateway":"C","gateway_urls":["c:1","c:2"],"gateway_cmd":1}"#
        );
        assert_eq!(info.command(), Some(GatewayCommand::Gossip));
    }

    #[test]
    fn unknown_fields_and_nulls_are_taken() {
        let info = ServerInfo::parse(
            br#"{"gateway":"B","from_the_future":{"a":[1]},"gateway_urls":null}"#,
        )
        .unwrap();
        assert_eq!(
            info,
            ServerInfo {
                gateway: "B".to_string(),
                ..ServerInfo::default()
            }
        );
    }

    #[test]
    fn what_means_something_in_html_is_escaped_as_go_does() {
        let info = ServerInfo {
            gateway: "a<b>&c".to_string(),
            ..ServerInfo::default()
        };
        assert!(
            info.to_json()
                .ends_with(r#""gateway":"a\u003cb\u003e\u0026c"}"#)
        );
        assert_eq!(ServerInfo::parse(info.to_json().as_bytes()).unwrap(), info);
    }

    #[test]
    fn errors_and_debug_output_show_no_password() {
        let e = ServerConnect::parse(br#"{"verbose":"s3cret"}"#).unwrap_err();
        assert!(!format!("{e} {e:?}").contains("s3cret"));
        let connect = ServerConnect::parse(br#"{"user":"u","pass":"s3cret"}"#).unwrap();
        assert!(!format!("{connect:?}").contains("s3cret"));
        assert_eq!(
            ServerConnect::parse(b"{\"verbose\":")
                .unwrap_err()
                .to_string(),
            "unexpected end of JSON input (column 11)"
        );
    }
}
