//! Certificates and keys from PEM files, with the reference server's words for what is wrong.

use std::sync::Arc;

use rustls::pki_types::pem::{PemObject as _, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, crypto};

/// How a file's bytes are come by; the error is the whole text to show.
pub(super) type ReadFile<'a> = &'a dyn Fn(&str) -> Result<Vec<u8>, String>;

/// A certificate chain with its key.
pub(super) fn key_pair(
    read: ReadFile<'_>,
    cert_file: &str,
    key_file: &str,
) -> Result<Arc<CertifiedKey>, String> {
    // Both are there before either is looked into.
    let (certificates, key_text) = (read(cert_file)?, read(key_file)?);
    let chain = chain(&certificates)?;
    let key = key(&key_text)?;
    let provider = crypto::ring::default_provider();
    let key = provider
        .key_provider
        .load_private_key(key)
        .map_err(|_| "tls: failed to parse private key".to_string())?;
    let pair = CertifiedKey::new(chain, key);
    match pair.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {
            Ok(Arc::new(pair))
        }
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err("tls: private key does not match public key".into())
        }
        Err(_) => Err("x509: malformed certificate".into()),
    }
}

fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let mut chain = Vec::new();
    let mut others = Vec::new();
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem) {
        match section {
            Ok((SectionKind::Certificate, der)) => chain.push(CertificateDer::from(der)),
            Ok((kind, _)) => others.push(label(kind)),
            Err(_) => break,
        }
    }
    match (chain.is_empty(), others.as_slice()) {
        (false, _) => Ok(chain),
        (true, []) => Err("tls: failed to find any PEM data in certificate input".into()),
        (true, [only]) if only.ends_with("PRIVATE KEY") => Err(
            "tls: failed to find certificate PEM data in certificate input, but did find a \
             private key; PEM inputs may have been switched"
                .into(),
        ),
        (true, others) => Err(format!(
            "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM \
             blocks of the following types: [{}]",
            others.join(" ")
        )),
    }
}

fn key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    let mut others = Vec::new();
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem) {
        let Ok((kind, der)) = section else { break };
        if let Some(key) = PrivateKeyDer::from_pem(kind, der) {
            return Ok(key);
        }
        others.push(label(kind));
    }
    Err(match others.as_slice() {
        [] => "tls: failed to find any PEM data in key input".into(),
        [only] if *only == "CERTIFICATE" => {
            "tls: found a certificate rather than a key in the PEM for the private key".into()
        }
        others => format!(
            "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after \
             skipping PEM blocks of the following types: [{}]",
            others.join(" ")
        ),
    })
}

fn label(kind: SectionKind) -> &'static str {
    match kind {
        SectionKind::Certificate => "CERTIFICATE",
        SectionKind::PublicKey => "PUBLIC KEY",
        SectionKind::RsaPrivateKey => "RSA PRIVATE KEY",
        SectionKind::PrivateKey => "PRIVATE KEY",
        SectionKind::EcPrivateKey => "EC PRIVATE KEY",
        SectionKind::Crl => "X509 CRL",
        SectionKind::Csr => "CERTIFICATE REQUEST",
        _ => "ECHCONFIG",
    }
}

/// The authorities of a file. What in it is no certificate is skipped, as long as there is one.
pub(super) fn roots(pem: &[u8]) -> Result<RootCertStore, String> {
    let certificates = CertificateDer::pem_slice_iter(pem).filter_map(Result::ok);
    let mut roots = RootCertStore::empty();
    match roots.add_parsable_certificates(certificates) {
        (0, _) => Err("failed to parse root ca certificate".into()),
        _ => Ok(roots),
    }
}

/// The whole certificates of such a file, for comparing.
pub(super) fn certificates(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem)
        .filter_map(Result::ok)
        .collect()
}
