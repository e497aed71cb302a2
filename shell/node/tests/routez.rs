//! What the monitoring ports of two servers of one cluster say about it, over loopback.
#![allow(
    clippy::disallowed_types,
    reason = "the test is the outside world, with sockets of its own"
)]

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use common::{LOOPBACK, PATIENCE, loopback, read_until, url};
use gannet_config::{ClusterPermissions, Options, Port, SubjectPermission};
use gannet_node::{Logger, Server};
use gannet_rt::Runtime;
use serde_json::{Value, json};

/// A server of the cluster on free ports of this machine; those whose ports are given are its routes.
fn start(runtime: &Runtime, name: &str, routes: &[u16], change: impl Fn(&mut Options)) -> Server {
    let mut options = Options {
        server_name: Some(name.into()),
        ..loopback()
    };
    options.monitoring.port = Some(Port::Random);
    options.cluster.name = Some("c".into());
    options.cluster.host = LOOPBACK.into();
    options.cluster.port = Some(Port::Random);
    options.cluster.pool_size = Some(2);
    let url = |port: &u16| url(LOOPBACK, *port);
    options.cluster.routes = routes.iter().map(url).collect();
    change(&mut options);
    common::start(runtime, options)
}

fn connect(addr: Option<SocketAddr>) -> TcpStream {
    common::connect(addr.expect("the server listens"))
}

/// A page.
fn page(server: &Server, target: &str) -> Value {
    let mut stream = connect(server.monitor_addr());
    write!(
        stream,
        "GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    .expect("the request is taken");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.starts_with("HTTP/1.1 200 "), "{target}: {head}");
    serde_json::from_str(body).expect("the page is JSON")
}

/// Asks until the page is as wanted.
fn eventually(server: &Server, target: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let page = page(server, target);
        if wanted(&page) {
            return page;
        }
        assert!(begun.elapsed() < PATIENCE, "{target} stays {page:#}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// A client that has said this, and knows that it was heard.
fn client(server: &Server, text: &str) -> TcpStream {
    let mut stream = connect(server.client_addr());
    write!(stream, "CONNECT {{\"verbose\":false}}\r\n{text}PING\r\n").expect("it is taken");
    read_until(&mut stream, "PONG\r\n");
    stream
}

/// The page without what differs from run to run, having seen to it that this is there.
fn settled(mut page: Value, peer: &Server) -> Value {
    for route in page["routes"].as_array_mut().expect("a list") {
        let route = route.as_object_mut().expect("an object");
        assert_eq!(route.remove("remote_id"), Some(json!(peer.id())));
        for time in ["start", "last_activity", "rtt", "uptime", "idle"] {
            let text = route.remove(time).expect(time);
            assert!(!text.as_str().expect("a text").is_empty(), "{time}");
        }
        let rid = route.remove("rid").expect("a number");
        assert!(rid.is_u64() && route.remove("port").expect("a port").is_u64());
        let details = route.get_mut("subscriptions_list_detail");
        for detail in details.and_then(Value::as_array_mut).into_iter().flatten() {
            let detail = detail.as_object_mut().expect("an object");
            assert_eq!(detail.remove("cid").as_ref(), Some(&rid));
        }
    }
    assert!(page["now"].take().is_string());
    page
}

/// The pages of two servers: `own` has permissions and accepts, `peer` dials.
#[test]
fn both_ends_of_the_routes_of_a_cluster() {
    let runtime = Runtime::new(Some(2)).expect("a runtime");
    let own = start(&runtime, "own", &[], |options| {
        options.cluster.permissions = Some(ClusterPermissions {
            import: Some(SubjectPermission {
                allow: Some(vec!["foo".into(), "bar.*".into()]),
                deny: Vec::new(),
            }),
            export: Some(SubjectPermission {
                allow: None,
                deny: vec!["secret".into()],
            }),
        });
    });
    let port = page(&own, "/varz")["cluster"]["cluster_port"].take();
    let port = u16::try_from(port.as_u64().expect("a port")).expect("a port");
    let peer = start(&runtime, "peer", &[port], |_| ());
    let _here = client(&own, "SUB foo 1\r\nSUB nobody.may 2\r\n");
    let _there = client(
        &peer,
        "SUB bar.* q 1\r\nSUB bar.* q 2\r\nSUB foo 3\r\nSUB foo 4\r\nSUB secret 5\r\n",
    );
    let wanted = |count: u64| {
        move |page: &Value| {
            let routes = page["routes"].as_array().expect("a list");
            let subs: u64 = routes
                .iter()
                .filter_map(|r| r["subscriptions"].as_u64())
                .sum();
            routes.len() == 3 && subs == count
        }
    };

    let base = json!({
        "remote_name": "peer", "did_solicit": false, "is_configured": false, "ip": "127.0.0.1", "pending_size": 0,
        "in_msgs": 0, "out_msgs": 0, "in_bytes": 0, "out_bytes": 0, "subscriptions": 0, "compression": "off"
    });
    let with = |base: &Value, more: Value| {
        let mut all = base.clone();
        let fields = all.as_object_mut().expect("an object");
        fields.extend(more.as_object().expect("an object").clone());
        all
    };
    let heard = json!({"subscriptions": 2, "subscriptions_list_detail": [
        {"subject": "bar.*", "qgroup": "q", "sid": "R $G bar.* q", "msgs": 0},
        {"subject": "foo", "sid": "R $G foo", "msgs": 0}
    ]});
    let import = json!({"allow": ["foo", "bar.*"]});
    let export = json!({"deny": ["secret"]});
    let got = eventually(&own, "/routez?subs=detail", wanted(2));
    let carrier = position(&got, 2);
    let mut routes = vec![
        base.clone(),
        base.clone(),
        with(&base, json!({"account": "$SYS"})),
    ];
    routes[carrier] = with(&base, heard);
    assert_eq!(
        settled(got, &peer),
        json!({"server_id": own.id(), "server_name": "own", "now": null, "import": import, "export": export,
            "num_routes": 3, "routes": routes})
    );

    let base = with(
        &base,
        json!({"remote_name": "own", "did_solicit": true, "is_configured": true, "import": import, "export": export}),
    );
    let got = eventually(&peer, "/routez?subs=1", wanted(1));
    let carrier = position(&got, 1);
    let mut routes = vec![
        base.clone(),
        base.clone(),
        with(&base, json!({"account": "$SYS"})),
    ];
    routes[carrier] = with(
        &base,
        json!({"subscriptions": 1, "subscriptions_list": ["foo"]}),
    );
    assert_eq!(
        settled(got, &own),
        json!({"server_id": peer.id(), "server_name": "peer", "now": null, "num_routes": 3, "routes": routes})
    );

    let varz = page(&peer, "/varz");
    assert_eq!(
        varz["cluster"],
        json!({"name": "c", "addr": "127.0.0.1", "cluster_port": varz["cluster"]["cluster_port"], "auth_timeout": 2,
            "urls": [format!("127.0.0.1:{port}")], "tls_timeout": 2, "pool_size": 2})
    );
    let urls = [&peer, &own].map(|s| s.client_addr().expect("it listens").to_string());
    assert_eq!(
        ["routes", "remotes", "subscriptions", "connect_urls"].map(|field| &varz[field]),
        [&json!(3), &json!(1), &json!(6), &json!(urls)]
    );
    let subsz = page(&peer, "/subsz?subs=1&acc=$G");
    assert_eq!(
        (&subsz["num_subscriptions"], &subsz["total"]),
        (&json!(6), &json!(5)),
        "routed subscriptions are counted and not listed"
    );
    assert_eq!(page(&peer, "/subsz")["num_subscriptions"], 6);
}

/// Which of the routes has so many subscriptions: the hash of the account's name decides.
fn position(page: &Value, subscriptions: u64) -> usize {
    let routes = page["routes"].as_array().expect("a list");
    let found = routes
        .iter()
        .position(|route| route["subscriptions"] == subscriptions);
    found.expect("the interest came over one route")
}
