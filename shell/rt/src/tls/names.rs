//! The reference server's names of cipher suites, curves and versions, and what of them we speak.

use rustls::crypto::{SupportedKxGroup, ring};
use rustls::{CipherSuite, NamedGroup, ProtocolVersion, SupportedCipherSuite};

/// The suites named by `names` that we speak; all if none is named. Those of TLS 1.3 can't be chosen,
/// in the reference server neither, and are always there.
pub(super) fn suites(names: &[String]) -> Vec<SupportedCipherSuite> {
    ring::ALL_CIPHER_SUITES
        .iter()
        .filter(|suite| {
            let name = suite_name(suite.suite());
            names.is_empty() || suite.tls13().is_some() || names.contains(&name)
        })
        .copied()
        .collect()
}

/// Whether we speak the suite called `name`, of whichever version.
pub(super) fn is_spoken(name: &str) -> bool {
    ring::ALL_CIPHER_SUITES
        .iter()
        .any(|suite| suite_name(suite.suite()) == name)
}

/// The groups named by `names` that we speak, in that order; all if none is named.
pub(super) fn groups(names: &[String]) -> Vec<&'static dyn SupportedKxGroup> {
    if names.is_empty() {
        return ring::ALL_KX_GROUPS.to_vec();
    }
    let named = names.iter().filter_map(|name| {
        let group = match name.as_str() {
            "X25519" => NamedGroup::X25519,
            "CurveP256" => NamedGroup::secp256r1,
            "CurveP384" => NamedGroup::secp384r1,
            _ => return None,
        };
        ring::ALL_KX_GROUPS.iter().find(|g| g.name() == group)
    });
    named.copied().collect()
}

/// Why a suite of this name is not spoken; none if it is.
pub(super) fn why_no_suite(name: &str) -> Option<&'static str> {
    if is_spoken(name) {
        return None;
    }
    Some(if name.starts_with("TLS_RSA_") {
        "its keys are not forward secret, only those of ECDHE are"
    } else if name.contains("_RC4_") || name.contains("_3DES_") {
        "its cipher is broken"
    } else {
        "it encrypts without authentication, only AES-GCM and ChaCha20-Poly1305 authenticate"
    })
}

/// Why a curve of this name is not spoken; none if it is.
pub(super) fn why_no_curve(name: &str) -> Option<&'static str> {
    if !groups(&[name.to_string()]).is_empty() {
        return None;
    }
    Some(if name.contains("MLKEM") {
        "the cryptography in use (ring) has no post-quantum key exchange"
    } else {
        "the cryptography in use (ring) has X25519, P-256 and P-384 only"
    })
}

/// `TLS_AES_128_GCM_SHA256` and the like.
pub(super) fn suite_name(suite: CipherSuite) -> String {
    match suite.as_str() {
        Some(name) => match name.strip_prefix("TLS13_") {
            Some(rest) => format!("TLS_{rest}"),
            None => name.to_string(),
        },
        None => format!("Unknown [0x{:x}]", u16::from(suite)),
    }
}

/// `1.2`, `1.3`.
pub(super) fn version_name(version: ProtocolVersion) -> &'static str {
    match version {
        ProtocolVersion::TLSv1_2 => "1.2",
        ProtocolVersion::TLSv1_3 => "1.3",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::{groups, suite_name, suites, why_no_curve, why_no_suite};

    fn named(names: &[&str]) -> Vec<String> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let suites = suites(&names);
        suites.iter().map(|s| suite_name(s.suite())).collect()
    }

    #[test]
    fn suites_of_version_1_2_can_be_chosen() {
        assert_eq!(named(&[]).len(), 9);
        assert_eq!(
            named(&[
                "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
                "TLS_RSA_WITH_AES_128_CBC_SHA"
            ]),
            [
                "TLS_AES_256_GCM_SHA384",
                "TLS_AES_128_GCM_SHA256",
                "TLS_CHACHA20_POLY1305_SHA256",
                "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
            ]
        );
    }

    #[test]
    fn what_is_not_spoken_has_a_reason() {
        for (name, reason) in [
            ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", None),
            ("TLS_AES_128_GCM_SHA256", None),
            ("TLS_RSA_WITH_AES_128_GCM_SHA256", Some("forward")),
            ("TLS_ECDHE_RSA_WITH_RC4_128_SHA", Some("broken")),
            (
                "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
                Some("authentication"),
            ),
        ] {
            let said = why_no_suite(name);
            assert_eq!(said.is_some(), reason.is_some(), "{name}");
            assert!(
                said.unwrap_or_default()
                    .contains(reason.unwrap_or_default()),
                "{name}"
            );
        }
        for (name, is_spoken) in [
            ("X25519", true),
            ("CurveP384", true),
            ("CurveP521", false),
            ("X25519MLKEM768", false),
        ] {
            assert_eq!(why_no_curve(name).is_none(), is_spoken, "{name}");
        }
    }

    #[test]
    fn curves_keep_their_order() {
        let names = ["CurveP384", "X25519", "CurveP521"].map(String::from);
        let names: Vec<String> = groups(&names)
            .iter()
            .map(|g| format!("{:?}", g.name()))
            .collect();
        assert_eq!(names, ["secp384r1", "X25519"]);
        assert_eq!(groups(&[]).len(), 3);
    }
}
