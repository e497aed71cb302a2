//! A registered connection: news, keep-alive, changes.

use gannet_wire::route::RouteOp;
use gannet_wire::s2::Mode;

use super::*;

fn info_line_of(json: &str) -> String {
    format!("INFO {json}\r\n")
}

#[test]
fn traffic_is_for_the_switchboard_once_registered() {
    let interest = b"RS+ A foo\r\n";
    let accepts = |script: &Script| {
        let limits = script.link().limits(LIMITS);
        match decode(interest, &script.link().form(), &limits) {
            Ok(Decoded::Op { op, .. }) => script.link().accepts(&op),
            other => panic!("{other:?}"),
        }
    };
    let mut script = Script::new().accept().begin();
    script.hear(CONNECT);
    assert!(!accepts(&script));
    assert_eq!(script.link().limits(LIMITS).payload, 0);
    // Interest before the INFO means nothing.
    script.hear("RS+ A foo\r\n");
    script.hear(&info(""));
    assert!(accepts(&script));
    assert_eq!(script.link().limits(LIMITS), LIMITS);
    assert!(script.link().form().unsub_origin);
    assert!(!script.link().accepts(&RouteOp::Ping));
}

#[test]
fn news_of_another_server_is_gossip_and_of_nobody_is_nothing() {
    let mut script = inbound();
    let json = r#"{"server_id":"N3","cluster":"C","ip":"nats-route://10.0.0.3:6222/"}"#;
    script.hear(&info_line_of(json));
    assert_eq!(core::mem::take(&mut script.out), [gossip_of(json)]);
    script.hear(&info_line_of("{}"));
    assert_eq!(script.said(), [""; 0]);
    script.hear(&info_line_of(r#"{"server_id":"N1"}"#));
    assert_eq!(script.said()[1], "close Duplicate Route, ToSelf");
    let mut script = inbound();
    script.hear(&info_line_of(r#"{"server_id":"N3","cluster":"X"}"#));
    assert_eq!(script.said()[1], "close Cluster Name Conflict, Refused");
}

#[test]
fn gw_43_news_of_another_cluster_is_for_the_gateways_if_there_are_any() {
    let line = info_line_of(
        r#"{"server_id":"GWN2","gateway":"D","gateway_urls":["h:1"],"gateway_cmd":1}"#,
    );
    let mut script = inbound();
    script.hear(&line);
    assert_eq!(
        script.said(),
        ["GatewayGossip { gateway: \"D\", urls: [\"h:1\"] }"]
    );
    script.hear(&line.replace("\"gateway_cmd\":1", "\"gateway_cmd\":9"));
    assert_eq!(
        script.said(),
        ["Error Unknown command 9 from server \"N2\""]
    );
    script.settings.has_gateways = false;
    script.hear(&line);
    assert_eq!(
        script.said(),
        ["Error Received information about gateway \"D\" from N2, but gateway is not configured"]
    );
}

#[test]
fn clu_26_an_account_moves_by_question_and_answer() {
    let question =
        r#"{"server_id":"","route_pool_size":2,"route_account":"P","route_acc_add_reqid":"id"}"#;
    let mut script = inbound();
    script.hear(&info_line_of(question));
    let asked = ServerInfo::parse(question.as_bytes()).expect("JSON");
    let news = News::AccountLeaves(Box::new(asked));
    assert_eq!(core::mem::take(&mut script.out), [Output::News(news)]);
    script.hear(&info_line_of(&question.replace("\"P\"", "\"\"")));
    assert_eq!(script.said(), [""; 0], "we do not ask");
    script.hear(&info_line_of(&question.replace("\"P\"", "\"NOPE\"")));
    assert_eq!(
        script.said(),
        ["Error Error looking up account \"NOPE\": account missing"]
    );
}

#[test]
fn clu_12_new_permissions_are_told_once_and_a_lame_duck_is_noticed() {
    let mut script = inbound();
    let update = info(r#","export":{"allow":["foo"]}"#);
    script.hear(&update);
    let said = script.said();
    assert_eq!(said.len(), 1);
    assert!(said[0].starts_with("PeerPermissions { import: None, export: Some("));
    script.hear(&update);
    assert_eq!(script.said(), [""; 0]);
    script.hear(&info(r#","ldm":true"#));
    assert_eq!(script.said(), ["News(LameDuck)"]);
}

#[test]
fn clu_18_a_silent_peer_is_pinged_and_then_stale() {
    let mut script = inbound();
    let first = script.link().next_deadline();
    assert!(first >= Moment::START + S && first < Moment::START + S * 12 / 10);
    // At most 30 seconds apart, whatever is configured.
    for secs in [2, 32] {
        script.tick_at(secs);
        assert_eq!(script.said(), ["PING"]);
    }
    script.tick_at(62);
    assert_eq!(script.said()[0], "-ERR 'Stale Connection'");
}

#[test]
fn who_asks_after_a_place_has_its_holder_tested() {
    let probe = |link: &mut Option<Link>, cx: &Context<'_>, out: &mut Vec<Output>| {
        link.as_mut().unwrap().probe(cx, out);
    };
    for answers in [true, false] {
        let mut script = inbound();
        script.call(probe);
        script.call(probe);
        assert_eq!(script.said(), ["PING"]);
        if answers {
            script.hear("PONG\r\n");
        }
        script.tick_at(2);
        assert_eq!(script.link().is_closed(), !answers);
    }
}

#[test]
fn a_new_compression_is_taken_over_or_negotiated_anew() {
    let change = |link: &mut Option<Link>, cx: &Context<'_>, out: &mut Vec<Output>| {
        link.as_mut().unwrap().compression_changed(cx, out);
    };
    let mut script = Script::compressing(Compression::Fast).dial_pool();
    script.hear(&info(r#","compression":"accept""#));
    script.hear(&info(r#","compression":"s2_fast""#));
    let mut script = script.begin();
    script.settings.compression = Compression::Best;
    script.call(change);
    assert_eq!(
        core::mem::take(&mut script.out),
        [Output::WriteCompressed(Mode::Best)]
    );
    script.call(change);
    assert_eq!(script.said(), [""; 0]);
    script.settings.compression = Compression::Off;
    script.call(change);
    assert_eq!(script.said()[1], "close Client Closed, Plain");

    let mut script = inbound();
    script.call(change);
    assert!(!script.link().is_closed());
    script.settings.compression = Compression::Accept;
    script.call(change);
    assert!(script.link().is_closed());
}

#[test]
fn its_owner_can_end_it_once() {
    let mut script = inbound();
    for _ in 0..2 {
        script.call(|link, _, out| {
            link.as_mut()
                .unwrap()
                .close(crate::CloseReason::RouteRemoved, out)
        });
    }
    assert_eq!(
        script.said(),
        [
            "Info Router connection closed: Route Removed - Remote: s2",
            "close Route Removed, Plain"
        ]
    );
}

#[test]
fn a_peer_that_is_to_have_no_route_any_more_says_so() {
    for (text, ending) in [("Route Removed", "SentAway"), ("Something Else", "Refused")] {
        let mut script = inbound();
        script.hear(&format!("-ERR '{text}'\r\n"));
        let said = script.said();
        assert_eq!(said[0], format!("Error Route Error '{text}'"));
        assert_eq!(
            said.last().map(String::as_str),
            Some(format!("close Parse Error, {ending}").as_str())
        );
    }
}

#[test]
fn other_options_make_other_pings_and_other_passwords() {
    let change = |link: &mut Option<Link>, cx: &Context<'_>, out: &mut Vec<Output>| {
        link.as_mut().unwrap().options_changed(cx, out);
    };
    let begun = || {
        let mut script = Script::with_password("pw").accept();
        script
            .hear("CONNECT {\"user\":\"u\",\"pass\":\"pw\",\"name\":\"N2\",\"cluster\":\"C\"}\r\n");
        script.hear(&info(""));
        script.begin()
    };
    let mut script = begun();
    script.settings.ping_interval = S / 2;
    script.call(change);
    assert!(script.link().next_deadline() <= Moment::START + S / 2);
    assert_eq!(script.said(), [""; 0], "the password is still right");

    script.settings.auth.password = Secret::new("other");
    script.call(change);
    let said = script.said();
    assert_eq!(said[1], "-ERR 'Authorization Violation'", "{said:?}");
    assert!(script.link().is_closed());

    for is_right in [true, false] {
        let mut script = begun();
        script.settings.auth.password =
            Secret::new("$2a$04$P/.bd.7unw9Ew7yWJqXsl.f4oNRLQGvadEL2YnqQXbbb.IVQajRdK");
        script.call(change);
        assert!(matches!(script.out[..], [Output::CheckPassword { .. }]));
        script.call(|link, cx, out| link.as_mut().unwrap().password_checked(is_right, cx, out));
        assert_eq!(script.link().is_closed(), !is_right);
    }

    // Whom we dialled has shown us nothing.
    let mut script = Script::new().dial_pool();
    script.hear(&info(""));
    let mut script = script.begin();
    script.settings.auth.user = Some("u".to_string());
    script.call(change);
    assert!(!script.link().is_closed());
}

#[test]
fn clu_26_each_pong_answers_its_own_ping() {
    let mut script = inbound();
    let link = script.link.as_mut().expect("a link");
    link.sync(7, &mut script.out);
    let link = script.link.as_mut().expect("a link");
    link.sync(8, &mut script.out);
    assert_eq!(script.said(), ["PING", "PING"]);
    for token in [7, 8] {
        script.hear("PONG\r\n");
        let said = script.said();
        assert!(
            said.contains(&alloc::format!("Synced({token})")),
            "{said:?}"
        );
    }
    script.hear("PONG\r\n");
    assert_eq!(script.said(), [""; 0]);
}

#[test]
fn clu_26_one_of_ours_asks_for_its_messages_and_tells_its_size() {
    let mut script = inbound();
    script.hear("INFO {\"gannet_turn\":[\"A\",\"B\"]}\r\n");
    assert_eq!(script.said(), ["Turn([\"A\", \"B\"])"]);
}
