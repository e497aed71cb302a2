//! `/varz` against the reference server's answers: plain, with accounts, with a gateway, in a cluster.

use std::time::Duration;

use crate::common::{asked, assert_json, at, server_id};
use gannet_monitor::varz::{self, Cluster, Gateway, Leaf, RemoteGateway, Traffic, Varz};
use gannet_monitor::{Endpoint, Request, RequestCounts};

fn counts(seen: &[(Endpoint, u64)]) -> RequestCounts {
    let mut counts = RequestCounts::default();
    for (endpoint, times) in seen {
        (0..*times).for_each(|_| counts.count(*endpoint));
    }
    counts
}

/// What all three captured servers have in common.
fn base(start: &str, now: &str) -> Varz {
    let (start, now) = (at(start), at(now));
    Varz {
        version: "2.15.1".into(),
        proto: 1,
        git_commit: "b2fd3ef".into(),
        go: "go1.27.2".into(),
        host: "127.0.0.1".into(),
        max_connections: 65536,
        ping_interval: Duration::from_secs(120),
        ping_max: 2,
        http_host: "127.0.0.1".into(),
        auth_timeout: Duration::from_secs(2),
        max_control_line: 4096,
        max_payload: 1 << 20,
        max_pending: 64 << 20,
        tls_timeout: Duration::from_secs(2),
        write_deadline: Duration::from_secs(10),
        start,
        now,
        uptime: now.since(start),
        cores: 2,
        gomaxprocs: 2,
        config_load_time: start,
        feature_flags: varz::feature_flags(),
        http_req_stats: counts(&[(Endpoint::Varz, 1)]),
        ..Varz::default()
    }
}

#[test]
fn an_idle_server_reports_its_limits_and_zeros() {
    let captured = include_str!("../fixtures/varz_plain.json");
    assert_eq!(asked("/varz", "anything=goes"), Request::Varz);
    let value: serde_json::Value = serde_json::from_str(captured).unwrap();
    let of = |key: &str| value[key].as_str().unwrap().to_owned();
    let varz = Varz {
        server_id: server_id('A'),
        server_name: "plain".into(),
        port: 24222,
        http_port: 28222,
        cpu: 2.0,
        mem: value["mem"].as_u64().unwrap(),
        subscriptions: 60,
        config_digest: of("config_digest"),
        system_account: "$SYS".into(),
        ..base(&of("start"), &of("now"))
    };
    assert_json(&varz::respond(&varz), captured);
}

#[test]
fn a_busy_server_with_accounts_reports_traffic_tags_and_requests() {
    let varz = Varz {
        server_id: server_id('C'),
        server_name: "auth<&>".into(),
        port: 24223,
        auth_required: true,
        max_connections: 100,
        max_subscriptions: 50,
        ping_interval: Duration::from_secs(30),
        http_port: 28223,
        http_base_path: "/mon".into(),
        mem: 16_965_632,
        cpu: 1.0,
        connections: 4,
        total_connections: 10,
        traffic: Traffic {
            in_msgs: 4,
            in_bytes: 20,
            in_client_msgs: 4,
            in_client_bytes: 20,
            out_msgs: 4,
            out_bytes: 20,
            out_client_msgs: 4,
            out_client_bytes: 20,
        },
        subscriptions: 72,
        http_req_stats: counts(&[
            (Endpoint::Varz, 2),
            (Endpoint::Subsz, 6),
            (Endpoint::Connz, 38),
            (Endpoint::Root, 1),
        ]),
        config_digest: "sha256:1141b31015a77e3f791873e3ff4891bf8023f418f6c2450d9bc7d7af5e2728ce"
            .into(),
        tags: vec!["a:b".into(), "c".into()],
        system_account: "SYS".into(),
        ..base(
            "2026-11-22T21:11:54.35304925Z",
            "2026-11-22T21:12:59.646067518Z",
        )
    };
    assert_json(
        &varz::respond(&varz),
        include_str!("../fixtures/varz_accounts.json"),
    );
}

#[test]
fn a_gateway_reports_its_clusters_with_their_addresses() {
    let remote = |name: &str, port: u16| RemoteGateway {
        name: name.into(),
        urls: vec![format!("127.0.0.1:{port}")],
        ..RemoteGateway::default()
    };
    let varz = Varz {
        server_id: server_id('B'),
        server_name: "gw-a".into(),
        port: 24230,
        auth_required: true,
        http_port: 28230,
        cluster: Cluster {
            name: "a".into(),
            ..Cluster::default()
        },
        gateway: Gateway {
            name: "a".into(),
            host: "127.0.0.1".into(),
            port: 27230,
            auth_timeout: Duration::from_secs(2),
            tls_timeout: Duration::from_secs(2),
            gateways: vec![remote("a", 27230), remote("b", 27231)],
            ..Gateway::default()
        },
        mem: 16_863_232,
        connections: 1,
        total_connections: 1,
        traffic: Traffic {
            in_msgs: 25,
            in_bytes: 18455,
            out_msgs: 25,
            out_bytes: 18463,
            out_client_msgs: 5,
            out_client_bytes: 5,
            ..Traffic::default()
        },
        subscriptions: 66,
        config_digest: "sha256:96f0f988aaf0fc9940aabc8b3958ec4cdf8807e9b245b8ec0eab2ede8313f0a7"
            .into(),
        system_account: "SYS".into(),
        ..base(
            "2026-11-22T21:11:54.348285056Z",
            "2026-11-22T21:13:00.65446024Z",
        )
    };
    assert_json(
        &varz::respond(&varz),
        include_str!("../fixtures/varz_gateway.json"),
    );
}

/// The reference shows the routes' write deadline and timeout for gateways and leaf nodes too.
#[test]
fn a_cluster_reports_its_configuration() {
    let (deadline, policy) = (Duration::from_secs(3), "close");
    let varz = Varz {
        server_id: server_id('E'),
        server_name: "t".into(),
        port: 47191,
        http_port: 47291,
        cluster: Cluster {
            name: "c".into(),
            host: "127.0.0.1".into(),
            port: 47391,
            auth_timeout: Duration::from_millis(500),
            urls: vec!["localhost:4777".into(), "[::1]:4778".into()],
            tls_timeout: Duration::from_secs(3),
            tls_required: true,
            tls_verify: true,
            pool_size: -1,
            write_deadline: deadline,
            write_timeout: policy.into(),
            tls_cert_not_after: Some(at("2026-12-23T01:02:53Z")),
        },
        gateway: Gateway {
            write_deadline: deadline,
            write_timeout: policy.into(),
            ..Gateway::default()
        },
        leaf: Leaf {
            write_deadline: deadline,
            write_timeout: policy.into(),
        },
        mem: 15_028_224,
        cpu: 1.0,
        subscriptions: 61,
        config_digest: "sha256:26463654c5e6c0665c04bb23caee9af879e1feb894c425f734a51cf0d05e8290"
            .into(),
        system_account: "$SYS".into(),
        ..base(
            "2026-11-23T01:05:16.674604618Z",
            "2026-11-23T01:05:18.160868564Z",
        )
    };
    assert_json(
        &varz::respond(&varz),
        include_str!("../fixtures/varz_cluster.json"),
    );
}
