//! The monitoring port of a running server: over loopback, and in the simulator where time matters.
#![allow(
    clippy::disallowed_types,
    reason = "the test is the outside world, with sockets of its own"
)]

mod common;

use std::future::poll_fn;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use common::{LOOPBACK, PATIENCE, connect, gateway, loopback, read_until, remote, say, start_on};
use gannet_config::{Options, Port};
use gannet_node::{Logger, Server};
use gannet_rt::sim::Sim;
use gannet_rt::{Rt, Runtime, Stream};
use serde_json::{Value, json};

/// A server on free ports of this machine.
struct Running {
    server: Server,
    _runtime: Runtime,
}

fn options() -> Options {
    let mut options = loopback();
    options.server_name = Some("mon".into());
    options.monitoring.port = Some(Port::Random);
    options
}

fn run(options: Options) -> Running {
    let runtime = Runtime::new(Some(2)).expect("a runtime");
    let server = common::start(&runtime, options);
    Running {
        server,
        _runtime: runtime,
    }
}

impl Running {
    fn get(&self, target: &str) -> Answer {
        let mut stream = self.open();
        write!(
            stream,
            "GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        .expect("the request is taken");
        let mut text = Vec::new();
        stream.read_to_end(&mut text).expect("an answer");
        Answer::parse(&text)
    }

    fn json(&self, target: &str) -> Value {
        let answer = self.get(target);
        assert_eq!(answer.status, 200, "{target}");
        serde_json::from_str(&answer.body).expect("the page is JSON")
    }

    fn open(&self) -> TcpStream {
        connect(
            self.server
                .monitor_addr()
                .expect("the server has monitoring"),
        )
    }

    /// Asks again until `page` has what is wanted; fails with what it has.
    fn eventually(&self, target: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = std::time::Instant::now();
        loop {
            let page = self.json(target);
            if wanted(&page) {
                return page;
            }
            assert!(begun.elapsed() < PATIENCE, "{target} stays {page:#}");
            std::thread::yield_now();
        }
    }

    fn client(&self, connect_json: &str) -> Client {
        let mut client = Client(connect(
            self.server
                .client_addr()
                .expect("the server has a client port"),
        ));
        client.read_until(" \r\n");
        client.say(&format!("CONNECT {connect_json}\r\n"));
        client.settle();
        client
    }
}

/// A client that speaks the protocol by hand.
struct Client(TcpStream);

impl Client {
    fn say(&mut self, text: &str) {
        self.0
            .write_all(text.as_bytes())
            .expect("the server takes it");
    }

    /// Waits until everything said has been performed.
    fn settle(&mut self) {
        self.say("PING\r\n");
        self.read_until("PONG\r\n");
    }

    fn read_until(&mut self, end: &str) -> String {
        read_until(&mut self.0, end)
    }

    fn port(&self) -> u16 {
        self.0
            .local_addr()
            .expect("the socket has an address")
            .port()
    }
}

#[derive(Debug)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Answer {
    fn parse(text: &[u8]) -> Answer {
        let text = String::from_utf8(text.to_vec()).expect("an answer is text");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let mut lines = head.lines();
        let status = lines
            .next()
            .and_then(|l| l.split(' ').nth(1))
            .and_then(|s| s.parse().ok())
            .expect("a status");
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").expect("a header");
            (name.to_ascii_lowercase(), value.to_owned())
        };
        Answer {
            status,
            headers: lines.map(header).collect(),
            body: body.to_owned(),
        }
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map_or("", |(_, value)| value)
    }
}

#[test]
fn pages_have_the_status_and_headers_of_the_reference() {
    let mut options = options();
    options.monitoring.base_path = "/mon".into();
    let server = run(options);
    let cases = [
        ("/mon", 200, "text/html; charset=utf-8", "<!doctype html>\n"),
        (
            "/mon/varz",
            200,
            "application/json",
            "{\n  \"server_id\": \"N",
        ),
        (
            "/mon/connz",
            200,
            "application/json",
            "{\n  \"server_id\": \"N",
        ),
        (
            "/mon/gatewayz",
            200,
            "application/json",
            "{\n  \"server_id\": \"N",
        ),
        (
            "/mon/subsz",
            200,
            "application/json",
            "{\n  \"server_id\": \"N",
        ),
        (
            "/mon/subscriptionsz",
            200,
            "application/json",
            "{\n  \"server_id\": \"N",
        ),
        (
            "/mon/healthz",
            200,
            "application/json",
            "{\"status\":\"ok\"}",
        ),
        (
            "/varz",
            404,
            "text/plain; charset=utf-8",
            "404 page not found\n",
        ),
        (
            "/mon/connz?sort=x",
            400,
            "text/plain; charset=utf-8",
            "invalid sorting option: x",
        ),
        (
            "/mon//varz?a=b",
            307,
            "text/html; charset=utf-8",
            "<a href=\"/mon/varz?a=b\">",
        ),
    ];
    for (target, status, kind, begins) in cases {
        let answer = server.get(target);
        assert_eq!(answer.status, status, "{target}");
        assert_eq!(answer.header("content-type"), kind, "{target}");
        let cors = if kind == "application/json" { "*" } else { "" };
        assert_eq!(
            answer.header("access-control-allow-origin"),
            cors,
            "{target}"
        );
        assert!(
            answer.header("date").ends_with(" GMT"),
            "{target}: {answer:?}"
        );
        assert_eq!(
            answer.header("content-length"),
            answer.body.len().to_string(),
            "{target}"
        );
        assert!(answer.body.starts_with(begins), "{target}: {answer:?}");
    }
    assert_eq!(
        server.get("/mon//varz?a=b").header("location"),
        "/mon/varz?a=b"
    );
    let counts =
        json!({"/": 1, "/connz": 2, "/gatewayz": 1, "/healthz": 1, "/subsz": 2, "/varz": 2});
    assert_eq!(server.json("/mon/varz")["http_req_stats"], counts);
}

#[test]
fn varz_counts_what_clients_do() {
    let server = run(options());
    let mut subscriber = server.client("{}");
    subscriber.say("SUB a.* 1\r\nSUB b.> q 2\r\n");
    subscriber.settle();
    let mut publisher = server.client("{}");
    publisher.say("PUB a.b 5\r\nhello\r\nPUB nobody 2\r\nhi\r\n");
    publisher.settle();
    subscriber.read_until("hello\r\n");
    drop(publisher);
    let page = server.eventually("/varz", |page| page["connections"] == 1);
    let picked = [
        "server_name",
        "version",
        "proto",
        "host",
        "port",
        "http_host",
        "http_port",
        "http_base_path",
        "connections",
        "total_connections",
        "in_msgs",
        "in_bytes",
        "in_client_msgs",
        "in_client_bytes",
        "out_msgs",
        "out_bytes",
        "out_client_msgs",
        "out_client_bytes",
        "subscriptions",
        "slow_consumers",
        "max_payload",
    ];
    let picked: Value = picked
        .into_iter()
        .map(|key| (key.to_owned(), page[key].clone()))
        .collect();
    let wanted = json!({
        "server_name": "mon", "version": "2.15.1", "proto": 1,
        "host": "127.0.0.1", "port": server.server.client_addr().map(|a| a.port()),
        "http_host": "127.0.0.1", "http_port": server.server.monitor_addr().map(|a| a.port()), "http_base_path": "",
        "connections": 1, "total_connections": 2, "subscriptions": 2, "slow_consumers": 0, "max_payload": 1 << 20,
        "in_msgs": 2, "in_bytes": 7, "in_client_msgs": 2, "in_client_bytes": 7,
        "out_msgs": 1, "out_bytes": 5, "out_client_msgs": 1, "out_client_bytes": 5,
    });
    assert_eq!(picked, wanted);
    assert!(
        page["mem"].as_u64() > Some(0) && page["cores"].as_u64() > Some(0),
        "{page:#}"
    );
}

#[test]
fn of_what_a_client_that_left_had_subscribed_to_only_so_much_is_remembered() {
    let server = run(options());
    let mut client = server.client("{}");
    let long = "x".repeat(1000);
    for n in 0..8 {
        client.say(&format!("SUB {n}.{long} {n}\r\n"));
    }
    client.settle();
    drop(client);
    let page = server.eventually("/connz?state=closed&subs=1", |page| page["total"] == 1);
    let ended = &page["connections"][0];
    let listed = ended["subscriptions_list"].as_array().map(Vec::len);
    assert_eq!((&ended["subscriptions"], listed), (&json!(8), Some(4)));
}

#[test]
fn connz_shows_open_and_closed_connections_with_their_subscriptions() {
    let mut options = options();
    options.auth.user = Some("ann".into());
    options.auth.password = gannet_config::Secret::new("secret");
    let server = run(options);
    let who =
        r#"{"user":"ann","pass":"secret","name":"one","lang":"x","version":"9","headers":true}"#;
    let mut open = server.client(who);
    open.say("SUB a.* 1\r\nSUB b.> q 22\r\nUNSUB 1 7\r\nPUB a.b 5\r\nhello\r\n");
    open.settle();
    let mut gone = server.client(who);
    gone.say("SUB c 5\r\n");
    gone.settle();
    let (open_port, gone_port) = (open.port(), gone.port());
    drop(gone);
    let page = server.eventually("/connz?state=any&subs=detail&auth=1", |page| {
        page["connections"]
            .as_array()
            .is_some_and(|c| c.iter().any(|c| c["reason"] != Value::Null))
    });
    let without_times = |conn: &Value| {
        let mut conn = conn.clone();
        for key in ["start", "last_activity", "stop", "rtt", "uptime", "idle"] {
            let taken = conn.as_object_mut().and_then(|c| c.remove(key));
            assert!(
                taken.is_some_and(|t| t.is_string()) || key == "stop",
                "{key} is missing"
            );
        }
        conn
    };
    let conns: Vec<Value> = page["connections"]
        .as_array()
        .expect("a list")
        .iter()
        .map(without_times)
        .collect();
    let account = |cid: u64, port: u16| {
        json!({
            "cid": cid, "kind": "Client", "type": "nats", "ip": "127.0.0.1", "port": port, "pending_bytes": 0,
            "in_msgs": 0, "out_msgs": 0, "in_bytes": 0, "out_bytes": 0, "name": "one", "lang": "x", "version": "9",
            "authorized_user": "ann",
        })
    };
    let with = |mut conn: Value, more: Value| {
        if let (Some(conn), Value::Object(more)) = (conn.as_object_mut(), more) {
            conn.extend(more);
        }
        conn
    };
    let first = with(
        account(1, open_port),
        json!({
            "in_msgs": 1, "out_msgs": 1, "in_bytes": 5, "out_bytes": 5, "subscriptions": 2, "name_tag": "$G",
            "subscriptions_list_detail": [
                {"subject": "a.*", "sid": "1", "msgs": 1, "max": 7, "cid": 1},
                {"subject": "b.>", "qgroup": "q", "sid": "22", "msgs": 0, "cid": 1},
            ],
        }),
    );
    let second = with(
        account(2, gone_port),
        json!({
            "reason": "Client Closed", "subscriptions": 1,
            "subscriptions_list_detail": [
                {"account": "$G", "account_tag": "$G", "subject": "c", "sid": "5", "msgs": 0, "cid": 2},
            ],
        }),
    );
    assert_eq!(conns, [first, second]);
    let closed = server.json("/connz?state=closed&subs=1");
    assert_eq!(closed["connections"][0]["subscriptions_list"], json!(["c"]));
    let unknown = server.json("/connz?acc=NOBODY");
    assert_eq!(unknown["connections"], Value::Null);
}

/// The options of a member of a super-cluster, which knows `remotes` by name and port.
fn member(name: &str, remotes: &[(&str, u16)]) -> Options {
    let remotes = remotes.iter();
    let remotes = remotes.map(|&(name, port)| remote(name, LOOPBACK, port));
    let gateway = gateway(name, LOOPBACK, Port::Random, remotes.collect());
    Options {
        server_name: Some(name.into()),
        gateway: Some(gateway),
        ..options()
    }
}

#[test]
fn gatewayz_shows_links_and_the_interest_that_came_over_them() {
    let a = run(member("A", &[]));
    let a_port = a.server.gateway_addr().map_or(0, |addr| addr.port());
    let b = run(member("B", &[("A", a_port)]));
    let b_port = b.server.gateway_addr().map_or(0, |addr| addr.port());
    let mut client = b.client("{}");
    client.say("SUB foo 1\r\nSUB bar.* q 2\r\n");
    client.settle();
    let page = a.eventually("/gatewayz?acc_name=$G&subs=detail", |page| {
        page["outbound_gateways"]["B"]["accounts"][0]["num_subs"] == 2
            && page["inbound_gateways"]["B"][0]["accounts"] != Value::Null
    });
    let own = ["name", "host", "port"].map(|key| page[key].clone());
    assert_eq!(own, [json!("A"), json!("127.0.0.1"), json!(a_port)]);
    let out = &page["outbound_gateways"]["B"];
    let cid = &out["connection"]["cid"];
    let mut accounts = out["accounts"].clone();
    let list = accounts[0]["subscriptions_list_detail"]
        .as_array_mut()
        .expect("a list");
    list.sort_by_key(|sub| sub["subject"].to_string());
    let wanted = json!([{
        "name": "$G", "interest_mode": "Interest-Only", "interest_only_threshold": 1000,
        "num_subs": 2, "num_queue_subs": 1,
        "subscriptions_list_detail": [
            {"subject": "bar.*", "qgroup": "q", "sid": "", "msgs": 0, "cid": cid},
            {"subject": "foo", "sid": "", "msgs": 0, "cid": cid},
        ],
    }]);
    assert_eq!(accounts, wanted);
    let inbound = &page["inbound_gateways"]["B"][0];
    let wanted = json!([{
        "name": "$G", "interest_mode": "Interest-Only", "interest_only_threshold": 1000,
    }]);
    assert_eq!(inbound["accounts"], wanted);
    for (link, configured) in [(out, false), (inbound, false)] {
        assert_eq!(link["configured"], configured);
        let conn = ["kind", "ip", "name"].map(|key| link["connection"][key].clone());
        assert_eq!(
            conn,
            [json!("Gateway"), json!("127.0.0.1"), json!(b.server.id())]
        );
    }
    assert_eq!(out["connection"]["port"], b_port);
    assert_eq!(out["connection"]["subscriptions"], 2);

    let back = b.eventually("/gatewayz", |page| {
        page["outbound_gateways"]["A"] != Value::Null
    });
    assert_eq!(back["outbound_gateways"]["A"]["configured"], true);
    assert_eq!(
        b.json("/gatewayz?gw_name=C")["outbound_gateways"],
        Value::Null
    );

    let varz = b.json("/varz");
    assert_eq!(varz["cluster"]["name"], "B");
    let wanted = json!({
        "name": "B", "host": "127.0.0.1", "port": b_port, "auth_timeout": 2, "tls_timeout": 2,
        "gateways": [{"name": "A", "urls": [format!("127.0.0.1:{a_port}")]}],
    });
    assert_eq!(varz["gateway"], wanted);
    assert_eq!(
        a.json("/varz")["subscriptions"],
        0,
        "interest of others is not a subscription here"
    );
    assert_eq!(a.json("/subsz")["num_subscriptions"], 0);
}

#[test]
fn subsz_lists_the_subscriptions_of_all_clients() {
    let server = run(options());
    let mut client = server.client("{}");
    client.say("SUB a.* 1\r\nSUB b.> q 2\r\nSUB c 3\r\nUNSUB 3\r\n");
    client.settle();
    let page = server.json("/subsz?subs=1&test=a.b");
    let list = json!([
        {"account": "$G", "account_tag": "$G", "subject": "a.*", "sid": "1", "msgs": 0, "cid": 1},
    ]);
    assert_eq!(page["subscriptions_list"], list);
    let figures =
        ["num_subscriptions", "num_inserts", "num_removes", "total"].map(|key| page[key].as_u64());
    assert_eq!(figures, [Some(2), Some(3), Some(1), Some(1)]);
    let all = server.json("/subsz?subs=1");
    assert_eq!(all["total"], 2);
}

#[test]
fn a_connection_serves_one_request_after_another() {
    let server = run(options());
    let mut stream = server.open();
    stream
        .write_all(
            b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nHEAD /varz HTTP/1.1\r\nHost: x\r\n\r\n",
        )
        .expect("taken");
    stream
        .write_all(
            b"POST /nope HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
        )
        .expect("taken");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("answers");
    let statuses: Vec<&str> = text
        .match_indices("HTTP/1.1 ")
        .map(|(at, _)| &text[at + 9..at + 12])
        .collect();
    assert_eq!(statuses, ["200", "200", "404"], "{text}");
}

#[test]
fn stopping_the_server_ends_idle_connections_and_the_port() {
    let server = run(options());
    let mut stream = server.open();
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        .expect("taken");
    let mut answer = [0; 9];
    stream.read_exact(&mut answer).expect("an answer");
    server.server.stop();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("the end, not a reset");
    let addr = server
        .server
        .monitor_addr()
        .expect("the server has monitoring");
    let begun = std::time::Instant::now();
    while TcpStream::connect(addr).is_ok() {
        assert!(begun.elapsed() < PATIENCE, "the port stays open");
        std::thread::yield_now();
    }
}

// --- in the simulator, where hours cost nothing ---

/// A server with monitoring on port 8222 of its host, and the handle of another host.
fn simulated(seed: u64) -> (Sim, Server, SocketAddr, Rt) {
    let sim = Sim::new(seed);
    let host = sim.host("server");
    let mut options = Options {
        host: host.ip().to_string(),
        ..options()
    };
    options.monitoring.port = Some(Port::At(8222));
    let server = start_on(&sim, &host, options);
    let addr = server.monitor_addr().expect("the server has monitoring");
    let prober = sim.host("prober").rt();
    (sim, server, addr, prober)
}

/// Everything until the other side ends the connection.
async fn read_to_end(stream: &Stream) -> Vec<u8> {
    let (mut got, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        poll_fn(|cx| stream.poll_read_ready(cx))
            .await
            .expect("the connection stands");
        match stream.try_read(&mut buffer) {
            Ok(0) => return got,
            Ok(n) => got.extend_from_slice(&buffer[..n]),
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(e) => panic!("the connection broke: {e}"),
        }
    }
}

const CLOSING_GET: &str = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

#[test]
fn the_simulated_world_can_ask_too_and_always_gets_the_same_answer() {
    let ask = |seed| {
        let (sim, _server, addr, prober) = simulated(seed);
        let answer = sim.block_on(async {
            let stream = prober.connect(addr).await.expect("the port is open");
            say(
                &stream,
                "GET /connz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            )
            .await;
            read_to_end(&stream).await
        });
        (
            String::from_utf8(answer.expect("the world goes on")).expect("text"),
            sim.trace_hash(),
        )
    };
    let (first, hash) = ask(7);
    assert!(first.starts_with("HTTP/1.1 200 OK\r\n"), "{first}");
    assert_eq!(ask(7), (first, hash));
}

/// How long after a client's start each of these steps finds its last activity, in whole seconds; a step is
/// what the client says, ten seconds after the one before.
/// Another client publishes to `news` right before the step `>` begins.
fn activity(steps: &[&str]) -> Vec<u64> {
    let (sim, server, addr, prober) = simulated(5);
    let clients = server.client_addr().expect("a client port");
    let seconds = sim.block_on(async {
        let stream = prober.connect(clients).await.expect("the port is open");
        let (mut seconds, mut others) = (Vec::new(), Vec::new());
        for said in steps {
            if *said == ">" {
                let other = prober.connect(clients).await.expect("the port is open");
                say(
                    &other,
                    b"CONNECT {\"verbose\":false}\r\nPUB news 1\r\nx\r\n",
                )
                .await;
                others.push(other);
            } else {
                say(&stream, &said).await;
            }
            prober.sleep(Duration::from_secs(5)).await;
            let page = prober.connect(addr).await.expect("the port is open");
            say(&page, "GET /connz HTTP/1.0\r\n\r\n").await;
            let answer = Answer::parse(&read_to_end(&page).await).body;
            let answer: Value = serde_json::from_str(&answer).expect("the page is JSON");
            let at = |name: &str| -> jiff::Timestamp {
                let text = answer["connections"][0][name].as_str().expect("a time");
                text.parse().expect("a time")
            };
            let active = at("last_activity").duration_since(at("start"));
            seconds.push(active.as_secs().unsigned_abs());
            prober.sleep(Duration::from_secs(5)).await;
        }
        seconds
    });
    seconds.expect("the world goes on")
}

#[test]
fn activity_is_what_a_client_does_and_not_that_it_is_there() {
    let steps = [
        "CONNECT {\"verbose\":false}\r\n",
        "PING\r\n",
        "SUB a 1\r\n",
        "PONG\r\n",
        "UNSUB 1\r\n",
        "PU",
        "B a 1\r\nx\r\n",
        "PUB _GR_.a 1\r\nx\r\n",
        "CONNECT {}\r\n",
        "+OK\r\n",
    ];
    assert_eq!(activity(&steps), [0, 0, 20, 20, 40, 40, 60, 70, 80, 80]);
}

#[test]
fn activity_is_also_what_a_client_gets() {
    let steps = [
        "CONNECT {\"verbose\":false}\r\nSUB news 1\r\n",
        "PING\r\n",
        ">",
        "PONG\r\n",
    ];
    assert_eq!(activity(&steps), [0, 0, 20, 20]);
}

#[test]
fn a_peer_that_asks_nothing_is_sent_away() {
    for half in [&b""[..], b"GET /varz HTTP/1.1\r\nHo"] {
        let (sim, _server, addr, prober) = simulated(1);
        let waited = sim.block_on(async {
            let stream = prober.connect(addr).await.expect("the port is open");
            let begun = prober.now();
            say(&stream, half).await;
            assert_eq!(read_to_end(&stream).await, b"");
            prober.now().since(begun)
        });
        let waited = waited.expect("the world goes on");
        assert!(
            (Duration::from_secs(9)..Duration::from_secs(11)).contains(&waited),
            "{waited:?}"
        );
    }
}

#[test]
fn a_flood_of_silent_connections_holds_up_others_only_until_they_are_sent_away() {
    let (sim, _server, addr, prober) = simulated(2);
    let answer = sim.block_on(async {
        let mut silent = Vec::new();
        for _ in 0..64 {
            silent.push(prober.connect(addr).await.expect("the port is open"));
        }
        prober.sleep(Duration::from_secs(1)).await;
        let stream = prober.connect(addr).await.expect("the port is open");
        say(&stream, CLOSING_GET).await;
        let early = prober
            .timeout(Duration::from_secs(5), read_to_end(&stream))
            .await;
        assert!(early.is_err(), "there is room for more than 64: {early:?}");
        read_to_end(&stream).await
    });
    let answer = String::from_utf8(answer.expect("the world goes on")).expect("text");
    assert!(answer.ends_with("{\"status\":\"ok\"}"), "{answer}");
}

#[test]
fn a_request_under_way_is_answered_when_the_server_stops() {
    let (sim, server, addr, prober) = simulated(3);
    let answer = sim.block_on(async {
        let stream = prober.connect(addr).await.expect("the port is open");
        say(&stream, &CLOSING_GET[..20]).await;
        prober.sleep(Duration::from_secs(1)).await;
        server.stop();
        prober.sleep(Duration::from_millis(100)).await;
        say(&stream, &CLOSING_GET[20..]).await;
        read_to_end(&stream).await
    });
    let answer = String::from_utf8(answer.expect("the world goes on")).expect("text");
    assert!(answer.starts_with("HTTP/1.1 "), "{answer:?}");
}
