//! Tables: flags about TLS → options.

use std::time::Duration;

use gannet_config::{CertificateFiles, HandshakeFirst, Options, TlsOptions, TlsVersion};

use super::{changed, invocation, over};
use crate::flags::{Command, FlagError};

#[test]
fn tls_is_what_the_flags_say_and_the_rest_what_the_file_says() {
    let files = |cert: &str, key: &str| {
        let (cert_file, key_file) = (cert.into(), key.into());
        vec![CertificateFiles {
            cert_file,
            key_file,
        }]
    };
    let file = changed(|o| {
        o.tls = Some(TlsOptions {
            certificates: files("a", "b"),
            ca_file: Some("c".into()),
            verify: true,
            timeout: Some(Duration::from_secs(7)),
            min_version: TlsVersion::V1_3,
            handshake_first: HandshakeFirst::Always,
            ..TlsOptions::default()
        });
    });
    let overridden = changed(|o| {
        o.tls = Some(TlsOptions {
            certificates: files("x", "y"),
            timeout: Some(Duration::from_secs(7)),
            handshake_first: HandshakeFirst::Always,
            ..TlsOptions::default()
        });
    });
    let plain = |ca: Option<&str>, verify| {
        changed(|o| {
            o.tls = Some(TlsOptions {
                certificates: files("x", "y"),
                ca_file: ca.map(Into::into),
                verify,
                ..TlsOptions::default()
            });
        })
    };
    let none = Options::default();
    for (file, line, wanted) in [
        (&file, "gannet -p 4222", &file),
        (&file, "gannet --tls --tlscert x --tlskey y", &overridden),
        (&file, "gannet --tls=false --tlsverify --tlscert x", &none),
        (&none, "gannet --tlscert=x --tlskey=y", &plain(None, false)),
        (
            &none,
            "gannet -tlsverify=false -tlscert x -tlskey y",
            &plain(None, false),
        ),
        (
            &none,
            "gannet --tlsverify --tlscert x --tlskey y --tlscacert z",
            &plain(Some("z"), true),
        ),
    ] {
        assert_eq!(over(file, line), *wanted, "{line}");
    }
    for (line, what) in [
        ("gannet --tls", "certificate"),
        ("gannet --tlsverify", "certificate"),
        ("gannet --tlscacert x", "certificate"),
        ("gannet --tls --tlscert x", "private key"),
    ] {
        let refused = invocation(line).map(|i| i.apply(&mut file.clone()));
        let wanted = format!("TLS Server {what} must be present and valid");
        assert_eq!(refused, Ok(Err(FlagError::Tls(wanted))), "{line}");
    }
    let told = invocation("gannet --help_tls").map(|i| i.command);
    assert!(
        matches!(&told, Ok(Command::Print(text)) if text.contains("handshake_first")),
        "{told:?}"
    );
}
