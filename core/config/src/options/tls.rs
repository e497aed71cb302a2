//! The `tls` block of links to other servers, and of the listener for clients.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::OcspPeerOptions;

/// How long a handshake may take where the configuration does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(2);

/// How connections are encrypted. Both sides of a link between servers show a certificate and check the
/// other's, whatever `verify` says; clients show one if `verify` says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsOptions {
    /// `cert_file` and `key_file`, or `certs`: the certificates to show.
    pub certificates: Vec<CertificateFiles>,
    /// `ca_file`: the authorities that vouch for others; the operating system's if there is none.
    pub ca_file: Option<String>,
    /// `verify`, or one of the two keys that imply it.
    pub verify: bool,
    /// `verify_and_map`: the peer's certificate must name the block's user.
    pub map: bool,
    /// `verify_cert_and_check_known_urls`: a host name in the peer's certificate must be that of a
    /// configured URL.
    pub check_known_urls: bool,
    /// `insecure`: servers that are dialled may show any certificate.
    pub insecure: bool,
    /// `timeout`: how long a handshake may take. Use [`TlsOptions::timeout`].
    pub timeout: Option<Duration>,
    /// `min_version`: the oldest version to speak.
    pub min_version: TlsVersion,
    /// `cipher_suites` of TLS 1.2 by their names; all if empty.
    pub cipher_suites: Vec<String>,
    /// `curve_preferences` by their names, the preferred one first; all if empty.
    pub curves: Vec<String>,
    /// `pinned_certs`: SHA-256 of the public keys that peers may have, as lower-case hexadecimal
    /// digits; any if empty.
    pub pinned: BTreeSet<String>,
    /// `handshake_first`: whether clients begin with the handshake, without waiting for INFO. Links
    /// always do.
    pub handshake_first: HandshakeFirst,
    /// `connection_rate_limit`: handshakes with clients within a second; no bound if there is none.
    pub rate_limit: Option<u64>,
    /// `ocsp_peer`: the authorities are asked about the certificates of clients. It has no meaning between servers.
    pub ocsp_peer: Option<OcspPeerOptions>,
}

/// What comes first on a client's connection: INFO or the handshake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HandshakeFirst {
    /// INFO.
    #[default]
    No,
    /// The handshake.
    Always,
    /// The handshake, if the client begins it within this time; INFO otherwise.
    Within(Duration),
}

impl TlsOptions {
    /// How long a handshake may take where this is the block of a listener.
    pub fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(DEFAULT_TIMEOUT)
    }
}

/// A certificate with its key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateFiles {
    /// `cert_file`: the certificate and those between it and an authority, as PEM.
    pub cert_file: String,
    /// `key_file`: its key, as PEM.
    pub key_file: String,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// `1.2`.
    #[default]
    V1_2,
    /// `1.3`.
    V1_3,
}
