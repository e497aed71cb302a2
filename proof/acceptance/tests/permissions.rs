//! What a user may do, word by word: permissions and the answers to what they forbid (rows SEC-29 to SEC-32). The
//! verdicts for many more permissions, from every origin, are in `permission_matrix`.

use gannet_acceptance::{Server, Wire, both, eventually, play};
use serde_json::{Value, json};

/// A server with the user `u`, who has these permissions, and `all`, who may do everything.
fn config(permissions: &str) -> String {
    format!(
        "authorization {{ users: [
            {{user: u, password: p, permissions: {{ {permissions} }} }}
            {{user: all, password: p}}
        ] }}"
    )
}

fn login(user: &str) -> Value {
    json!({"user": user, "pass": "p"})
}

const LOGIN: &str = r#"
    u connect {"user":"u","pass":"p"}
    all connect {"user":"all","pass":"p"}
"#;

both! {
    /// SEC-29: what is allowed and what is denied, in all spellings.
    #[test]
    fn publishing_and_subscribing(kind: Kind) {
        for permissions in [
            "publish: [\"ok.*\", \"more\"], subscribe: {allow: [\"ok.*\", \"more\"]}",
            "pub: {allow: [\"ok.*\", \"more\"]}, sub: [\"ok.*\", \"more\"]",
        ] {
            let server = Server::start(kind, &config(permissions));
            play(&server, &format!(r#"{LOGIN}
                all> SUB > 1
                all fence
                u> SUB ok.a 1
                u> SUB ok.* 2
                u> SUB ok.> 3
                u> SUB > 4
                u< -ERR 'Permissions Violation for Subscription to ">"'
                u> SUB ok 5
                u< -ERR 'Permissions Violation for Subscription to "ok"'
                u> SUB no q 6
                u< -ERR 'Permissions Violation for Subscription to "no" using queue "q"'
                u> UNSUB 1
                u> UNSUB 2
                u> UNSUB 3
                u fence
                u> PUB ok.a 1\r\nx
                u> PUB no 1\r\nx
                u< -ERR 'Permissions Violation for Publish to "no"'
                u> PUB ok.a.b r 1\r\nx
                u< -ERR 'Permissions Violation for Publish to "ok.a.b"'
                u> PUB more 1\r\ny
                u fence
                all< MSG ok.a 1 1
                all< x
                all< MSG more 1 1
                all< y
                all fence
            "#));
            server.expect_log("Subscription Violation - Subject \"no\", Queue: \"q\", SID 6");
            server.expect_log("Publish Violation - Subject \"ok.a.b\"");
        }
    }

    /// Many that are refused, between others that are not, are told one by one.
    #[test]
    fn many_messages_at_once(kind: Kind) {
        let server = Server::start(kind, &config("publish: {deny: \"no\"}"));
        play(&server, &format!(r#"{LOGIN}
            all> SUB > 1
            all fence
            u>> PUB no 1\r\na\r\nPUB no 1\r\nb\r\nPUB yes 1\r\nc\r\nPUB no 1\r\nd\r\n
            u< -ERR 'Permissions Violation for Publish to "no"'
            u< -ERR 'Permissions Violation for Publish to "no"'
            u< -ERR 'Permissions Violation for Publish to "no"'
            u fence
            all< MSG yes 1 1
            all< c
            all fence
        "#));
    }

    /// What is refused is not praised, and has no responders to be told of.
    #[test]
    fn clients_that_want_to_know(kind: Kind) {
        let server = Server::start(kind, &config("publish: ok, allow_responses: true"));
        play(&server, r#"
            u connect {"user":"u","pass":"p","headers":true,"no_responders":true}
            u> SUB r 1
            u> PUB no r 0\r\n
            u< -ERR 'Permissions Violation for Publish to "no"'
            u> PUB ok r 0\r\n
            u< HMSG r 1 <*>
            u< NATS/1.0 503
            u< Nats-Subject: ok
            u< 
            u< 
            u> CONNECT {"user":"u","pass":"p","verbose":true,"pedantic":false}
            u< +OK
            u> PUB ok 0\r\n
            u< +OK
            u> PUB no 0\r\n
            u< -ERR 'Permissions Violation for Publish to "no"'
            u> SUB q 2
            u< +OK
            u> PUB ok 0\r\n
            u< +OK
        "#);
    }

    /// SEC-30: entries for members of queue groups.
    #[test]
    fn queues(kind: Kind) {
        let server = Server::start(kind, &config(
            "subscribe: {allow: [\"q v1\", \"both\", \"both v2.*\", \"w *.prod\", \"all.>\"], deny: [\"all.x bad\", \"all.w.> b.>\"]}"
        ));
        play(&server, &format!(r#"{LOGIN}
            u> SUB q 1
            u< -ERR 'Permissions Violation for Subscription to "q"'
            u> SUB q v1 2
            u> SUB q v2 3
            u< -ERR 'Permissions Violation for Subscription to "q" using queue "v2"'
            u> SUB both 4
            u> SUB both v2.a 5
            u> SUB both v3 6
            u< -ERR 'Permissions Violation for Subscription to "both" using queue "v3"'
            u> SUB w a.prod 7
            u> SUB w a.dev 8
            u< -ERR 'Permissions Violation for Subscription to "w" using queue "a.dev"'
            u> SUB all.x 9
            u> SUB all.x good 10
            u> SUB all.x bad 11
            u< -ERR 'Permissions Violation for Subscription to "all.x" using queue "bad"'
            u> SUB all.w.a b.c 12
            u< -ERR 'Permissions Violation for Subscription to "all.w.a" using queue "b.c"'
            u> SUB all.* _sys_ 13
            u< -ERR 'Permissions Violation for Subscription to "all.*" using queue "_sys_"'
            u fence
        "#));
    }

    /// SEC-31: subscriptions that are wider than what is denied get the rest.
    #[test]
    fn deliveries_are_filtered(kind: Kind) {
        let server = Server::start(kind, &config("subscribe: {deny: [\"secret.>\", \"part q\"]}"));
        play(&server, &format!(r#"{LOGIN}
            u> SUB secret.> 1
            u< -ERR 'Permissions Violation for Subscription to "secret.>"'
            u> SUB > 2
            u> SUB *.* q 3
            u> SUB * q 4
            u fence
            all> PUB secret.a 1\r\nx
            all> PUB part 1\r\ny
            all> PUB open.a 1\r\nz
            all fence
            u< MSG part 2 1
            u< y
            u< MSG open.a <*> 1
            u< z
            u< MSG open.a <*> 1
            u< z
            u fence
        "#));
    }

    /// SEC-32: who may reply may do so once, or as often as is said, and publish nothing else.
    #[test]
    fn replies(kind: Kind) {
        for (allowed, times) in [("true", 1), ("{max: 2}", 2), ("{max_msgs: 3, expires: \"1m\"}", 3)] {
            let server = Server::start(kind, &config(&format!("subscribe: q, allow_responses: {allowed}")));
            let answers: String = (0..times).map(|n| format!("u> PUB r 1\\r\\n{n}\nall< MSG r 1 1\nall< {n}\n")).collect();
            play(&server, &format!(r#"{LOGIN}
                u> SUB q 1
                u> PUB r 0\r\n
                u< -ERR 'Permissions Violation for Publish to "r"'
                u fence
                all> SUB r 1
                all> PUB q r 0\r\n
                all fence
                u< MSG q 1 r 0
                u<
                {answers}
                u> PUB r 0\r\n
                u< -ERR 'Permissions Violation for Publish to "r"'
                u fence
                all fence
            "#));
        }
    }

    /// SEC-32: a reply has its time; a negative number of them is any.
    #[test]
    fn replies_come_too_late(kind: Kind) {
        let server = Server::start(kind, &config("subscribe: q, allow_responses: {max: -1, expires: \"300ms\"}"));
        let mut asked = Wire::client_with(&server, &login("u"));
        asked.send("SUB q 1\r\n");
        asked.fence();
        let mut asks = Wire::client_with(&server, &login("all"));
        asks.send("PUB q r 0\r\n\r\n");
        asks.fence();
        asked.expect("MSG q 1 r 0");
        asked.expect("");
        eventually("the time to be over", || {
            asked.send("PUB r 0\r\n\r\nPING\r\n");
            match asked.line().as_str() {
                "PONG" => Err("it is not".to_owned()),
                "-ERR 'Permissions Violation for Publish to \"r\"'" => Ok(()),
                other => panic!("heard {other}"),
            }
        });
    }

    /// SEC-32: those that have no permissions of their own have the default ones.
    #[test]
    fn default_permissions(kind: Kind) {
        let server = Server::start(kind, "
            authorization {
                default_permissions: { publish: d }
                users: [
                    {user: u, password: p, permissions: {publish: own}}
                    {user: plain, password: p}
                ]
            }");
        play(&server, r#"
            u connect {"user":"u","pass":"p"}
            plain connect {"user":"plain","pass":"p"}
            u> PUB own 0\r\n
            u> PUB d 0\r\n
            u< -ERR 'Permissions Violation for Publish to "d"'
            plain> PUB d 0\r\n
            plain> PUB own 0\r\n
            plain< -ERR 'Permissions Violation for Publish to "own"'
            u fence
            plain fence
        "#);
    }
}
