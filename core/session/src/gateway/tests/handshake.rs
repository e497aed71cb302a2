//! From the first byte to the registration, or to the door.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use gannet_config::{LinkAuth, Secret, TlsOptions};
use gannet_identity::CertificateNames;

use super::{CONNECT, HELLO, Script, url};
use crate::CloseReason;
use crate::gateway::{Output, Settings};
use crate::link_auth::{Admission, CertificateRule};

#[test]
fn the_dialler_waits_for_info_and_then_says_everything_at_once() {
    let mut script = Script::dial(Script::settings());
    assert_eq!(
        script.did(),
        ["Info Creating outbound gateway connection to \"B\""]
    );
    assert_eq!(
        script.hears(HELLO).did(),
        [
            "send CONNECT {\\\"echo\\\":false,\\\"verbose\\\":false,\\\"pedantic\\\":false,\\\"tls_required\\\":false,\\\"headers\\\":false,\\\"name\\\":\\\"NA\\\",\\\"cluster\\\":\\\"\\\",\\\"gateway\\\":\\\"A\\\"}\\r\\nINFO {\\\"gateway\\\":\\\"A\\\"}\\r\\n",
            "Debug Gateway connect protocol sent to \"B\"",
            "Info Outbound gateway connection to \"B\" (NB) registered",
            "registered Outbound B NB Bsrv headers=true iom=true urls=[\"b:7222\"]",
        ]
    );
    assert_eq!(
        script
            .hears("RS+ ACC foo\r\nRS- ACC foo\r\nA- ACC\r\nA+ ACC\r\n")
            .did(),
        [
            "Debug traffic Interest",
            "Debug traffic NoInterest",
            "Debug traffic NoAccountInterest",
            "Debug traffic AccountInterest"
        ]
    );
}

#[test]
fn credentials_of_the_url_beat_those_of_the_block() {
    let auth = LinkAuth {
        user: Some("u".to_string()),
        password: Secret::new("p"),
        ..LinkAuth::default()
    };
    let settings = || Settings {
        auth: auth.clone(),
        ..Script::settings()
    };
    for (url, expect) in [
        (
            url("nats", None),
            "\\\"user\\\":\\\"u\\\",\\\"pass\\\":\\\"p\\\"",
        ),
        (
            url("nats", Some(("me", "mine"))),
            "\\\"user\\\":\\\"me\\\",\\\"pass\\\":\\\"mine\\\"",
        ),
    ] {
        let mut script = Script::dial_url(settings(), &url);
        let did = script.hears(HELLO).did();
        assert!(did[1].contains(expect), "{did:?}");
    }
}

#[test]
fn the_acceptor_speaks_first_and_registers_after_connect_and_info() {
    let mut script = Script::accept(Script::settings());
    assert_eq!(
        script.did(),
        [
            "Info Processing inbound gateway connection",
            "send INFO {\\\"gateway\\\":\\\"A\\\"}\\r\\n"
        ]
    );
    assert_eq!(script.hears(CONNECT).did(), Vec::<String>::new());
    assert_eq!(
        script.hears(HELLO).did(),
        [
            "Info Inbound gateway connection from \"B\" (NB) registered",
            "registered Inbound B NB Bsrv headers=true iom=true urls=[\"b:7222\"]",
        ]
    );
    assert_eq!(
        script.hears("RMSG ACC foo 2\r\nhi\r\nPING\r\n").did(),
        ["Debug traffic Message", "send PONG\\r\\n"]
    );
    // It has said who it is.
    assert_eq!(
        script
            .hears("INFO {\"gateway\":\"Y\",\"gateway_cmd\":1}\r\n")
            .hears(CONNECT)
            .did(),
        Vec::<String>::new()
    );
}

#[test]
fn the_wrong_peer_is_told_what_is_wrong() {
    let hello = |gateway: &str, name: &str| {
        format!("INFO {{\"gateway\":\"{gateway}\",\"server_name\":\"{name}\"}}\r\n")
    };
    for (bytes, expect) in [
        (
            hello("C", "Csrv"),
            &[
                "Error Failing connection to gateway \"B\", remote gateway name is \"C\"",
                "send -ERR \\'Connection from \\\"A\\\" rejected, wanted to connect to \\\"B\\\", this is \\\"C\\\"\\'\\r\\n",
                "Info Gateway connection closed: Wrong Gateway - Remote: Csrv",
                "close Wrong Gateway",
            ][..],
        ),
        (
            hello("", ""),
            &[
                "send -ERR \\'Attempt to connect to gateway \\\"B\\\" using wrong port\\'\\r\\n",
                "Complaint Attempt to connect to gateway \"B\" using wrong port",
                "Info Gateway connection closed: Incorrect Port",
                "close Incorrect Port",
            ],
        ),
        (
            hello("B", "Asrv"),
            &[
                "Error Remote server has a duplicate name: \"Asrv\"",
                "Info Gateway connection closed: Duplicate Server Name - Remote: Asrv",
                "close Duplicate Server Name",
            ],
        ),
        (
            "INFO {xx\r\n".to_string(),
            &[
                "Error invalid JSON input (column 2)",
                "Info Gateway connection closed: Protocol Violation",
                "close Protocol Violation",
            ],
        ),
        (
            "-ERR 'Authorization Violation'\r\n".to_string(),
            &[
                "Error Gateway Error 'Authorization Violation'",
                "Info Gateway connection closed: Parse Error",
                "close Parse Error",
            ],
        ),
    ] {
        let mut script = Script::dial(Script::settings());
        script.did();
        assert_eq!(script.hears(&bytes).did(), expect, "{bytes}");
    }
}

#[test]
fn a_slower_attempt_at_a_linked_cluster_ends_before_it_introduces_itself() {
    let mut script = Script::dial(Script::settings());
    script.world.linked = true;
    script.did();
    assert_eq!(
        script.hears(HELLO).did(),
        [
            "Info Gateway connection closed: Wrong Gateway - Remote: Bsrv",
            "close Wrong Gateway"
        ]
    );
}

#[test]
fn who_does_not_belong_on_the_gateway_port_is_sent_away() {
    let refused = [
        "Error authentication error",
        "send -ERR \\'Authorization Violation\\'\\r\\n",
        "Info Gateway connection closed: Authentication Failure",
        "close Authentication Failure",
    ];
    for (bytes, expect) in [
        (HELLO, &refused[..]),
        ("PING\r\n", &refused),
        ("GET / HTTP/1.1\r\n", &refused),
        ("PXX\r\n", &refused),
        ("RMSG ACC foo 999999999\r\n", &refused),
        ("RMSG ACC foo\r\n", &refused),
        (
            "CONNECT {\"verbose\":false}\r\nPING\r\n",
            &[
                "send -ERR \\'attempted to connect to gateway port\\'\\r\\n",
                "Complaint attempted to connect to gateway port",
                "Info Gateway connection closed: Incorrect Port",
                "close Incorrect Port",
            ],
        ),
        (
            "CONNECT {\"verbose\":\r\n",
            &[
                "Error unexpected end of JSON input (column 11)",
                "Info Gateway connection closed: Protocol Violation",
                "close Protocol Violation",
            ],
        ),
        (
            "CONNEXION\r\n",
            &[
                "send -ERR \\'Unknown Protocol Operation\\'\\r\\n",
                "Error Gateway parser ERROR, state=14, i=5: proto='\"XION\\r\"...'",
                "Info Gateway connection closed: Protocol Violation",
                "close Protocol Violation",
            ],
        ),
    ] {
        let mut script = Script::accept(Script::settings());
        script.did();
        assert_eq!(script.hears(bytes).did(), expect, "{bytes}");
    }
}

#[test]
fn unknown_clusters_are_refused_where_configured() {
    let mut script = Script::accept(Settings {
        reject_unknown: true,
        ..Script::settings()
    });
    script.did();
    assert_eq!(
        script.hears("CONNECT {\"gateway\":\"X\"}\r\n").did(),
        [
            "Error Rejecting connection from gateway \"X\"",
            "send -ERR \\'Connection to gateway \\\"A\\\" rejected\\'\\r\\n",
            "Info Gateway connection closed: Wrong Gateway",
            "close Wrong Gateway",
        ]
    );
    // INFO cannot smuggle in another name than CONNECT had.
    let mut script = Script::accept(Settings {
        reject_unknown: true,
        ..Script::settings()
    });
    script.did();
    let did = script
        .hears(CONNECT)
        .hears("INFO {\"gateway\":\"X\"}\r\n")
        .did();
    assert_eq!(did.last().map(String::as_str), Some("close Wrong Gateway"));
}

#[test]
fn credentials_are_compared_before_anything_else() {
    let auth = LinkAuth {
        user: Some("u".to_string()),
        password: Secret::new("p"),
        timeout: Duration::from_secs(2),
    };
    for (connect, expect) in [
        (r#"{"user":"u","pass":"p","gateway":"B"}"#, None),
        (
            r#"{"user":"u","pass":"q","gateway":"B"}"#,
            Some("Error authentication error - User \"u\""),
        ),
        (
            r#"{"user":"v","pass":"p","gateway":"B"}"#,
            Some("Error authentication error - User \"v\""),
        ),
        (r#"{"gateway":"B"}"#, Some("Error authentication error")),
        (r#"{"verbose":false}"#, Some("Error authentication error")),
    ] {
        let mut script = Script::accept(Settings {
            auth: auth.clone(),
            ..Script::settings()
        });
        script.did();
        let did = script.hears(&format!("CONNECT {connect}\r\n")).did();
        assert_eq!(did.first().map(String::as_str), expect, "{connect}");
    }
}

#[test]
fn a_hashed_password_is_compared_elsewhere_while_the_link_waits() {
    let hash = "$2a$04$abcdefghijklmnopqrstuv";
    let auth = LinkAuth {
        user: Some("u".to_string()),
        password: Secret::new(hash),
        timeout: Duration::from_secs(2),
    };
    let start = || {
        let mut script = Script::accept(Settings {
            auth: auth.clone(),
            ..Script::settings()
        });
        script.did();
        script.hears("CONNECT {\"user\":\"u\",\"pass\":\"p\",\"gateway\":\"B\"}\r\n");
        assert!(script.link.is_waiting());
        let asked = Output::CheckPassword {
            hash: Secret::new(hash),
            password: Secret::new("p"),
        };
        assert_eq!(script.out, [asked]);
        script.did();
        script
    };
    let mut script = start();
    script.password_is(true);
    assert!(!script.link.is_waiting());
    assert_eq!(script.hears(HELLO).did().len(), 2);
    assert_eq!(
        start().password_is(false).did(),
        [
            "Error authentication error - User \"u\"",
            "send -ERR \\'Authorization Violation\\'\\r\\n",
            "Info Gateway connection closed: Authentication Failure",
            "close Authentication Failure",
        ]
    );
    let did = start().waits(Duration::from_secs(2)).did();
    assert_eq!(
        did.last().map(String::as_str),
        Some("close Authentication Timeout")
    );
}

#[test]
fn a_peer_that_never_says_connect_or_info_is_given_up() {
    let mut script = Script::accept(Script::settings());
    script.did();
    assert_eq!(
        script.waits(Duration::from_millis(1999)).did(),
        Vec::<String>::new()
    );
    assert_eq!(
        script.waits(Duration::from_millis(1)).did(),
        [
            "send -ERR \\'Authentication Timeout\\'\\r\\n",
            "Debug Authentication Timeout",
            "Info Gateway connection closed: Authentication Timeout",
            "close Authentication Timeout",
        ]
    );
    let mut script = Script::dial(Script::settings());
    script.did();
    assert_eq!(
        script.waits(Duration::from_millis(44_999)).did(),
        Vec::<String>::new()
    );
    let stale = [
        "Debug Stale Client Connection - Closing",
        "send -ERR \\'Stale Connection\\'\\r\\n",
        "Info Gateway connection closed: Stale Connection",
        "close Stale Connection",
    ];
    assert_eq!(script.waits(Duration::from_millis(1)).did(), stale);
    // Answering PINGs is not enough: INFO must come.
    let mut script = Script::accept(Script::settings());
    script.hears(CONNECT);
    for _ in 0..45 {
        script.waits(Duration::from_secs(1)).hears("PONG\r\n");
    }
    let did = script.did();
    assert_eq!(did[did.len() - 4..], stale);
}

fn secure_settings() -> Settings {
    Settings {
        tls: true,
        ..Script::settings()
    }
}

#[test]
fn an_encrypted_link_says_nothing_before_the_handshake() {
    let mut script = Script::accept(secure_settings());
    assert_eq!(script.did(), ["Info Processing inbound gateway connection"]);
    assert!(script.link.is_securing() && script.link.is_waiting());
    assert_eq!(
        script.is_secured(Admission::ByPassword).did(),
        ["send INFO {\\\"gateway\\\":\\\"A\\\"}\\r\\n"]
    );
    assert!(!script.link.is_waiting());
    script.hears(CONNECT).hears(HELLO);
    assert!(script.link.remote().is_some());
}

#[test]
fn a_dialler_says_that_it_uses_tls_and_waits_for_info_from_the_handshake_on() {
    let mut script = Script::dial_tls(Script::settings());
    assert_eq!(
        script.did(),
        ["Info Creating outbound gateway connection to \"B\""]
    );
    script.waits(Duration::from_secs(3600));
    assert_eq!(script.did(), [""; 0], "the handshake has its own deadline");
    script.is_secured(Admission::ByPassword);
    let limit = script.settings.silence_limit();
    script.waits(limit - Duration::from_secs(1)).hears(HELLO);
    let sent = script.did().remove(0);
    assert!(sent.contains("\\\"tls_required\\\":true"), "{sent}");
}

#[test]
fn who_does_not_encrypt_in_time_is_late() {
    let mut script = Script::accept(secure_settings());
    script.did();
    assert_eq!(
        script
            .waits(Duration::from_secs(2))
            .did()
            .last()
            .map(String::as_str),
        Some("close Authentication Timeout")
    );
    let mut script = Script::accept(secure_settings());
    script.did();
    script
        .link
        .close(CloseReason::TlsHandshakeError, &mut script.out);
    assert_eq!(
        script.did(),
        [
            "Info Gateway connection closed: TLS Handshake Failure",
            "close TLS Handshake Failure"
        ]
    );
}

#[test]
fn a_certificate_counts_instead_of_user_and_password() {
    let auth = LinkAuth {
        user: Some("CN=b".to_string()),
        password: Secret::new("p"),
        timeout: Duration::from_secs(2),
    };
    let tls = TlsOptions {
        map: true,
        ..TlsOptions::default()
    };
    let rule = CertificateRule::new(&tls, &auth, []).expect("there is a rule");
    for (subject, expect) in [
        (
            "CN=b",
            "Debug Using certificate subject for auth [\"CN=b\"]",
        ),
        ("CN=c", "Error authentication error - User \"CN=b\""),
    ] {
        let mut script = Script::accept(Settings {
            auth: auth.clone(),
            ..secure_settings()
        });
        let names = CertificateNames {
            subject,
            ..CertificateNames::default()
        };
        script.is_secured(rule.admission(&names)).did();
        let connect =
            "CONNECT {\"name\":\"NB\",\"gateway\":\"B\",\"user\":\"CN=b\",\"pass\":\"wrong\"}\r\n";
        let did = script.hears(connect).did();
        assert_eq!(did.first().map(String::as_str), Some(expect), "{did:?}");
        assert_eq!(script.link.is_closed(), subject != "CN=b");
    }
}
