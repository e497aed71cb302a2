//! Files that make no context, with the reference server's words.

use gannet_rt::tls::{TlsContext, TlsSettings};
use rcgen::KeyPair;

use crate::certificates::*;
use crate::common::*;

#[test]
fn bad_files_are_explained() {
    in_both_worlds(async |place| {
        let files = Files::new(&place.server);
        let ca = Authority::new("ca");
        let good = settings(&files, "good", &ca, named_a, &ca);
        let (cert, key) = good.certificates[0].clone();
        let other_key = KeyPair::generate().expect("a key").serialize_pem();
        let other_key = files.write("other.pem", &other_key);
        let text = files.write("text.pem", "no PEM at all\n");
        let odd = files.write(
            "odd.pem",
            "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
        );
        let broken_key = files.write(
            "broken.pem",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        );
        let missing = files.path("missing.pem");
        let pair = "error parsing X509 certificate/key pair: ";
        let with = |cert: &str, key: &str| TlsSettings {
            certificates: vec![(cert.into(), key.into())],
            ..good.clone()
        };
        let with_ca = |ca: &str| TlsSettings {
            ca_file: Some(ca.into()),
            ..good.clone()
        };
        let rows = [
            (good.clone(), "ok".to_string()),
            (
                with(&missing, &key),
                format!("{pair}open {missing}: no such file or directory"),
            ),
            (
                with(&cert, &missing),
                format!("{pair}open {missing}: no such file or directory"),
            ),
            (
                with(&text, &key),
                format!("{pair}tls: failed to find any PEM data in certificate input"),
            ),
            (
                with(&key, &cert),
                format!(
                    "{pair}tls: failed to find certificate PEM data in certificate input, but did \
                     find a private key; PEM inputs may have been switched"
                ),
            ),
            (
                with(&odd, &key),
                format!(
                    "{pair}tls: failed to find \"CERTIFICATE\" PEM block in certificate input after \
                     skipping PEM blocks of the following types: [X509 CRL]"
                ),
            ),
            (
                with(&cert, &cert),
                format!(
                    "{pair}tls: found a certificate rather than a key in the PEM for the private key"
                ),
            ),
            (
                with(&cert, &text),
                format!("{pair}tls: failed to find any PEM data in key input"),
            ),
            (
                with(&cert, &broken_key),
                format!("{pair}tls: failed to parse private key"),
            ),
            (
                with(&cert, &other_key),
                format!("{pair}tls: private key does not match public key"),
            ),
            (
                TlsSettings {
                    certificates: vec![(cert.clone(), key.clone()), (missing.clone(), key.clone())],
                    ..good.clone()
                },
                format!(
                    "error parsing X509 certificate/key pair 2/2: open {missing}: no such file or \
                     directory"
                ),
            ),
            (
                with_ca(&missing),
                format!("open {missing}: no such file or directory"),
            ),
            (with_ca(&text), "failed to parse root ca certificate".into()),
            (
                TlsSettings {
                    cipher_suites: vec!["TLS_RSA_WITH_AES_128_CBC_SHA".into()],
                    ..good.clone()
                },
                "none of 'cipher_suites' is supported by this version of Gannet: \
                 TLS_RSA_WITH_AES_128_CBC_SHA (its keys are not forward secret, only those of ECDHE are)"
                    .into(),
            ),
            (
                TlsSettings {
                    curves: vec!["CurveP521".into()],
                    ..good.clone()
                },
                "none of 'curve_preferences' is supported by this version of Gannet: CurveP521 (the \
                 cryptography in use (ring) has X25519, P-256 and P-384 only)"
                    .into(),
            ),
        ];
        for (settings, wanted) in rows {
            let said = TlsContext::load(&place.server, &settings)
                .map_or_else(|e| e.to_string(), |_| "ok".to_string());
            assert_eq!(said, wanted);
        }
    });
}

#[test]
fn what_others_may_see_of_a_context_holds_no_key() {
    in_the_real_world(async |place| {
        let files = Files::new(&place.server);
        let ca = Authority::new("ca");
        let context =
            TlsContext::load(&place.server, &settings(&files, "x", &ca, named_a, &ca)).expect("ok");
        assert_eq!(format!("{context:?}"), "TlsContext");
        assert!(context.not_after().is_some());
    });
}
