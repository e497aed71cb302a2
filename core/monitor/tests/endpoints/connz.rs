//! `/connz` against the reference server's answers, and its selection, order and refusals.

use std::time::Duration;

use crate::common::{asked, assert_json, at, refused, server_id};
use gannet_monitor::connz::{Options, Snapshot, select};
use gannet_monitor::{ClientType, Closed, ConnInfo, Request, SubInfo};
use gannet_units::ConnId;

fn options(query: &str) -> Options {
    match asked("/connz", query) {
        Request::Connz(options) => options,
        other => panic!("{other:?}"),
    }
}

fn sub(cid: u64, account: &str, subject: &str, queue: &str, sid: &str) -> SubInfo {
    SubInfo {
        account: account.into(),
        subject: subject.into(),
        queue: queue.into(),
        sid: sid.into(),
        cid: ConnId(cid),
        ..SubInfo::default()
    }
}

/// A connection whose times are given by their seconds of 21:12 and whose round trip is in nanoseconds.
fn conn(cid: u64, port: u16, start: &str, last: &str, rtt: u64) -> ConnInfo {
    let minute = |seconds: &str| at(&format!("2026-11-22T21:12:{seconds}Z"));
    ConnInfo {
        cid: ConnId(cid),
        client_type: ClientType::Nats,
        ip: "127.0.0.1".into(),
        port,
        start: minute(start),
        last_activity: minute(last),
        rtt: Duration::from_nanos(rtt),
        ..ConnInfo::default()
    }
}

fn python(user: &str, account: &str, conn: ConnInfo) -> ConnInfo {
    ConnInfo {
        lang: "python3".into(),
        version: "2.16.0".into(),
        user: user.into(),
        account: account.into(),
        ..conn
    }
}

fn closed(stop: &str, reason: &'static str, conn: ConnInfo) -> ConnInfo {
    ConnInfo {
        closed: Some(Closed {
            at: at(&format!("2026-11-22T21:12:{stop}Z")),
            reason,
        }),
        ..conn
    }
}

fn open_conns() -> Vec<ConnInfo> {
    let ann = python(
        "ann",
        "A",
        conn(10, 59176, "58.894994628", "58.899733259", 1_104_001),
    );
    let mut m = sub(10, "A", "m", "", "3");
    (m.delivered, m.max) = (1, 5);
    let mut star = sub(10, "A", "a.*", "", "1");
    star.delivered = 3;
    let ann = ConnInfo {
        in_msgs: 4,
        out_msgs: 4,
        in_bytes: 20,
        out_bytes: 20,
        num_subs: 3,
        name: "ann <1>&'".into(),
        subs: vec![star, sub(10, "A", "a.<b", "q1", "2"), m],
        ..ann
    };
    let bob = ConnInfo {
        num_subs: 1,
        name: "bob".into(),
        subs: vec![sub(11, "B", "z.>", "", "1")],
        ..python(
            "bob",
            "B",
            conn(11, 59180, "58.897335799", "58.899706689", 466_123),
        )
    };
    let sys = python(
        "sys",
        "SYS",
        conn(12, 59196, "58.898509073", "58.898956564", 447_999),
    );
    vec![
        conn(16, 59236, "59.111977995", "59.111977995", 0),
        sys,
        bob,
        ann,
    ]
}

fn closed_conns() -> Vec<ConnInfo> {
    let ann = ConnInfo {
        num_subs: 1,
        name: "ann <1>&'".into(),
        subs: vec![sub(7, "A", "a.*", "", "1")],
        ..python(
            "ann",
            "A",
            conn(7, 38194, "36.422289728", "36.426093193", 903_000),
        )
    };
    let sys = python(
        "sys",
        "SYS",
        conn(9, 38216, "36.425216279", "36.425634321", 418_000),
    );
    let refused = python(
        "ann",
        "",
        conn(13, 59200, "58.900323977", "58.900747737", 423_000),
    );
    let refused = ConnInfo {
        pending_bytes: 32,
        ..refused
    };
    let bob = ConnInfo {
        num_subs: 2,
        subs: vec![
            sub(14, "B", "cl.q", "w", "2"),
            sub(14, "B", "closing.sub", "", "1"),
        ],
        ..python(
            "bob",
            "B",
            conn(14, 59210, "58.903360922", "58.904155053", 310_000),
        )
    };
    let raw = conn(15, 59222, "58.910577633", "58.910577633", 0);
    vec![
        closed("58.911000561", "Authentication Failure", raw),
        closed("36.444988458", "Client Closed", ann),
        closed("36.445125411", "Client Closed", sys),
        closed("58.900861166", "Authentication Failure", refused),
        closed("58.904377634", "Client Closed", bob),
    ]
}

fn snapshot(options: &Options, now: &str) -> Snapshot {
    Snapshot {
        server_id: server_id('C'),
        now: at(now),
        account_known: options.account() != Some("nope"),
        open: if options.wants_open() {
            open_conns()
        } else {
            Vec::new()
        },
        closed: if options.wants_closed() {
            closed_conns()
        } else {
            Vec::new()
        },
    }
}

fn assert_answers(query: &str, now: &str, captured: &str) {
    let options = options(query);
    let snapshot = snapshot(&options, now);
    assert_json(&select(options, snapshot).response(), captured);
}

/// The numbers of the connections that are shown, and the total.
fn shown(query: &str) -> (Vec<u64>, u64) {
    let options = options(query);
    let snapshot = snapshot(&options, "2026-11-22T21:13:00Z");
    let response = select(options, snapshot).response();
    let json: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    let cids = json["connections"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["cid"].as_u64().unwrap())
        .collect();
    (cids, json["total"].as_u64().unwrap())
}

#[test]
fn open_connections_with_users_and_subscriptions() {
    let captured = include_str!("../fixtures/connz_open_detail.json");
    assert_answers(
        "subs=detail&auth=true",
        "2026-11-22T21:12:59.620120229Z",
        captured,
    );
}

#[test]
fn closed_connections_keep_their_subscriptions_with_the_account() {
    let captured = include_str!("../fixtures/connz_closed_detail.json");
    assert_answers(
        "state=closed&subs=detail&auth=1",
        "2026-11-22T21:12:59.621531627Z",
        captured,
    );
}

#[test]
fn closed_connections_by_reason_with_subjects_only() {
    let captured = include_str!("../fixtures/connz_closed_by_reason.json");
    assert_answers(
        "state=closed&subs=1&sort=reason",
        "2026-11-22T21:12:59.622380048Z",
        captured,
    );
}

#[test]
fn a_page_of_open_and_closed_ones() {
    let captured = include_str!("../fixtures/connz_any_page.json");
    assert_answers(
        "state=any&auth=1&limit=3&offset=1",
        "2026-11-22T21:12:59.623050946Z",
        captured,
    );
}

#[test]
fn an_unknown_account_has_no_list_and_no_server_id() {
    let captured = include_str!("../fixtures/connz_unknown_account.json");
    let now = serde_json::from_str::<serde_json::Value>(captured).unwrap()["now"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_answers("acc=nope&state=closed&offset=3&limit=5", &now, captured);
}

#[test]
fn filters_combine_and_only_the_account_changes_the_total() {
    let cases: [(&str, &[u64], u64); 15] = [
        ("", &[10, 11, 12, 16], 4),
        ("acc=A", &[10], 1),
        ("acc=B&state=closed", &[14], 1),
        ("acc=B&state=any", &[11, 14], 2),
        ("user=ann", &[10], 4),
        ("user=bob&state=any", &[11, 14], 9),
        ("cid=11", &[11], 4),
        ("cid=7", &[], 4),
        ("cid=7&state=closed", &[7], 5),
        ("cid=11&user=ann", &[], 4),
        ("cid=11&acc=A", &[], 1),
        ("cid=11&offset=1", &[], 4),
        ("mqtt_client=x", &[], 4),
        ("offset=10", &[], 4),
        ("limit=2&offset=3", &[16], 4),
    ];
    for (query, cids, total) in cases {
        assert_eq!(shown(query), (cids.to_vec(), total), "{query}");
    }
}

#[test]
fn the_global_account_of_a_closed_connection_is_forgotten() {
    let options = options("acc=$G&state=any&auth=1");
    let global = |cid| python("[REDACTED]", "$G", conn(cid, 1, "01", "02", 0));
    let snapshot = Snapshot {
        account_known: true,
        open: vec![global(1)],
        closed: vec![closed("03", "Client Closed", global(2))],
        ..Snapshot::default()
    };
    let mut page = select(options, snapshot);
    let cids: Vec<u64> = page.conns_mut().iter().map(|conn| conn.cid.0).collect();
    assert_eq!(cids, [1]);
    let json: serde_json::Value = serde_json::from_slice(&page.response().body).unwrap();
    let conn = &json["connections"][0];
    assert_eq!(
        (
            &conn["authorized_user"],
            &conn["account"],
            &conn["name_tag"]
        ),
        (&"[REDACTED]".into(), &serde_json::Value::Null, &"$G".into())
    );
}

#[test]
fn every_sort_key_has_its_order_and_equals_go_by_number() {
    let cases: [(&str, &[u64]); 14] = [
        ("sort=cid", &[10, 11, 12, 16]),
        ("sort=start", &[10, 11, 12, 16]),
        ("sort=subs", &[10, 11, 12, 16]),
        (
            "sort=pending&state=any",
            &[13, 7, 9, 10, 11, 12, 14, 15, 16],
        ),
        (
            "sort=msgs_to&state=any",
            &[10, 7, 9, 11, 12, 13, 14, 15, 16],
        ),
        ("sort=msgs_from", &[10, 11, 12, 16]),
        ("sort=bytes_to", &[10, 11, 12, 16]),
        ("sort=bytes_from&state=any&limit=2", &[10, 7]),
        ("sort=last", &[16, 10, 11, 12]),
        ("sort=idle", &[12, 11, 10, 16]),
        ("sort=uptime", &[16, 12, 11, 10]),
        ("sort=uptime&state=closed", &[15, 13, 14, 9, 7]),
        ("sort=stop&state=closed", &[15, 14, 13, 9, 7]),
        ("sort=rtt", &[10, 11, 12, 16]),
    ];
    for (query, cids) in cases {
        assert_eq!(shown(query).0, cids, "{query}");
    }
}

#[test]
fn subscriptions_can_be_added_to_the_page_alone() {
    let mut page = select(
        options("subs=1&limit=1&offset=1"),
        Snapshot {
            account_known: true,
            open: vec![conn(1, 1, "01", "01", 0), conn(2, 2, "01", "01", 0)],
            ..Snapshot::default()
        },
    );
    for conn in page.conns_mut() {
        conn.subs.push(sub(conn.cid.0, "A", "late", "", "1"));
    }
    let json: serde_json::Value = serde_json::from_slice(&page.response().body).unwrap();
    assert_eq!(json["connections"][0]["cid"], 2);
    assert_eq!(
        json["connections"][0]["subscriptions_list"],
        serde_json::json!(["late"])
    );
    assert_eq!(json["num_connections"], 1);
}

#[test]
fn bad_values_are_refused_in_the_references_words_and_order() {
    let cases = [
        (
            "subs=zz&state=foo",
            r#"Error decoding boolean for 'subs': strconv.ParseBool: parsing "zz": invalid syntax"#,
        ),
        (
            "auth=yes",
            r#"Error decoding boolean for 'auth': strconv.ParseBool: parsing "yes": invalid syntax"#,
        ),
        (
            "offset=x",
            r#"Error decoding int for 'offset': strconv.Atoi: parsing "x": invalid syntax"#,
        ),
        (
            "limit=99999999999999999999",
            r#"Error decoding int for 'limit': strconv.Atoi: parsing "99999999999999999999": value out of range"#,
        ),
        (
            "cid=-1",
            r#"Error decoding uint64 for 'cid': strconv.ParseUint: parsing "-1": invalid syntax"#,
        ),
        ("state=foo", "Error decoding state for foo"),
        ("sort=foo", "invalid sorting option: foo"),
        ("sort=stop", "sort by stop only valid on closed connections"),
        (
            "sort=reason&state=any",
            "sort by reason only valid on closed connections",
        ),
    ];
    for (query, expect) in cases {
        assert_eq!(refused("/connz", query), expect, "{query}");
    }
    for fine in [
        "state=ALL",
        "state=Closed",
        "subs=DETAIL",
        "subs=T",
        "limit=-5",
        "callback=f",
    ] {
        options(fine);
    }
}
