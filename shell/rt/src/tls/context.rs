//! Files and choices → what handshakes are made with.

use std::collections::BTreeSet;
use std::fmt;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use gannet_units::WallTime;
use rustls::client::{ResolvesClientCert, Resumption, verify_server_name};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{ServerName, UnixTime};
use rustls::server::{ClientHello, NoServerSessionStorage, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{
    ClientConfig, RootCertStore, ServerConfig, SignatureScheme, SupportedProtocolVersion,
};

use super::error::TlsSettingsError;
use super::facts::PeerCertificate;
use super::names;
use super::pem::{self, ReadFile};
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
}

/// Everything that a handshake needs, in both roles. Cheap to clone, immutable: a reload makes a new
/// one for the handshakes to come, and connections that stand keep theirs.
#[derive(Clone)]
pub struct TlsContext(Arc<Inner>);

struct Inner {
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
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
        let certificates = certificates(settings, read)?;
        let trust = Arc::new(trust(settings.ca_file.as_deref(), read)?);
        let not_after = certificates
            .keys
            .first()
            .and_then(|key| PeerCertificate::read(key.cert.first()?))
            .map(|certificate| certificate.not_after);
        let certificates = Arc::new(certificates);
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
        let verifier = ServerVerifier::new(&self.trust, settings.insecure, &self.provider);
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
        return Err(unspoken("cipher_suites", chosen));
    }
    let groups = names::groups(&settings.curves);
    if groups.is_empty() {
        return Err(unspoken("curve_preferences", &settings.curves));
    }
    Ok(CryptoProvider {
        cipher_suites: names::suites(chosen),
        kx_groups: groups,
        ..ring::default_provider()
    })
}

fn unspoken(key: &str, names: &[String]) -> TlsSettingsError {
    TlsSettingsError(format!(
        "none of '{key}' is supported by this version of Gannet: {}",
        names.join(", ")
    ))
}

fn versions(min: TlsVersion) -> &'static [&'static SupportedProtocolVersion] {
    match min {
        TlsVersion::V1_2 => rustls::ALL_VERSIONS,
        TlsVersion::V1_3 => ONLY_1_3,
    }
}

static ONLY_1_3: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

fn certificates(
    settings: &TlsSettings,
    read: ReadFile<'_>,
) -> Result<Certificates, TlsSettingsError> {
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
    Ok(Certificates { keys })
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

/// Our certificates, in the order of the configuration.
#[derive(Debug)]
struct Certificates {
    keys: Vec<Arc<CertifiedKey>>,
}

impl Certificates {
    fn first_that_suits(&self, schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let mut keys = self.keys.iter();
        keys.find(|key| key.key.choose_scheme(schemes).is_some())
            .cloned()
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let schemes = hello.signature_schemes();
        let wanted = hello
            .server_name()
            .and_then(|name| ServerName::try_from(name).ok());
        let named = wanted.and_then(|wanted| {
            let mut keys = self.keys.iter();
            keys.find(|key| key.key.choose_scheme(schemes).is_some() && is_for_name(key, &wanted))
        });
        named.cloned().or_else(|| self.first_that_suits(schemes))
    }
}

fn is_for_name(key: &CertifiedKey, name: &ServerName<'_>) -> bool {
    let parsed = key
        .cert
        .first()
        .and_then(|c| ParsedCertificate::try_from(c).ok());
    parsed.is_some_and(|certificate| verify_server_name(&certificate, name).is_ok())
}

impl ResolvesClientCert for Certificates {
    fn resolve(
        &self,
        _root_hint_subjects: &[&[u8]],
        sigschemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        self.first_that_suits(sigschemes)
    }

    fn has_certs(&self) -> bool {
        !self.keys.is_empty()
    }
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
