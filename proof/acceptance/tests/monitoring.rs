//! Monitoring pages: their fields and types, side by side with the reference server (rows MON-01 to MON-18,
//! MON-23, MON-24, GW-121).

use gannet_acceptance::http::{get, try_get};
use gannet_acceptance::{Kind, Server, SuperCluster, Wire, both, eventually, linked_as};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Paths of all fields with their types: `connections[].cid: number`. Keys that are data become `*`.
fn shape(value: &Value, path: &str, found: &mut BTreeMap<String, &'static str>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(items) => {
            for item in items {
                shape(item, &format!("{path}[]"), found);
            }
            "array"
        }
        Value::Object(fields) => {
            let keys_are_data = ["http_req_stats", "outbound_gateways", "inbound_gateways"]
                .iter()
                .any(|name| path.ends_with(name));
            for (key, value) in fields {
                shape(
                    value,
                    &format!("{path}.{}", if keys_are_data { "*" } else { key }),
                    found,
                );
            }
            "object"
        }
    };
    found.insert(path.to_owned(), kind);
}

fn shape_of(page: &Value) -> BTreeMap<String, &'static str> {
    let mut found = BTreeMap::new();
    shape(page, "", &mut found);
    found
}

/// A super-cluster of two with some life in it: a logged-in client with subscriptions on A, one on B, messages
/// in both directions, a closed connection.
struct Lively {
    cluster: SuperCluster,
    _clients: Vec<Wire>,
}

fn lively(kind: Kind) -> Lively {
    let mix = if kind == Kind::Gannet { "GG" } else { "XX" };
    let cluster = SuperCluster::start_with(
        mix,
        gannet_acceptance::Seeds::All,
        "",
        "authorization { users: [{user: u, password: p}] }",
    );
    let login = json!({"user": "u", "pass": "p", "name": "lively", "lang": "test", "version": "1.0", "headers": true});
    let mut clients: Vec<Wire> = (0..2)
        .map(|index| Wire::client_with(cluster.server(index), &login))
        .collect();
    for client in &mut clients {
        client.send("SUB foo 1\r\nSUB bar.* group 2\r\nSUB foo.> 3\r\n");
        client.fence();
    }
    cluster.await_interest(0, 1, "foo", "");
    cluster.await_interest(0, 1, "foo.>", "");
    cluster.await_interest(0, 1, "bar.*", "group");
    clients[0].send("PUB foo 5\r\nhello\r\nPUB foo.x 0\r\n\r\n");
    clients[0].expect("MSG foo 1 5\r\nhello\r\nMSG foo.x 3 0\r\n");
    clients[1].expect("MSG foo 1 5\r\nhello\r\nMSG foo.x 3 0\r\n");
    drop(Wire::client_with(
        cluster.server(0),
        &json!({"user": "u", "pass": "p", "name": "leaver"}),
    ));
    cluster.server(0).closed_connection("leaver");
    eventually("the round trip time of the client", || {
        let page = cluster.server(0).try_monitor("/connz")?;
        // The client of the script answers PINGs when it reads.
        clients[0].fence();
        if page["connections"][0]["rtt"].is_string() {
            Ok(())
        } else {
            Err(page.to_string())
        }
    });
    Lively {
        cluster,
        _clients: clients,
    }
}

/// Fields of the reference that Gannet does not have yet, by path prefix, with the part of the work that
/// brings them.
const LATER: &[&str] = &[
    // Other listeners and storage.
    ".mqtt",
    ".websocket",
    ".leaf",
    ".cluster",
    ".jetstream",
    ".disk_io_wait_stats",
    ".proxies",
    ".feature_flags",
    // The system account.
    ".system_account",
    // Go's own runtime, and a commit of its own repository.
    ".gomaxprocs",
    ".gomemlimit",
    ".git_commit",
];

both! {
    /// Every field of the reference is there, in its type; what Gannet adds is its own business.
    #[test]
    fn pages_have_the_fields_of_the_reference(kind: Kind) {
        let (ours, reference) = (lively(kind), lively(Kind::Go));
        for path in [
            "/varz", "/connz", "/connz?auth=1&subs=1", "/connz?subs=detail", "/connz?state=closed", "/gatewayz", "/gatewayz?accs=1", "/gatewayz?subs=1",
            "/gatewayz?subs=detail", "/subsz", "/subsz?subs=1", "/healthz",
        ] {
            let wanted = shape_of(&reference.cluster.server(0).monitor(path));
            let found = shape_of(&ours.cluster.server(0).monitor(path));
            let missing: Vec<_> = wanted
                .iter()
                .filter(|(field, kind)| found.get(*field) != Some(kind))
                .filter(|(field, _)| !LATER.iter().any(|later| field.starts_with(later)))
                .collect();
            assert!(missing.is_empty(), "{path}: missing or of another type: {missing:?}");
        }
    }

    /// MON-03: the form of answers.
    #[test]
    fn answers_have_their_form(kind: Kind) {
        let server = Server::start(kind, "");
        for path in ["/varz", "/connz", "/subsz", "/gatewayz", "/healthz"] {
            let response = get(server.http_address(), path);
            assert_eq!((response.status, response.header("content-type")), (200, Some("application/json")), "{path}");
            assert!(response.json().is_object(), "{path}");
        }
        assert!(get(server.http_address(), "/varz").body.starts_with("{\n  \"server_id\": \"N"), "pages are indented, the server's id first");
        let root = get(server.http_address(), "/");
        assert_eq!(root.status, 200);
        assert!(root.header("content-type").is_some_and(|kind| kind.starts_with("text/html")), "{:?}", root.headers);
        for link in ["varz", "connz", "subsz", "gatewayz", "healthz"] {
            assert!(root.body.contains(link), "the root page links {link}");
        }
        assert_eq!(get(server.http_address(), "/nothing").status, 404);
    }

    /// MON-03: values that make no sense are refused with a text.
    #[test]
    fn bad_values_are_refused(kind: Kind) {
        let server = Server::start(kind, "gateway { name: A, listen: \"{gateway}\" }");
        for (path, text) in [
            ("/connz?subs=zz", "Error decoding boolean for 'subs': "),
            ("/connz?auth=zz", "Error decoding boolean for 'auth': "),
            ("/connz?limit=x", "Error decoding int for 'limit': "),
            ("/connz?offset=x", "Error decoding int for 'offset': "),
            ("/connz?cid=x", "Error decoding uint64 for 'cid': "),
            ("/connz?state=odd", "Error decoding state for odd"),
            ("/connz?sort=odd", "invalid sorting option: odd"),
            ("/connz?sort=stop", "sort by stop only valid on closed connections"),
            ("/gatewayz?accs=zz", "Error decoding boolean for 'accs': "),
            ("/subsz?subs=zz", "Error decoding boolean for 'subs': "),
        ] {
            let response = get(server.http_address(), path);
            assert!(response.status == 400 && response.body.contains(text), "{path}: {response:?}");
        }
    }

    /// MON-01, MON-02: a base path, and the port by flag.
    #[test]
    fn base_path_and_port(kind: Kind) {
        let server = Server::start(kind, "http_base_path: \"/nats\"");
        assert_eq!(get(server.http_address(), "/nats/varz").json()["http_base_path"], "/nats");
        assert_eq!(get(server.http_address(), "/varz").status, 404);
        let port = gannet_acceptance::ports::Port::reserve();
        let flagged = Server::start_with(kind, "", &["-m", &port.number().to_string()]);
        assert_eq!(get(port.address(), "/varz").json()["http_port"], port.number());
        assert!(try_get(flagged.http_address(), "/varz").is_err(), "the flag wins over the file");
    }

    /// MON-05, MON-06: what varz says about this server.
    #[test]
    fn varz_tells_the_truth(kind: Kind) {
        let server = Server::start(kind, "server_name: S1\nmax_payload: 2000\nmax_pending: 100000\nmax_control_line: 2048\nmax_connections: 77\nmax_subs: 9\nping_interval: 30\nping_max: 5\nwrite_deadline: \"3s\"");
        let mut client = Wire::client(&server);
        client.send("SUB foo 1\r\nPUB foo 5\r\nhello\r\n");
        client.expect("MSG foo 1 5\r\nhello");
        client.fence();
        let page = server.monitor("/varz");
        for (field, expected) in [
            ("server_name", json!("S1")), ("version", json!("2.15.1")), ("proto", json!(1)), ("host", json!("127.0.0.1")),
            ("port", json!(server.client_port())), ("max_payload", json!(2000)), ("max_pending", json!(100_000)), ("max_control_line", json!(2048)),
            ("max_connections", json!(77)), ("max_subscriptions", json!(9)), ("ping_interval", json!(30_000_000_000_u64)), ("ping_max", json!(5)),
            ("write_deadline", json!(3_000_000_000_u64)), ("connections", json!(1)), ("in_msgs", json!(1)), ("out_msgs", json!(1)),
            ("in_bytes", json!(5)), ("out_bytes", json!(5)), ("slow_consumers", json!(0)), ("routes", json!(0)), ("remotes", json!(0)),
            ("leafnodes", json!(0)), ("auth_timeout", json!(2)), ("http_host", json!("127.0.0.1")),
        ] {
            assert_eq!(page[field], expected, "{field}");
        }
        for field in ["start", "now", "config_load_time"] {
            let text = page[field].as_str().unwrap_or_default();
            assert!(text.len() >= 20 && text.as_bytes()[10] == b'T' && text.ends_with('Z'), "{field}: {text}");
        }
        assert!(page["config_digest"].as_str().is_some_and(|digest| digest.starts_with("sha256:") && digest.len() == 71), "{}", page["config_digest"]);
        assert!(page["mem"].as_u64() > Some(0) && page["cores"].as_u64() > Some(0) && page["cpu"].is_number());
        let uptime = page["uptime"].as_str().unwrap_or_default();
        assert!(uptime.ends_with('s'), "{uptime}");
    }

    /// Requests to the pages are counted.
    #[test]
    fn requests_are_counted(kind: Kind) {
        let server = Server::start(kind, "");
        let count = |path: &str| server.monitor("/varz")["http_req_stats"][path].as_u64().unwrap_or_default();
        let [connz, healthz, varz] = ["/connz", "/healthz", "/varz"].map(count);
        server.monitor("/connz");
        server.monitor("/connz");
        server.monitor("/healthz");
        assert_eq!(["/connz", "/healthz", "/varz"].map(count), [connz + 2, healthz + 1, varz + 3]);
    }

    /// MON-08 to MON-10: connz: paging, sorting, looking for one, subscriptions.
    #[test]
    fn connz_options(kind: Kind) {
        let server = Server::start(kind, "");
        server.await_nobody();
        let mut clients: Vec<Wire> = (0..4).map(|number| Wire::client_with(&server, &json!({"name": format!("n{number}")}))).collect();
        for (number, client) in clients.iter_mut().enumerate() {
            for sid in 0..number {
                client.send(&format!("SUB s.{sid} {sid}\r\n"));
            }
            client.send(&"PUB nothing 3\r\nabc\r\n".repeat(4 - number));
            client.fence();
        }
        let names = |path: &str| -> Vec<String> {
            let page = server.monitor(path);
            page["connections"].as_array().expect("a list").iter().map(|one| one["name"].as_str().unwrap_or_default().to_owned()).collect()
        };
        assert_eq!(names("/connz"), ["n0", "n1", "n2", "n3"]);
        assert_eq!(names("/connz?sort=cid"), ["n0", "n1", "n2", "n3"]);
        assert_eq!(names("/connz?sort=subs"), ["n3", "n2", "n1", "n0"]);
        assert_eq!(names("/connz?sort=msgs_from"), ["n0", "n1", "n2", "n3"]);
        assert_eq!(names("/connz?sort=bytes_from"), ["n0", "n1", "n2", "n3"]);
        assert_eq!(names("/connz?offset=1&limit=2"), ["n1", "n2"]);
        let page = server.monitor("/connz?offset=1&limit=2");
        assert_eq!([&page["num_connections"], &page["total"], &page["offset"], &page["limit"]], [&json!(2), &json!(4), &json!(1), &json!(2)]);
        let first = server.monitor("/connz")["connections"][3].clone();
        let found = server.monitor(&format!("/connz?cid={}&subs=1", first["cid"]));
        assert_eq!(found["connections"].as_array().map(Vec::len), Some(1));
        let one = &found["connections"][0];
        let mut subjects: Vec<String> = one["subscriptions_list"].as_array().expect("a list").iter().map(Value::to_string).collect();
        subjects.sort();
        assert_eq!(subjects, ["\"s.0\"", "\"s.1\"", "\"s.2\""]);
        assert_eq!([&one["kind"], &one["type"], &one["ip"], &one["in_msgs"], &one["in_bytes"], &one["subscriptions"]],
            [&json!("Client"), &json!("nats"), &json!("127.0.0.1"), &json!(1), &json!(3), &json!(3)]);
        assert_eq!(one["port"], clients[3].local_port());
    }

    /// MON-15, MON-16: gatewayz of a server without gateways: empty maps, not null.
    #[test]
    fn gatewayz_without_gateways(kind: Kind) {
        let page = Server::start(kind, "").monitor("/gatewayz");
        assert_eq!((&page["outbound_gateways"], &page["inbound_gateways"]), (&json!({}), &json!({})));
    }

    /// MON-14, MON-16: gatewayz of a super-cluster.
    #[test]
    fn gatewayz_of_a_super_cluster(kind: Kind) {
        let lively = lively(kind);
        let page = lively.cluster.server(0).monitor("/gatewayz?accs=1&subs=1");
        assert_eq!([&page["name"], &page["host"], &page["port"]], [&json!("A"), &json!("127.0.0.1"), &json!(lively.cluster.server(0).gateway_port())]);
        let outbound = &page["outbound_gateways"]["B"];
        assert_eq!(outbound["configured"], true);
        assert_eq!(outbound["connection"]["name"].as_str().map(str::len), Some(56));
        let account = outbound["accounts"].as_array().expect("a list").iter().find(|account| account["name"] == "$G").expect("the global account");
        assert_eq!(
            [&account["interest_mode"], &account["num_subs"], &account["num_queue_subs"]],
            [&json!("Interest-Only"), &json!(3), &json!(1)]
        );
        let narrowed = lively.cluster.server(0).monitor("/gatewayz?gw_name=nobody");
        // The reference says null for the one and {} for the other here.
        for links in [&narrowed["outbound_gateways"], &narrowed["inbound_gateways"]] {
            assert!(links.as_object().is_none_or(serde_json::Map::is_empty), "{narrowed}");
        }
    }

    /// MON-16: gatewayz lists the accounts that the other cluster has told about, and those it wants something in.
    #[test]
    fn gatewayz_lists_what_was_told(kind: Kind) {
        let (server, mut b, _local) = linked_as(kind, &Value::Null);
        let accounts = |query: &str| {
            let page = server.monitor(&format!("/gatewayz?{query}"));
            let mut list = page["outbound_gateways"]["B"]["accounts"].as_array().cloned().unwrap_or_default();
            list.sort_by_key(|account| account["name"].to_string());
            list.iter().map(|account| format!("{} {}", account["name"], account["num_subs"])).collect::<Vec<_>>()
        };
        assert_eq!(accounts("accs=1"), Vec::<String>::new());
        b.announce(&[]);
        assert_eq!(accounts("accs=1"), ["\"$G\" null"]);
        b.outbound.announce(&b.script, "X", &["RS+ X foo", "RS+ X work q 1"]);
        b.outbound.wire.send("RS+ Y foo q 1\r\n");
        b.outbound.fence();
        assert_eq!(accounts("accs=1"), ["\"$G\" null", "\"X\" 2", "\"Y\" 1"]);
        assert_eq!(accounts("acc_name=X"), ["\"X\" 2"]);
        b.outbound.wire.send("RS- X foo\r\nRS- X work q\r\nRS- Y foo q\r\n");
        b.outbound.fence();
        assert_eq!(accounts("accs=1"), ["\"$G\" null", "\"X\" null"]);
        assert_eq!(accounts("acc_name=nobody"), Vec::<String>::new());
    }

    /// MON-18: subsz counts and tests subjects.
    #[test]
    fn subsz_options(kind: Kind) {
        let server = Server::start(kind, "");
        let mut client = Wire::client(&server);
        client.send("SUB foo.* 1\r\nSUB foo.bar 2\r\nSUB baz q 3\r\n");
        client.fence();
        let all = server.monitor("/subsz?subs=1&acc=$G");
        let mut subjects: Vec<String> = all["subscriptions_list"].as_array().expect("a list").iter().map(|one| one["subject"].to_string()).collect();
        // The reference lists what it subscribes to by itself in every account, too.
        subjects.retain(|subject| !subject.starts_with("\"$SYS."));
        subjects.sort();
        assert_eq!(subjects, ["\"baz\"", "\"foo.*\"", "\"foo.bar\""]);
        let tested = server.monitor("/subsz?subs=1&acc=$G&test=foo.bar");
        assert_eq!(tested["subscriptions_list"].as_array().map(Vec::len), Some(2));
        let queue = all["subscriptions_list"].as_array().expect("a list").iter().find(|one| one["subject"] == "baz").expect("it is there").clone();
        assert_eq!((&queue["qgroup"], &queue["sid"]), (&json!("q"), &json!("3")));
    }

    /// MON-23, MON-24.
    #[test]
    fn healthz_is_ok(kind: Kind) {
        let server = Server::start(kind, "");
        let response = get(server.http_address(), "/healthz");
        assert_eq!((response.status, response.json()), (200, json!({"status": "ok"})));
        assert_eq!(get(server.http_address(), "/healthz?js-server-only=zz").status, 400);
    }

    /// MON-23, MON-24: what is asked of parts that this server does not have is fine; what makes no sense is refused.
    #[test]
    fn healthz_options(kind: Kind) {
        let server = Server::start(kind, "");
        for path in [
            "js-enabled=true", "js-enabled-only=1", "js-server-only=1", "js-meta-only=1", "details=1", "account=X", "account=X&stream=S&details=1",
            "js-meta-only=1&details=true",
        ] {
            let response = get(server.http_address(), &format!("/healthz?{path}"));
            assert_eq!((response.status, response.json()), (200, json!({"status": "ok"})), "{path}");
        }
        for (path, error) in [
            ("stream=S", "\"account\" must not be empty when checking stream health"),
            ("consumer=C", "\"stream\" must not be empty when checking consumer health"),
        ] {
            let response = get(server.http_address(), &format!("/healthz?{path}"));
            assert_eq!((response.status, response.json()), (400, json!({"status": "error", "error": error})), "{path}");
        }
        for option in ["details", "js-enabled", "js-enabled-only", "js-server-only", "js-meta-only"] {
            let response = get(server.http_address(), &format!("/healthz?{option}=zz"));
            let text = format!("Error decoding boolean for '{option}': strconv.ParseBool: parsing \"zz\": invalid syntax");
            assert_eq!((response.status, response.body.trim_end()), (400, text.as_str()), "{option}");
        }
    }

    /// MON-08, MON-09, MON-11: who is looked for in connz and not there, and all ways of sorting.
    #[test]
    fn connz_looks_for_users_and_accounts(kind: Kind) {
        let server = Server::start(kind, "authorization { users: [{user: u, password: p}, {user: v, password: p}] }");
        let login = |user: &str| Wire::client_with(&server, &json!({"user": user, "pass": "p", "name": user}));
        let (_u, _v) = (login("u"), login("v"));
        drop(login("v"));
        server.closed_connection("v");
        let names = |query: &str| -> Vec<String> {
            let page = server.monitor(&format!("/connz?{query}"));
            let found = page["connections"].as_array().into_iter().flatten();
            found.map(|one| one["name"].as_str().unwrap_or_default().to_owned()).filter(|name| !name.is_empty()).collect()
        };
        for (query, expected) in [
            ("user=u&auth=1", &["u"][..]), ("user=v&auth=1", &["v"]), ("user=w&auth=1", &[]), ("acc=$G", &["u", "v"]), ("acc=X", &[]),
            ("mqtt_client=x", &[]), ("offset=10", &[]), ("cid=99999", &[]), ("state=open", &["u", "v"]), ("state=closed", &["v"]),
            ("state=CLOSED&user=v&auth=1", &["v"]), ("state=any", &["u", "v", "v"]), ("limit=0", &["u", "v"]), ("limit=-1", &["u", "v"]), ("offset=-1", &["u", "v"]),
            ("limit=1", &["u"]), ("offset=1", &["v"]),
        ] {
            assert_eq!(names(query), expected, "{query}");
        }
        for sort in ["cid", "start", "subs", "pending", "msgs_to", "msgs_from", "bytes_to", "bytes_from", "last", "idle", "uptime", "rtt"] {
            let mut found = names(&format!("sort={sort}"));
            found.sort();
            assert_eq!(found, ["u", "v"], "{sort}");
        }
        for sort in ["stop", "reason"] {
            assert_eq!(names(&format!("sort={sort}&state=closed")), ["v"], "{sort}");
        }
        let response = get(server.http_address(), "/connz?sort=reason");
        assert_eq!((response.status, response.body.trim_end()), (400, "sort by reason only valid on closed connections"));
    }

    /// MON-18: values that make no sense to subsz.
    #[test]
    fn subsz_refuses_bad_values(kind: Kind) {
        let server = Server::start(kind, "");
        for (query, text) in [
            ("offset=x", "Error decoding int for 'offset': strconv.Atoi: parsing \"x\": invalid syntax"),
            ("limit=x", "Error decoding int for 'limit': strconv.Atoi: parsing \"x\": invalid syntax"),
            ("test=a..b", "invalid test subject, must be valid publish subject: a..b"),
        ] {
            let response = get(server.http_address(), &format!("/subsz?{query}"));
            assert_eq!((response.status, response.body.trim_end()), (400, text), "{query}");
        }
        assert!(get(server.http_address(), "/subscriptionsz").json()["num_subscriptions"].is_number());
    }

    /// CFG-16, GW-121: what the configuration says about the server and its gateway.
    #[test]
    fn varz_repeats_the_configuration(kind: Kind) {
        let server = Server::start(
            kind,
            "server_tags: [\"Rack:1\", b]\nserver_metadata: {floor: \"2\", room: blue}\nfeature_flags: {js_ack_fc_v2: true}\nwrite_timeout: close\n\
             gateway { name: A, listen: \"{gateway}\", advertise: \"gw.example:5\", connect_retries: 3, reject_unknown: true, write_deadline: \"2s\", write_timeout: retry\n\
             authorization { user: u, password: p, timeout: 3 }, gateways: [{name: A, url: \"nats://u:p@{gateway}\"}] }",
        );
        let page = server.monitor("/varz");
        assert_eq!(page["tags"], json!(["rack:1", "b"]));
        assert_eq!(page["metadata"], json!({"floor": "2", "room": "blue"}));
        assert_eq!(page["feature_flags"]["js_ack_fc_v2"], true);
        assert_eq!(page["write_timeout"], "close");
        assert_eq!(page["gateway"], json!({
            "name": "A", "host": "127.0.0.1", "port": server.gateway_port(), "auth_timeout": 3, "tls_timeout": 2, "advertise": "gw.example:5",
            "connect_retries": 3, "reject_unknown": true, "gateways": [{"name": "A", "urls": [server.gateway_address()]}],
        }));
    }
}
