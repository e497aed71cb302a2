//! `/gatewayz` against the reference server's answers: one server of three clusters.

use std::time::Duration;

use crate::common::{asked, assert_json, at, refused, server_id};
use gannet_monitor::gatewayz::{Interest, InterestMode, Link, Local, Options, Snapshot, respond};
use gannet_monitor::{ConnInfo, ConnKind, Request, SubInfo};
use gannet_units::ConnId;

fn options(query: &str) -> Options {
    match asked("/gatewayz", query) {
        Request::Gatewayz(options) => options,
        other => panic!("{other:?}"),
    }
}

/// Times are seconds after 21:00 of the day.
fn conn(cid: u64, port: u16, peer: char, start: &str, last: &str, rtt: u64) -> ConnInfo {
    ConnInfo {
        cid: ConnId(cid),
        kind: ConnKind::Gateway,
        ip: "127.0.0.1".into(),
        port,
        start: at(&format!("2026-11-22T21:11:{start}Z")),
        last_activity: at(&format!("2026-11-22T21:12:{last}Z")),
        rtt: Duration::from_micros(rtt),
        name: server_id(peer),
        ..ConnInfo::default()
    }
}

fn interest(account: &str, num_subs: u64, num_queue_subs: u64, subs: Vec<SubInfo>) -> Interest {
    Interest {
        account: account.into(),
        mode: InterestMode::InterestOnly,
        num_subs,
        num_queue_subs,
        subs,
        ..Interest::default()
    }
}

fn sub(cid: u64, subject: &str, queue: &str) -> SubInfo {
    SubInfo {
        subject: subject.into(),
        queue: queue.into(),
        cid: ConnId(cid),
        ..SubInfo::default()
    }
}

fn snapshot(now: &str) -> Snapshot {
    let out_a = conn(9, 27230, 'B', "55.367766596", "59.651724299", 250);
    let out_c = conn(7, 27232, 'E', "55.356033059", "59.651724299", 335);
    let in_a = conn(8, 59550, 'B', "55.364335003", "59.647780625", 356);
    let in_c = conn(6, 59534, 'E', "55.353548355", "59.651380989", 401);
    let sent = |conn, num_subs| ConnInfo {
        out_msgs: 15,
        out_bytes: 9241,
        num_subs,
        ..conn
    };
    let received = |conn, in_bytes| ConnInfo {
        in_msgs: 10,
        in_bytes,
        ..conn
    };
    let none = |account: &str| interest(account, 0, 0, vec![]);
    let link = |gateway: &str, configured, conn, accounts| Link {
        gateway: gateway.into(),
        configured,
        conn,
        accounts,
    };
    let a = vec![
        interest("SYS", 53, 0, vec![]),
        none("$G"),
        interest("A", 2, 1, vec![sub(9, "foo", ""), sub(9, "bar.*", "q")]),
    ];
    let c = vec![
        interest("SYS", 53, 0, vec![]),
        none("$G"),
        interest("A", 1, 0, vec![sub(7, "foo", "")]),
    ];
    let inbound = || vec![none("A"), none("SYS"), none("$G")];
    Snapshot {
        server_id: server_id('D'),
        now: at(now),
        local: Some(Local {
            name: "b".into(),
            host: "127.0.0.1".into(),
            port: 27231,
        }),
        outbound: vec![
            link("c", false, sent(out_c, 54), c),
            link("a", true, sent(out_a, 55), a),
        ],
        inbound: vec![
            link("a", true, received(in_a, 9229), inbound()),
            link("c", true, received(in_c, 9214), inbound()),
        ],
    }
}

#[test]
fn links_and_interest_per_account() {
    let captured = include_str!("../fixtures/gatewayz_accounts.json");
    let now = serde_json::from_str::<serde_json::Value>(captured).unwrap()["now"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_json(&respond(&options("accs=1"), &snapshot(&now)), captured);
}

#[test]
fn one_account_with_its_subscriptions_in_detail() {
    let captured = include_str!("../fixtures/gatewayz_detail.json");
    let options = options("acc_name=A&subs=detail");
    assert!(
        options.wants_subscriptions()
            && options.wants_account("A")
            && !options.wants_account("SYS")
    );
    assert_json(
        &respond(&options, &snapshot("2026-11-22T21:13:00.668825794Z")),
        captured,
    );
}

#[test]
fn one_unknown_cluster_gives_null_outbound() {
    let captured = include_str!("../fixtures/gatewayz_unknown.json");
    let options = options("gw_name=zz&accs=1");
    assert!(!options.wants_gateway("a") && options.wants_gateway("zz"));
    assert_json(
        &respond(&options, &snapshot("2026-11-22T21:13:00.670179993Z")),
        captured,
    );
}

#[test]
fn a_server_without_gateways_has_empty_maps() {
    let captured = include_str!("../fixtures/gatewayz_none.json");
    let now = serde_json::from_str::<serde_json::Value>(captured).unwrap()["now"]
        .as_str()
        .unwrap()
        .to_owned();
    let snapshot = Snapshot {
        server_id: server_id('A'),
        now: at(&now),
        ..Snapshot::default()
    };
    for query in ["", "gw_name=x"] {
        assert_json(&respond(&options(query), &snapshot), captured);
    }
}

#[test]
fn subjects_are_listed_for_outbound_links_only_and_only_with_accounts() {
    let json = |query: &str| -> serde_json::Value {
        serde_json::from_slice(&respond(&options(query), &snapshot("2026-11-22T21:13:00Z")).body)
            .unwrap()
    };
    let listed = json("accs=1&subs=1&gw_name=a");
    assert_eq!(
        listed["outbound_gateways"]["a"]["accounts"][1]["subscriptions_list"],
        serde_json::json!(["foo", "bar.*"])
    );
    assert_eq!(
        listed["inbound_gateways"]["a"][0]["accounts"][1]["subscriptions_list"],
        serde_json::Value::Null
    );
    assert_eq!(listed["outbound_gateways"].as_object().unwrap().len(), 1);
    assert_eq!(
        json("subs=1")["outbound_gateways"]["a"]["accounts"],
        serde_json::Value::Null
    );
}

#[test]
fn several_links_from_one_cluster_are_ordered_by_number() {
    let mut snapshot = snapshot("2026-11-22T21:13:00Z");
    snapshot
        .inbound
        .iter_mut()
        .for_each(|link| link.gateway = "a".into());
    let json: serde_json::Value =
        serde_json::from_slice(&respond(&options(""), &snapshot).body).unwrap();
    let links = json["inbound_gateways"]["a"].as_array().unwrap();
    let cids: Vec<_> = links
        .iter()
        .map(|link| link["connection"]["cid"].as_u64().unwrap())
        .collect();
    assert_eq!(cids, [6, 8]);
}

#[test]
fn the_optimistic_mode_counts_what_is_not_wanted() {
    let mut snapshot = snapshot("2026-11-22T21:13:00Z");
    snapshot.inbound[0].accounts = vec![Interest {
        account: "A".into(),
        no_interest: 17,
        ..Interest::default()
    }];
    let json: serde_json::Value =
        serde_json::from_slice(&respond(&options("accs=1"), &snapshot).body).unwrap();
    assert_eq!(
        json["inbound_gateways"]["a"][0]["accounts"][0],
        serde_json::json!({"name": "A", "interest_mode": "Optimistic", "no_interest_count": 17, "interest_only_threshold": 1000})
    );
}

#[test]
fn bad_values_are_refused() {
    let text = |key: &str| {
        format!(
            "Error decoding boolean for '{key}': strconv.ParseBool: parsing \"q\": invalid syntax"
        )
    };
    assert_eq!(refused("/gatewayz", "accs=q"), text("accs"));
    assert_eq!(refused("/gatewayz", "accs=q&subs=q"), text("subs"));
}

/// What a query leaves of the page: clusters outbound and inbound, the accounts of the first
/// outbound link, and the lists in the last of these.
#[test]
fn options_narrow_the_page_together() {
    let shown = |query: &str| {
        let body = respond(&options(query), &snapshot("2026-11-22T21:13:00Z")).body;
        let page: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let names = |field: &str| {
            let links = page[field].as_object();
            links.map(|links| links.keys().cloned().collect::<Vec<_>>().join(" "))
        };
        let accounts = page["outbound_gateways"]["a"]["accounts"].as_array();
        let accounts = accounts.cloned().unwrap_or_default();
        let field = |account: &serde_json::Value, name: &str| account.get(name).is_some();
        let list = accounts
            .iter()
            .any(|account| field(account, "subscriptions_list"));
        let detail = accounts
            .iter()
            .any(|account| field(account, "subscriptions_list_detail"));
        let listed: Vec<_> = accounts
            .iter()
            .map(|account| account["name"].as_str().unwrap().to_owned())
            .collect();
        (
            names("outbound_gateways"),
            names("inbound_gateways").unwrap(),
            listed.join(" "),
            (list, detail),
        )
    };
    let all = || Some("a c".to_string());
    let cases = [
        ("", all(), "a c", "", (false, false)),
        ("offset=1&limit=1", all(), "a c", "", (false, false)),
        ("subs=1", all(), "a c", "", (false, false)),
        ("accs=0&subs=detail", all(), "a c", "", (false, false)),
        (
            "accs=true&acc_name=",
            all(),
            "a c",
            "$G A SYS",
            (false, false),
        ),
        ("accs=1&subs=1", all(), "a c", "$G A SYS", (true, false)),
        (
            "accs=1&subs=DETAIL",
            all(),
            "a c",
            "$G A SYS",
            (false, true),
        ),
        ("accs=0&acc_name=A&subs=1", all(), "a c", "A", (true, false)),
        ("acc_name=$G&subs=1", all(), "a c", "$G", (false, false)),
        ("acc_name=a", all(), "a c", "", (false, false)),
        (
            "gw_name=a&acc_name=A",
            Some("a".into()),
            "a",
            "A",
            (false, false),
        ),
        ("gw_name=", all(), "a c", "", (false, false)),
        ("gw_name=A", None, "", "", (false, false)),
        ("gw_name=b", None, "", "", (false, false)),
    ];
    for (query, outbound, inbound, accounts, lists) in cases {
        let expected = (outbound, inbound.to_owned(), accounts.to_owned(), lists);
        assert_eq!(shown(query), expected, "{query}");
    }
}
