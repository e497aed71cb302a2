//! Who is let in.

use gannet_rt::tls::{TlsError, TlsSettings};

use crate::certificates::*;
use crate::common::*;

const UNKNOWN: &str =
    "tls: failed to verify certificate: x509: certificate signed by unknown authority";
const EXPIRED: &str =
    "tls: failed to verify certificate: x509: certificate has expired or is not yet valid";

/// A row: what it is about, both ends, the name dialled, and what each says.
type Row<'a> = (&'a str, TlsSettings, TlsSettings, &'a str, &'a str, &'a str);

async fn check(place: &Place, rows: Vec<Row<'_>>) {
    for (what, client, server, name, client_says, server_says) in rows {
        let outcome = shake(place, &client, &server, name).await;
        let (client_said, server_said) = outcome.texts();
        // With TLS 1.3 a client is done before the server has looked at its certificate.
        assert_eq!(client_said, client_says, "{what}: the client");
        assert_eq!(server_said, server_says, "{what}: the server");
        if client_says == "ok" && server_says != "ok" {
            let error = read(&outcome.streams.0, &mut [0; 8]).await;
            let error = error.expect_err("refused").to_string();
            assert!(error.starts_with("remote error: tls: "), "{what}: {error}");
        }
    }
}

#[test]
fn certificates_convince_or_do_not() {
    in_both_worlds(async |place| {
        let files = Files::new(&place.server);
        let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
        let good = |who: &str, say| settings(&files, who, &ours, say, &ours);
        let stranger = settings(&files, "stranger", &theirs, named_a, &ours);
        let mut careless = good("careless", named_b);
        careless.insecure = true;
        let mut anonymous = good("anonymous", named_b);
        anonymous.certificates.clear();
        let mut lenient = good("lenient", named_a);
        lenient.verify_peers = false;
        let name = "a.example.com";
        let refused = "remote error: tls: unknown certificate authority";
        check(
            &place,
            vec![
                (
                    "good",
                    good("c1", named_b),
                    good("s1", named_a),
                    name,
                    "ok",
                    "ok",
                ),
                (
                    "bad server",
                    good("c2", named_b),
                    stranger.clone(),
                    name,
                    UNKNOWN,
                    refused,
                ),
                (
                    "bad client",
                    stranger.clone(),
                    good("s3", named_a),
                    name,
                    "ok",
                    UNKNOWN,
                ),
                (
                    "careless client",
                    careless.clone(),
                    good("s4", named_b),
                    name,
                    "ok",
                    "ok",
                ),
                ("careless, bad server", careless, stranger, name, "ok", "ok"),
                (
                    "no certificate",
                    anonymous.clone(),
                    good("s5", named_a),
                    name,
                    "ok",
                    "tls: client didn't provide a certificate",
                ),
                ("none needed", anonymous, lenient, name, "ok", "ok"),
                (
                    "old client",
                    good("c6", expired),
                    good("s6", named_a),
                    name,
                    "ok",
                    EXPIRED,
                ),
                (
                    "old server",
                    good("c7", named_b),
                    good("s7", expired),
                    name,
                    EXPIRED,
                    "remote error: tls: expired certificate",
                ),
            ],
        )
        .await;
    });
}

#[test]
fn names_and_addresses_must_be_in_the_certificate() {
    in_both_worlds(async |place| {
        let files = Files::new(&place.server);
        let ca = Authority::new("ca");
        let client = settings(&files, "client", &ca, named_b, &ca);
        let name = settings(&files, "name", &ca, named_a, &ca);
        let wild = settings(&files, "wild", &ca, named_b, &ca);
        let address = settings(&files, "address", &ca, at_an_address, &ca);
        let prefix = "tls: failed to verify certificate: x509: ";
        for (server, dialled, wanted) in [
            (&name, "a.example.com", ""),
            (&name, "A.EXAMPLE.COM", ""),
            (&wild, "x.b.example.com", ""),
            (&address, "10.9.8.7", ""),
            (
                &name,
                "b.example.com",
                "certificate is valid for a.example.com, not b.example.com",
            ),
            (
                &wild,
                "b.example.com",
                "certificate is valid for *.b.example.com, not b.example.com",
            ),
            (
                &address,
                "10.9.8.6",
                "certificate is valid for 10.9.8.7, not 10.9.8.6",
            ),
            (
                &name,
                "10.9.8.7",
                "cannot validate certificate for 10.9.8.7 because it doesn't contain any IP SANs",
            ),
            (
                &address,
                "a.example.com",
                "certificate is not valid for any names, but wanted to match a.example.com",
            ),
        ] {
            let outcome = shake(&place, &client, server, dialled).await;
            let said = outcome.texts().0;
            if wanted.is_empty() {
                assert_eq!(said, "ok", "{dialled}");
            } else {
                assert_eq!(said, format!("{prefix}{wanted}"));
                assert!(matches!(outcome.client, Err(TlsError::WrongName(_))));
            }
        }
        let bad = shake_name(&place, &client, "not a name").await;
        assert_eq!(bad, "tls: \"not a name\" is no name of a server");
    });
}

async fn shake_name(place: &Place, client: &TlsSettings, name: &str) -> String {
    let context = gannet_rt::tls::TlsContext::load(&place.server, client).expect("settings");
    let (dialled, _accepted) = place.pair().await;
    let result = dialled
        .connect_tls(&place.client, &context, name, &[], late(&place.client))
        .await;
    result.map(drop).expect_err("a bad name").to_string()
}

#[test]
fn a_self_signed_certificate_that_is_trusted_itself_will_do() {
    in_both_worlds(async |place| {
        let files = Files::new(&place.server);
        let mut params = rcgen::CertificateParams::default();
        named_a(&mut params);
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        let settings = TlsSettings {
            certificates: vec![(
                files.write("c.pem", &pem),
                files.write("k.pem", &key.serialize_pem()),
            )],
            ca_file: Some(files.path("c.pem")),
            verify_peers: true,
            ..TlsSettings::default()
        };
        let outcome = shake(&place, &settings, &settings, "a.example.com").await;
        assert_eq!(outcome.texts(), ("ok".into(), "ok".into()));
        let outcome = shake(&place, &settings, &settings, "b.example.com").await;
        assert!(matches!(outcome.client, Err(TlsError::WrongName(_))));
    });
}

#[test]
fn only_pinned_keys_are_let_in_on_both_sides() {
    in_both_worlds(async |place| {
        let files = Files::new(&place.server);
        let ca = Authority::new("ca");
        let client = settings(&files, "client", &ca, named_b, &ca);
        let server = settings(&files, "server", &ca, named_a, &ca);
        let first = shake(&place, &client, &server, "a.example.com").await;
        let key = |stream: &gannet_rt::Stream| {
            let facts = stream.tls().expect("facts").clone();
            facts.peer.expect("a certificate").key_sha256
        };
        let servers_key = key(&first.streams.0);
        let clients_key = key(&first.streams.1);
        let pin = |settings: &TlsSettings, key: &str| TlsSettings {
            pinned: [key.to_string()].into(),
            ..settings.clone()
        };
        for (client_pins, server_pins, wanted) in [
            (&servers_key, &clients_key, ("ok", "ok")),
            (&clients_key, &clients_key, ("certificate not pinned", "ok")),
            (&servers_key, &servers_key, ("ok", "certificate not pinned")),
        ] {
            let outcome = shake(
                &place,
                &pin(&client, client_pins),
                &pin(&server, server_pins),
                "a.example.com",
            )
            .await;
            let (client_said, server_said) = outcome.texts();
            assert_eq!((client_said.as_str(), server_said.as_str()), wanted);
        }
    });
}
