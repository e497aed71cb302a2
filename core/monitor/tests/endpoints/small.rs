//! `/subsz`, `/healthz`, `/`, and what is answered without gathering anything.

use crate::common::{asked, assert_json, at, refused, server_id, text};
use gannet_monitor::subsz::{IndexStats, Options};
use gannet_monitor::{Endpoint, Request, SubInfo, healthz, request, root, subsz};
use gannet_units::ConnId;

fn subsz_options(path: &str, query: &str) -> Options {
    match asked(path, query) {
        Request::Subsz(options) => options,
        other => panic!("{other:?}"),
    }
}

fn subs() -> Vec<SubInfo> {
    let sub = |subject: &str, queue: &str, sid: &str, delivered, max| SubInfo {
        account: "A".into(),
        subject: subject.into(),
        queue: queue.into(),
        sid: sid.into(),
        delivered,
        max,
        cid: ConnId(10),
    };
    vec![
        sub("m", "", "3", 1, 5),
        sub("a.<b", "q1", "2", 0, 0),
        sub("a.*", "", "1", 3, 0),
    ]
}

fn subsz_answer(path: &str, query: &str, now: &str, stats: IndexStats) -> gannet_monitor::Response {
    let snapshot = subsz::Snapshot {
        server_id: server_id('C'),
        now: at(now),
        stats,
        subs: subs(),
    };
    subsz::respond(&subsz_options(path, query), snapshot)
}

const ACCOUNT: IndexStats = IndexStats {
    subscriptions: 7,
    cache_entries: 2,
    inserts: 8,
    removes: 1,
    matches: 2,
    cache_hits: 0,
    max_fanout: 1,
    total_fanout: 2,
};

const REST: IndexStats = IndexStats {
    subscriptions: 65,
    cache_entries: 20,
    inserts: 67,
    removes: 2,
    matches: 46,
    cache_hits: 26,
    max_fanout: 1,
    total_fanout: 8,
};

#[test]
fn figures_and_subscriptions_of_one_account() {
    let response = subsz_answer(
        "/subsz",
        "acc=A&subs=1",
        "2026-11-22T21:12:59.64066811Z",
        ACCOUNT,
    );
    assert_json(&response, include_str!("../fixtures/subsz_account.json"));
    let options = subsz_options("/subsz", "acc=A&subs=1");
    assert!(options.wants_list() && options.wants_account("A") && !options.wants_account("B"));
}

#[test]
fn figures_alone_keep_offset_and_limit_and_total_nothing() {
    let response = subsz_answer(
        "/subsz",
        "acc=A&offset=7&limit=3",
        "2026-11-22T21:12:59.645574035Z",
        ACCOUNT,
    );
    assert_json(&response, include_str!("../fixtures/subsz_figures.json"));
}

#[test]
fn a_test_subject_leaves_what_it_would_reach_and_accounts_add_up() {
    let mut stats = ACCOUNT;
    stats.add(&REST);
    let response = subsz_answer(
        "/subscriptionsz",
        "subs=1&test=a.b",
        "2026-11-22T21:12:59.643231311Z",
        stats,
    );
    assert_json(&response, include_str!("../fixtures/subsz_test.json"));
}

#[test]
fn pages_of_subscriptions_follow_each_other() {
    let page = |offset: usize| -> Vec<String> {
        let query = format!("subs=1&limit=2&offset={offset}");
        let body = subsz_answer("/subsz", &query, "2026-11-22T21:12:59Z", ACCOUNT).body;
        let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(json["total"], 3);
        let list = json["subscriptions_list"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        list.iter()
            .map(|sub| sub["subject"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(page(0), ["m", "a.<b"]);
    assert_eq!(page(2), ["a.*"]);
    assert_eq!(page(4), [""; 0]);
}

#[test]
fn a_test_subject_must_be_literal() {
    for subject in ["a.*", "a..b", ">", "."] {
        assert_eq!(
            refused("/subsz", &format!("test={subject}")),
            format!("invalid test subject, must be valid publish subject: {subject}")
        );
    }
    subsz_options("/subsz", "test=a+b");
}

fn health(query: &str, closed: &[&'static str]) -> (u16, String, Option<String>) {
    let Request::Healthz(options) = asked("/healthz", query) else {
        panic!("not healthz")
    };
    let health = healthz::check(
        &options,
        &healthz::Snapshot {
            closed_listeners: closed.to_vec(),
        },
    );
    let response = health.response();
    assert_eq!(
        response.headers,
        [
            ("Content-Type", "application/json".into()),
            ("Access-Control-Allow-Origin", "*".into())
        ]
    );
    (response.status, text(&response), health.warning())
}

#[test]
fn a_ready_server_without_jetstream_is_healthy_whatever_is_asked() {
    for query in [
        "",
        "details=1",
        "js-enabled=true",
        "js-enabled-only=1",
        "js-server-only=1",
        "js-meta-only=1",
        "account=A",
        "account=A&stream=S&consumer=C&details=1",
    ] {
        assert_eq!(
            health(query, &[]),
            (200, r#"{"status":"ok"}"#.into(), None),
            "{query}"
        );
    }
}

#[test]
fn a_stream_needs_an_account_and_a_consumer_a_stream() {
    let account = r#"\"account\" must not be empty when checking stream health"#;
    let stream = r#"\"stream\" must not be empty when checking consumer health"#;
    let plain = |error: &str| format!(r#"{{"status":"error","error":"{error}"}}"#);
    let warning = |error: &str| Some(format!("Healthcheck failed: \"{error}\""));
    assert_eq!(
        health("stream=S", &[]),
        (400, plain(account), warning(account))
    );
    assert_eq!(
        health("stream=S&consumer=C", &["server"]),
        (400, plain(account), warning(account))
    );
    assert_eq!(
        health("consumer=C", &[]),
        (400, plain(stream), warning(stream))
    );
    let details =
        format!(r#"{{"status":"error","errors":[{{"type":"BAD_REQUEST","error":"{account}"}}]}}"#);
    assert_eq!(
        health("stream=S&details=true", &[]),
        (400, details, Some("Healthcheck failed: 1 errors".into()))
    );
}

#[test]
fn a_listener_that_does_not_accept_makes_the_server_unhealthy() {
    let error = "failed to be ready for connections after 1ms: server, gateway";
    let plain = format!(r#"{{"status":"error","error":"{error}"}}"#);
    let closed = ["server", "gateway"];
    assert_eq!(
        health("", &closed),
        (500, plain, Some(format!("Healthcheck failed: \"{error}\"")))
    );
    let details =
        format!(r#"{{"status":"error","errors":[{{"type":"CONNECTION","error":"{error}"}}]}}"#);
    assert_eq!(health("details=1", &closed).1, details);
}

#[test]
fn health_options_are_read_even_if_nothing_heeds_them() {
    for key in [
        "js-enabled",
        "js-enabled-only",
        "js-server-only",
        "js-meta-only",
        "details",
    ] {
        assert_eq!(
            refused("/healthz", &format!("{key}=x")),
            format!(
                "Error decoding boolean for '{key}': strconv.ParseBool: parsing \"x\": invalid syntax"
            )
        );
    }
    let Request::Healthz(options) = asked("/healthz", "js-enabled=1") else {
        panic!("not healthz")
    };
    assert_eq!(
        options.warning(),
        Some("Healthcheck: js-enabled deprecated, use js-enabled-only instead")
    );
}

#[test]
fn the_root_page_links_every_other_endpoint_and_shows_the_version() {
    let page = |base: &str| {
        let response = root::respond(&root::Snapshot {
            base_path: base.into(),
            server_name: "<s>".into(),
            version: "0.1.0".into(),
            compatible: "2.15.1".into(),
        });
        assert_eq!(response.status, 200);
        assert_eq!(
            response.headers,
            [("Content-Type", "text/html; charset=utf-8".into())]
        );
        text(&response)
    };
    let (plain, below) = (page(""), page("/a/mon"));
    for endpoint in Endpoint::ALL
        .into_iter()
        .filter(|endpoint| *endpoint != Endpoint::Root)
    {
        assert!(
            plain.contains(&format!("href=\".{}\"", endpoint.path())),
            "{endpoint:?}"
        );
        assert!(
            below.contains(&format!("href=\"./mon{}\"", endpoint.path())),
            "{endpoint:?}"
        );
    }
    assert!(
        plain.contains("Gannet v0.1.0")
            && plain.contains("v2.15.1")
            && plain.contains("<h1>&lt;s&gt;</h1>")
    );
}

#[test]
fn unknown_paths_are_not_found_and_unclean_ones_moved() {
    let refused = request("/mon", "/varz", "").unwrap_err();
    assert_eq!((refused.response.status, refused.counts), (404, None));
    assert_eq!(text(&refused.response), "404 page not found\n");
    assert_eq!(
        refused.response.headers,
        [
            ("Content-Type", "text/plain; charset=utf-8".into()),
            ("X-Content-Type-Options", "nosniff".into())
        ]
    );
    let unbuilt = request("mon", "/mon/accountz", "acc=A").unwrap_err();
    assert_eq!((unbuilt.response.status, unbuilt.counts), (404, None));
    assert_eq!(
        text(&unbuilt.response),
        "/accountz is known but not supported yet by this version of Gannet (monitoring)\n"
    );
    let moved = request("", "//connz", "limit=3&auth=1")
        .unwrap_err()
        .response;
    assert_eq!(moved.status, 307);
    assert_eq!(
        moved.headers[1],
        ("Location", "/connz?limit=3&auth=1".into())
    );
    assert_eq!(
        text(&moved),
        "<a href=\"/connz?limit=3&amp;auth=1\">Temporary Redirect</a>.\n\n"
    );
}

#[test]
fn requests_are_counted_as_the_reference_counts_them() {
    let counted = |path: &str, query: &str| match request("", path, query) {
        Ok(request) => Some(request.endpoint()),
        Err(refused) => refused.counts,
    };
    assert_eq!(counted("/", ""), Some(Endpoint::Root));
    assert_eq!(counted("/varz", ""), Some(Endpoint::Varz));
    assert_eq!(counted("/connz", "subs=zz"), None);
    assert_eq!(counted("/connz", "sort=zz"), Some(Endpoint::Connz));
    assert_eq!(counted("/subscriptionsz", "subs=zz"), Some(Endpoint::Subsz));
    assert_eq!(counted("/gatewayz", "subs=zz"), Some(Endpoint::Gatewayz));
    assert_eq!(counted("/healthz", "details=zz"), Some(Endpoint::Healthz));
    assert_eq!(counted("/nope", ""), None);
}
