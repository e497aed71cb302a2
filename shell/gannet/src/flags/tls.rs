//! The flags of TLS for clients, what they override, and what `--help_tls` tells.

use clap::Args;

use gannet_config::{CertificateFiles, Options, TlsOptions, TlsVersion};

use super::error::FlagError;
use super::server::{go_bool, non_empty};

/// The flags of TLS for clients.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub(super) struct TlsFlags {
    /// Clients' connections are encrypted; any of the next four says so, too
    #[arg(long, value_parser = go_bool, num_args = 0..=1, value_name = "BOOL", help_heading = "TLS")]
    tls: Option<bool>,
    /// Certificate to show to clients
    #[arg(
        id = "tlscert",
        long = "tlscert",
        value_name = "FILE",
        help_heading = "TLS"
    )]
    cert: Option<String>,
    /// Key of that certificate
    #[arg(
        id = "tlskey",
        long = "tlskey",
        value_name = "FILE",
        help_heading = "TLS"
    )]
    key: Option<String>,
    /// Clients must show a certificate
    #[arg(id = "tlsverify", long = "tlsverify", value_parser = go_bool, num_args = 0..=1, value_name = "BOOL")]
    #[arg(help_heading = "TLS")]
    verify: Option<bool>,
    /// Authorities that vouch for clients' certificates
    #[arg(
        id = "tlscacert",
        long = "tlscacert",
        value_name = "FILE",
        help_heading = "TLS"
    )]
    ca: Option<String>,
    /// Tell more about TLS and exit
    #[arg(id = "help_tls", long = "help_tls", value_parser = go_bool, num_args = 0..=1, value_name = "BOOL")]
    #[arg(help_heading = "TLS")]
    pub(super) help: Option<bool>,
}

impl TlsFlags {
    fn are_given(&self) -> bool {
        self.tls.is_some()
            || self.verify.is_some()
            || [&self.cert, &self.key, &self.ca]
                .iter()
                .any(|file| file.is_some())
    }

    /// Overrides certificates and what has to do with them. What the file says beyond that stays.
    pub(super) fn apply(&self, options: &mut Options) -> Result<(), FlagError> {
        if self.tls == Some(false) {
            options.tls = None;
            return Ok(());
        }
        if !self.are_given() {
            return Ok(());
        }
        let file = |path: &Option<String>| path.as_deref().and_then(non_empty);
        let missing = |what| FlagError::Tls(format!("TLS Server {what} must be present and valid"));
        let files = CertificateFiles {
            cert_file: file(&self.cert).ok_or_else(|| missing("certificate"))?,
            key_file: file(&self.key).ok_or_else(|| missing("private key"))?,
        };
        options.tls = Some(TlsOptions {
            certificates: vec![files],
            ca_file: file(&self.ca),
            verify: self.verify.unwrap_or(false),
            insecure: false,
            min_version: TlsVersion::default(),
            cipher_suites: Vec::new(),
            curves: Vec::new(),
            ..options.tls.take().unwrap_or_default()
        });
        Ok(())
    }
}

/// What `--help_tls` tells.
pub(super) const HELP: &str = r#"TLS is configured in blocks: at the top of the file for clients, and inside of `cluster` and `gateway`
for links to other servers.

    tls {
        cert_file: "server-cert.pem"    # what we show, with all certificates up to an authority's
        key_file:  "server-key.pem"
        ca_file:   "ca.pem"             # who vouches for others; the system's authorities without it
        verify:    true                 # clients must show a certificate, too
        timeout:   2                    # seconds that a handshake may take
        min_version: "1.3"              # "1.2" without it
        handshake_first: auto           # true, false, auto or a time: TLS before INFO
        connection_rate_limit: 100      # handshakes with clients in a second
        pinned_certs: ["<SHA-256 of a public key, 64 hexadecimal digits>"]
        cipher_suites: ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"]
        curve_preferences: ["X25519", "CurveP256"]
        ocsp_peer: true                 # authorities are asked whether clients' certificates are revoked
    }
    ocsp: { mode: always }              # show that ours are not: auto (if they ask for it), always, must, never
    ocsp_cache: true                    # keep the answers about clients
    cert_reload_interval: "1m"          # look for new files without a reload
    allow_non_tls: true                 # clients may also come without TLS

Several certificates stand in a list: certs: [{cert_file: "a.pem", key_file: "a.key"}, ...].

Cipher suites of TLS 1.3, which are always on:
    TLS_AES_128_GCM_SHA256
    TLS_AES_256_GCM_SHA384
    TLS_CHACHA20_POLY1305_SHA256

Cipher suites of TLS 1.2:
    TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
    TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
    TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
    TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
    TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
    TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256

Curves:
    X25519
    CurveP256
    CurveP384

Older names of the reference server's are taken and left out, as long as one of these is left."#;
