//! What an authority has answered. Nothing in it counts before its signature is found good.

use std::fmt;

use der::asn1::{AnyRef, BitStringRef};
use der::{Decode as _, Encode as _, Sequence};
use gannet_units::WallTime;
use ring::digest;
use rustls::pki_types::CertificateDer;
use x509_ocsp::{
    CertId, CertStatus, OcspGeneralizedTime, OcspResponse, OcspResponseStatus, ResponseData,
    SingleResponse,
};
use x509_parser::parse_x509_certificate;

use super::chain::OcspLink;
use super::signed::{is_issued_by, is_signed_by};

/// Longest answer that is looked at.
const LONGEST: usize = 64 * 1024;
/// Most signers that an answer may bring along.
const SIGNERS: usize = 4;
/// The form of answers that there is.
const BASIC: &str = "1.3.6.1.5.5.7.48.1.1";

/// What is known about a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OcspStatus {
    /// It is not revoked.
    Good,
    /// It is.
    Revoked,
    /// The authority does not know it.
    Unknown,
}

impl fmt::Display for OcspStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OcspStatus::Good => "good",
            OcspStatus::Revoked => "revoked",
            OcspStatus::Unknown => "unknown",
        })
    }
}

/// A genuine answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OcspAnswer {
    /// What it says.
    pub status: OcspStatus,
    /// When that was known to be so.
    pub this_update: WallTime,
    /// Until when there will be a newer one, if the authority says.
    pub next_update: Option<WallTime>,
}

/// Why an answer is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OcspError {
    /// It cannot be read; the text says what.
    Malformed(&'static str),
    /// The authority does not answer; the text says why.
    Refused(&'static str),
    /// It is about another certificate.
    Stranger,
    /// It is not signed by who issued the certificate, or for it.
    Signature,
    /// It is signed by somebody whom the issuer has not made a signer of answers.
    Delegation,
}

impl fmt::Display for OcspError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OcspError::Malformed(what) => write!(f, "ocsp: {what}"),
            OcspError::Refused(why) => write!(f, "ocsp: error from server: {why}"),
            OcspError::Stranger => {
                f.write_str("ocsp: no response matching the supplied certificate")
            }
            OcspError::Signature => f.write_str("ocsp: bad OCSP signature"),
            OcspError::Delegation => {
                f.write_str("ocsp: signer is not authorized to sign OCSP responses")
            }
        }
    }
}

impl std::error::Error for OcspError {}

/// A signed answer, with who may have signed it. Content and signers are kept as they came.
#[derive(Sequence)]
struct Basic<'a> {
    data: AnyRef<'a>,
    algorithm: AnyRef<'a>,
    signature: BitStringRef<'a>,
    #[asn1(context_specific = "0", optional = "true", tag_mode = "EXPLICIT")]
    signers: Option<Vec<AnyRef<'a>>>,
}

/// What `bytes` say about the certificate of `link`, if they are a genuine answer about it.
pub(super) fn read(link: &OcspLink, bytes: &[u8], now: WallTime) -> Result<OcspAnswer, OcspError> {
    if bytes.len() > LONGEST {
        return Err(OcspError::Malformed("the response is too long"));
    }
    let response =
        OcspResponse::from_der(bytes).map_err(|_| OcspError::Malformed("malformed response"))?;
    if let Some(why) = refusal(response.response_status) {
        return Err(OcspError::Refused(why));
    }
    let payload = response
        .response_bytes
        .ok_or(OcspError::Malformed("empty response"))?;
    if payload.response_type.to_string() != BASIC {
        return Err(OcspError::Malformed("bad OCSP response type"));
    }
    let basic = Basic::from_der(payload.response.as_bytes())
        .map_err(|_| OcspError::Malformed("malformed basic response"))?;
    check_signature(link, &basic, now)?;
    let data = basic.data.to_der().ok();
    let data = data.and_then(|der| ResponseData::from_der(&der).ok());
    let data = data.ok_or(OcspError::Malformed("malformed response data"))?;
    let single = data
        .responses
        .iter()
        .find(|single| is_about(&single.cert_id, link));
    said(single.ok_or(OcspError::Stranger)?)
}

fn said(single: &SingleResponse) -> Result<OcspAnswer, OcspError> {
    let extensions = single.single_extensions.iter().flatten();
    if extensions.into_iter().any(|extension| extension.critical) {
        return Err(OcspError::Malformed("unsupported critical extension"));
    }
    Ok(OcspAnswer {
        status: match single.cert_status {
            CertStatus::Good(_) => OcspStatus::Good,
            CertStatus::Revoked(_) => OcspStatus::Revoked,
            CertStatus::Unknown(_) => OcspStatus::Unknown,
        },
        this_update: wall(single.this_update),
        next_update: single.next_update.map(wall),
    })
}

fn refusal(status: OcspResponseStatus) -> Option<&'static str> {
    Some(match status {
        OcspResponseStatus::Successful => return None,
        OcspResponseStatus::MalformedRequest => "malformed",
        OcspResponseStatus::InternalError => "internal error",
        OcspResponseStatus::TryLater => "try later",
        OcspResponseStatus::SigRequired => "signature required",
        OcspResponseStatus::Unauthorized => "unauthorized",
    })
}

fn wall(time: OcspGeneralizedTime) -> WallTime {
    let nanos = i64::try_from(time.0.to_unix_duration().as_nanos());
    WallTime::from_unix_nanos(nanos.unwrap_or(i64::MAX))
}

/// Whether an answer names the certificate of `link`.
fn is_about(named: &CertId, link: &OcspLink) -> bool {
    let hash = match named.hash_algorithm.oid.to_string().as_str() {
        "1.3.14.3.2.26" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        "2.16.840.1.101.3.4.2.1" => &digest::SHA256,
        "2.16.840.1.101.3.4.2.2" => &digest::SHA384,
        "2.16.840.1.101.3.4.2.3" => &digest::SHA512,
        _ => return false,
    };
    let hashes = link.issuer_hashes(hash);
    named.serial_number.as_bytes() == link.serial
        && hashes.is_some_and(|(name, key)| {
            named.issuer_name_hash.as_bytes() == name && named.issuer_key_hash.as_bytes() == key
        })
}

/// An answer is signed by who issued the certificate, or by somebody whom that one has made a signer of answers.
fn check_signature(link: &OcspLink, basic: &Basic<'_>, now: WallTime) -> Result<(), OcspError> {
    let Basic {
        data,
        algorithm,
        signature,
        signers,
    } = basic;
    if is_signed_by(&link.issuer, data, algorithm, signature) {
        return Ok(());
    }
    for signer in signers.iter().flatten().take(SIGNERS) {
        let Ok(signer) = signer.to_der().map(CertificateDer::from) else {
            continue;
        };
        if !is_signed_by(&signer, data, algorithm, signature) {
            continue;
        }
        if !is_issued_by(&signer, &link.issuer) {
            return Err(OcspError::Signature);
        }
        return match signs_answers(&signer, now) {
            true => Ok(()),
            false => Err(OcspError::Delegation),
        };
    }
    Err(OcspError::Signature)
}

/// Whether the owner of this certificate may sign answers now.
fn signs_answers(certificate: &CertificateDer<'_>, now: WallTime) -> bool {
    let Ok((_, parsed)) = parse_x509_certificate(certificate) else {
        return false;
    };
    let seconds = now.as_unix_nanos() / 1_000_000_000;
    let validity = parsed.validity();
    let is_in_its_time =
        (validity.not_before.timestamp()..=validity.not_after.timestamp()).contains(&seconds);
    let usage = parsed.extended_key_usage().ok().flatten();
    is_in_its_time && usage.is_some_and(|usage| usage.value.ocsp_signing)
}
