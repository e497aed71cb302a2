//! A certificate beside the one that it was issued by, and how such pairs lead to an authority.

use der::asn1::{Null, ObjectIdentifier, OctetString};
use der::{Any, Decode as _, Encode as _};
use gannet_units::WallTime;
use ring::digest::{self, Algorithm};
use rustls::pki_types::CertificateDer;
use x509_ocsp::{CertId, OcspRequest, Request, TbsRequest};
use x509_parser::certificate::X509Certificate;
use x509_parser::der_parser::asn1_rs::{Oid, oid};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::parse_x509_certificate;

use super::answer::{self, OcspAnswer, OcspError};
use super::signed::is_issued_by;
use crate::tls::facts::sha256;
use crate::tls::subject;

/// Most certificates between a peer and an authority, both included.
const LONGEST: usize = 8;
/// Most responders of one certificate that are asked.
const RESPONDERS: usize = 4;
/// How a certificate says that proofs are to be shown with it: a list that holds `status_request`.
const TLS_FEATURES: Oid<'static> = oid!(1.3.6.1.5.5.7.1.24);
const STATUS_REQUEST: u16 = 5;
const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");

/// A certificate, and the one that it was issued by: what an authority can be asked about.
#[derive(Clone, PartialEq, Eq)]
pub struct OcspLink {
    certificate: CertificateDer<'static>,
    pub(super) issuer: CertificateDer<'static>,
    pub(super) serial: Vec<u8>,
    /// The subject as RFC 2253 writes it.
    pub subject: String,
    /// SHA-256 of the certificate: 64 digits.
    pub sha256: String,
    /// Whom the certificate says to ask, over HTTP.
    pub responders: Vec<String>,
    /// The certificate wants proofs to be shown with it.
    pub must_staple: bool,
}

impl std::fmt::Debug for OcspLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("OcspLink").field(&self.subject).finish()
    }
}

impl OcspLink {
    /// None if the certificate cannot be read.
    fn new(certificate: &CertificateDer<'_>, issuer: &CertificateDer<'_>) -> Option<OcspLink> {
        let (_, parsed) = parse_x509_certificate(certificate).ok()?;
        Some(OcspLink {
            issuer: issuer.clone().into_owned(),
            serial: parsed.raw_serial().to_vec(),
            subject: subject::rfc2253(parsed.subject()),
            sha256: sha256(certificate),
            responders: responders(&parsed),
            must_staple: must_staple(&parsed),
            certificate: certificate.clone().into_owned(),
        })
    }

    /// SHA-256 of the certificate.
    pub fn digest(&self) -> [u8; 32] {
        let digest = digest::digest(&digest::SHA256, &self.certificate);
        digest.as_ref().try_into().unwrap_or_default()
    }

    /// The question, in DER. `None` if the certificates are too odd for one.
    pub fn request(&self) -> Option<Vec<u8>> {
        let (name, key) = self.issuer_hashes(&digest::SHA1_FOR_LEGACY_USE_ONLY)?;
        let req_cert = CertId {
            // What names a certificate needs no strength, and all responders know this one.
            hash_algorithm: algorithm(SHA1)?,
            issuer_name_hash: OctetString::new(name).ok()?,
            issuer_key_hash: OctetString::new(key).ok()?,
            serial_number: serial_number(&self.serial)?,
        };
        let request = OcspRequest {
            tbs_request: TbsRequest {
                request_list: vec![Request {
                    req_cert,
                    single_request_extensions: None,
                }],
                ..TbsRequest::default()
            },
            optional_signature: None,
        };
        request.to_der().ok()
    }

    /// What `answer` says about the certificate, if it is genuine.
    pub fn read(&self, answer: &[u8], now: WallTime) -> Result<OcspAnswer, OcspError> {
        answer::read(self, answer, now)
    }

    /// Hashes of the issuer's name and of its key.
    pub(super) fn issuer_hashes(&self, with: &'static Algorithm) -> Option<(Vec<u8>, Vec<u8>)> {
        let (_, issuer) = parse_x509_certificate(&self.issuer).ok()?;
        let hash = |bytes: &[u8]| digest::digest(with, bytes).as_ref().to_vec();
        let key = &issuer.public_key().subject_public_key.data;
        Some((hash(issuer.subject().as_raw()), hash(key)))
    }
}

/// From the first certificate of `chain` to one of `trusted`, link by link. What is trusted itself is not asked
/// about. The error: no way leads there.
pub(in crate::tls) fn links(
    chain: &[CertificateDer<'_>],
    trusted: &[CertificateDer<'static>],
) -> Result<Vec<OcspLink>, NoIssuer> {
    let mut links: Vec<OcspLink> = Vec::new();
    let Some((first, others)) = chain.split_first() else {
        return Err(NoIssuer);
    };
    let mut current = first;
    while !trusted.iter().any(|trusted| trusted == current) {
        let issuer = trusted
            .iter()
            .chain(others.iter().take(LONGEST))
            .find(|by| *by != current && is_issued_by(current, by))
            .filter(|_| links.len() < LONGEST)
            .ok_or(NoIssuer)?;
        links.push(OcspLink::new(current, issuer).ok_or(NoIssuer)?);
        current = issuer;
    }
    Ok(links)
}

/// The link of our own certificate, whose issuer comes behind it or is trusted.
pub(in crate::tls) fn own_link(
    chain: &[CertificateDer<'_>],
    trusted: &[CertificateDer<'static>],
) -> Result<OcspLink, NoIssuer> {
    let (first, others) = chain.split_first().ok_or(NoIssuer)?;
    let issuer = others.first().or_else(|| {
        let mut trusted = trusted.iter();
        trusted.find(|by| *by != first && is_issued_by(first, by))
    });
    let issuer = issuer
        .filter(|by| is_issued_by(first, by))
        .ok_or(NoIssuer)?;
    OcspLink::new(first, issuer).ok_or(NoIssuer)
}

/// Whether proofs are to be shown with this certificate.
pub(in crate::tls) fn wants_staple(certificate: &CertificateDer<'_>) -> bool {
    parse_x509_certificate(certificate).is_ok_and(|(_, parsed)| must_staple(&parsed))
}

/// It is not known who has issued a certificate.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::tls) struct NoIssuer;

fn responders(certificate: &X509Certificate<'_>) -> Vec<String> {
    const OCSP: Oid<'static> = oid!(1.3.6.1.5.5.7.48.1);
    let access = certificate.extensions().iter().filter_map(|extension| {
        match extension.parsed_extension() {
            ParsedExtension::AuthorityInfoAccess(access) => Some(access),
            _ => None,
        }
    });
    let urls =
        access
            .flat_map(|access| &access.accessdescs)
            .filter_map(|described| match &described.access_location {
                GeneralName::URI(url) if described.access_method == OCSP => Some(*url),
                _ => None,
            });
    let of_the_web = |url: &&str| url.starts_with("http://") || url.starts_with("https://");
    urls.filter(of_the_web)
        .take(RESPONDERS)
        .map(str::to_string)
        .collect()
}

fn must_staple(certificate: &X509Certificate<'_>) -> bool {
    let features = certificate
        .extensions()
        .iter()
        .find(|e| e.oid == TLS_FEATURES);
    features.is_some_and(|extension| {
        Vec::<u16>::from_der(extension.value).is_ok_and(|list| list.contains(&STATUS_REQUEST))
    })
}

/// The name of a hash, as questions have it.
fn algorithm<T: for<'a> der::Decode<'a>>(oid: ObjectIdentifier) -> Option<T> {
    #[derive(der::Sequence)]
    struct Algorithm {
        oid: ObjectIdentifier,
        parameters: Any,
    }
    let parameters = Any::encode_from(&Null).ok()?;
    T::from_der(&Algorithm { oid, parameters }.to_der().ok()?).ok()
}

/// A serial number, as questions have it.
fn serial_number<T: for<'a> der::Decode<'a>>(bytes: &[u8]) -> Option<T> {
    let number = der::asn1::Int::new(bytes).ok()?;
    T::from_der(&number.to_der().ok()?).ok()
}
