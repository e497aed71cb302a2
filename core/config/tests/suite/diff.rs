//! What a change of the options means to a running server. That every option has a verdict is the
//! compiler's to say.

use gannet_config::{
    Change, ClusterChange, Diff, Dropped, GatewayChange, LinkAuth, Options, Origins, Port, Secret,
    Setting, Verdict, WriteTimeout,
};

use crate::options::options;

/// A server with routes and gateways.
const SERVER: &str = "
    listen: '127.0.0.1:4222'
    authorization { users: [{user: a, password: b}] }
    cluster { name: A, listen: '127.0.0.1:6222', routes: ['nats://r1:6222'], accounts: ['$G'] }
    gateway {
        name: A, listen: '127.0.0.1:7222'
        gateways: [{name: B, url: 'nats://b:7222'}, {name: C, url: 'nats://c:7222'}]
    }
";

fn server() -> Options {
    options(SERVER)
}

/// The lines of the log for what changes, and the texts for what cannot.
fn verdict(old: &Options, new: &Options) -> (Vec<String>, Vec<String>) {
    let diff = Diff::between(old, new);
    let lines = diff.changes.iter().filter_map(Change::line).collect();
    let refused = diff.refused.iter().map(ToString::to_string).collect();
    (lines, refused)
}

/// What becomes of each setting that has another value.
fn verdicts(old: &Options, new: &Options) -> Vec<(String, Verdict)> {
    let settings = |options: &Options| options.settings(&Origins::default());
    let (diff, before) = (Diff::between(old, new), settings(old));
    let differs = |setting: &Setting| {
        let alike = |known: &Setting| known.key == setting.key && known.value == setting.value;
        setting.follows.is_none() && !before.iter().any(alike)
    };
    let verdict = |setting: Setting| (setting.key.to_string(), diff.verdict(&setting.key));
    settings(new)
        .into_iter()
        .filter(differs)
        .map(verdict)
        .collect()
}

/// Asserts that something differs, and that all of that has this verdict.
#[track_caller]
fn judged(old: &Options, new: &Options, wanted: Verdict) {
    let found = verdicts(old, new);
    let others = found.iter().filter(|(_, verdict)| *verdict != wanted);
    assert!(
        !found.is_empty() && others.count() == 0,
        "{found:?}, not {wanted:?}"
    );
}

#[test]
fn settings_are_judged_like_the_options_that_they_show() {
    let with = |lines: &str| options(&format!("{SERVER}\n{lines}"));
    for (lines, wanted) in [
        ("store_dir: x", Verdict::Ignored),
        ("tls {}", Verdict::Live),
        ("mappings { foo: bar }", Verdict::Live),
        (
            "authorization { users: [{user: a, password: c}] }",
            Verdict::Live,
        ),
        (
            "authorization { users: [{user: a, password: b}], timeout: 5 }",
            Verdict::Live,
        ),
        (
            "cluster { name: A, listen: '127.0.0.1:6222', routes: ['nats://r2:6222'], accounts: ['$G'] }",
            Verdict::Live,
        ),
        (
            "cluster { name: A, listen: '127.0.0.1:6223', routes: ['nats://r1:6222'], accounts: ['$G'] }",
            Verdict::Refused,
        ),
        ("http_base_path: x", Verdict::Refused),
    ] {
        judged(&server(), &with(lines), wanted);
    }
}

#[test]
fn the_connections_that_will_end_are_known_beforehand() {
    let dropped = |old: &str, new: &str| {
        let diff = Diff::between(&options(old), &options(new));
        assert_eq!(diff.refused, [], "{old}\n{new}");
        diff.dropped
    };
    let users = |names: &[&str]| {
        vec![Dropped::ClientsOf(
            names.iter().map(ToString::to_string).collect(),
        )]
    };
    for (old, new, wanted) in [
        ("max_connections: 5", "max_connections: 6", vec![]),
        (
            "max_connections: 5",
            "max_connections: 4",
            vec![Dropped::ClientsBeyond(4)],
        ),
        (
            "authorization {users: [{user: a, password: x}, {user: b, password: x}, {user: c, password: x}]}",
            "authorization {users: [{user: c, password: x}, {user: b, password: y}, {user: d, password: x}]}",
            users(&["a", "b"]),
        ),
        (
            "authorization {users: [{user: a, password: x}]}",
            "port: 4222",
            vec![],
        ),
        (
            "authorization {user: a, password: x}",
            "authorization {user: a, password: y}",
            users(&["a"]),
        ),
        (
            "authorization {user: a, password: x}",
            "authorization {user: a, password: x, timeout: 9}",
            vec![],
        ),
        (
            "authorization {user: a, password: x}",
            "authorization {token: t}",
            users(&["a"]),
        ),
        (
            "authorization {token: t}",
            "authorization {token: u}",
            vec![Dropped::ClientsWithToken],
        ),
        (
            "authorization {token: t}",
            "authorization {token: t, timeout: 5}",
            vec![],
        ),
        (
            "port: 4222",
            "authorization {token: t}",
            vec![Dropped::ClientsWithoutCredentials],
        ),
        (
            "cluster {port: 1, routes: ['nats://a:1', 'nats://b:1']}",
            "cluster {port: 1, routes: ['nats://b:1', 'nats://c:1'], compression: off}",
            vec![Dropped::RoutesTo(vec!["a:1".into()])],
        ),
        (
            "cluster {port: 1}",
            "cluster {port: 1, authorization {user: a, password: b}, compression: s2_fast}",
            vec![
                Dropped::RoutesFromOthers,
                Dropped::RoutesOtherwiseCompressed,
            ],
        ),
        (
            "cluster {port: 1}",
            "cluster {port: 1, pool_size: -1}",
            vec![Dropped::AllRoutes],
        ),
        (
            "cluster {port: 1}",
            "cluster {port: 1, pool_size: 9}",
            vec![],
        ),
        (
            "gateway {name: A, port: 1, gateways: [{name: A, url: 'nats://a:1'}, {name: B, url: 'nats://b:1'}]}",
            "gateway {name: A, port: 1, reject_unknown: true, gateways: [{name: C, url: 'nats://c:1'}]}",
            vec![
                Dropped::LinksTo("B".into()),
                Dropped::LinksFromUnknownClusters,
            ],
        ),
    ] {
        assert_eq!(dropped(old, new), wanted, "{old}\n{new}");
    }
}

#[test]
fn the_same_options_change_nothing() {
    assert_eq!(Diff::between(&server(), &server()), Diff::default());
}

#[test]
fn what_can_change_is_told_in_the_words_of_the_reference() {
    for (lines, wanted) in [
        ("client_advertise: 'h:1'", "Reload: client_advertise = h:1"),
        ("debug: true", "Reloaded: debug = true"),
        ("logtime: false", "Reloaded: logtime = false"),
        ("logtime_utc: true", "Reloaded: logtime_utc = true"),
        ("log_file: 'x.log'", "Reloaded: log_file = x.log"),
        ("syslog: true", "Reloaded: syslog = true"),
        (
            "remote_syslog: 'udp://me:secret@h:1'",
            "Reloaded: remote_syslog = udp://[REDACTED]@h:1",
        ),
        ("log_format: json", "Reloaded: log_format = json"),
        (
            "log_levels { routes: debug, clients: warn }",
            "Reloaded: log_levels = {clients: warn, routes: debug}",
        ),
        ("max_traced_msg_len: 5", "Reloaded: max_traced_msg_len = 5"),
        ("max_connections: 10", "Reloaded: max_connections = 10"),
        ("ping_interval: '90s'", "Reloaded: ping_interval = 1m30s"),
        ("ping_max: 5", "Reloaded: ping_max = 5"),
        ("max_control_line: 2k", "Reloaded: max_control_line = 2000"),
        ("max_payload: 2048", "Reloaded: max_payload = 2048"),
        ("write_deadline: '3s'", "Reloaded: write_deadline = 3s"),
        ("pid_file: 'x.pid'", "Reloaded: pid_file = x.pid"),
        ("ports_file_dir: '/x'", "Reloaded: ports_file_dir = /x"),
        (
            "connect_error_reports: 5",
            "Reloaded: connect_error_reports = 5",
        ),
        (
            "reconnect_error_reports: 5",
            "Reloaded: reconnect_error_reports = 5",
        ),
        ("ocsp: false", "Reloaded: OCSP"),
        ("ocsp_cache: false", "Reloaded OCSP peer cache"),
        (
            "cert_reload_interval: '30s'",
            "Reloaded: cert_reload_interval = 30s",
        ),
        ("server_tags: [x]", "Reloaded: tags"),
        ("server_metadata { a: b }", "Reloaded: metadata"),
        (
            "no_fast_producer_stall: true",
            "Reloaded: fast producers will not be stalled",
        ),
    ] {
        let new = options(&format!("{SERVER}\n{lines}"));
        assert_eq!(
            verdict(&server(), &new),
            (vec![wanted.into()], vec![]),
            "{lines}"
        );
        judged(&server(), &new, Verdict::Live);
    }
    let mut with_pid = server();
    with_pid.pid_file = Some("x".into());
    assert_eq!(verdict(&with_pid, &server()), (vec![], vec![]));
}

#[test]
fn what_cannot_change_is_refused_in_the_words_of_the_reference() {
    for (lines, wanted) in [
        ("server_name: x", "ServerName: old=, new=x"),
        (
            "feature_flags { a: true }",
            "FeatureFlags: old=map[], new=map[a:true]",
        ),
        ("max_subscriptions: 10", "MaxSubs: old=0, new=10"),
        ("max_sub_tokens: 10", "MaxSubTokens: old=0, new=10"),
        (
            "max_pending: 32MB",
            "MaxPending: old=67108864, new=33554432",
        ),
        ("write_timeout: close", "WriteTimeout: old=, new=close"),
        (
            "no_header_support: true",
            "NoHeaderSupport: old=false, new=true",
        ),
        (
            "disable_sublist_cache: true",
            "NoSublistCache: old=false, new=true",
        ),
        (
            "max_closed_clients: 5",
            "MaxClosedClients: old=10000, new=5",
        ),
        ("http_port: 8222", "HTTPPort: old=0, new=8222"),
        (
            "logfile_size_limit: 10000",
            "LogSizeLimit: old=0, new=10000",
        ),
        ("logfile_max_num: 3", "LogMaxFiles: old=0, new=3"),
        (
            "lame_duck_duration: '40s'",
            "LameDuckDuration: old=2m0s, new=40s",
        ),
        (
            "lame_duck_grace_period: '5s'",
            "LameDuckGracePeriod: old=10s, new=5s",
        ),
        ("proxy_protocol: true", "ProxyProtocol: old=false, new=true"),
        ("no_auth_user: a", "NoAuthUser: old=, new=a"),
    ] {
        let new = options(&format!("{SERVER}\n{lines}"));
        let wanted = format!("config reload not supported for {wanted}");
        assert_eq!(verdict(&server(), &new), (vec![], vec![wanted]), "{lines}");
        judged(&server(), &new, Verdict::Refused);
    }
}

/// Something that changes of a server's options.
type Edit = fn(&mut Options);

#[test]
fn listeners_stay_where_they_are() {
    let cases: [(Edit, &str); 9] = [
        (|o| o.host = "h".into(), "Host: old=127.0.0.1, new=h"),
        (|o| o.port = Port::At(1), "Port: old=4222, new=1"),
        (
            |o| o.cluster.host = "h".into(),
            "cluster host: old=127.0.0.1, new=h",
        ),
        (
            |o| o.cluster.port = Some(Port::At(1)),
            "cluster port: old=6222, new=1",
        ),
        (
            |o| o.cluster.port = None,
            "cluster host: old=127.0.0.1, new=",
        ),
        (|o| o.gateway = None, "Gateway: old=A, new="),
        (
            |o| o.gateway.as_mut().expect("there is one").name = "X".into(),
            "Gateway name: old=A, new=X",
        ),
        (
            |o| o.gateway.as_mut().expect("there is one").port = Some(Port::At(1)),
            "Gateway port: old=7222, new=1",
        ),
        (
            |o| o.gateway.as_mut().expect("there is one").host = "h".into(),
            "Gateway host: old=127.0.0.1, new=h",
        ),
    ];
    for (edit, wanted) in cases {
        let mut new = server();
        edit(&mut new);
        let wanted = format!("config reload not supported for {wanted}");
        assert_eq!(verdict(&server(), &new), (vec![], vec![wanted]));
    }
}

#[test]
fn addresses_to_tell_others_must_mean_something() {
    let mut new = server();
    new.client_advertise = Some("h:x:1".into());
    new.cluster.advertise = Some("h:x:1".into());
    let (_, refused) = verdict(&server(), &new);
    let why = "h:x:1, err=address h:x:1: too many colons in address";
    assert_eq!(
        refused,
        [
            format!("invalid ClientAdvertise value of {why}"),
            format!("invalid Cluster.Advertise value of {why}"),
        ]
    );
}

#[test]
fn any_free_port_is_the_one_that_there_is() {
    let running = server();
    let mut new = server();
    new.port = Port::Random;
    new.cluster.port = Some(Port::Random);
    new.gateway.as_mut().expect("there is one").port = Some(Port::Random);
    new.keep_ports(&running);
    assert_eq!(Diff::between(&running, &new), Diff::default());
}

#[test]
fn no_secret_is_ever_shown() {
    let mut new = server();
    new.auth.user = Some("u".into());
    new.auth.password = Secret::new("s3cr3t");
    new.auth.token = Some(Secret::new("s3cr3t"));
    new.auth.users = Some(Vec::new());
    new.accounts = options("mappings { foo: bar }").accounts;
    new.cluster.auth = LinkAuth {
        user: Some("u".into()),
        password: Secret::new("s3cr3t"),
        ..LinkAuth::default()
    };
    let diff = Diff::between(&server(), &new);
    assert!(!format!("{diff:?}").contains("s3cr3t"), "{diff:?}");
    let (lines, refused) = verdict(&server(), &new);
    assert_eq!(
        lines,
        [
            "Reloaded: authorization users",
            "Reloaded: authorization username",
            "Reloaded: authorization password",
            "Reloaded: authorization token",
            "Reloaded: accounts",
            "Reloaded: cluster",
        ]
    );
    assert_eq!(refused, [""; 0]);
}

#[test]
fn the_user_of_clients_without_credentials_goes_only_with_its_entry() {
    let mut old = server();
    old.auth.no_auth_user = Some("a".into());
    let (_, refused) = verdict(&old, &server());
    assert_eq!(
        refused,
        ["config reload not supported for NoAuthUser: old=a, new="]
    );
    let mut without = server();
    without.auth.users = None;
    assert_eq!(verdict(&old, &without).1, [""; 0]);
}

#[test]
fn each_part_of_the_cluster_is_known_by_what_it_concerns() {
    let cases: [(Edit, ClusterChange); 6] = [
        (
            |o| o.cluster.permissions = Some(gannet_config::ClusterPermissions::default()),
            ClusterChange {
                permissions: true,
                ..ClusterChange::default()
            },
        ),
        (
            |o| o.cluster.pool_size = Some(5),
            ClusterChange {
                pool: true,
                ..ClusterChange::default()
            },
        ),
        (
            |o| o.cluster.accounts = vec!["X".into(), "$G".into()],
            ClusterChange {
                pool: true,
                pinned: vec!["X".into()],
                ..ClusterChange::default()
            },
        ),
        (
            |o| o.cluster.compression.mode = "s2_fast".into(),
            ClusterChange {
                compression: true,
                ..ClusterChange::default()
            },
        ),
        (
            |o| o.cluster.auth.user = Some("u".into()),
            ClusterChange {
                auth: true,
                ..ClusterChange::default()
            },
        ),
        (
            |o| o.cluster.write_timeout = WriteTimeout::Close,
            ClusterChange {
                rest: true,
                ..ClusterChange::default()
            },
        ),
    ];
    for (edit, wanted) in cases {
        let mut new = server();
        edit(&mut new);
        let diff = Diff::between(&server(), &new);
        assert_eq!(diff.changes, [Change::Cluster(wanted)]);
    }
    let mut new = server();
    new.cluster.routes.clear();
    assert_eq!(Diff::between(&server(), &new).changes, [Change::Routes]);
}

#[test]
fn other_clusters_come_go_and_move() {
    let mut new = server();
    let block = new.gateway.as_mut().expect("there is one");
    block.remotes[0].name = "D".into();
    block.remotes[1].urls[0].port = 9;
    let diff = Diff::between(&server(), &new);
    let change = GatewayChange {
        added: vec!["D".into()],
        changed: vec!["C".into()],
        removed: vec!["B".into()],
        ..GatewayChange::default()
    };
    assert_eq!(diff.changes, [Change::Gateway(change)]);
    assert_eq!(diff.refused, []);
}

#[test]
fn tls_of_clients_comes_and_goes() {
    let mut new = server();
    new.tls = Some(gannet_config::TlsOptions::default());
    let on = [
        "Reloaded: authorization timeout = 3",
        "Reloaded: tls = enabled",
    ];
    let off = [
        "Reloaded: authorization timeout = 2",
        "Reloaded: tls = disabled",
    ];
    assert_eq!(verdict(&server(), &new).0, on);
    assert_eq!(verdict(&new, &server()).0, off);
    let mut other = new.clone();
    let tls = other.tls.as_mut().expect("there is one");
    tls.map = true;
    tls.rate_limit = Some(5);
    tls.handshake_first =
        gannet_config::HandshakeFirst::Within(std::time::Duration::from_millis(300));
    let (lines, refused) = verdict(&new, &other);
    assert_eq!(
        lines,
        [
            "Reloaded: tls = enabled",
            "Reloaded: Client TLS handshake first: true",
            "Reloaded: Client TLS handshake first fallback delay: 300ms",
        ]
    );
    let refusal = "config reload not supported for";
    assert_eq!(
        refused,
        [
            format!("{refusal} TLSMap: old=false, new=true"),
            format!("{refusal} TLSRateLimit: old=0, new=5"),
        ]
    );
}

/// Two accounts that share a stream.
const SHARING: &str = "accounts {
    A { users: [{user: a, password: b}], exports: [{stream: s}] }
    B { users: [{user: c, password: d}], imports: [{stream: {account: A, subject: s}}] }
}";

#[test]
fn whatever_changes_in_accounts_is_one_line() {
    let edits = [
        (
            "exports: [{stream: s}]",
            "exports: [{stream: s}, {service: q}]",
        ),
        (
            "exports: [{stream: s}]",
            "exports: [{stream: s, accounts: [B]}]",
        ),
        ("subject: s}}]", "subject: s}, to: t}]"),
        (", imports: [{stream: {account: A, subject: s}}]", ""),
        ("exports:", "limits: {max_conn: 1}, exports:"),
        ("exports:", "mappings: {x: y}, exports:"),
        ("exports:", "default_permissions: {publish: p}, exports:"),
        ("password: d", "password: e"),
        ("user: c", "user: e"),
        ("    B {", "    C {}\n    B {"),
    ];
    let old = options(SHARING);
    for (was, is) in edits {
        assert_eq!(SHARING.matches(was).count(), 1, "{was}");
        let new = options(&SHARING.replace(was, is));
        let wanted = vec!["Reloaded: accounts".to_string()];
        assert_eq!(verdict(&old, &new), (wanted, vec![]), "{is}");
        assert_eq!(verdict(&new, &new), (vec![], vec![]), "{is}");
    }
}

#[test]
fn the_system_account_stays_what_it_is() {
    let with = |line: &str| options(&format!("{SHARING}\n{line}"));
    let (none, a, b) = (
        with(""),
        with("system_account: A"),
        with("system_account: B"),
    );
    let off = with("no_system_account: true");
    let of_name = |old: &str, new: &str| {
        format!("config reload not supported for SystemAccount: old={old}, new={new}")
    };
    assert_eq!(verdict(&a, &b).1, [of_name("A", "B")]);
    assert_eq!(verdict(&none, &a).1, [of_name("", "A")]);
    assert_eq!(verdict(&a, &none).1, [of_name("A", "")]);
    assert_eq!(
        verdict(&none, &off).1,
        ["config reload not supported for NoSystemAccount: old=false, new=true"]
    );
}
