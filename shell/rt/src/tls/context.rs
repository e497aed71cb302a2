//! Files and choices → what handshakes are made with.

use std::collections::BTreeSet;
use std::fmt;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use gannet_units::WallTime;
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};

use super::error::TlsSettingsError;
use super::facts::PeerCertificate;
use super::names;
use super::ocsp::{self, NoIssuer, OcspLink, StapleDemand};
use super::pem::{self, ReadFile};
use super::shown::Certificates;
use super::verify::{ClientVerifier, ServerVerifier, Trust};
use crate::fs;
use crate::rt::Rt;

/// The oldest version of TLS to speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsVersion {
    /// 1.2.
    #[default]
    V1_2,
    /// 1.3.
    V1_3,
}

/// What a [`TlsContext`] is made of. Names of cipher suites and curves are the reference server's; those
/// that we don't speak are left out as long as one is left.
#[derive(Clone, Debug, Default)]
pub struct TlsSettings {
    /// PEM files of our certificates (the whole chain) and their keys. A dialler shows the first one
    /// that suits; who is dialled the one for the name asked for, or the first that suits.
    pub certificates: Vec<(String, String)>,
    /// PEM file of the authorities that vouch for peers; the operating system's if there is none.
    pub ca_file: Option<String>,
    /// Whoever dials us must show a certificate that our authorities vouch for.
    pub verify_peers: bool,
    /// Servers that we dial may show any certificate.
    pub insecure: bool,
    /// The oldest version to speak.
    pub min_version: TlsVersion,
    /// Suites of TLS 1.2; all if empty.
    pub cipher_suites: Vec<String>,
    /// Curves, the preferred one first; all if empty.
    pub curves: Vec<String>,
    /// SHA-256 of the public keys that peers may have, as lower-case hexadecimal digits; any if empty.
    pub pinned: BTreeSet<String>,
    /// What is asked of the proofs of servers that we dial, if they have to show any.
    pub staples: Option<StapleDemand>,
}

/// Everything that a handshake needs, in both roles. Cheap to clone, immutable: a reload makes a new
/// one for the handshakes to come, and connections that stand keep theirs.
#[derive(Clone)]
pub struct TlsContext(Arc<Inner>);

struct Inner {
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
    certificates: Arc<Certificates>,
    trust: Arc<Trust>,
    pinned: BTreeSet<String>,
    not_after: Option<WallTime>,
}

impl TlsContext {
    /// Reads the files and checks that all fits together.
    pub fn load(rt: &Rt, settings: &TlsSettings) -> Result<TlsContext, TlsSettingsError> {
        let read = |path: &str| {
            fs::read(rt, path).map_err(|error| match error.kind() {
                ErrorKind::NotFound => format!("open {path}: no such file or directory"),
                ErrorKind::PermissionDenied => format!("open {path}: permission denied"),
                ErrorKind::IsADirectory => format!("read {path}: is a directory"),
                _ => format!("open {path}: {error}"),
            })
        };
        TlsContext::build(Some(rt.clone()), settings, &read)
    }

    /// Whether `settings` would do, for checking a configuration where no server runs. `read` answers a
    /// file's bytes or the whole text of what is wrong with it.
    pub fn check(
        settings: &TlsSettings,
        read: &dyn Fn(&str) -> Result<Vec<u8>, String>,
    ) -> Result<(), TlsSettingsError> {
        TlsContext::build(None, settings, read).map(drop)
    }

    fn build(
        rt: Option<Rt>,
        settings: &TlsSettings,
        read: ReadFile<'_>,
    ) -> Result<TlsContext, TlsSettingsError> {
        let provider = Arc::new(provider(settings)?);
        let keys = keys(settings, read)?;
        let trust = Arc::new(trust(settings.ca_file.as_deref(), read)?);
        let not_after = keys
            .first()
            .and_then(|key| PeerCertificate::read(key.cert.first()?))
            .map(|certificate| certificate.not_after);
        let certificates = Arc::new(Certificates::new(keys, rt.clone()));
        let clock = Arc::new(Clock(rt));
        let parts = Parts {
            provider,
            certificates,
            trust,
            clock,
        };
        let unusable = |error: rustls::Error| TlsSettingsError(error.to_string());
        Ok(TlsContext(Arc::new(Inner {
            server: Arc::new(parts.server(settings).map_err(unusable)?),
            client: Arc::new(parts.client(settings).map_err(unusable)?),
            certificates: parts.certificates,
            trust: parts.trust,
            pinned: settings.pinned.clone(),
            not_after,
        })))
    }

    /// When our first certificate ends; `None` without certificates.
    pub fn not_after(&self) -> Option<WallTime> {
        self.0.not_after
    }

    /// Whether a peer with this certificate may stay: its key is pinned, or none is.
    pub fn is_pinned(&self, peer: Option<&PeerCertificate>) -> bool {
        let pinned = &self.0.pinned;
        pinned.is_empty() || peer.is_some_and(|p| pinned.contains(&p.key_sha256))
    }

    /// How many certificates we have here.
    pub fn certificates(&self) -> usize {
        self.0.certificates.len()
    }

    /// Whether our certificate at `index` wants proofs that it is good to be shown with it.
    pub fn wants_staple(&self, index: usize) -> bool {
        let chain = self.0.certificates.chain(index);
        chain.is_some_and(|chain| chain.first().is_some_and(ocsp::wants_staple))
    }

    /// Our certificate at `index` beside the one that it was issued by. `None` if that one is not known.
    pub fn own_link(&self, index: usize) -> Option<OcspLink> {
        let chain = self.0.certificates.chain(index)?;
        ocsp::own_link(&chain, &self.0.trust.known()).ok()
    }

    /// From now on, `proof` is shown with our certificate at `index`: it counts for as long as `until`, and
    /// without a newer one, the certificate is not shown after that.
    pub fn set_staple(&self, index: usize, proof: Vec<u8>, until: Option<WallTime>) {
        self.0.certificates.set_staple(index, proof, until);
    }

    /// How these certificates of a peer lead to an authority.
    pub(super) fn links(&self, chain: &[CertificateDer<'_>]) -> Result<Vec<OcspLink>, NoIssuer> {
        ocsp::links(chain, &self.0.trust.known())
    }

    pub(super) fn server(&self) -> Arc<ServerConfig> {
        self.0.server.clone()
    }

    pub(super) fn client(&self) -> Arc<ClientConfig> {
        self.0.client.clone()
    }
}

impl fmt::Debug for TlsContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsContext")
    }
}

struct Parts {
    provider: Arc<CryptoProvider>,
    certificates: Arc<Certificates>,
    trust: Arc<Trust>,
    clock: Arc<Clock>,
}

impl Parts {
    fn server(&self, settings: &TlsSettings) -> Result<ServerConfig, rustls::Error> {
        let builder = ServerConfig::builder_with_details(self.provider.clone(), self.clock.clone())
            .with_protocol_versions(versions(settings.min_version))?;
        let builder = if settings.verify_peers {
            let verifier = ClientVerifier::new(&self.trust, &self.provider);
            builder.with_client_cert_verifier(Arc::new(verifier))
        } else {
            builder.with_no_client_auth()
        };
        let mut config = builder.with_cert_resolver(self.certificates.clone());
        // Links live long. Without resumption, every one is checked against today's authorities.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }

    fn client(&self, settings: &TlsSettings) -> Result<ClientConfig, rustls::Error> {
        let verifier = ServerVerifier::new(
            &self.trust,
            settings.insecure,
            settings.staples,
            &self.provider,
        );
        let mut config =
            ClientConfig::builder_with_details(self.provider.clone(), self.clock.clone())
                .with_protocol_versions(versions(settings.min_version))?
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(verifier))
                .with_client_cert_resolver(self.certificates.clone());
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

fn provider(settings: &TlsSettings) -> Result<CryptoProvider, TlsSettingsError> {
    let chosen = &settings.cipher_suites;
    if !chosen.is_empty() && !chosen.iter().any(|name| names::is_spoken(name)) {
        return Err(unspoken("cipher_suites", chosen, names::why_no_suite));
    }
    let groups = names::groups(&settings.curves);
    if groups.is_empty() {
        return Err(unspoken(
            "curve_preferences",
            &settings.curves,
            names::why_no_curve,
        ));
    }
    Ok(CryptoProvider {
        cipher_suites: names::suites(chosen),
        kx_groups: groups,
        ..ring::default_provider()
    })
}

type Why = fn(&str) -> Option<&'static str>;

fn unspoken(key: &str, names: &[String], why: Why) -> TlsSettingsError {
    let reasons: Vec<String> = unspoken_of(names, why).collect();
    TlsSettingsError(format!(
        "none of '{key}' is supported by this version of Gannet: {}",
        reasons.join("; ")
    ))
}

/// Those of `names` that are not spoken, each with the reason.
fn unspoken_of(names: &[String], why: Why) -> impl Iterator<Item = String> {
    let with_reason = move |name: &String| Some(format!("{name} ({})", why(name)?));
    names.iter().filter_map(with_reason)
}

impl TlsSettings {
    /// The suites and curves that are left out, each with the reason.
    pub fn left_out(&self) -> Vec<String> {
        let suites = unspoken_of(&self.cipher_suites, names::why_no_suite);
        suites
            .chain(unspoken_of(&self.curves, names::why_no_curve))
            .collect()
    }
}

fn versions(min: TlsVersion) -> &'static [&'static SupportedProtocolVersion] {
    match min {
        TlsVersion::V1_2 => rustls::ALL_VERSIONS,
        TlsVersion::V1_3 => ONLY_1_3,
    }
}

static ONLY_1_3: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

fn keys(
    settings: &TlsSettings,
    read: ReadFile<'_>,
) -> Result<Vec<Arc<CertifiedKey>>, TlsSettingsError> {
    let files = &settings.certificates;
    let mut keys = Vec::with_capacity(files.len());
    for (at, (cert, key)) in files.iter().enumerate() {
        let which = match files.len() {
            1 => String::new(),
            all => format!(" {}/{all}", at + 1),
        };
        let pair = pem::key_pair(read, cert, key).map_err(|problem| {
            TlsSettingsError(format!(
                "error parsing X509 certificate/key pair{which}: {problem}"
            ))
        })?;
        keys.push(pair);
    }
    Ok(keys)
}

fn trust(ca_file: Option<&str>, read: ReadFile<'_>) -> Result<Trust, TlsSettingsError> {
    let Some(path) = ca_file else {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok(Trust {
            roots: Arc::new(roots),
            whole: Vec::new(),
        });
    };
    let bytes = read(path).map_err(TlsSettingsError)?;
    Ok(Trust {
        roots: Arc::new(pem::roots(&bytes).map_err(TlsSettingsError)?),
        whole: pem::certificates(&bytes),
    })
}

/// The clock that certificates are judged by: the world's own.
#[derive(Debug)]
struct Clock(Option<Rt>);

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let nanos = self.0.as_ref()?.wall().as_unix_nanos();
        let since_1970 = Duration::from_nanos(u64::try_from(nanos).ok()?);
        Some(UnixTime::since_unix_epoch(since_1970))
    }
}
