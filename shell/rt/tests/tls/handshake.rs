//! The course of a handshake: what both sides learn, and what goes wrong with the bytes.

use std::io::{ErrorKind, IoSlice};
use std::sync::Arc;
use std::time::Duration;

use gannet_rt::Stream;
use gannet_rt::tls::{TlsContext, TlsError, TlsFacts, TlsSettings};
use gannet_units::{Moment, WallTime};
use rustls::pki_types::pem::PemObject as _;

use crate::certificates::*;
use crate::common::*;

/// Both ends' settings, trusting each other.
fn friends(files: &Files) -> (TlsSettings, TlsSettings) {
    let ca = Authority::new("ca");
    (
        settings(files, "client", &ca, named_b, &ca),
        settings(files, "server", &ca, named_a, &ca),
    )
}

#[test]
fn both_sides_learn_who_the_other_is() {
    in_both_worlds(async |place| {
        let files = Files::new(&place.server);
        let (client, server) = friends(&files);
        let outcome = shake(&place, &client, &server, "a.example.com").await;
        assert_eq!(outcome.texts(), ("ok".into(), "ok".into()));
        let (dialled, accepted) = outcome.streams;
        let facts = dialled.tls().expect("facts").clone();
        let peer = facts.peer.clone().expect("the server's certificate");
        assert_eq!(
            facts,
            TlsFacts {
                version: "1.3",
                cipher: "TLS_AES_256_GCM_SHA384".into(),
                peer: Some(peer.clone()),
                chain: Vec::new(),
            }
        );
        assert_eq!(peer.subject, "CN=a,O=Gulls\\, Inc.,C=XX");
        assert_eq!(peer.dns_names, ["a.example.com"]);
        assert_eq!(peer.emails, ["a@example.com"]);
        assert_eq!(peer.uris, ["spiffe://example.com/a"]);
        assert_eq!(
            (peer.domain_components.as_str(), peer.key_sha256.len()),
            ("", 64)
        );
        assert!(peer.not_after > WallTime::from_unix_nanos(0));
        let other = accepted.tls().expect("facts").peer.clone();
        let other = other.expect("the client's certificate");
        assert_eq!((other.subject.as_str(), other.dns_names.len()), ("CN=b", 1));
        // The server has said nothing behind the handshake; the streams work.
        write_all(&dialled, b"PING\r\n").await.expect("writes");
        assert_eq!(read_n(&accepted, 6).await.expect("reads"), b"PING\r\n");
    });
}

#[test]
fn a_peer_that_stalls_is_given_up_at_the_deadline() {
    in_simulated_worlds(async |place| {
        let files = Files::new(&place.server);
        let (client, server) = friends(&files);
        let (dialled, accepted) = place.pair().await;
        let context = TlsContext::load(&place.server, &server).expect("settings");
        let deadline = place.server.now() + Duration::from_secs(2);
        let result = accepted
            .accept_tls(&place.server, &context, &[], deadline)
            .await;
        assert!(matches!(result, Err(TlsError::Timeout)), "{result:?}");
        assert_eq!(place.server.now(), deadline);
        // Nothing can be said on it any more, plain or not.
        let error = accepted.try_write(b"INFO").expect_err("broken");
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        // The same for who dialled.
        let context = TlsContext::load(&place.server, &client).expect("settings");
        let deadline = place.client.now() + Duration::from_millis(700);
        let result = dialled
            .connect_tls(&place.client, &context, "a.example.com", &[], deadline)
            .await;
        assert!(matches!(result, Err(TlsError::Timeout)), "{result:?}");
        assert_eq!(place.client.now(), deadline);
    });
}

#[test]
fn a_peer_that_speaks_plain_is_told_apart() {
    in_both_worlds(async |place| {
        let files = Files::new(&place.server);
        let (_, server) = friends(&files);
        let context = TlsContext::load(&place.server, &server).expect("settings");
        let words: [&[u8]; 3] = [
            b"CONNECT {\"verbose\":false}\r\nPING\r\n",
            b"\x16\x99garbage that goes on and on and on",
            &[0; 64],
        ];
        for words in words {
            let (dialled, accepted) = place.pair().await;
            write_all(&dialled, words).await.expect("writes");
            let result = accepted
                .accept_tls(&place.server, &context, &[], late(&place.server))
                .await;
            assert!(matches!(result, Err(TlsError::NotTls)), "{result:?}");
            let (dialled, accepted) = place.pair().await;
            write_all(&accepted, words).await.expect("writes");
            let result = dialled
                .connect_tls(&place.client, &context, "a", &[], late(&place.client))
                .await;
            assert!(matches!(result, Err(TlsError::NotTls)), "{result:?}");
        }
    });
}

#[test]
fn a_peer_that_leaves_during_the_handshake_has_ended() {
    in_both_worlds(async |place| {
        let files = Files::new(&place.server);
        let (_, server) = friends(&files);
        let context = TlsContext::load(&place.server, &server).expect("settings");
        let (dialled, accepted) = place.pair().await;
        write_all(&dialled, &[22, 3, 1]).await.expect("writes");
        dialled.shutdown_write();
        let result = accepted
            .accept_tls(&place.server, &context, &[], late(&place.server))
            .await;
        assert!(matches!(result, Err(TlsError::Ended)), "{result:?}");
        let again = accepted
            .accept_tls(&place.server, &context, &[], late(&place.server))
            .await;
        assert!(matches!(again, Err(TlsError::Twice)), "{again:?}");
    });
}

#[test]
fn bytes_that_were_read_already_are_not_lost() {
    in_both_worlds(async |place| {
        let files = Files::new(&place.server);
        let (client, server) = friends(&files);
        let server = TlsContext::load(&place.server, &server).expect("settings");
        let client = TlsContext::load(&place.server, &client).expect("settings");
        let (dialled, accepted) = place.pair().await;
        let rt = place.client.clone();
        let dialled = Arc::new(dialled);
        let stream = dialled.clone();
        let mut task = place.client.spawn(async move {
            let result = stream
                .connect_tls(&rt, &client, "a.example.com", &[], late(&rt))
                .await;
            assert!(result.is_ok(), "{result:?}");
            write_all(&stream, b"hello").await.expect("writes");
        });
        let early = read_n(&accepted, 37).await.expect("reads");
        let result = accepted
            .accept_tls(&place.server, &server, &early, late(&place.server))
            .await;
        assert!(result.is_ok(), "{result:?}");
        assert_eq!(read_n(&accepted, 5).await.expect("reads"), b"hello");
        task.join().await;
    });
}

#[test]
fn nothing_is_written_before_the_handshake_is_over() {
    in_simulated_worlds(async |place| {
        let files = Files::new(&place.server);
        let (client, _) = friends(&files);
        let context = TlsContext::load(&place.server, &client).expect("settings");
        let (dialled, accepted) = place.pair().await;
        let dialled = Arc::new(dialled);
        let (rt, stream) = (place.client.clone(), dialled.clone());
        place.client.spawn(async move {
            let deadline = late(&rt);
            let _ = stream.connect_tls(&rt, &context, "a", &[], deadline).await;
        });
        let first = read_n(&accepted, 1).await.expect("reads");
        assert_eq!(first, [22], "a handshake record");
        for attempt in [
            dialled.try_write(b"PUB a 1"),
            dialled.try_write_vectored(&[IoSlice::new(b"x")]),
        ] {
            assert_eq!(
                attempt.expect_err("too early").kind(),
                ErrorKind::WouldBlock
            );
        }
    });
}

#[test]
fn the_certificate_for_the_name_asked_for_is_shown() {
    in_both_worlds(async |place| {
        let files = Files::new(&place.server);
        let ca = Authority::new("ca");
        let client = settings(&files, "client", &ca, named_a, &ca);
        let mut server = settings(&files, "server", &ca, named_a, &ca);
        let other = settings(&files, "other", &ca, named_b, &ca);
        server.certificates.extend(other.certificates);
        for (name, wanted) in [
            ("a.example.com", "CN=a,O=Gulls\\, Inc.,C=XX"),
            ("x.b.example.com", "CN=b"),
        ] {
            let outcome = shake(&place, &client, &server, name).await;
            assert_eq!(outcome.texts(), ("ok".into(), "ok".into()), "{name}");
            let facts = outcome.streams.0.tls().expect("facts").clone();
            assert_eq!(facts.peer.expect("a certificate").subject, wanted);
        }
    });
}

#[test]
fn a_new_context_leaves_standing_connections_alone() {
    in_both_worlds(async |place| {
        let files = Files::new(&place.server);
        let (client, server) = friends(&files);
        let before = TlsContext::load(&place.server, &server).expect("settings");
        let client_context = TlsContext::load(&place.server, &client).expect("settings");
        let first = shake_with(&place, &client_context, &before, "a.example.com").await;
        assert_eq!(first.texts(), ("ok".into(), "ok".into()));
        // Another authority: the old client is not let in any more, and the old link lives on.
        let (_, stranger) = friends(&files);
        let after = TlsContext::load(&place.server, &stranger).expect("settings");
        let second = shake_with(&place, &client_context, &after, "a.example.com").await;
        assert_eq!(
            second.texts().0,
            "tls: failed to verify certificate: x509: certificate signed by unknown authority"
        );
        let (dialled, accepted) = first.streams;
        write_all(&accepted, b"still here").await.expect("writes");
        assert_eq!(read_n(&dialled, 10).await.expect("reads"), b"still here");
    });
}

#[test]
fn a_client_that_knows_no_newer_version_speaks_1_2() {
    in_both_worlds(async |place| {
        let files = Files::new(&place.server);
        let (client, mut server) = friends(&files);
        server.cipher_suites = vec!["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256".into()];
        let context = TlsContext::load(&place.server, &server).expect("settings");
        let (dialled, accepted) = place.pair().await;
        let config = old_client(&place, &client);
        place.client.spawn(speak_by_hand(dialled, config));
        let facts = accepted
            .accept_tls(&place.server, &context, &[], late(&place.server))
            .await
            .expect("a handshake");
        assert_eq!(
            (facts.version, facts.cipher.as_str()),
            ("1.2", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256")
        );
        assert_eq!(read_n(&accepted, 4).await.expect("reads"), b"old!");
        // Who insists on 1.3 refuses it.
        server.min_version = gannet_rt::tls::TlsVersion::V1_3;
        let context = TlsContext::load(&place.server, &server).expect("settings");
        let (dialled, accepted) = place.pair().await;
        place
            .client
            .spawn(speak_by_hand(dialled, old_client(&place, &client)));
        let refused = accepted
            .accept_tls(&place.server, &context, &[], late(&place.server))
            .await
            .expect_err("refused");
        assert_eq!(
            refused.to_string(),
            "tls: client offered only unsupported versions"
        );
    });
}

fn old_client(place: &Place, settings: &TlsSettings) -> rustls::ClientConfig {
    let read = |path: &str| gannet_rt::fs::read(&place.server, path).expect("a file");
    let (cert, key) = &settings.certificates[0];
    let cert = rustls::pki_types::CertificateDer::from_pem_slice(&read(cert)).expect("a cert");
    let key = rustls::pki_types::PrivateKeyDer::from_pem_slice(&read(key)).expect("a key");
    let ca = read(settings.ca_file.as_deref().expect("authorities"));
    let ca = rustls::pki_types::CertificateDer::from_pem_slice(&ca).expect("a cert");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(ca).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12])
        .expect("versions")
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![cert], key)
        .expect("a certificate")
}

/// A TLS client outside of our door.
async fn speak_by_hand(stream: Stream, config: rustls::ClientConfig) {
    let name = "a.example.com".try_into().expect("a name");
    let mut tls = rustls::ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut buf = [0; 4096];
    while tls.is_handshaking() {
        send_by_hand(&stream, &mut tls).await;
        let Ok(n @ 1..) = read(&stream, &mut buf).await else {
            return;
        };
        let mut rest = &buf[..n];
        while !rest.is_empty() {
            tls.read_tls(&mut rest).expect("room");
            if tls.process_new_packets().is_err() {
                return;
            }
        }
    }
    use std::io::Write as _;
    tls.writer().write_all(b"old!").expect("room");
    send_by_hand(&stream, &mut tls).await;
    let _ = read(&stream, &mut buf).await;
}

async fn send_by_hand(stream: &Stream, tls: &mut rustls::ClientConnection) {
    while tls.wants_write() {
        let mut out = Vec::new();
        tls.write_tls(&mut out).expect("memory");
        write_all(stream, &out).await.expect("writes");
    }
}

#[test]
fn deadlines_that_have_passed_fail_at_once() {
    in_both_worlds(async |place| {
        let files = Files::new(&place.server);
        let (client, _) = friends(&files);
        let context = TlsContext::load(&place.server, &client).expect("settings");
        let (dialled, _accepted) = place.pair().await;
        let result = dialled
            .connect_tls(&place.client, &context, "a", &[], Moment::START)
            .await;
        assert!(matches!(result, Err(TlsError::Timeout)), "{result:?}");
    });
}
