//! What is asked of the authorities that issued certificates: whether our own are still good (`ocsp`), and
//! whether those of clients are (`ocsp_peer` in a `tls` block, `ocsp_cache`).

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

/// `ocsp`: proofs that our certificates are good, shown with them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OcspOptions {
    /// `mode`: which certificates need a proof.
    pub mode: OcspMode,
    /// `url`, `urls`: whom to ask instead of those that the certificates name.
    pub urls: Vec<String>,
}

/// Which certificates need a proof, and what happens to one that is revoked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OcspMode {
    /// Those that say so themselves. A revoked one is shown as such.
    #[default]
    Auto,
    /// All. A revoked one ends the server.
    Always,
    /// Those that say so themselves. A revoked one ends the server.
    Must,
    /// None.
    Never,
}

impl OcspMode {
    /// All, as they are written.
    pub const ALL: [(&'static str, OcspMode); 4] = [
        ("auto", OcspMode::Auto),
        ("always", OcspMode::Always),
        ("must", OcspMode::Must),
        ("never", OcspMode::Never),
    ];

    /// As it is written.
    pub fn name(self) -> &'static str {
        let named = OcspMode::ALL.into_iter().find(|(_, mode)| *mode == self);
        named.map_or("", |(name, _)| name)
    }

    /// Whether a certificate that asks for a proof itself (`says_so`), or does not, gets one.
    pub fn wants(self, says_so: bool) -> bool {
        match self {
            OcspMode::Auto | OcspMode::Must => says_so,
            OcspMode::Always => true,
            OcspMode::Never => false,
        }
    }

    /// Whether a server with a revoked certificate ends.
    pub fn ends_server(self) -> bool {
        matches!(self, OcspMode::Always | OcspMode::Must)
    }
}

/// `ocsp_peer`: the certificates of clients are asked about, and of all between them and an authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OcspPeerOptions {
    /// `ca_timeout`: how long one answer may take.
    pub ca_timeout: Duration,
    /// `allowed_clockskew`: how far the clocks of an authority and of this server may be apart.
    pub allowed_clockskew: Duration,
    /// `cache_ttl_when_next_update_unset`: how long an answer counts that does not say.
    pub unset_ttl: Duration,
    /// `warn_only`: whoever fails comes in all the same.
    pub warn_only: bool,
    /// `unknown_is_good`: who is unknown to the authority comes in.
    pub unknown_is_good: bool,
    /// `allow_when_ca_unreachable`: if no answer is to be had, who was not revoked before comes in.
    pub allow_when_ca_unreachable: bool,
}

impl Default for OcspPeerOptions {
    fn default() -> OcspPeerOptions {
        OcspPeerOptions {
            ca_timeout: Duration::from_secs(2),
            allowed_clockskew: Duration::from_secs(30),
            unset_ttl: Duration::from_secs(3600),
            warn_only: false,
            unknown_is_good: false,
            allow_when_ca_unreachable: false,
        }
    }
}

/// `ocsp_cache`: answers about others that are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OcspCacheOptions {
    /// `type`: `local`; no answers are kept if it is `none`.
    pub on: bool,
    /// `local_store`: the folder that they are kept in.
    pub local_store: String,
    /// `preserve_revoked`: that somebody was revoked is never forgotten.
    pub preserve_revoked: bool,
    /// `save_interval`: how often they are written to the folder.
    pub save_interval: Duration,
}

impl Default for OcspCacheOptions {
    fn default() -> OcspCacheOptions {
        OcspCacheOptions {
            on: true,
            local_store: "_rc_".to_string(),
            preserve_revoked: false,
            save_interval: Duration::from_secs(300),
        }
    }
}
