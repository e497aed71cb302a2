//! `/routez` against the reference server's answers: two servers of a cluster of three, with a pool
//! of three and an account with routes of its own. One has permissions and compresses by distance.

use std::time::Duration;

use crate::common::{asked, assert_json, at, refused, server_id, text};
use gannet_monitor::routez::{Options, Route, Snapshot, respond};
use gannet_monitor::{ConnInfo, ConnKind, Endpoint, Request, SubInfo, request};
use gannet_units::ConnId;
use gannet_wire::server_info::SubjectPermission;

fn options(query: &str) -> Options {
    match asked("/routez", query) {
        Request::Routez(options) => options,
        other => panic!("{other:?}"),
    }
}

/// Times are `[seconds after 00:57, minutes and seconds after 00:00]` of the day.
fn route(cid: u64, peer: &str, port: u16, times: [&str; 2], rtt: u64) -> Route {
    let [start, last] = times;
    let letter = match peer {
        "n1" => 'B',
        "n2" => 'C',
        _ => 'D',
    };
    Route {
        conn: ConnInfo {
            cid: ConnId(cid),
            kind: ConnKind::Router,
            ip: "127.0.0.1".into(),
            port,
            start: at(&format!("2026-11-23T00:57:{start}Z")),
            last_activity: at(&format!("2026-11-23T00:{last}Z")),
            rtt: Duration::from_nanos(rtt),
            name: server_id(letter),
            ..ConnInfo::default()
        },
        remote_name: peer.into(),
        did_solicit: peer != "n3",
        is_configured: peer != "n3",
        compression: "s2_uncompressed".into(),
        ..Route::default()
    }
}

fn of_account(account: &str, mut route: Route) -> Route {
    route.conn.account = account.into();
    route
}

fn sent(msgs: u64, bytes: u64, mut route: Route) -> Route {
    (route.conn.out_msgs, route.conn.out_bytes) = (msgs, bytes);
    route
}

/// Gives a route interest as `(account, subject, queue, delivered)`.
fn with(subs: &[(&str, &str, &str, u64)], mut route: Route) -> Route {
    let info = |(account, subject, queue, delivered): &(&str, &str, &str, u64)| SubInfo {
        account: (*account).into(),
        subject: (*subject).into(),
        queue: (*queue).into(),
        delivered: *delivered,
        cid: route.conn.cid,
        ..SubInfo::default()
    };
    route.conn.num_subs = u32::try_from(subs.len()).unwrap();
    route.conn.subs = subs.iter().map(info).collect();
    route
}

fn permission(allow: &[&str], deny: &[&str]) -> Option<SubjectPermission> {
    let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect();
    Some(SubjectPermission {
        allow: owned(allow),
        deny: owned(deny),
    })
}

fn import() -> Option<SubjectPermission> {
    permission(&["foo", "x.>"], &["x.secret"])
}

fn export() -> Option<SubjectPermission> {
    permission(&["foo", "bar.*", "_INBOX.>"], &[])
}

/// The server with permissions.
fn first() -> Snapshot {
    let b2 = [("B", "bar.<b", "q2", 0), ("B", "foo", "", 1)];
    let a2 = [("A", "bar.*", "q1", 1), ("A", "foo", "", 1)];
    let r = route;
    let pool = [
        r(
            15,
            "n3",
            44458,
            ["55.232027099", "57:55.232160557"],
            242_000,
        ),
        r(
            14,
            "n2",
            44456,
            ["55.227983011", "57:55.228164591"],
            215_000,
        ),
        r(
            16,
            "n2",
            44466,
            ["55.236011934", "57:55.236108958"],
            405_000,
        ),
        r(
            13,
            "n3",
            44442,
            ["55.226829886", "57:55.226923004"],
            934_000,
        ),
    ];
    let system = [
        r(
            9,
            "n3",
            44400,
            ["55.198881701", "57:55.212072163"],
            1_907_527,
        ),
        r(
            10,
            "n2",
            44436,
            ["55.205388966", "57:55.227174193"],
            290_000,
        ),
    ];
    let a2 = with(
        &a2,
        r(12, "n2", 44418, ["55.20840741", "58:35.697402581"], 451_000),
    );
    let a3 = r(7, "n3", 44416, ["55.198410015", "58:34.695384392"], 969_000);
    let b2 = with(
        &b2,
        r(
            11,
            "n2",
            44432,
            ["55.208005542", "58:35.697298095"],
            715_000,
        ),
    );
    let b3 = r(8, "n3", 44412, ["55.198721182", "58:35.697298095"], 302_000);
    let b3 = with(&[("B", "foo", "qq", 1)], b3);
    let routes = system.map(|route| of_account("SYS", route));
    let single = [of_account("A", a3), sent(2, 8, of_account("A", a2))];
    Snapshot {
        server_id: server_id('B'),
        server_name: "n1".into(),
        now: at("2026-11-23T00:58:37.584345948Z"),
        import: import(),
        export: export(),
        routes: routes
            .into_iter()
            .chain(single)
            .chain([sent(1, 5, b2), sent(1, 5, b3)])
            .chain(pool)
            .collect(),
    }
}

/// A neighbour of the server with permissions.
fn second() -> Snapshot {
    let r = |cid, peer: &str, port, times, rtt| {
        let own = if peer == "n1" { import() } else { None };
        Route {
            did_solicit: true,
            is_configured: true,
            export: own.as_ref().and_then(|_| export()),
            import: own,
            compression: "s2_fast".into(),
            ..route(cid, peer, port, times, rtt)
        }
    };
    let received = |msgs, bytes, mut route: Route| {
        (route.conn.in_msgs, route.conn.in_bytes) = (msgs, bytes);
        route
    };
    let b1 = r(7, "n1", 47301, ["55.204315851", "58:35.69738595"], 323_000);
    let b3 = r(9, "n3", 47303, ["55.204501767", "58:34.69534951"], 238_000);
    let a1 = r(
        11,
        "n1",
        47301,
        ["55.204560104", "58:35.697476675"],
        425_000,
    );
    let a3 = r(
        16,
        "n3",
        57374,
        ["55.235692329", "58:34.695340327"],
        141_000,
    );
    let s3 = r(
        12,
        "n3",
        47303,
        ["55.204596974", "58:34.694970577"],
        179_000,
    );
    let mut s3 = sent(9, 13243, received(9, 13235, of_account("SYS", s3)));
    s3.conn.num_subs = 53;
    Snapshot {
        server_id: server_id('C'),
        server_name: "n2".into(),
        now: at("2026-11-23T00:58:37.594920336Z"),
        routes: vec![
            received(1, 5, b1),
            r(
                13,
                "n1",
                47301,
                ["55.228089749", "57:55.230313371"],
                160_000,
            ),
            r(
                15,
                "n1",
                47301,
                ["55.235606591", "57:55.238353149"],
                239_000,
            ),
            with(&[("B", "foo", "qq", 0)], b3),
            r(
                17,
                "n3",
                47303,
                ["55.235788231", "57:55.237298407"],
                223_000,
            ),
            r(
                18,
                "n3",
                47303,
                ["55.238262104", "57:55.239326537"],
                218_000,
            ),
            received(2, 8, of_account("A", with(&[("A", "foo", "", 0)], a1))),
            of_account("A", with(&[("A", "x.y", "", 0)], a3)),
            of_account(
                "SYS",
                r(8, "n1", 47301, ["55.204410377", "57:55.219811716"], 231_000),
            ),
            s3,
        ],
        ..Snapshot::default()
    }
}

#[test]
fn routes_with_what_came_over_them_in_detail() {
    for query in ["subs=detail", "subs=DeTail"] {
        assert_json(
            &respond(&options(query), &first()),
            include_str!("../fixtures/routez_detail.json"),
        );
    }
}

#[test]
fn routes_with_the_subjects_and_the_permissions_of_the_other_end() {
    assert!(options("subs=1").wants_subscriptions());
    assert_json(
        &respond(&options("subs=1"), &second()),
        include_str!("../fixtures/routez_subjects.json"),
    );
}

#[test]
fn subscriptions_are_only_counted_unless_asked_for() {
    for query in ["", "subs=", "subs=0", "subs=false", "x=1"] {
        assert!(!options(query).wants_subscriptions(), "{query}");
        let page: serde_json::Value =
            serde_json::from_slice(&respond(&options(query), &first()).body).unwrap();
        let route = &page["routes"][6];
        assert_eq!(
            (&route["rid"], &route["subscriptions"]),
            (&12.into(), &2.into())
        );
        assert_eq!(route.get("subscriptions_list"), None);
        assert_eq!(route.get("subscriptions_list_detail"), None);
    }
}

#[test]
fn a_server_without_routes_has_an_empty_list() {
    let snapshot = Snapshot {
        server_id: server_id('B'),
        server_name: "v".into(),
        now: at("2026-11-23T01:05:18.193887899Z"),
        ..Snapshot::default()
    };
    assert_json(
        &respond(&options("subs=detail"), &snapshot),
        include_str!("../fixtures/routez_none.json"),
    );
}

#[test]
fn a_permission_without_subjects_is_shown_and_a_missing_one_is_not() {
    let snapshot = Snapshot {
        import: permission(&[], &[]),
        export: permission(&[], &["foo"]),
        ..Snapshot::default()
    };
    let got = text(&respond(&options(""), &snapshot));
    let permissions = "  \"import\": {},\n  \"export\": {\n    \"deny\": [\n      \"foo\"\n    ]\n  },\n  \"num_routes\": 0,\n";
    assert!(got.contains(permissions), "{got}");
}

#[test]
fn a_route_that_has_settled_little_yet_leaves_it_out() {
    let bare = Snapshot {
        routes: vec![Route::default()],
        ..Snapshot::default()
    };
    let page: serde_json::Value =
        serde_json::from_slice(&respond(&options("subs=1"), &bare).body).unwrap();
    assert_eq!(
        page["routes"][0],
        serde_json::json!({
            "rid": 0, "remote_id": "", "remote_name": "", "did_solicit": false, "is_configured": false,
            "ip": "", "port": 0, "start": "1970-01-01T00:00:00Z", "last_activity": "1970-01-01T00:00:00Z",
            "rtt": "0s", "uptime": "0s", "idle": "0s", "pending_size": 0, "in_msgs": 0, "out_msgs": 0,
            "in_bytes": 0, "out_bytes": 0, "subscriptions": 0
        })
    );
}

#[test]
fn a_bad_value_is_refused_and_not_counted() {
    assert_eq!(
        refused("/routez", "subs=zz"),
        "Error decoding boolean for 'subs': strconv.ParseBool: parsing \"zz\": invalid syntax"
    );
    assert_eq!(request("", "/routez", "subs=zz").unwrap_err().counts, None);
    assert_eq!(asked("/routez", "").endpoint(), Endpoint::Routez);
    assert!(request("", "/routez/", "").is_err());
}
