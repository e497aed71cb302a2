//! Signatures on things in DER: a content, how it is signed, the signature. Certificates and answers alike.

use der::asn1::{AnyRef, BitStringRef};
use der::{Decode as _, Encode as _, Sequence, Tag, Tagged as _};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use x509_parser::parse_x509_certificate;

/// Something that is signed. Its content is kept as it came, since that is what is signed.
#[derive(Sequence)]
struct Signed<'a> {
    content: AnyRef<'a>,
    algorithm: AnyRef<'a>,
    signature: BitStringRef<'a>,
}

#[derive(Sequence)]
struct PublicKey<'a> {
    algorithm: AnyRef<'a>,
    key: BitStringRef<'a>,
}

/// Whether the owner of `signer` has signed `content`.
pub(super) fn is_signed_by(
    signer: &CertificateDer<'_>,
    content: &AnyRef<'_>,
    algorithm: &AnyRef<'_>,
    signature: &BitStringRef<'_>,
) -> bool {
    let check = || -> Option<bool> {
        let (_, signer) = parse_x509_certificate(signer).ok()?;
        let key = PublicKey::from_der(signer.public_key().raw).ok()?;
        let content = content.to_der().ok()?;
        // Whole bytes, all of which count.
        let (bits, signature) = (key.key.as_bytes()?, signature.as_bytes()?);
        let known = ring::default_provider()
            .signature_verification_algorithms
            .all;
        let is_one = algorithm.tag() == Tag::Sequence && key.algorithm.tag() == Tag::Sequence;
        Some(known.iter().any(|known| {
            is_one
                && *known.public_key_alg_id() == *key.algorithm.value()
                && *known.signature_alg_id() == *algorithm.value()
                && known.verify_signature(bits, &content, signature).is_ok()
        }))
    };
    check().unwrap_or_default()
}

/// Whether `issuer` has issued `certificate`: it has the right name, and the signature is its.
pub(super) fn is_issued_by(certificate: &CertificateDer<'_>, issuer: &CertificateDer<'_>) -> bool {
    let check = || -> Option<bool> {
        let (_, parsed) = parse_x509_certificate(certificate).ok()?;
        let (_, by) = parse_x509_certificate(issuer).ok()?;
        let signed = Signed::from_der(certificate).ok()?;
        let Signed {
            content,
            algorithm,
            signature,
        } = &signed;
        Some(
            parsed.issuer().as_raw() == by.subject().as_raw()
                && is_signed_by(issuer, content, algorithm, signature),
        )
    };
    check().unwrap_or_default()
}
