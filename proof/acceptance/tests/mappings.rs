//! Mappings: subjects that a server renames while messages pass (rows MAP-01 to MAP-15).

use gannet_acceptance::server::REFUSED;
use gannet_acceptance::{
    Kind, Seeds, Server, SuperCluster, Wire, both, eventually, later, pairs, play,
};
use serde_json::json;
use std::collections::BTreeMap;

fn with(kind: Kind, mappings: &str) -> Server {
    Server::start(kind, &format!("mappings {{\n{mappings}\n}}"))
}

/// Publishes `count` messages on `subject`; answers how many arrive on which subject.
fn arrivals(server: &Server, subject: &str, count: usize) -> BTreeMap<String, usize> {
    let mut client = Wire::client(server);
    client.send("SUB > 1\r\n");
    client.send(&format!("PUB {subject} 0\r\n\r\n").repeat(count));
    client.send("PING\r\n");
    let mut arrivals = BTreeMap::new();
    loop {
        let line = client.line();
        if line == "PONG" {
            return arrivals;
        }
        assert_eq!(client.line(), "");
        let arrived = line.split(' ').nth(1).expect("a subject");
        *arrivals.entry(arrived.to_owned()).or_default() += 1;
    }
}

/// Asserts that of so many messages, each subject gets its share in percent, as far as chance allows. What no share
/// names may not arrive at all.
#[track_caller]
fn expect_shares(server: &Server, subject: &str, shares: &[(&str, usize)]) {
    const MESSAGES: usize = 10_000;
    // More than six times the standard deviation of a fair half.
    const SLACK: usize = 320;
    let arrivals = arrivals(server, subject, MESSAGES);
    for (subject, percent) in shares {
        let (have, want) = (
            arrivals.get(*subject).copied().unwrap_or(0),
            MESSAGES / 100 * percent,
        );
        assert!(
            have.abs_diff(want) <= SLACK,
            "{subject}: {have} of {want} in {arrivals:?}"
        );
    }
    let known = |subject: &String| shares.iter().any(|(known, _)| known == subject);
    assert!(arrivals.keys().all(known), "{arrivals:?}");
}

/// Asserts that `published` arrives as `subject`, and as nothing else.
#[track_caller]
fn expect_one(server: &Server, published: &str, subject: &str) {
    let arrivals = arrivals(server, published, 1);
    assert_eq!(
        arrivals,
        BTreeMap::from([(subject.to_owned(), 1)]),
        "{published}"
    );
}

both! {
    /// MAP-01, MAP-02: a message goes to the other subject with all that it carries, and only there; what comes out is
    /// not mapped again.
    #[test]
    fn map_01_map_02_a_message_is_renamed_once(kind: Kind) {
        play(&with(kind, "foo: bar\nbar: baz"), r#"
            a connect {"headers":true}
            b connect {"headers":true}
            a> SUB foo 1
            a> SUB bar 2
            a> SUB baz 3
            a> SUB bar group 4
            a fence
            b>> PUB foo reply 2\r\nhi\r\n
            b fence
            a< MSG bar <*> reply 2
            a< hi
            a< MSG bar <*> reply 2
            a< hi
            a fence
            b>> HPUB bar reply 18 20\r\nNATS/1.0\r\na: b\r\n\r\nhi\r\n
            b fence
            a< HMSG baz 3 reply 18 20
            a< NATS/1.0
            a< a: b
            a<
            a< hi
            a fence
            b>> PUB baz 0\r\n\r\n
            b fence
            a< MSG baz 3 0
            a<
            a fence
        "#);
    }

    /// MAP-02: what a client may publish is asked about the subject that comes out.
    #[test]
    fn map_02_permissions_are_those_of_the_new_subject(kind: Kind) {
        let server = Server::start(kind, r#"
            authorization { users: [
                {user: a, password: a, permissions: { publish: { allow: [bar, out], deny: [in] } }}
                {user: b, password: b}
            ] }
            mappings { foo: bar, out: in }
        "#);
        play(&server, r#"
            b connect {"user":"b","pass":"b"}
            b> SUB > 1
            b fence
            a connect {"user":"a","pass":"a"}
            a> PUB foo 0
            a>
            a fence
            b< MSG bar 1 0
            b<
            a> PUB out 0
            a>
            a< -ERR 'Permissions Violation for Publish to "in"'
            b fence
        "#);
    }

    /// MAP-03: of several mappings for one subject one applies.
    #[test]
    fn map_03_one_mapping_applies(kind: Kind) {
        let server = with(kind, "\"a.*\": \"x.$1\"\n\"a.b\": y\n\"a.>\": \"z.>\"");
        let arrivals = arrivals(&server, "a.b", 20);
        // Only for the reference server does a file not say which.
        let first = match kind {
            Kind::Gannet => "x.b",
            Kind::Go => arrivals.keys().next().expect("it arrives"),
        };
        assert_eq!(arrivals, BTreeMap::from([(first.to_owned(), 20)]));
        let others = ["x.b", "y", "z.b"];
        assert!(others.contains(&first), "{first}");
    }

    /// MAP-04 to MAP-06, MAP-08 to MAP-10: every function, and some of its spellings.
    #[test]
    fn map_04_to_map_10_functions_make_subjects(kind: Kind) {
        let table = [
            ("swap.*.*", "to.$2.$1", "swap.a.b", "to.b.a"),
            ("named.*.*", "to.{{wildcard(2)}}.{{ Wildcard( 1 ) }}", "named.a.b", "to.b.a"),
            ("drop.*.*", "to.$2", "drop.a.b", "to.b"),
            ("all.*.>", "to.$1.x.>", "all.a.b.c", "to.a.x.b.c"),
            ("hash.*.*", "to.$1.{{partition(10,1,2)}}", "hash.foo.bar", "to.foo.0"),
            ("spaces.*", "to.{{ Partition( 10 , 1 ) }}", "spaces.foo", "to.3"),
            ("whole.*", "to.{{partition(10)}}", "whole.foo", "to.8"),
            ("split.*", "to.{{split(1,-)}}", "split.a-b--c-", "to.a.b.c"),
            ("sfl.*", "to.{{SplitFromLeft(1,3)}}", "sfl.12345", "to.123.45"),
            ("sfl2.*", "to.{{splitfromleft(1,9)}}", "sfl2.12345", "to.12345"),
            ("sfr.*", "to.{{SplitFromRight(1,3)}}", "sfr.12345", "to.12.345"),
            ("slice.*", "to.{{SliceFromLeft(1,2)}}", "slice.12345", "to.12.34.5"),
            ("slicer.*", "to.{{SliceFromRight(1,2)}}", "slicer.12345", "to.1.23.45"),
            ("left.*", "to.{{left(1,2)}}", "left.12345", "to.12"),
            ("right.*", "to.{{Right(1,2)}}", "right.12345", "to.45"),
            ("short.*", "to.{{left(1,9)}}.{{right(1,0)}}", "short.12", "to.12.12"),
        ];
        let lines = table.map(|(source, destination, _, _)| format!("\"{source}\": \"{destination}\""));
        let server = with(kind, &lines.join("\n"));
        for (_, _, published, subject) in table {
            expect_one(&server, published, subject);
            expect_one(&server, published, subject);
        }
    }

    /// MAP-05: all partitions are used, and a subject stays in its own.
    #[test]
    fn map_05_partitions_are_used_evenly(kind: Kind) {
        let server = with(kind, "\"from.*\": \"to.{{partition(4,1)}}.$1\"");
        let mut client = Wire::client(&server);
        client.send("SUB > 1\r\n");
        let mut counts = [0; 4];
        for number in 0..400 {
            let mut heard = Vec::new();
            for _ in 0..2 {
                client.send(&format!("PUB from.{number} 0\r\n\r\n"));
                heard.push(client.line());
                assert_eq!(client.line(), "");
            }
            assert_eq!(heard[0], heard[1]);
            let partition = heard[0].split('.').nth(1).and_then(|number| number.parse::<usize>().ok());
            counts[partition.expect("a partition")] += 1;
        }
        assert!(counts.iter().all(|count| (70..130).contains(count)), "{counts:?}");
    }

    /// MAP-07: random numbers from zero on, each as often as any.
    #[test]
    fn map_07_random_numbers_are_spread(kind: Kind) {
        let server = with(kind, "foo: \"to.{{random(4)}}\"\nsame: \"to.{{Random(1)}}\"");
        expect_shares(&server, "foo", &[("to.0", 25), ("to.1", 25), ("to.2", 25), ("to.3", 25)]);
        expect_one(&server, "same", "to.0");
    }

    /// MAP-08: what has an empty token in the end reaches nobody.
    #[test]
    fn map_08_what_becomes_no_subject_is_lost(kind: Kind) {
        let server = with(kind, "\"from.*\": \"to.{{split(1,-)}}\"");
        assert_eq!(arrivals(&server, "from.--", 3), BTreeMap::new());
        expect_one(&server, "from.-a-", "to.a");
    }

    /// MAP-12: each destination gets its share, in numbers or percent.
    #[test]
    fn map_12_weights_share_messages_out(kind: Kind) {
        let server = with(kind, r#"
            foo: [ {dest: a, weight: 20}, {destination: b, weight: "30%"}, {dest: c, weight: 50%} ]
            "all.*": [ {dest: "x.$1", weight: 100%}, {dest: "y.$1", weight: 0} ]
        "#);
        expect_shares(&server, "foo", &[("a", 20), ("b", 30), ("c", 50)]);
        assert_eq!(arrivals(&server, "all.z", 500), BTreeMap::from([("x.z".to_owned(), 500)]));
    }

    /// MAP-13: what no weight speaks of goes to the source, or is lost if the source is listed.
    #[test]
    fn map_13_the_rest_goes_to_the_source_or_is_lost(kind: Kind) {
        let server = with(kind, r#"
            part: { dest: other, weight: 30 }
            "pattern.*": { dest: "other.$1", weight: 60% }
            lossy: [ {dest: lossy, weight: 50}, {dest: other, weight: 10} ]
            gone: { dest: gone, weight: 0 }
            kept: { dest: other, weight: 0 }
        "#);
        expect_shares(&server, "part", &[("other", 30), ("part", 70)]);
        expect_shares(&server, "pattern.x", &[("other.x", 60), ("pattern.x", 40)]);
        expect_shares(&server, "lossy", &[("lossy", 50), ("other", 10)]);
        assert_eq!(arrivals(&server, "gone", 50), BTreeMap::new());
        assert_eq!(arrivals(&server, "kept", 50), BTreeMap::from([("kept".to_owned(), 50)]));
    }

    /// MAP-13: who asks for an answer learns that a message was lost as he learns that nobody listens. (Of the
    /// subject that was made of his; a lost message has none for the reference server.)
    #[test]
    fn map_13_lost_requests_have_no_responders(kind: Kind) {
        let server = with(kind, "gone: { dest: gone, weight: 0 }\nfoo: bar");
        play(&server, r#"
            a connect {"headers":true,"no_responders":true}
            a> SUB answers 1
            a> SUB gone 2
            a> PUB foo answers 0
            a>
            a< HMSG answers 1 35 35
            a< NATS/1.0 503
            a< Nats-Subject: bar
            a<
            a<
            a> PUB gone answers 0
            a>
            a< HMSG answers 1 <*>
            a< NATS/1.0 503
            a< Nats-Subject:<*>
            a<
            a<
            a fence
        "#);
    }

    /// MAP-15: a canary: more and more of the requests go to the new version's queue group, while clients stay.
    #[test]
    fn map_15_weights_change_while_messages_flow(kind: Kind) {
        let server = with(kind, "");
        let mut reader = Wire::client(&server);
        let mut writer = Wire::client(&server);
        reader.send("SUB svc.v1 workers 1\r\nSUB svc.v1 workers 1\r\nSUB svc.v2 workers 2\r\nSUB svc workers 3\r\n");
        reader.fence();
        let mut share = |mappings: &str| {
            server.write_config(&format!("mappings {{ {mappings} }}"));
            let said = server.reload();
            assert!(!said.iter().any(|line| line.starts_with(REFUSED)), "{said:?}");
            let mut counts = [0; 4];
            writer.send(&"PUB svc 0\r\n\r\n".repeat(1000));
            writer.fence();
            for _ in 0..1000 {
                let line = reader.line();
                assert_eq!(reader.line(), "");
                let sid = line.split(' ').nth(2).and_then(|sid| sid.parse::<usize>().ok());
                counts[sid.expect("a sid")] += 1;
            }
            reader.fence();
            counts
        };
        assert_eq!(share("svc: svc.v1"), [0, 1000, 0, 0]);
        let [_, one, two, _] = share("svc: [{dest: svc.v1, weight: 80}, {dest: svc.v2, weight: 20}]");
        assert_eq!(one + two, 1000);
        assert!((100..300).contains(&two), "{two}");
        assert_eq!(share("svc: svc.v2"), [0, 0, 1000, 0]);
        assert_eq!(share(""), [0, 0, 0, 1000]);
    }
}

both! {
    /// MAP-01: the mappings at the top are those of the global account; others have their own.
    #[test]
    fn map_01_accounts_have_mappings_of_their_own(kind: Kind) {
        let global = "mappings { foo: bar }";
        let accounts = r"
            accounts {
                A { users: [{user: a, password: a}], mappings { foo: own } }
                B { users: [{user: b, password: b}] }
            }
        ";
        play(&Server::start(kind, &format!("{global}\n{accounts}")), r#"
            a connect {"user":"a","pass":"a"}
            b connect {"user":"b","pass":"b"}
            a> SUB > 1
            b> SUB > 1
            a> PUB foo 0
            a>
            a< MSG own 1 0
            a<
            b> PUB foo 0
            b>
            b< MSG foo 1 0
            b<
            a fence
        "#);
    }

    /// MAP-02: requests that come in through a service are mapped where the service is.
    #[test]
    fn map_02_requests_to_a_service_are_mapped(kind: Kind) {
        let server = Server::start(kind, r#"
            accounts {
                A { users: [{user: a, password: a}], exports: [{service: svc}], mappings { svc: real } }
                B { users: [{user: b, password: b}], imports: [{service: {account: A, subject: svc}}] }
            }
        "#);
        play(&server, r#"
            a connect {"user":"a","pass":"a"}
            a> SUB real 1
            a> SUB svc 2
            a fence
            b connect {"user":"b","pass":"b"}
            b> SUB answers 1
            b> PUB svc answers 2
            b> hi
            b fence
            a< MSG real 1 <*> 2
            a< hi
            a fence
        "#);
    }

}

later! {
    "monitoring":
    /// MAP-15: monitoring shows each destination with the sum of the weights up to it.
    #[test]
    fn map_15_mappings_are_shown(kind: Kind) {
        let server = with(kind, r#"
            "a.*": [ {dest: "b.$1", weight: 30%}, {dest: "c.$1", weight: 20}, {dest: "e.$1", weight: 60, cluster: east} ]
            foo: bar
            lossy: [ {dest: lossy, weight: 40}, {dest: other, weight: 10} ]
        "#);
        let detail = server.monitor("/accountz?acc=$G");
        assert_eq!(detail["account_detail"]["mappings"], json!({
            "a.*": [
                {"subject": "c.$1", "weight": 20},
                {"subject": "b.$1", "weight": 50},
                {"subject": "a.$1", "weight": 100},
                {"subject": "a.$1", "weight": 40, "cluster": "east"},
                {"subject": "e.$1", "weight": 100, "cluster": "east"},
            ],
            "foo": [{"subject": "bar", "weight": 100}],
            "lossy": [{"subject": "other", "weight": 10}, {"subject": "lossy", "weight": 50}],
        }));
    }
}

pairs! {
    /// MAP-14, MAP-02: a cluster's own destinations apply to messages of its clients, the others elsewhere; what comes
    /// from another cluster is not mapped again.
    #[test]
    fn map_14_clusters_have_destinations_of_their_own(one: Kind, other: Kind) {
        let letter = |kind| if kind == Kind::Gannet { 'G' } else { 'X' };
        let mix: String = [one, other].map(letter).iter().collect();
        let mappings = r#"mappings {
            foo: [ {dest: everywhere, weight: 100}, {dest: in.b, weight: 100, cluster: B} ]
            only: [ {dest: in.b, weight: 100, cluster: B} ]
            in.b: again
        }"#;
        let cluster = SuperCluster::start_with(&mix, Seeds::All, "", mappings);
        let clients: Vec<Wire> = (0..2).map(|at| Wire::client(cluster.server(at))).collect();
        let [mut a, mut b] = <[Wire; 2]>::try_from(clients).expect("two clients");
        a.said("SUB > 1\r\n");
        // The other cluster may have heard that nobody is here; until it hears otherwise, nothing comes.
        eventually("messages from the other cluster", || {
            b.said("PUB early 0\r\n\r\n");
            a.send("PUB last 0\r\n\r\n");
            let mut heard = Vec::new();
            while heard.last().is_none_or(|line: &String| !line.starts_with("MSG last ")) {
                heard.push(a.line());
            }
            heard.iter().any(|line| line.starts_with("MSG early ")).then_some(()).ok_or_else(String::new)
        });
        b.said("PUB latest 0\r\n\r\n");
        while !a.line().starts_with("MSG latest ") {}
        a.line();
        for (published, from_a, from_b) in [("foo", "everywhere", "in.b"), ("only", "only", "in.b")] {
            a.send(&format!("PUB {published} 1\r\na\r\n"));
            a.expect(&format!("MSG {from_a} 1 1\r\na"));
            b.send(&format!("PUB {published} 1\r\nb\r\n"));
            a.expect(&format!("MSG {from_b} 1 1\r\nb"));
        }
    }
}
