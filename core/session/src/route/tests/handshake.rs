//! From the first byte to the registration: who says what when, and nothing before its time.

use gannet_config::RttThresholds;
use gannet_wire::s2::Mode;

use super::super::compression::{InUse, choose, level};
use super::*;

const CREATED: &str = "Info Route connection created";
const OUR_CONNECT: &str = r#"CONNECT {"echo":true,"verbose":false,"pedantic":false,"user":"me","pass":"pw","tls_required":false,"headers":true,"name":"N1","cluster":"C","lnoc":true,"ln":true}"#;

#[test]
fn an_acceptor_introduces_itself_and_registers_at_the_diallers_info() {
    let mut script = Script::new().accept();
    assert_eq!(
        script.said(),
        ["INFO N1 cluster=C compression=off", CREATED]
    );
    script.world.answer = Ok(Admission {
        place: Place::Pooled(2),
        replaces: None,
        is_followed: true,
    });
    script.hear(CONNECT);
    assert_eq!(script.said(), [""; 0]);
    script.hear(&info(r#","route_pool_idx":2,"gannet":"1""#));
    // The acceptor makes no further connections, so it asks nothing.
    let registered = "registered N2 Pooled(2) pool=Some(3) headers=true ip=nats-route://10.0.0.2:6222/ account=\"\"";
    assert_eq!(script.said(), [registered]);
    assert_eq!(
        *script.world.claims.borrow(),
        ["N2 dialled=false account=None size=3 index=2 ours=true"]
    );
    assert_eq!(script.link().compression(), "not supported");
    script.hear("PING\r\n");
    assert_eq!(script.said(), ["PONG"]);
}

#[test]
fn a_dialler_of_a_pooled_route_tells_its_place_after_the_acceptors_info() {
    let mut script = Script::new().dial(None, GossipMode::Disabled);
    assert_eq!(script.said(), [OUR_CONNECT, CREATED]);
    script.world.answer = Ok(Admission {
        place: Place::Pooled(1),
        replaces: None,
        is_followed: true,
    });
    script.hear(&info(r#","compression":"off","ip":"nats-route://adv:1/""#));
    assert_eq!(
        script.said(),
        [
            "INFO N1 cluster=C compression=off index=1 gossip=1",
            "registered N2 Pooled(1) pool=Some(3) headers=true ip=nats-route://adv:1/ account=\"\"",
            "PING"
        ]
    );
    script.now = script.now + S;
    script.hear("PONG\r\n");
    assert_eq!(script.said(), ["Rtt(1s)", "News(Confirmed)"]);
    script.hear("PONG\r\n");
    assert_eq!(script.said(), [""; 0]);
}

#[test]
fn nothing_is_asked_when_no_more_connections_follow() {
    let mut script = Script::new().dial_pool().begin();
    script.at(Place::Pooled(2));
    script.hear(&info(""));
    assert_eq!(
        script.said()[1..],
        [
            "registered N2 Pooled(2) pool=Some(3) headers=true ip=nats-route://[fe80::2]:6222/ account=\"\""
        ]
    );
}

#[test]
fn a_dialler_says_where_a_connection_belongs_only_once_it_has_registered_it() {
    let mut script = Script::new().dial(Some("P"), GossipMode::Override);
    assert_eq!(script.said(), [OUR_CONNECT, CREATED]);
    script.at(Place::Account("P".to_string()));
    script.hear(&info(r#","compression":"off""#));
    let ours = "INFO N1 cluster=C compression=off account=P gossip=2";
    let registered = "registered N2 Account(\"P\") pool=Some(3) headers=true ip=nats-route://[fe80::2]:6222/ account=\"P\"";
    assert_eq!(script.said(), [ours, registered]);
    assert_eq!(script.link().form().account, Some(&b"P"[..]));

    let mut script = Script::new();
    script.settings.pooling = false;
    let mut script = script.dial_pool();
    assert_eq!(script.said(), [OUR_CONNECT, CREATED]);
    script.at(Place::Only);
    script.hear(&info(r#","compression":"off""#));
    let ours = "INFO N1 cluster=C compression=off";
    let registered =
        "registered N2 Only pool=None headers=true ip=nats-route://[fe80::2]:6222/ account=\"\"";
    assert_eq!(script.said(), [ours, registered]);
}

#[test]
fn two_that_would_compress_if_the_other_did_do_not() {
    for account in [None, Some("P")] {
        let mut script =
            Script::compressing(Compression::Accept).dial(account, GossipMode::Default);
        assert_eq!(script.said(), [OUR_CONNECT, CREATED]);
        script.hear(&info(r#","compression":"accept""#));
        assert_eq!(script.said()[0], "INFO N1 cluster=C compression=off");
        assert_eq!(script.link().compression(), "off");
    }
}

#[test]
fn clu_15_a_dialler_agrees_on_compression_in_plain_and_says_the_rest_compressed() {
    let mut script = Script::compressing(Compression::Better);
    script.at(Place::Account("P".to_string()));
    let mut script = script.dial(Some("P"), GossipMode::Disabled).begin();
    script.hear(&info(r#","compression":"accept""#));
    assert_eq!(
        script.said(),
        [
            // Without the mode of gossip.
            "INFO N1 cluster=C compression=s2_better account=P",
            "WriteCompressed(Better)",
            "ReadCompressed"
        ]
    );
    assert_eq!(script.world.claims.borrow().len(), 0);
    script.hear(&info(r#","compression":"s2_better""#));
    assert_eq!(
        script.said(),
        [
            "INFO N1 cluster=C compression=s2_better account=P gossip=1",
            "registered N2 Account(\"P\") pool=Some(3) headers=true ip=nats-route://[fe80::2]:6222/ account=\"P\""
        ]
    );
    assert_eq!(script.link().compression(), "s2_better");
}

#[test]
fn clu_15_an_acceptor_answers_the_agreement_compressed_and_waits_for_the_rest() {
    let mut script = Script::compressing(Compression::Accept).accept();
    assert_eq!(script.said()[0], "INFO N1 cluster=C compression=accept");
    script.hear(CONNECT);
    script.hear(&info(r#","compression":"s2_best""#));
    assert_eq!(
        script.said(),
        [
            "WriteCompressed(Best)",
            "ReadCompressed",
            "INFO N1 cluster=C compression=s2_best"
        ]
    );
    script.hear(&info(r#","compression":"s2_best","route_account":"P""#));
    let registered = "registered N2 Pooled(0) pool=Some(3) headers=true ip=nats-route://10.0.0.2:6222/ account=\"P\"";
    assert_eq!(script.said(), [registered]);
}

#[test]
fn clu_15_the_level_follows_the_distance() {
    let auto = Compression::Auto(RttThresholds::default());
    let mut script = Script::compressing(auto).dial_pool().begin();
    script.now = script.now + Duration::from_millis(60);
    script.hear(&info(r#","compression":"s2_fast""#));
    assert_eq!(
        script.said()[..2],
        [
            "INFO N1 cluster=C compression=s2_auto",
            "WriteCompressed(Better)"
        ]
    );
    script.hear(&info(r#","compression":"s2_fast""#));
    assert_eq!(script.said()[0], "INFO N1 cluster=C compression=s2_auto");
    for (millis, wanted) in [
        (20, Some(Mode::Fast)),
        (30, None),
        (5, Some(Mode::Uncompressed)),
    ] {
        let ping = script.link().next_deadline();
        script.now = ping;
        script.call(|link, cx, out| link.as_mut().unwrap().tick(cx, out));
        script.said();
        script.now = script.now + Duration::from_millis(millis);
        script.hear("PONG\r\n");
        let change = wanted.map(|mode| format!("WriteCompressed({mode:?})"));
        let said = script.said();
        assert_eq!(
            said.iter().find(|line| line.starts_with('W')),
            change.as_ref()
        );
    }
    assert_eq!(script.link().compression(), "s2_uncompressed");
}

#[test]
fn clu_15_every_pair_of_modes_has_its_outcome() {
    use Compression::{Accept, Auto, Best, Better, Fast, NotSupported, Off};
    let on = |mode| Ok(InUse::On(mode));
    let auto = || Auto(RttThresholds::default());
    for (own, theirs, wanted) in [
        (NotSupported, "s2_fast", Ok(InUse::NotSupported)),
        (Off, "", Ok(InUse::NotSupported)),
        (Off, "gibberish", Ok(InUse::Off)),
        (Accept, "", Ok(InUse::NotSupported)),
        (Fast, "not supported", Ok(InUse::NotSupported)),
        (Fast, "off", Ok(InUse::Off)),
        (Accept, "accept", Ok(InUse::Off)),
        (Better, "accept", on(Mode::Better)),
        (auto(), "accept", on(Mode::Fast)),
        (Accept, "s2_auto", on(Mode::Fast)),
        (Accept, "s2_uncompressed", on(Mode::Uncompressed)),
        (Accept, "s2_best", on(Mode::Best)),
        (Best, "s2_fast", on(Mode::Best)),
        (
            Accept,
            "s3",
            Err("unsupported route compression mode \"s3\"".to_string()),
        ),
    ] {
        let rtt = Duration::from_millis(20);
        assert_eq!(choose(&own, theirs, rtt), wanted, "{own:?} {theirs}");
    }
}

#[test]
fn a_threshold_of_zero_takes_its_level_out() {
    let resolve = |millis: &[i64]| {
        let options = gannet_config::CompressionOptions {
            mode: "s2_auto".to_string(),
            rtt_thresholds: millis.iter().map(|ms| ms * 1_000_000).collect(),
        };
        match options.resolve() {
            Ok(Compression::Auto(thresholds)) => thresholds,
            other => panic!("{other:?}"),
        }
    };
    for (millis, rtts, wanted) in [
        (&[10, 50, 100][..], [0, 10, 100, 101], [0, 0, 2, 3]),
        (&[0, 0, 20], [0, 1, 20, 21], [2, 2, 2, 3]),
        (&[10], [0, 10, 11, 999], [0, 0, 0, 0]),
        (&[10, 20], [0, 15, 21, 999], [0, 1, 1, 1]),
    ] {
        let modes = [Mode::Uncompressed, Mode::Fast, Mode::Better, Mode::Best];
        let thresholds = resolve(millis);
        let found = rtts.map(|rtt| level(&thresholds, Duration::from_millis(rtt)));
        assert_eq!(found, wanted.map(|n: usize| modes[n]), "{millis:?}");
    }
}

#[test]
fn clu_03_a_made_up_name_is_given_up_in_the_same_breath() {
    let rename = "News(Rename { cluster: ClusterName { name: \"C\", is_dynamic: false }, server_id: \"N2\" })";
    let mut script = Script::made_up("x").accept();
    assert_eq!(
        script.said()[0],
        "INFO N1 cluster=x compression=off dynamic"
    );
    script.hear(CONNECT);
    assert_eq!(script.said(), [rename]);

    let mut script = Script::made_up("x").dial_pool().begin();
    script.hear(&info(r#","compression":"off""#));
    let said = script.said();
    assert_eq!(said[0], rename);
    assert_eq!(said[1], "INFO N1 cluster=C compression=off");
    assert!(said[2].starts_with("registered"));
    // A larger made-up one wins, too.
    let mut script = Script::made_up("B").dial_pool().begin();
    script.hear(&info(r#","cluster_dynamic":true"#));
    assert!(script.said()[0].contains("name: \"C\", is_dynamic: true"));
}
