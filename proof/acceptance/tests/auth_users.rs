//! Who a client is: by nkey, by certificate, by the kind of connection it comes by, through a proxy, or nobody in
//! particular (rows SEC-11, SEC-12, SEC-27, SEC-33, SEC-35, SEC-36).

use data_encoding::{BASE64, BASE64URL_NOPAD};
use gannet_acceptance::certificates::{Authority, Certificate, TlsPeer};
use gannet_acceptance::wire::quiet_connect;
use gannet_acceptance::{Kind, Server, Wire, both, eventually, later};
use nkeys::{KeyPair, KeyPairType};
use rcgen::{DistinguishedName, DnType, SanType};
use serde_json::{Value, json};

const VIOLATION: &str = "-ERR 'Authorization Violation'";

fn key(kind: KeyPairType, seed: u8) -> KeyPair {
    KeyPair::new_from_raw(kind, [seed; 32]).expect("a key")
}

/// A connection that has been greeted, and the nonce that it was given.
fn greeted(server: &Server) -> (Wire, String) {
    let mut wire = Wire::open(&server.client_address());
    let info = wire.info();
    let nonce = info["nonce"].as_str().unwrap_or_default().to_owned();
    (wire, nonce)
}

fn sign(pair: &KeyPair, nonce: &str) -> Vec<u8> {
    pair.sign(nonce.as_bytes()).expect("signs")
}

/// Says so; whether that is welcome.
fn is_welcome(wire: &mut Wire, connect: &Value) -> bool {
    wire.send(&format!("CONNECT {}\r\nPING\r\n", quiet_connect(connect)));
    match wire.line().as_str() {
        "PONG" => true,
        VIOLATION => {
            wire.expect_closed();
            false
        }
        other => panic!("heard {other}"),
    }
}

/// The reason for which the connection `name` was closed.
fn reason(server: &Server, name: &str) -> String {
    let closed = server.closed_connection(name);
    closed["reason"].as_str().unwrap_or_default().to_owned()
}

/// The connection `name` among those that are open.
fn shown(server: &Server, name: &str) -> Value {
    eventually(&format!("{name} in connz"), || {
        let page = server.monitor("/connz?auth=1");
        let all = page["connections"].as_array().cloned().unwrap_or_default();
        let found = all.into_iter().find(|c| c["name"] == name);
        found.ok_or_else(|| page.to_string())
    })
}

/// A certificate with a subject of these parts in their order, and these addresses, host names and URIs.
fn issue(ca: &Authority, name: &str, subject: &[(DnType, &str)], names: &[&str]) -> Certificate {
    ca.issue_with(name, &[], |params| {
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in subject {
            params.distinguished_name.push(kind.clone(), *value);
        }
        let names = names.iter().map(|name| {
            let text = (*name).try_into().expect("ASCII");
            if name.contains("://") {
                SanType::URI(text)
            } else if name.contains('@') {
                SanType::Rfc822Name(text)
            } else {
                SanType::DnsName(text)
            }
        });
        params.subject_alt_names = names.collect();
    })
}

/// A server that asks clients for certificates and makes users of them.
fn mapping(kind: Kind, ca: &Authority, users: &str, more: &str) -> Server {
    let block = ca
        .issue("server", &["localhost", "127.0.0.1"])
        .block("verify_and_map: true");
    Server::start(
        kind,
        &format!("{block}\nauthorization {{ users: [{users}] }}\n{more}"),
    )
}

/// As whom a client with this certificate, saying so of itself, is known; nobody if it is not let in.
fn user_of(server: &Server, certificate: &Certificate, connect: &Value) -> Option<String> {
    let mut wire = Wire::open(&server.client_address());
    wire.info();
    let mut peer = TlsPeer::begin(wire.into_stream(), Some(certificate));
    let mut connect = connect.clone();
    connect["name"] = json!("it");
    peer.send(&format!("CONNECT {}\r\nPING\r\n", quiet_connect(&connect)));
    match peer.line().as_deref() {
        Some("PONG") => {}
        Some(VIOLATION) => return None,
        other => panic!("heard {other:?}"),
    }
    let user = shown(server, "it")["authorized_user"]
        .as_str()
        .map(ToOwned::to_owned);
    drop(peer);
    server.await_nobody();
    user
}

both! {
    /// SEC-27: INFO has a nonce where there are nkeys; its signature lets their owners in, in both kinds of base64.
    #[test]
    fn the_owner_of_an_nkey_signs_the_nonce(kind: Kind) {
        let (pair, stranger) = (key(KeyPairType::User, 1), key(KeyPairType::User, 2));
        let public = pair.public_key();
        let server = Server::start(kind, &format!("authorization {{ users: [{{nkey: {public}}}, {{user: u, password: p}}] }}"));
        let (mut wire, nonce) = greeted(&server);
        assert_eq!(nonce.len(), 15, "{nonce}");
        let sig = BASE64URL_NOPAD.encode(&sign(&pair, &nonce));
        assert!(is_welcome(&mut wire, &json!({"nkey": public, "sig": sig, "name": "owner"})));
        assert_eq!(shown(&server, "owner")["authorized_user"], json!(public));
        let (mut wire, nonce) = greeted(&server);
        let standard = BASE64.encode(&sign(&pair, &nonce));
        assert!(is_welcome(&mut wire, &json!({"nkey": public, "sig": standard})));
        assert!(is_welcome(&mut greeted(&server).0, &json!({"user": "u", "pass": "p"})));
        let strange = |nonce: &str| BASE64URL_NOPAD.encode(&sign(&stranger, nonce));
        let cases: [&dyn Fn(&str) -> Value; 6] = [
            // Of another connection's nonce.
            &|_| json!({"nkey": public, "sig": sig}),
            &|_| json!({"nkey": public}),
            &|_| json!({"nkey": public, "sig": "not base64!"}),
            &|_| json!({"nkey": public, "sig": "c2hvcnQ"}),
            &|nonce| json!({"nkey": public, "sig": strange(nonce)}),
            &|nonce| json!({"nkey": stranger.public_key(), "sig": strange(nonce)}),
        ];
        for connect in cases {
            let (mut wire, nonce) = greeted(&server);
            let connect = connect(&nonce);
            assert!(!is_welcome(&mut wire, &connect), "{connect}");
        }
        server.expect_log(&format!("authentication error - Nkey \"{public}\""));
        let plain = Server::start(kind, "authorization { user: u, password: p }");
        assert_eq!(greeted(&plain).1, "");
    }

    /// An nkey may be that of clients that show nothing.
    #[test]
    fn nobody_may_be_the_owner_of_an_nkey(kind: Kind) {
        let public = key(KeyPairType::User, 1).public_key();
        let config = format!("authorization {{ users: [{{nkey: {public}, permissions: {{publish: ok}}}}] }}\nno_auth_user: {public}");
        let server = Server::start(kind, &config);
        let mut wire = Wire::client(&server);
        wire.send("PUB no 0\r\n\r\nPUB ok 0\r\n\r\n");
        wire.expect("-ERR 'Permissions Violation for Publish to \"no\"'");
        wire.fence();
    }

    /// SEC-11: the names of a certificate, one after the other.
    #[test]
    fn certificates_name_users(kind: Kind) {
        let ca = Authority::new("ca");
        let users = [
            "{user: \"mail@example.com\"}",
            "{user: \"host.example.com\"}",
            "{user: \"spiffe://example.com/it\"}",
            "{user: \"O=Turned,CN=around\"}",
            "{user: \"CN=plain\"}",
            "{user: \"CN=secret\", password: p}",
        ];
        let server = mapping(kind, &ca, &users.join(", "), "");
        let cn = |name| vec![(DnType::CommonName, name)];
        let turned = vec![(DnType::CommonName, "around"), (DnType::OrganizationName, "Turned")];
        let other_way = vec![(DnType::OrganizationName, "Turned"), (DnType::CommonName, "around")];
        for (at, (subject, names, want)) in [
            (cn("plain"), vec!["mail@example.com", "host.example.com"], Some("mail@example.com")),
            (cn("plain"), vec!["other@example.com", "host.example.com"], Some("host.example.com")),
            (cn("plain"), vec!["spiffe://example.com/it"], Some("spiffe://example.com/it")),
            (turned, vec![], Some("O=Turned,CN=around")),
            (other_way, vec![], Some("O=Turned,CN=around")),
            (cn("plain"), vec![], Some("CN=plain")),
            (cn("plain"), vec!["other@example.com"], Some("CN=plain")),
            (cn("secret"), vec![], None),
            (cn("unknown"), vec!["unknown.example.com"], None),
        ].into_iter().enumerate() {
            let certificate = issue(&ca, &format!("client{at}"), &subject, &names);
            let found = user_of(&server, &certificate, &json!({}));
            assert_eq!(found.as_deref(), want, "{subject:?} {names:?}");
        }
        // A password that is set is asked for besides, and one that is not set must not be shown.
        let secret = issue(&ca, "secret", &cn("secret"), &[]);
        assert_eq!(user_of(&server, &secret, &json!({"pass": "p"})).as_deref(), Some("CN=secret"));
        let plain = issue(&ca, "plain", &cn("plain"), &[]);
        assert_eq!(user_of(&server, &plain, &json!({"pass": "p"})), None);
        assert_eq!(user_of(&server, &plain, &json!({"user": "CN=secret"})).as_deref(), Some("CN=plain"));
    }

    /// SEC-12: who shows no certificate is nobody, whatever name it gives.
    #[test]
    fn the_name_in_a_certificate_lets_nobody_in_without_it(kind: Kind) {
        let ca = Authority::new("ca");
        let server = mapping(kind, &ca, "{user: \"CN=plain\"}", "allow_non_tls: true");
        let mut wire = Wire::open(&server.client_address());
        wire.info();
        assert!(!is_welcome(&mut wire, &json!({"user": "CN=plain"})));
    }

    /// SEC-33: users that come by other kinds of connections.
    #[test]
    fn connection_types(kind: Kind) {
        let types = |list: &str| format!("{{user: u, password: p, allowed_connection_types: {list}}}");
        for (list, welcome) in [
            ("[STANDARD]", true),
            ("[\"standard\", \"WEBSOCKET\"]", true),
            ("[WEBSOCKET, MQTT]", false),
            ("[LEAFNODE]", false),
            ("[IN_PROCESS]", false),
        ] {
            let server = Server::start(kind, &format!("authorization {{ users: [{}] }}", types(list)));
            let (mut wire, _) = greeted(&server);
            assert_eq!(is_welcome(&mut wire, &json!({"user": "u", "pass": "p"})), welcome, "{list}");
        }
    }
}

later! {
    "trusted proxies":
    /// SEC-35, SEC-36: a trusted proxy vouches with its signature.
    #[test]
    fn proxies_vouch_for_clients(kind: Kind) {
        let (proxy, stranger) = (key(KeyPairType::Server, 1), key(KeyPairType::Server, 2));
        let config = format!(
            "proxies {{ trusted: [{{key: {}}}] }}
            authorization {{ users: [{{user: u, password: p, proxy_required: true}}, {{user: free, password: p}}] }}",
            proxy.public_key()
        );
        let server = Server::start(kind, &config);
        let signed = |pair: &KeyPair, nonce: &str| BASE64URL_NOPAD.encode(&sign(pair, nonce));
        for (name, user, by, reason_if_refused) in [
            ("proxied", "u", Some(&proxy), None),
            ("direct", "u", None, Some("Proxy Required")),
            ("strange", "u", Some(&stranger), Some("Proxy Not Trusted")),
            ("free", "free", None, None),
            ("free and proxied", "free", Some(&proxy), None),
            ("free and strange", "free", Some(&stranger), Some("Proxy Not Trusted")),
        ] {
            let (mut wire, nonce) = greeted(&server);
            let mut connect = json!({"user": user, "pass": "p", "name": name});
            if let Some(pair) = by {
                connect["proxy_sig"] = json!(signed(pair, &nonce));
            }
            assert_eq!(is_welcome(&mut wire, &connect), reason_if_refused.is_none(), "{name}");
            if let Some(wanted) = reason_if_refused {
                assert_eq!(reason(&server, name), wanted, "{name}");
            }
        }
    }
}
