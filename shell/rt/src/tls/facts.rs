//! What a handshake has found out.

use gannet_units::WallTime;
use ring::digest;
use rustls::Connection;
use rustls::pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

use super::names;
use super::subject;

/// What is known about a TLS connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFacts {
    /// `1.2` or `1.3`.
    pub version: &'static str,
    /// The cipher suite, such as `TLS_AES_128_GCM_SHA256`.
    pub cipher: String,
    /// The peer's own certificate, if it showed any. That it is genuine has been checked, unless
    /// certificates don't count here (`insecure`).
    pub peer: Option<PeerCertificate>,
    /// The certificates that the peer showed behind its own. Those beyond
    /// [`LONGEST_CHAIN`](TlsFacts::LONGEST_CHAIN) and those that cannot be read are left out.
    pub chain: Vec<PeerCertificate>,
}

/// What a certificate says about its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCertificate {
    /// The subject as RFC 2253 writes it: `CN=a,OU=b,O=c`.
    pub subject: String,
    /// The domain components of the subject, `DC=a,DC=b`; often empty.
    pub domain_components: String,
    /// The whole subject as RFC 4514 writes it; `None` if it has attributes that are rarely used.
    pub distinguished_name: Option<String>,
    /// E-mail addresses among the alternative names.
    pub emails: Vec<String>,
    /// Host names among them.
    pub dns_names: Vec<String>,
    /// URIs among them.
    pub uris: Vec<String>,
    /// When it ends.
    pub not_after: WallTime,
    /// SHA-256 of the public key (its SubjectPublicKeyInfo), as `pinned_certs` has it: 64 digits.
    pub key_sha256: String,
    /// SHA-256 of the whole certificate: 64 digits.
    pub sha256: String,
}

impl TlsFacts {
    /// Most certificates in [`TlsFacts::chain`].
    pub const LONGEST_CHAIN: usize = 8;

    /// The facts of a connection whose handshake is over. `None` if the peer's certificate cannot be
    /// read.
    pub(super) fn of(connection: &Connection) -> Option<TlsFacts> {
        let (peer, chain) = match connection.peer_certificates() {
            Some([first, rest @ ..]) => (Some(PeerCertificate::read(first)?), rest),
            _ => (None, &[][..]),
        };
        let chain = chain.iter().take(TlsFacts::LONGEST_CHAIN);
        let suite = connection.negotiated_cipher_suite()?;
        Some(TlsFacts {
            version: names::version_name(connection.protocol_version()?),
            cipher: names::suite_name(suite.suite()),
            peer,
            chain: chain.filter_map(PeerCertificate::read).collect(),
        })
    }
}

impl PeerCertificate {
    pub(super) fn read(der: &CertificateDer<'_>) -> Option<PeerCertificate> {
        let (_, parsed) = parse_x509_certificate(der).ok()?;
        let mut certificate = PeerCertificate {
            subject: subject::rfc2253(parsed.subject()),
            domain_components: subject::domain_components(parsed.subject()),
            distinguished_name: subject::distinguished_name(parsed.subject()),
            emails: Vec::new(),
            dns_names: Vec::new(),
            uris: Vec::new(),
            not_after: WallTime::from_unix_nanos(
                parsed
                    .validity()
                    .not_after
                    .timestamp()
                    .saturating_mul(1_000_000_000),
            ),
            key_sha256: sha256(parsed.public_key().raw),
            sha256: sha256(der),
        };
        let alternatives = parsed.subject_alternative_name().ok()?;
        for name in alternatives.iter().flat_map(|a| &a.value.general_names) {
            match name {
                GeneralName::RFC822Name(text) => certificate.emails.push(text.to_string()),
                GeneralName::DNSName(text) => certificate.dns_names.push(text.to_string()),
                GeneralName::URI(text) => certificate.uris.push(text.to_string()),
                _ => {}
            }
        }
        Some(certificate)
    }
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, bytes);
    digest.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}
