//! What a `tls` block chooses: certificates by name, versions, cipher suites, curves; and files that change while the
//! server runs (rows SEC-05, SEC-06, SEC-07, SEC-16, SEC-17).

use gannet_acceptance::certificates::{Authority, Certificate, Dialling, TlsPeer};
use gannet_acceptance::{Kind, Server, Wire, both, eventually};
use rcgen::date_time_ymd;
use rustls::crypto::ring;
use rustls::{CipherSuite, NamedGroup, version};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const LOCAL: &[&str] = &["localhost", "127.0.0.1"];

fn dial(server: &Server, dialling: &Dialling) -> TlsPeer {
    let mut wire = Wire::open(&server.client_address());
    wire.info();
    TlsPeer::begin_as(wire.into_stream(), None, dialling)
}

/// The version and the cipher suite of a handshake, or nothing.
fn agreed(server: &Server, dialling: &Dialling) -> Option<(String, String)> {
    dial(server, dialling).shake().ok()
}

fn only(suites: &[CipherSuite]) -> Dialling {
    let mut dialling = Dialling::default();
    dialling
        .provider
        .cipher_suites
        .retain(|suite| suites.contains(&suite.suite()));
    dialling
}

fn pair(certificate: &Certificate) -> String {
    let (cert, key) = (
        certificate.cert_file().display(),
        certificate.key_file().display(),
    );
    format!("{{ cert_file: \"{cert}\", key_file: \"{key}\" }}")
}

both! {
    /// SEC-05: of several certificates, the one for the name that is asked for; the first one for all others.
    #[test]
    fn a_certificate_for_each_name(kind: Kind) {
        let ca = Authority::new("ca");
        let certificates = [
            ca.issue("first", &["first.example.com", "127.0.0.1"]),
            ca.issue("second", &["second.example.com"]),
            ca.issue("third", &["*.third.example.com"]),
        ];
        let certs = certificates.each_ref().map(pair).join(", ");
        let server = Server::start(kind, &format!("tls {{ certs: [{certs}] }}"));
        for (name, wanted) in [
            ("first.example.com", 0),
            ("second.example.com", 1),
            ("a.third.example.com", 2),
            ("a.b.third.example.com", 0),
            ("nobody.example.com", 0),
            ("127.0.0.1", 0),
        ] {
            let mut peer = dial(&server, &Dialling { name: name.into(), ..Dialling::default() });
            peer.shake().expect("a handshake");
            assert!(peer.has_shown(&certificates[wanted]), "{name}");
        }
    }

    /// SEC-06: older versions than the oldest one that is wanted are refused.
    #[test]
    fn versions_have_a_minimum(kind: Kind) {
        for (lines, old) in [("", true), ("min_version: \"1.2\"", true), ("min_version: \"1.3\"", false)] {
            let certificate = Authority::new("ca").issue("server", LOCAL);
            let server = Server::start(kind, &certificate.block(lines));
            let speaks = |versions| agreed(&server, &Dialling { versions, ..Dialling::default() }).map(|(version, _)| version);
            assert_eq!(speaks(vec![&version::TLS12]), old.then(|| "TLSv1_2".to_owned()), "{lines}");
            assert_eq!(speaks(vec![&version::TLS13]), Some("TLSv1_3".into()), "{lines}");
        }
    }

    /// SEC-07: of the suites of TLS 1.2, those that are chosen; those of TLS 1.3 are there in any case.
    #[test]
    fn cipher_suites_can_be_chosen(kind: Kind) {
        let chosen = "cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]";
        let server = Server::start(kind, &Authority::new("ca").issue("server", LOCAL).block(chosen));
        let with = |suite| agreed(&server, &only(&[suite])).map(|(_, suite)| suite);
        assert_eq!(with(CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256), None);
        assert!(with(CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384).is_some());
        assert!(with(CipherSuite::TLS13_AES_128_GCM_SHA256).is_some());
    }

    /// SEC-07: the curves that are chosen, and no others.
    #[test]
    fn curves_can_be_chosen(kind: Kind) {
        let server = Server::start(kind, &Authority::new("ca").issue("server", LOCAL).block("curve_preferences: [CurveP384, CurveP256]"));
        for (group, wanted) in [(NamedGroup::secp384r1, true), (NamedGroup::secp256r1, true), (NamedGroup::X25519, false)] {
            let mut dialling = Dialling::default();
            dialling.provider.kx_groups = ring::ALL_KX_GROUPS.iter().filter(|known| known.name() == group).copied().collect();
            assert_eq!(agreed(&server, &dialling).is_some(), wanted, "{group:?}");
        }
    }
}

/// SEC-07: what is not spoken is said at the start, with the reason, as long as something is left.
#[test]
fn what_is_not_spoken_is_left_out_aloud() {
    let lines = "allow_insecure_cipher_suites: true, \
        cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_RSA_WITH_AES_128_CBC_SHA], curve_preferences: [CurveP521, X25519]";
    let server = Server::start(
        Kind::Gannet,
        &Authority::new("ca").issue("server", LOCAL).block(lines),
    );
    for text in [
        "[WRN] Not supported by this version of Gannet: TLS_RSA_WITH_AES_128_CBC_SHA (its keys are not forward secret",
        "[WRN] Not supported by this version of Gannet: CurveP521 (",
    ] {
        server.expect_log(text);
    }
    assert!(agreed(&server, &Dialling::default()).is_some());
}

/// SEC-17: a certificate that ends soon, or has ended, is told of.
#[test]
fn the_end_of_a_certificate_is_told_beforehand() {
    let ca = Authority::new("ca");
    let day = 86_400;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    let ending = |name: &str, seconds: i64| {
        let end = Duration::from_secs(now.checked_add_signed(seconds).expect("a time"));
        ca.issue_with(name, LOCAL, |params| {
            params.not_after = date_time_ymd(1970, 1, 1) + end
        })
    };
    let soon = ending("soon", 6 * day + 3600);
    let server = Server::start(
        Kind::Gannet,
        &format!(
            "{}\ncluster {{ port: -1, {} }}",
            soon.block(""),
            ending("gone", -day).block("")
        ),
    );
    server.expect_log("[WRN] The TLS certificate of clients ends in 6 days: it is valid until ");
    server.expect_log("[WRN] The TLS certificate of the cluster has ended: it was valid until ");
    let later = Server::start(Kind::Gannet, &ending("later", 31 * day).block(""));
    assert!(!later.log().contains("The TLS certificate of"));
}

/// SEC-16: with `cert_reload_interval`, files that have changed are taken over without a signal; what cannot be used is
/// told of, and leaves all as it was.
#[test]
fn files_that_change_are_noticed() {
    let ca = Authority::new("ca");
    let old = ca.issue("server", LOCAL);
    let server = Server::start(
        Kind::Gannet,
        &format!("cert_reload_interval: \"1s\"\n{}", old.block("")),
    );
    let shown = || {
        let mut peer = dial(&server, &Dialling::default());
        peer.shake().expect("a handshake");
        peer
    };
    let before = shown();
    assert!(before.has_shown(&old));
    let key = std::fs::read(old.key_file()).expect("a key");
    std::fs::write(old.key_file(), "no key").expect("written");
    server.expect_log("[ERR] Certificates have changed and cannot be used, those before stay: ");
    assert!(shown().has_shown(&old));
    std::fs::write(old.key_file(), key).expect("written");
    let new = ca.issue("server", LOCAL);
    eventually("the new certificate", || {
        if shown().has_shown(&new) {
            Ok(())
        } else {
            Err("the old one".into())
        }
    });
    server.expect_log("[INF] Reloaded: TLS certificates, since their files have changed");
    assert_eq!(
        server.log().matches("failed to find any PEM data").count(),
        1,
        "{}",
        server.log()
    );
}
