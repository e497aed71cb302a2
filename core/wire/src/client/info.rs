//! What a server says of itself to a client in `INFO`.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

/// The JSON of `INFO` for clients: the reference server's fields, in its order, left out where it
/// leaves them out, and our own name and version in a field of ours.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ClientInfo {
    /// The server's public nkey.
    pub server_id: String,
    /// The server's name; its id if it was given none.
    pub server_name: String,
    /// The version of the reference server whose behaviour clients can count on.
    pub version: String,
    /// Protocol level; 1 for clients.
    pub proto: u32,
    /// Revision of the reference server; left out.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub git_commit: String,
    /// Some clients read this field; ours is empty.
    pub go: String,
    /// Host listened on, or advertised.
    pub host: String,
    /// Port listened on, or advertised.
    pub port: u16,
    /// Headers are understood.
    pub headers: bool,
    /// A client must authenticate.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub auth_required: bool,
    /// The connection must be encrypted before anything else is said.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub tls_required: bool,
    /// A client must show a certificate.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub tls_verify: bool,
    /// The connection may be encrypted.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub tls_available: bool,
    /// Largest payload, in bytes.
    pub max_payload: u64,
    /// The connection's id.
    #[serde(skip_serializing_if = "is_zero")]
    pub client_id: u64,
    /// Where the server sees the client.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub client_ip: String,
    /// What the client, or a proxy for it, may be asked to sign; empty if nobody is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub nonce: String,
    /// The cluster's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cluster: String,
    /// Addresses of this cluster's servers for clients.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub connect_urls: Vec<String>,
    /// The server is about to shut down.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub ldm: bool,
    /// This INFO answers a CONNECT.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub connect_info: bool,
    /// The account the connection belongs to; only in the answer to CONNECT.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remote_account: String,
    /// Whether that is the system account.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub acc_is_sys: bool,
    /// Our own version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub gannet: String,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl ClientInfo {
    /// Appends the whole INFO line.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"INFO ");
        if let Ok(json) = serde_json::to_vec(self) {
            out.extend_from_slice(&json);
        }
        // The reference server writes a space before the line end; some clients' parsers have only
        // ever seen that form.
        out.extend_from_slice(b" \r\n");
    }
}
