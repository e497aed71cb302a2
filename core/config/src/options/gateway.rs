//! The links to other clusters.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use super::{LinkAuth, Port, TlsOptions, WriteTimeout};
use crate::secret::Secret;
use crate::text::address::join_host_port;

/// The `gateway` block.
#[derive(Clone, Debug, PartialEq)]
pub struct GatewayOptions {
    /// `name`: the name of this cluster; never empty once validated.
    pub name: String,
    /// `host`, `net`, `listen`.
    pub host: String,
    /// `port`, `listen`: there is no default; always present once validated.
    pub port: Option<Port>,
    /// `authorization`.
    pub auth: LinkAuth,
    /// `tls`.
    pub tls: Option<TlsOptions>,
    /// `advertise`: the `host[:port]` to tell other clusters; see
    /// [`advertised`](crate::advertised).
    pub advertise: Option<String>,
    /// `connect_retries`: attempts after the first at a gateway that was only heard of.
    pub connect_retries: u32,
    /// `connect_backoff`: whether the time between attempts grows.
    pub connect_backoff: bool,
    /// `reject_unknown_cluster`: only clusters in `remotes` may connect.
    pub reject_unknown: bool,
    /// `gateways`: the other clusters. It may also hold this cluster itself.
    pub remotes: Vec<RemoteGateway>,
    /// `write_deadline` of these links; the clients' if there is none.
    pub write_deadline: Option<Duration>,
    /// `write_timeout` of these links.
    pub write_timeout: WriteTimeout,
}

impl Default for GatewayOptions {
    fn default() -> GatewayOptions {
        GatewayOptions {
            name: String::new(),
            host: "0.0.0.0".to_string(),
            port: None,
            auth: LinkAuth::default(),
            tls: None,
            advertise: None,
            connect_retries: 0,
            connect_backoff: false,
            reject_unknown: false,
            remotes: Vec::new(),
            write_deadline: None,
            write_timeout: WriteTimeout::Default,
        }
    }
}

impl GatewayOptions {
    /// How links to cluster `remote` are encrypted when we dial, if they are: by its entry if that says,
    /// otherwise (and for clusters that we only heard of) as the block says.
    pub fn tls_to(&self, remote: &str) -> Option<TlsOptions> {
        let entry = self.remotes.iter().find(|entry| entry.name == remote);
        let Some(own) = entry.and_then(|entry| entry.tls.as_ref()) else {
            return self.tls.clone();
        };
        let block = self.tls.as_ref();
        Some(TlsOptions {
            timeout: own.timeout.or(block.and_then(|block| block.timeout)),
            pinned: block.map(|block| block.pinned.clone()).unwrap_or_default(),
            ..own.clone()
        })
    }
}

/// Another cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteGateway {
    /// `name` of that cluster; never empty once validated.
    pub name: String,
    /// `url`, `urls`: where its servers listen; never empty once validated.
    pub urls: Vec<ServerUrl>,
    /// `tls` for dialling that cluster; the `gateway` block's if there is none. Without a `timeout`, the
    /// block's counts, and `pinned_certs` are the block's always. Use [`GatewayOptions::tls_to`].
    pub tls: Option<TlsOptions>,
}

/// Where a server of another cluster listens.
pub type GatewayUrl = ServerUrl;

/// Where another server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUrl {
    /// The scheme in lower case, usually `nats`; empty if the URL had none.
    pub scheme: String,
    /// The user to connect as; the block's if there is none.
    pub user: Option<String>,
    /// The password to connect with.
    pub password: Option<Secret>,
    /// A name or address, without brackets.
    pub host: String,
    /// The port; never 0.
    pub port: u16,
}

impl ServerUrl {
    /// `host:port`, an IPv6 address in brackets.
    pub fn address(&self) -> String {
        join_host_port(&self.host, &self.port.to_string())
    }

    /// The URL as anybody may see it, its credentials left out.
    pub fn redacted(&self) -> String {
        let colon = if self.scheme.is_empty() { "" } else { ":" };
        let credentials = match (&self.user, &self.password) {
            (None, None) => "",
            _ => "[REDACTED]@",
        };
        [&self.scheme, colon, "//", credentials, &self.address()].concat()
    }
}
