//! INFO and CONNECT of routes, as Go servers 2.15.1 wrote them.

use alloc::string::{String, ToString};
use alloc::vec;
use std::format;

use super::{GossipMode, ServerConnect, ServerInfo, SubjectPermission};

/// An INFO with what all first INFOs have, and `more` at its end; the parts in the middle as given.
fn first(nonce: &str, cluster: &str, middle: &str, more: &str) -> String {
    format!(
        r#"{{"server_id":"NAUDHVDXFU7N7LKR7I36WY6MGQTNHCYNE5OWND2ULZ4OSRN5ZGA7QMRL","server_name":"Y","version":"2.15.1","proto":3,"go":"go1.27.2","host":"127.0.0.1","port":33229,"headers":true,"max_payload":1048576,"ip":"nats-route://127.0.0.1:33229/"{nonce},"cluster":"{cluster}"{middle},"lnoc":true,"lnocu":true,"ln":true{more}}}"#
    )
}

const NONCE: &str = r#","nonce":"n6O392WCTcq3_fA""#;
const OFF: &str = r#","connect_urls":["127.0.0.1:44673"],"compression":"off""#;

fn round_trip(text: &str) -> ServerInfo {
    let info = ServerInfo::parse(text.as_bytes()).unwrap();
    assert_eq!(info.to_json(), text);
    info
}

#[test]
fn the_first_info_of_every_kind_of_route_survives_byte_for_byte() {
    for (middle, more) in [
        // From the acceptor, and from the dialler on the first pooled connection.
        (OFF, r#","route_pool_size":3"#),
        // The next pooled connection, and one that follows gossip.
        (OFF, r#","route_pool_size":3,"route_pool_idx":1"#),
        (
            OFF,
            r#","route_pool_size":3,"route_pool_idx":2,"gossip_mode":1"#,
        ),
        // The route of an account.
        (OFF, r#","route_pool_size":3,"route_account":"$SYS""#),
        // Without pooling; without advertising; with leaf nodes; with gateways.
        (OFF, ""),
        (r#","compression":"off""#, r#","route_pool_size":1"#),
        (
            OFF,
            r#","route_pool_size":1,"leafnode_urls":["127.0.0.1:56667"]"#,
        ),
        (
            OFF,
            r#","route_pool_size":1,"gateway_url":"127.0.0.1:40945""#,
        ),
        (
            r#","connect_urls":["127.0.0.1:1"],"compression":"s2_fast""#,
            "",
        ),
    ] {
        let info = round_trip(&first(NONCE, "C", middle, more));
        assert!(info.lnoc && info.lnocu && info.ln);
    }
    let dynamic = first(
        NONCE,
        r#"IzWE30s2jQxSwhMwRyUmtQ","cluster_dynamic":true,"domain":"D"#,
        OFF,
        "",
    );
    assert!(round_trip(&dynamic).cluster_dynamic);
}

#[test]
fn later_infos_survive_byte_for_byte() {
    // Gossip has no nonce; the lame duck's and the reloaded server's INFO have no compression either.
    let gossip = first(
        "",
        "C",
        OFF,
        r#","route_pool_size":3,"route_account":"$SYS","gossip_mode":1"#,
    );
    assert_eq!(round_trip(&gossip).gossip_mode(), GossipMode::Disabled);
    let lame = first(
        "",
        "C",
        r#","connect_urls":["127.0.0.1:44673"],"ldm":true"#,
        r#","route_pool_size":1"#,
    );
    assert!(round_trip(&lame).ldm);
    let permissions = r#","connect_urls":["127.0.0.1:46659"],"import":{"allow":["foo","bar.\u003e"],"deny":["bar.x"]},"export":{"allow":["baz"]}"#;
    let info = round_trip(&first("", "C", permissions, r#","route_pool_size":1"#));
    assert_eq!(
        info.import,
        Some(SubjectPermission {
            allow: vec!["foo".to_string(), "bar.>".to_string()],
            deny: vec!["bar.x".to_string()],
        })
    );
    assert_eq!(info.export.unwrap().allow, ["baz"]);
}

#[test]
fn gossip_of_a_cluster_names_the_sender() {
    let info = ServerInfo::gossip_to_route("NDU3", "X", "D", vec!["127.0.0.1:36927".to_string()]);
    assert_eq!(
        info.to_json(),
        r#"{"server_id":"GWNDU3","server_name":"X","version":"","proto":0,"go":"","host":"","port":0,"headers":false,"max_payload":0,"gateway":"D","gateway_urls":["127.0.0.1:36927"],"gateway_cmd":1}"#
    );
}

#[test]
fn an_account_gets_its_route_by_question_and_answer() {
    let question = ServerInfo::dedicated_route_request(2, "P", "jeNLo25HPOvdQxirPHNZw2");
    assert_eq!(
        question.to_json(),
        r#"{"server_id":"","server_name":"","version":"","proto":0,"go":"","host":"","port":0,"headers":false,"max_payload":0,"route_pool_size":2,"route_account":"P","route_acc_add_reqid":"jeNLo25HPOvdQxirPHNZw2"}"#
    );
    assert_eq!(
        question.dedicated_route_answer().to_json(),
        r#"{"server_id":"","server_name":"","version":"","proto":0,"go":"","host":"","port":0,"headers":false,"max_payload":0,"route_pool_size":2,"route_acc_add_reqid":"jeNLo25HPOvdQxirPHNZw2"}"#
    );
}

#[test]
fn modes_of_gossip_have_numbers_and_unknown_ones_are_usual() {
    for mode in [
        GossipMode::Default,
        GossipMode::Disabled,
        GossipMode::Override,
    ] {
        let info = ServerInfo {
            gossip_mode: mode.number(),
            ..ServerInfo::default()
        };
        assert_eq!(info.gossip_mode(), mode);
    }
    let info = ServerInfo::parse(br#"{"gossip_mode":9}"#).unwrap();
    assert_eq!(info.gossip_mode(), GossipMode::Default);
}

#[test]
fn the_connect_of_a_route_survives_byte_for_byte() {
    for text in [
        r#"{"echo":true,"verbose":false,"pedantic":false,"tls_required":false,"headers":true,"name":"NAUD","cluster":"C","lnoc":true,"ln":true}"#,
        r#"{"echo":true,"verbose":false,"pedantic":false,"user":"u","pass":"pw","tls_required":false,"headers":true,"name":"NAUD","cluster":"C","lnoc":true,"ln":true}"#,
        r#"{"echo":true,"verbose":false,"pedantic":false,"tls_required":false,"headers":true,"name":"NAUD","cluster":"fnUtucX8HjdvOXL3oYFVTc","cluster_dynamic":true,"lnoc":true,"ln":true}"#,
    ] {
        let connect = ServerConnect::parse(text.as_bytes()).unwrap();
        assert_eq!(connect.to_json(), text);
        assert!(connect.lang.is_empty());
    }
}

#[test]
fn a_client_at_the_wrong_port_is_known_by_its_language() {
    let connect = ServerConnect::parse(br#"{"verbose":false,"lang":"go","name":"x"}"#).unwrap();
    assert_eq!(connect.lang, "go");
}
