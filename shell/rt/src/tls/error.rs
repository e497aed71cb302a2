//! What can go wrong with TLS: in the files (the administrator's), in a handshake (the peer's).

use std::fmt;
use std::io;

use rustls::{
    AlertDescription, CertificateError, Error, InvalidMessage, OtherError, PeerIncompatible,
};

/// Why settings make no [`TlsContext`](super::TlsContext), in the reference server's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSettingsError(pub(super) String);

impl fmt::Display for TlsSettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TlsSettingsError {}

/// Why a connection did not become a TLS connection. Printed as the reference server prints it behind
/// `TLS handshake error: `.
#[derive(Debug)]
pub enum TlsError {
    /// The deadline passed.
    Timeout,
    /// The peer ended the connection.
    Ended,
    /// The socket failed.
    Io(io::Error),
    /// What came is no TLS.
    NotTls,
    /// The peer's certificate does not convince us; the text says why.
    BadCertificate(String),
    /// The peer's certificate is good, for another name than the one dialled.
    WrongName(String),
    /// The peer had to show a certificate and had none.
    NoCertificate,
    /// The peer's certificate is good, and none of the pinned ones.
    NotPinned,
    /// The peer has not proved that its certificate is not revoked; the text says why.
    BadStatus(String),
    /// The peer refused us; the text says why.
    Refused(String),
    /// Neither a name nor an address can be made of what was to be dialled.
    BadServerName(String),
    /// The two sides found no common ground, or the peer broke the rules of TLS.
    Protocol(String),
    /// The stream is a TLS connection already.
    Twice,
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TlsError::Timeout => f.write_str("TLS handshake timeout"),
            TlsError::Ended => f.write_str("EOF"),
            TlsError::Io(error) => error.fmt(f),
            TlsError::NotTls => f.write_str("tls: first record does not look like a TLS handshake"),
            TlsError::BadCertificate(text) | TlsError::WrongName(text) => {
                write!(f, "tls: failed to verify certificate: x509: {text}")
            }
            TlsError::NoCertificate => f.write_str("tls: client didn't provide a certificate"),
            TlsError::NotPinned => f.write_str("certificate not pinned"),
            TlsError::BadStatus(text) => f.write_str(text),
            TlsError::Refused(text) => write!(f, "remote error: tls: {text}"),
            TlsError::BadServerName(name) => write!(f, "tls: {name:?} is no name of a server"),
            TlsError::Protocol(text) => write!(f, "tls: {text}"),
            TlsError::Twice => f.write_str("the connection is encrypted already"),
        }
    }
}

impl std::error::Error for TlsError {}

impl From<io::Error> for TlsError {
    fn from(error: io::Error) -> TlsError {
        TlsError::Io(error)
    }
}

impl From<Error> for TlsError {
    fn from(error: Error) -> TlsError {
        match error {
            // A first byte that begins no record, and a record that is none inside.
            Error::InvalidMessage(
                InvalidMessage::InvalidContentType
                | InvalidMessage::UnknownProtocolVersion
                | InvalidMessage::MessageTooLarge
                | InvalidMessage::MessageTooShort
                | InvalidMessage::InvalidEmptyPayload,
            ) => TlsError::NotTls,
            Error::NoCertificatesPresented => TlsError::NoCertificate,
            Error::InvalidCertificate(reason) => certificate(&reason),
            Error::AlertReceived(alert) => TlsError::Refused(alert_text(alert)),
            Error::PeerIncompatible(reason) => TlsError::Protocol(incompatible(&reason)),
            other => TlsError::Protocol(other.to_string()),
        }
    }
}

/// As [`TlsError::BadStatus`], on its way through rustls.
#[derive(Debug)]
pub(super) struct BadStatus(pub(super) String);

impl fmt::Display for BadStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadStatus {}

fn certificate(reason: &CertificateError) -> TlsError {
    if let CertificateError::Other(OtherError(other)) = reason
        && let Some(BadStatus(text)) = other.downcast_ref()
    {
        return TlsError::BadStatus(text.clone());
    }
    TlsError::BadCertificate(match reason {
        // A bad signature is one by an authority that has only the name of one that we know.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "certificate signed by unknown authority".into()
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => {
            "certificate has expired or is not yet valid".into()
        }
        CertificateError::NotValidForName => {
            return TlsError::WrongName("certificate is not valid for the name".into());
        }
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => return TlsError::WrongName(wrong_name(&expected.to_str(), presented)),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "certificate specifies an incompatible key usage".into()
        }
        CertificateError::BadEncoding => "malformed certificate".into(),
        CertificateError::Revoked => "certificate is revoked".into(),
        other => other.to_string(),
    })
}

/// `presented` are shown by the verifier as `DnsName("a")` and `IpAddress(1.2.3.4)`.
fn wrong_name(expected: &str, presented: &[String]) -> String {
    let plain = |shown: &String| {
        let inner = shown
            .split_once('(')
            .map_or(shown.as_str(), |(_, rest)| rest);
        inner.trim_matches([')', '"']).to_string()
    };
    let kind = if expected.parse::<std::net::IpAddr>().is_ok() {
        "IpAddress"
    } else {
        "DnsName"
    };
    let names: Vec<String> = presented
        .iter()
        .filter(|shown| shown.starts_with(kind))
        .map(plain)
        .collect();
    match (names.is_empty(), kind) {
        (false, _) => format!(
            "certificate is valid for {}, not {expected}",
            names.join(", ")
        ),
        (true, "IpAddress") => format!(
            "cannot validate certificate for {expected} because it doesn't contain any IP SANs"
        ),
        (true, _) => {
            format!("certificate is not valid for any names, but wanted to match {expected}")
        }
    }
}

fn incompatible(reason: &PeerIncompatible) -> String {
    match reason {
        PeerIncompatible::NoCipherSuitesInCommon => {
            "no cipher suite supported by both client and server".into()
        }
        PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled
        | PeerIncompatible::Tls13RequiredForQuic
        | PeerIncompatible::SupportedVersionsExtensionRequired
        | PeerIncompatible::ServerDoesNotSupportTls12Or13 => {
            "client offered only unsupported versions".into()
        }
        other => format!("{other:?}"),
    }
}

/// What the alerts are called by the reference server.
fn alert_text(alert: AlertDescription) -> String {
    let text = match alert {
        AlertDescription::CloseNotify => "close notify",
        AlertDescription::UnexpectedMessage => "unexpected message",
        AlertDescription::BadRecordMac => "bad record MAC",
        AlertDescription::RecordOverflow => "record overflow",
        AlertDescription::HandshakeFailure => "handshake failure",
        AlertDescription::BadCertificate => "bad certificate",
        AlertDescription::UnsupportedCertificate => "unsupported certificate",
        AlertDescription::CertificateRevoked => "revoked certificate",
        AlertDescription::CertificateExpired => "expired certificate",
        AlertDescription::CertificateUnknown => "unknown certificate",
        AlertDescription::IllegalParameter => "illegal parameter",
        AlertDescription::UnknownCA => "unknown certificate authority",
        AlertDescription::AccessDenied => "access denied",
        AlertDescription::DecodeError => "error decoding message",
        AlertDescription::DecryptError => "error decrypting message",
        AlertDescription::ProtocolVersion => "protocol version not supported",
        AlertDescription::InsufficientSecurity => "insufficient security level",
        AlertDescription::InternalError => "internal error",
        AlertDescription::MissingExtension => "missing extension",
        AlertDescription::UnsupportedExtension => "unsupported extension",
        AlertDescription::UnrecognisedName => "unrecognized name",
        AlertDescription::CertificateRequired => "certificate required",
        AlertDescription::NoApplicationProtocol => "no application protocol",
        other => return format!("alert({})", u8::from(other)),
    };
    text.to_string()
}
