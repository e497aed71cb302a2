//! Text → options: what every key means, whole options compared.

use std::time::Duration;

use crate::world::World;
use gannet_config::{
    AuthOptions, CertificateFiles, ClusterOptions, ClusterPermissions, Compression,
    CompressionOptions, GatewayOptions, GatewayUrl, HandshakeFirst, LameDuckOptions, Limits,
    LinkAuth, LogFormat, LogLevel, LogLevels, LoggingOptions, MonitoringOptions, OcspCacheOptions,
    OcspMode, OcspOptions, OcspPeerOptions, Options, Port, ProfilingOptions, RemoteGateway,
    RttThresholds, Secret, SubjectPermission, Subsystem, TlsOptions, TlsVersion, User,
    WriteTimeout,
};
use gannet_units::ByteCount;

/// The options of a text that must be valid, without its digest.
pub(crate) fn options(text: &str) -> Options {
    match World::of(text).load() {
        Ok(loaded) => {
            assert_eq!(loaded.options.digest, Some(loaded.digest), "{text}");
            Options {
                digest: None,
                ..loaded.options
            }
        }
        Err(rejected) => panic!("{text}\n{rejected}"),
    }
}

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn url(text: (&str, Option<(&str, &str)>, &str, u16)) -> GatewayUrl {
    let (scheme, credentials, host, port) = text;
    GatewayUrl {
        scheme: scheme.into(),
        user: credentials.map(|c| c.0.into()),
        password: credentials.map(|c| Secret::new(c.1)),
        host: host.into(),
        port,
    }
}

#[test]
fn a_file_that_says_nothing_leaves_the_reference_defaults() {
    let defaults = options("#");
    assert_eq!(defaults, Options::default());
    assert_eq!(
        (defaults.host.as_str(), defaults.port),
        ("0.0.0.0", Port::At(4222))
    );
    assert_eq!(defaults.limits.max_connections, 65_536);
    assert_eq!(defaults.limits.max_control_line, ByteCount(4096));
    assert_eq!(defaults.limits.max_payload, Some(ByteCount(1_048_576)));
    assert_eq!(defaults.limits.max_pending, ByteCount(67_108_864));
    assert_eq!(
        (defaults.limits.ping_interval, defaults.limits.ping_max),
        (secs(120), 2)
    );
    assert_eq!(defaults.limits.write_deadline, secs(10));
    assert_eq!(defaults.limits.max_closed_clients, 10_000);
    assert_eq!(defaults.auth_timeout(), secs(2));
    assert_eq!(defaults.lame_duck.duration, secs(120));
    assert_eq!(defaults.lame_duck.grace_period, secs(10));
    assert_eq!(
        (
            defaults.connect_error_reports,
            defaults.reconnect_error_reports
        ),
        (3600, 1)
    );
    assert!(defaults.logging.time);
}

#[test]
fn every_key_reaches_its_option() {
    let text = r#"
        listen: "127.0.0.1:4333"
        client_advertise: "nats.example.com"
        server_name: "one"
        server_tags: [ " A", b, a, "" ]
        server_metadata { rack: "7", zone: z }
        feature_flags { js_ack_fc_v2: true, other: false }
        debug: true, trace_headers: true, logtime: false, logtime_utc: true
        log_file: "x.log", logfile_size_limit: 1MB, logfile_max_num: 3, max_traced_msg_len: 128
        syslog: true, remote_syslog: "udp://127.0.0.1:514", log_format: JSON, log_levels { Routes: Trace, clients: warn }
        max_connections: 100, max_subscriptions: 200, max_sub_tokens: 8
        max_control_line: 2KB, max_payload: 64KB, max_pending: 10MB
        ping_interval: "20s", ping_max: 3, write_deadline: "1500ms", write_timeout: retry
        no_header_support: true, no_fast_producer_stall: on, disable_sublist_cache: yes
        max_closed_clients: 50, connect_error_reports: 5, reconnect_error_reports: 6
        lame_duck_duration: "40s", lame_duck_grace_period: "5s"
        pid_file: "x.pid", ports_file_dir: "ports", store_dir: "store"
        http: "localhost:8333", http_base_path: "mon/"
        authorization { user: u, password: p, timeout: 0.5 }
        no_auth_user: n, allow_non_tls: true, proxy_protocol: true
        tls { verify: true, timeout: 3, handshake_first: "70ms", connection_rate_limit: 9
            ocsp_peer { verify: true, ca_timeout: 1.5, allowed_clockskew: "10s", cache_ttl_when_next_update_unset: 60
            warn_only: true, unknown_is_good: true, allow_when_ca_unreachable: true }
        }
        ocsp { mode: ALWAYS, urls: ["http://a", "http://b"] }, cert_reload_interval: "1m"
        ocsp_cache { type: none, local_store: "kept", preserve_revoked: true, save_interval: "2500ms" }
        cluster { name: A }
    "#;
    let wanted = Options {
        server_name: Some("one".into()),
        host: "127.0.0.1".into(),
        port: Port::At(4333),
        client_advertise: Some("nats.example.com".into()),
        server_tags: vec!["a".into(), "b".into()],
        server_metadata: [("rack", "7"), ("zone", "z")]
            .map(|(k, v)| (k.into(), v.into()))
            .into(),
        feature_flags: [("js_ack_fc_v2", true), ("other", false)]
            .map(|(k, v)| (k.into(), v))
            .into(),
        limits: Limits {
            max_connections: 100,
            max_subscriptions: Some(200),
            max_subscription_tokens: Some(8),
            max_control_line: ByteCount::kib(2),
            max_payload: Some(ByteCount::kib(64)),
            max_pending: ByteCount::mib(10),
            ping_interval: secs(20),
            ping_max: 3,
            write_deadline: Duration::from_millis(1500),
            write_timeout: WriteTimeout::Retry,
            no_headers: true,
            no_fast_producer_stall: true,
            no_match_cache: true,
            max_closed_clients: 50,
        },
        auth: AuthOptions {
            is_given: true,
            user: Some("u".into()),
            password: Secret::new("p"),
            no_auth_user: Some("n".into()),
            timeout: Some(Duration::from_millis(500)),
            ..AuthOptions::default()
        },
        tls: Some(TlsOptions {
            verify: true,
            timeout: Some(secs(3)),
            handshake_first: HandshakeFirst::Within(Duration::from_millis(70)),
            rate_limit: Some(9),
            ocsp_peer: Some(OcspPeerOptions {
                ca_timeout: Duration::from_millis(1500),
                allowed_clockskew: secs(10),
                unset_ttl: secs(60),
                warn_only: true,
                unknown_is_good: true,
                allow_when_ca_unreachable: true,
            }),
            ..TlsOptions::default()
        }),
        allow_non_tls: true,
        ocsp: OcspOptions {
            mode: OcspMode::Always,
            urls: vec!["http://a".into(), "http://b".into()],
        },
        ocsp_cache: OcspCacheOptions {
            on: false,
            local_store: "kept".into(),
            preserve_revoked: true,
            save_interval: secs(2),
        },
        cert_reload_interval: Some(secs(60)),
        proxy_protocol: true,
        monitoring: MonitoringOptions {
            host: Some("localhost".into()),
            port: Some(Port::At(8333)),
            https_port: None,
            base_path: "/mon".into(),
        },
        profiling: ProfilingOptions::default(),
        cluster: ClusterOptions {
            name: Some("A".into()),
            ..ClusterOptions::default()
        },
        gateway: None,
        logging: LoggingOptions {
            debug: true,
            trace: true,
            trace_verbose: false,
            trace_headers: true,
            time: false,
            time_utc: true,
            file: Some("x.log".into()),
            file_size_limit: Some(ByteCount::mib(1)),
            file_max_count: Some(3),
            max_traced_message: Some(ByteCount(128)),
            syslog: true,
            remote_syslog: Some("udp://127.0.0.1:514".into()),
            format: LogFormat::Json,
            levels: LogLevels(
                [
                    (Subsystem::Clients, LogLevel::Warn),
                    (Subsystem::Routes, LogLevel::Trace),
                ]
                .into(),
            ),
        },
        pid_file: Some("x.pid".into()),
        ports_file_dir: Some("ports".into()),
        store_dir: Some("store".into()),
        digest: None,
        lame_duck: LameDuckOptions {
            duration: secs(40),
            grace_period: secs(5),
        },
        connect_error_reports: 5,
        reconnect_error_reports: 6,
        ..Options::default()
    };
    assert_eq!(options(text), wanted);
}

#[test]
fn a_gateway_block_is_read_whole() {
    let text = r#"
        gateway {
            name: A, host: "10.0.0.1", port: 7222, advertise: "a.example.com:7000"
            authorization { user: gw, password: "s3", timeout: 4 }
            connect_retries: 5, connect_backoff: true, reject_unknown_cluster: true
            write_deadline: "3s", write_timeout: close
            gateways: [
                { name: A, url: "nats://10.0.0.1:7222" }
                { name: B, urls: ["nats://u:p%40@b1:7222", "tls://[::1]:7222"] }
            ]
        }
    "#;
    let wanted = GatewayOptions {
        name: "A".into(),
        host: "10.0.0.1".into(),
        port: Some(Port::At(7222)),
        auth: LinkAuth {
            user: Some("gw".into()),
            password: Secret::new("s3"),
            timeout: secs(4),
        },
        tls: None,
        advertise: Some("a.example.com:7000".into()),
        connect_retries: 5,
        connect_backoff: true,
        reject_unknown: true,
        remotes: vec![
            RemoteGateway {
                name: "A".into(),
                urls: vec![url(("nats", None, "10.0.0.1", 7222))],
                tls: None,
            },
            RemoteGateway {
                name: "B".into(),
                urls: vec![
                    url(("nats", Some(("u", "p@")), "b1", 7222)),
                    url(("tls", None, "::1", 7222)),
                ],
                tls: None,
            },
        ],
        write_deadline: Some(secs(3)),
        write_timeout: WriteTimeout::Close,
    };
    assert_eq!(options(text).gateway, Some(wanted));
}

/// The part of the options that a small change shows in.
fn limits(change: impl FnOnce(&mut Limits)) -> Options {
    let mut options = Options::default();
    change(&mut options.limits);
    options
}

#[test]
fn numbers_with_a_meaning_of_their_own_have_it() {
    let default = Options::default;
    let cases: &[(&str, Options)] = &[
        (
            "port: -1",
            Options {
                port: Port::Random,
                ..default()
            },
        ),
        ("port: 0", default()),
        (
            "listen: 4333",
            Options {
                port: Port::At(4333),
                ..default()
            },
        ),
        (
            "host: a\nlisten: 4333",
            Options {
                port: Port::At(4333),
                ..default()
            },
        ),
        (
            "listen: \":-1\"",
            Options {
                port: Port::Random,
                ..default()
            },
        ),
        ("max_connections: 0", limits(|l| l.max_connections = 0)),
        ("max_connections: -1", limits(|l| l.max_connections = 0)),
        (
            "max_connections: 1e",
            limits(|l| l.max_connections = u32::MAX),
        ),
        ("max_subscriptions: 0", default()),
        ("max_subscriptions: -1", default()),
        ("max_payload: 0", default()),
        ("max_payload: -1", limits(|l| l.max_payload = None)),
        ("max_pending: 0", default()),
        ("max_control_line: 0", default()),
        ("ping_max: 0", default()),
        ("ping_interval: \"0s\"", default()),
        ("write_deadline: \"0\"", default()),
        ("max_closed_clients: 0", default()),
        ("connect_error_reports: 0", default()),
        ("max_traced_msg_len: -1", default()),
        ("logfile_size_limit: 0", default()),
        ("lame_duck_grace_period: \"0s\"", default()),
        ("http_port: 0", default()),
        ("server_name: \"\"\nhost: \"\"\npid_file: \"\"", default()),
        ("authorization { user: \"\", timeout: 0 }", {
            let mut o = default();
            o.auth.is_given = true;
            o
        }),
        ("gateway { host: \"a\" }", default()),
        ("trace_verbose: true\ntrace: false", {
            let mut o = default();
            o.logging.trace_verbose = true;
            o
        }),
    ];
    for (text, wanted) in cases {
        assert_eq!(&options(text), wanted, "{text}");
    }
}

#[test]
fn the_last_of_two_spellings_wins() {
    let o = options("host: a\nnet: b\nlisten: \"c:1\"\nport: 2\nmax_subs: 1\nmax_subscriptions: 2");
    assert_eq!((o.host.as_str(), o.port), ("c", Port::At(2)));
    assert_eq!(o.limits.max_subscriptions, Some(2));
}

#[test]
fn users_are_read_in_order_and_make_authentication_required() {
    let auth = options("authorization { users: [ {user: a, pass: x}, {username: b} ] }").auth;
    let user = |name: &str, password: &str| User {
        name: name.into(),
        password: Secret::new(password),
        ..User::default()
    };
    assert_eq!(auth.users, Some(vec![user("a", "x"), user("b", "")]));
    for (text, required) in [
        ("authorization { users: [ {user: a} ] }", true),
        ("authorization { users: [] }", false),
        ("authorization { user: a }", true),
        ("authorization { password: a }", false),
        ("authorization { token: a }", true),
        ("authorization {}", false),
    ] {
        assert_eq!(options(text).auth.required(), required, "{text}");
    }
}

#[test]
fn numbers_of_seconds_are_taken_with_a_warning() {
    let loaded = World::of("ping_interval: 7\nwrite_deadline: 3\n")
        .load()
        .expect("valid");
    assert_eq!(loaded.options.limits.ping_interval, secs(7));
    assert_eq!(loaded.options.limits.write_deadline, secs(3));
    let warnings: Vec<String> = loaded.warnings.iter().map(|w| w.to_string()).collect();
    assert_eq!(
        warnings,
        [
            "a.conf:1:0: invalid use of field \"ping_interval\": \
             ping_interval should be converted to a duration",
            "a.conf:2:1: invalid use of field \"write_deadline\": \
             write_deadline should be converted to a duration",
        ]
    );
}

#[test]
fn the_cluster_has_its_own_name_or_the_gateways() {
    for (text, wanted) in [
        ("port: 1", None),
        ("cluster { name: C }", Some("C")),
        ("gateway { name: A, port: -1 }", Some("A")),
        (
            "gateway { name: A, port: -1 }\ncluster { name: A }",
            Some("A"),
        ),
    ] {
        assert_eq!(options(text).cluster_name(), wanted, "{text}");
    }
}

#[test]
fn contradictions_are_refused_in_the_reference_words() {
    for (text, wanted) in [
        ("port: 4333", "ok"),
        (
            "gateway { name: A, port: -1, gateways: [{name: B, url: \"nats://b:1\"}] }",
            "ok",
        ),
        (
            "lame_duck_duration: \"30s\"\nlame_duck_grace_period: \"1m30s\"",
            "lame duck grace period (1m30s) should be strictly lower than lame duck duration (30s)",
        ),
        (
            "max_payload: 65MB",
            "max_payload (68157440) cannot be higher than max_pending (67108864)",
        ),
        ("max_payload: -1", "ok"),
        ("gateway { port: -1 }", "gateway has no name"),
        (
            "gateway { name: A }",
            "gateway \"A\" has no port specified (select -1 for random port)",
        ),
        (
            "gateway { name: A, port: -1, gateways: [{name: B, url: \"nats://b:1\"}, {}] }",
            "gateway in the list 1 has no name",
        ),
        (
            "gateway { name: A, port: -1, gateways: [{name: B}] }",
            "gateway \"B\" has no URL",
        ),
        (
            "gateway { name: A, port: -1 }\ncluster { name: B }",
            "cluster name conflicts between cluster and gateway definitions",
        ),
    ] {
        let verdict = options(text)
            .validate()
            .map_or_else(|e| e.to_string(), |()| "ok".into());
        assert_eq!(verdict, wanted, "{text}");
    }
}

#[test]
fn names_set_by_hand_are_checked_too() {
    let gateway = GatewayOptions {
        name: "a b".into(),
        ..GatewayOptions::default()
    };
    let cluster = ClusterOptions {
        name: Some("a b".into()),
        ..ClusterOptions::default()
    };
    for (options, wanted) in [
        (
            Options {
                server_name: Some("a b".into()),
                ..Options::default()
            },
            "server name cannot contain spaces",
        ),
        (
            Options {
                cluster,
                ..Options::default()
            },
            "cluster name cannot contain spaces",
        ),
        (
            Options {
                gateway: Some(gateway),
                ..Options::default()
            },
            "gateway name cannot contain spaces",
        ),
    ] {
        assert_eq!(
            options.validate().map_err(|e| e.to_string()),
            Err(wanted.to_string())
        );
    }
}

#[test]
fn large_payloads_are_advised_against() {
    assert_eq!(options("max_payload: 8MB").advice(), [""; 0]);
    assert_eq!(
        options("max_payload: 9MB").advice(),
        ["Maximum payloads over 8.00 MB are generally discouraged \
          and could lead to poor performance"]
    );
}

#[test]
fn debug_output_of_options_and_errors_shows_no_secret() {
    let text = "authorization { users: [{user: a, password: hunter2}] }\n\
        gateway { name: A, port: -1, authorization { user: g, password: hunter2 }\n\
        gateways: [{name: B, url: \"nats://u:hunter2@b:1\"}] }";
    let shown = format!("{:?}", options(text));
    assert!(!shown.contains("hunter2"), "{shown}");
    let token = format!("{:?}", options("authorization { token: hunter2 }"));
    assert!(!token.contains("hunter2"), "{token}");
    let broken = "gateway { gateways: [{name: B, url: \"nats://u:hunter2@b:x\"}] }";
    let rejected = World::of(broken).load().expect_err("a broken URL");
    let shown = format!("{rejected:?} {rejected}");
    assert!(
        !shown.contains("hunter2") && shown.contains("[REDACTED]@b:x"),
        "{shown}"
    );
}

#[test]
fn a_cluster_block_is_read_whole() {
    let text = r#"
        cluster {
            name: C, host: "10.0.0.1", port: 6222, cluster_advertise: "a.example.com:6000"
            authorization { user: r, password: "s3", timeout: 4 }
            routes: ["nats://u:p%40@b:6222", "tls://[::1]:6222"]
            tls {
                verify_and_map: true, timeout: 5, min_version: "1.3"
                certs: [ { cert_file: a, key_file: b }, { cert_file: c, key_file: d } ]
                curve_preferences: [CurveP384, X25519]
                cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]
            }
            no_advertise: true, connect_retries: 5, connect_backoff: true
            permissions { import: { allow: ["a.>"], deny: "a.b" }, export: ["c.*", d] }
            pool_size: 7, accounts: [X, Y], compression: { mode: auto, rtt_thresholds: [5ms, 0s] }
            ping_interval: "20s", ping_max: 4, write_deadline: "3s", write_timeout: retry
        }
    "#;
    let files = |cert: &str, key: &str| CertificateFiles {
        cert_file: cert.into(),
        key_file: key.into(),
    };
    let wanted = ClusterOptions {
        name: Some("C".into()),
        host: "10.0.0.1".into(),
        port: Some(Port::At(6222)),
        auth: LinkAuth {
            user: Some("r".into()),
            password: Secret::new("s3"),
            timeout: secs(4),
        },
        routes: vec![
            url(("nats", Some(("u", "p@")), "b", 6222)),
            url(("tls", None, "::1", 6222)),
        ],
        tls: Some(TlsOptions {
            certificates: vec![files("a", "b"), files("c", "d")],
            verify: true,
            map: true,
            timeout: Some(secs(5)),
            min_version: TlsVersion::V1_3,
            cipher_suites: vec!["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256".into()],
            curves: vec!["CurveP384".into(), "X25519".into()],
            ..TlsOptions::default()
        }),
        advertise: Some("a.example.com:6000".into()),
        no_advertise: true,
        connect_retries: 5,
        connect_backoff: true,
        permissions: Some(ClusterPermissions {
            import: Some(SubjectPermission {
                allow: Some(vec!["a.>".into()]),
                deny: vec!["a.b".into()],
            }),
            export: Some(SubjectPermission {
                allow: Some(vec!["c.*".into(), "d".into()]),
                deny: vec![],
            }),
        }),
        pool_size: Some(7),
        accounts: vec!["X".into(), "Y".into()],
        compression: CompressionOptions {
            mode: "auto".into(),
            rtt_thresholds: vec![5_000_000, 0],
        },
        ping_interval: Some(secs(20)),
        ping_max: Some(4),
        write_deadline: Some(secs(3)),
        write_timeout: WriteTimeout::Retry,
    };
    let world = ["a", "b", "c", "d"]
        .iter()
        .fold(World::of(text), |world, path| world.with(path, "PEM"));
    let cluster = world.load().expect("valid").options.cluster;
    assert_eq!(cluster, wanted);
    let Compression::Auto(thresholds) = cluster.compression() else {
        panic!("{:?}", cluster.compression());
    };
    assert_eq!(thresholds.as_slice(), [Duration::from_millis(5)]);
}

#[test]
fn what_a_cluster_block_leaves_out_has_the_reference_defaults() {
    let cluster = options("cluster { port: 6222 }").cluster;
    let limits = Limits::default();
    assert_eq!(
        (
            cluster.host.as_str(),
            cluster.pool_size,
            cluster.auth.timeout
        ),
        ("0.0.0.0", Some(3), secs(2))
    );
    assert_eq!(cluster.compression(), Compression::Accept);
    assert_eq!(cluster.pinned_accounts(Some("$SYS")), ["$SYS"]);
    assert_eq!(cluster.ping_interval(&limits), secs(30));
    for (text, pool, accounts) in [
        ("pool_size: 0", Some(3), &["$SYS"][..]),
        ("pool_size: -7", None, &[]),
        ("accounts: [B, \"$SYS\"]", Some(3), &["B", "$SYS"]),
        ("accounts: B", Some(3), &["B", "$SYS"]),
    ] {
        let cluster = options(&format!("cluster {{ {text} }}")).cluster;
        assert_eq!(cluster.pool_size, pool, "{text}");
        assert_eq!(cluster.pinned_accounts(Some("$SYS")), accounts, "{text}");
    }
    for (text, wanted) in [
        ("compression: on", Compression::Fast),
        ("compression: off", Compression::Off),
        ("compression: s2_better", Compression::Better),
        (
            "compression: {mode: auto}",
            Compression::Auto(RttThresholds::default()),
        ),
        ("compression: {rtt: [1ms]}", Compression::Accept),
    ] {
        let cluster = options(&format!("cluster {{ {text} }}")).cluster;
        assert_eq!(cluster.compression(), wanted, "{text}");
    }
}

#[test]
fn who_must_shake_hands_first_gets_a_second_more_for_credentials() {
    for (text, wanted) in [
        ("", secs(2)),
        ("tls {}", secs(3)),
        ("tls { timeout: 7 }", secs(8)),
        ("tls { timeout: 7 }, authorization { timeout: 4 }", secs(4)),
        (
            "authorization { user: a }, tls { timeout: \"500ms\" }",
            Duration::from_millis(1500),
        ),
    ] {
        let cluster = options(&format!("cluster {{ port: 1, {text} }}")).cluster;
        assert_eq!(cluster.auth.timeout, wanted, "{text}");
        let gateway = options(&format!("gateway {{ name: A, port: 1, {text} }}")).gateway;
        assert_eq!(gateway.expect("a gateway").auth.timeout, wanted, "{text}");
    }
}

#[test]
fn clients_have_as_long_for_credentials_as_the_configuration_says_or_tls_leaves() {
    for (text, wanted) in [
        ("", 2000),
        ("tls {}", 3000),
        ("tls { timeout: 1.5 }", 2500),
        ("authorization { timeout: 0 }, tls { timeout: 5 }", 6000),
        ("authorization { timeout: 1 }, tls { timeout: 5 }", 1000),
    ] {
        let timeout = options(text).auth_timeout();
        assert_eq!(timeout, Duration::from_millis(wanted), "{text}");
    }
}

#[test]
fn what_comes_first_has_many_spellings() {
    let within = |millis| HandshakeFirst::Within(Duration::from_millis(millis));
    for (text, wanted) in [
        ("true", HandshakeFirst::Always),
        ("ON", HandshakeFirst::Always),
        ("\"0s\"", HandshakeFirst::Always),
        ("false", HandshakeFirst::No),
        ("\"off\"", HandshakeFirst::No),
        ("auto", within(50)),
        ("Auto_Fallback", within(50)),
        ("\"1.5s\"", within(1500)),
    ] {
        for key in ["handshake_first", "first", "immediate"] {
            let tls = options(&format!("tls {{ {key}: {text} }}")).tls;
            assert_eq!(tls.expect("tls").handshake_first, wanted, "{key}: {text}");
        }
    }
}

#[test]
fn who_needs_no_credentials_must_be_a_user() {
    let refused = |text: &str| options(text).validate().map_err(|e| e.to_string());
    let users = "authorization { users: [{user: a, password: b}] }";
    for (text, problem) in [
        (
            "no_auth_user: a",
            "no_auth_user: \"a\" present, but users/nkeys are not defined",
        ),
        (
            &format!("{users}, no_auth_user: c"),
            "no_auth_user: \"c\" not present as user or nkey in authorization block or account configuration",
        ),
    ] {
        assert_eq!(refused(text), Err(problem.to_string()), "{text}");
    }
    for text in [
        format!("{users}, no_auth_user: a"),
        format!("no_auth_user: a, {users}"),
        format!("{users}, no_auth_user: \"\""),
    ] {
        assert_eq!(refused(&text), Ok(()), "{text}");
    }
}

#[test]
fn a_remote_gateway_may_have_tls_of_its_own() {
    let text = "gateway { name: A, port: 1, tls { timeout: 9 }, gateways: [\
        {name: B, url: \"nats://b:1\", tls { insecure: true }}, {name: C, url: \"nats://c:1\"}] }";
    let gateway = options(text).gateway.expect("a gateway");
    let own: Vec<Option<bool>> = gateway
        .remotes
        .iter()
        .map(|remote| remote.tls.as_ref().map(|tls| tls.insecure))
        .collect();
    assert_eq!(own, [Some(true), None]);
}

#[test]
fn what_the_tls_of_a_remote_gateway_leaves_out_is_the_blocks() {
    let pin = "a".repeat(64);
    let text = format!(
        "gateway {{ name: A, port: 1, tls {{ timeout: 9, pinned_certs: [{pin}], verify: true }}, gateways: [\
        {{name: B, url: \"nats://b:1\", tls {{ insecure: true, pinned_certs: [{}] }}}}, \
        {{name: C, url: \"nats://c:1\"}}, \
        {{name: D, url: \"nats://d:1\", tls {{ timeout: 1 }}}}] }}",
        "b".repeat(64)
    );
    let gateway = options(&text).gateway.expect("a gateway");
    let view = |remote: &str| {
        let tls = gateway.tls_to(remote).expect("TLS");
        assert_eq!(tls.pinned, [pin.clone()].into(), "{remote}");
        (tls.timeout(), tls.insecure, tls.verify)
    };
    assert_eq!(view("B"), (secs(9), true, false));
    assert_eq!(view("C"), (secs(9), false, true));
    assert_eq!(view("D"), (secs(1), false, false));
    assert_eq!(view("heard of"), (secs(9), false, true));
    let text = "gateway { name: A, port: 1, gateways: [{name: B, url: \"nats://b:1\", tls {}}] }";
    let gateway = options(text).gateway.expect("a gateway");
    assert_eq!(gateway.tls_to("B").map(|tls| tls.timeout()), Some(secs(2)));
    assert_eq!(gateway.tls_to("heard of"), None);
}

#[test]
fn contradictions_in_a_cluster_are_refused_in_the_reference_words() {
    for (text, wanted) in [
        ("name: C, port: 1", "ok"),
        (
            "compression: bogus",
            "unsupported compression mode \"bogus\"",
        ),
        (
            "compression: {mode: auto, rtt_thresholds: [2ms, 1ms]}",
            "RTT threshold values [2ms 1ms] should be in ascending order",
        ),
        (
            "pool_size: -1, accounts: [a]",
            "pool_size cannot be negative if pinned accounts are specified",
        ),
        (
            "accounts: [a, b, a]",
            "found duplicate account name \"a\" in pinned accounts list [\"a\" \"b\" \"a\"]",
        ),
        ("pool_size: -1", "ok"),
    ] {
        let verdict = options(&format!("cluster {{ {text} }}"))
            .validate()
            .map_or_else(|e| e.to_string(), |()| "ok".into());
        assert_eq!(verdict, wanted, "{text}");
    }
}

#[test]
fn what_is_asked_of_authorities_has_short_forms_and_bounds() {
    let mode = |text: &str| options(text).ocsp.mode;
    for (text, wanted) in [
        ("", OcspMode::Auto),
        ("ocsp: true", OcspMode::Auto),
        ("ocsp: false", OcspMode::Never),
        ("ocsp {mode: must}", OcspMode::Must),
        ("ocsp {mode: Never}", OcspMode::Never),
    ] {
        assert_eq!(mode(text), wanted, "{text}");
    }
    let cache = |text: &str| {
        let cache = options(text).ocsp_cache;
        (cache.on, cache.local_store, cache.save_interval)
    };
    for (text, on, folder, seconds) in [
        ("", true, "_rc_", 300),
        ("ocsp_cache: false", false, "_rc_", 300),
        (
            "ocsp_cache {save_interval: 0, local_store: \"\"}",
            true,
            "_rc_",
            1,
        ),
        (
            "ocsp_cache {save_interval: -5, local_store: x}",
            true,
            "x",
            1,
        ),
    ] {
        assert_eq!(cache(text), (on, folder.into(), secs(seconds)), "{text}");
    }
    let peer = |text: &str| options(&format!("tls {{ verify: true, ocsp_peer: {text} }}"));
    let peer = |text: &str| peer(text).tls.expect("tls").ocsp_peer;
    let default = OcspPeerOptions::default();
    for (text, wanted) in [
        ("false", None),
        ("true", Some(default)),
        ("{verify: false, warn_only: true}", None),
        ("{warn_only: true}", None),
        (
            "{verify: true, ca_timeout: 0, allowed_clockskew: -1}",
            Some(default),
        ),
        (
            "{verify: true, allowed_clockskew: 0}",
            Some(OcspPeerOptions {
                allowed_clockskew: Duration::ZERO,
                ..default
            }),
        ),
    ] {
        assert_eq!(peer(text), wanted, "{text}");
    }
    let interval = |text: &str| options(text).cert_reload_interval;
    assert_eq!(interval("cert_reload_interval: \"0s\""), None);
    assert_eq!(interval("cert_reload_interval: \"1ms\""), Some(secs(1)));
}

#[test]
fn who_asks_about_clients_must_see_their_certificates() {
    let verdict = |text: &str| options(text).validate().map_err(|e| e.to_string());
    assert_eq!(verdict("tls { verify: true, ocsp_peer: true }"), Ok(()));
    assert_eq!(
        verdict("tls { ocsp_peer: true }"),
        Err("OCSP peer verification for client connections requires TLS verify (mTLS) to be enabled".into())
    );
}
