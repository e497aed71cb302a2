//! New options for a running server: what it takes over, what it refuses, and whom it concerns (rows OPS-11 to
//! OPS-16, CFG reload rows, CLU-12, CLU-26, GW-125).

use gannet_acceptance::server::{REFUSED, RELOADED};
use gannet_acceptance::wait::eventually;
use gannet_acceptance::wire::Heard;
use gannet_acceptance::{Kind, Server, Wire, both, pairs};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Has the server read `config`, and returns what it said of it, as [`Server::reload`] does.
fn reload(server: &Server, config: &str) -> Vec<String> {
    server.write_config(config);
    server.reload()
}

/// [`reload`] of what the server takes over.
fn change(server: &Server, config: &str) -> Vec<String> {
    let lines = reload(server, config);
    assert!(
        !lines.iter().any(|line| line.starts_with(REFUSED)),
        "{lines:?}"
    );
    lines
}

/// What clients of a test say of themselves.
fn user(name: &str, password: &str) -> Value {
    json!({"verbose": false, "pedantic": false, "user": name, "pass": password})
}

/// The next thing that the client hears is a message on `subject`; answers its payload.
fn received(client: &mut Wire, subject: &str) -> String {
    let line = client.line();
    assert!(
        line.starts_with(&format!("MSG {subject} ")),
        "{line}: {}",
        client.story()
    );
    client.line()
}

both! {
    /// Options that change, and back: a line for each, and the client never notices.
    #[test]
    fn ops_12_what_can_change_is_told(kind: Kind) {
        let server = Server::start(kind, "");
        let mut client = Wire::client(&server);
        for (lines, told) in [
            ("", ""),
            ("debug: true", "Reloaded: debug = true"),
            ("max_control_line: 2048", "Reloaded: max_control_line = 2048"),
            ("max_payload: 2048", "Reloaded: max_payload = 2048"),
            ("max_connections: 10", "Reloaded: max_connections = 10"),
            ("ping_interval: \"90s\"", "Reloaded: ping_interval = 1m30s"),
            ("ping_max: 5", "Reloaded: ping_max = 5"),
            ("write_deadline: \"3s\"", "Reloaded: write_deadline = 3s"),
            ("no_fast_producer_stall: true", "Reloaded: fast producers will not be stalled"),
            ("client_advertise: \"h:1\"", "Reload: client_advertise = h:1"),
            ("connect_error_reports: 5", "Reloaded: connect_error_reports = 5"),
            ("reconnect_error_reports: 5", "Reloaded: reconnect_error_reports = 5"),
            ("max_traced_msg_len: 5", "Reloaded: max_traced_msg_len = 5"),
            ("server_tags: [a, b]", "Reloaded: tags"),
            ("server_metadata { a: b }", "Reloaded: metadata"),
            ("pid_file: \"{dir}/x.pid\"", "Reloaded: pid_file = {dir}/x.pid"),
        ] {
            let told = told.replace("{dir}", &server.folder().display().to_string());
            let said = change(&server, lines);
            assert_eq!(said.join("\n"), told, "{lines}");
            change(&server, "");
            client.fence();
        }
        let pid = std::fs::read_to_string(server.folder().join("x.pid")).expect("a pid file");
        assert_eq!(pid.trim(), server.pid().to_string());
    }

    /// Options that need another start: the reference server's words, and nothing is taken over.
    #[test]
    fn ops_13_what_cannot_change_is_refused_and_nothing_else_changes(kind: Kind) {
        let server = Server::start(kind, "");
        let mut client = Wire::client(&server);
        for (lines, why) in [
            ("server_name: x", "ServerName: old=, new=x"),
            ("max_subscriptions: 10", "MaxSubs: old=0, new=10"),
            ("max_sub_tokens: 10", "MaxSubTokens: old=0, new=10"),
            ("max_pending: 32MiB", "MaxPending: old=67108864, new=33554432"),
            ("write_timeout: close", "WriteTimeout: old=, new=close"),
            ("no_header_support: true", "NoHeaderSupport: old=false, new=true"),
            ("disable_sublist_cache: true", "NoSublistCache: old=false, new=true"),
            ("max_closed_clients: 5", "MaxClosedClients: old=10000, new=5"),
            ("http_base_path: \"/x\"", "HTTPBasePath: old=, new=/x"),
            ("logfile_size_limit: 10000", "LogSizeLimit: old=0, new=10000"),
            ("logfile_max_num: 3", "LogMaxFiles: old=0, new=3"),
            ("lame_duck_duration: \"40s\"", "LameDuckDuration: old=2m0s, new=40s"),
            ("lame_duck_grace_period: \"5s\"", "LameDuckGracePeriod: old=10s, new=5s"),
            ("feature_flags { a: true }", "FeatureFlags: old=map[], new=map[a:true]"),
            ("cluster { name: c, listen: \"127.0.0.1:-1\" }", "cluster host: old=, new=127.0.0.1"),
        ] {
            let said = reload(&server, &format!("debug: true\nmax_payload: 99\n{lines}"));
            assert_eq!(said, [format!("{REFUSED}config reload not supported for {why}")], "{lines}");
            client.fence();
        }
        assert_eq!(server.monitor("/varz")["max_payload"], 1024 * 1024);
        assert_eq!(change(&server, ""), [""; 0], "all is as it was");
    }

    /// A mistake in the file changes nothing; where it is is told.
    #[test]
    fn ops_14_a_mistake_changes_nothing(kind: Kind) {
        let server = Server::start(kind, "");
        let mut client = Wire::client(&server);
        for (lines, place) in [
            ("max_payload: 99\ndebug: 17", "server.conf:4:1: "),
            ("max_payload: 99\n\nno_such_key: 1", "server.conf:5:1: unknown field \"no_such_key\""),
            ("client_advertise: \"h:x:1\"", "invalid ClientAdvertise value of h:x:1, err=address h:x:1: too many colons in address"),
            ("cluster { name: c, listen: \"{cluster}\", accounts: [X] }\nport: 1", ""),
        ] {
            let said = reload(&server, lines);
            assert!(said[0].starts_with(REFUSED) && said[0].contains(place), "{said:?}");
            client.fence();
        }
        assert_eq!(server.monitor("/varz")["max_payload"], 1024 * 1024);
    }

    /// Without a configuration file there is nothing to read again.
    #[test]
    fn a_server_without_a_file_says_so(kind: Kind) {
        let server = Server::start(kind, "");
        std::fs::remove_file(server.folder().join("server.conf")).expect("it is there");
        let before = server.log().len();
        server.signal(Signal::HUP);
        eventually("an answer", || {
            let log = server.log();
            log[before..].contains(REFUSED).then_some(()).ok_or(log)
        });
        Wire::client(&server).fence();
    }

    /// Bounds reach the connections that stand.
    #[test]
    fn new_bounds_hold_for_clients_that_are_there(kind: Kind) {
        let server = Server::start(kind, "");
        let mut payload = Wire::client(&server);
        let mut line = Wire::client(&server);
        payload.send("PUB a 200\r\n");
        payload.send(&format!("{}\r\n", "x".repeat(200)));
        payload.fence();
        change(&server, "max_payload: 100\nmax_control_line: 64");
        payload.send("PUB a 200\r\n");
        payload.expect("-ERR 'Maximum Payload Violation'");
        line.send(&format!("SUB {} 1\r\n", "a".repeat(100)));
        line.expect("-ERR 'maximum control line exceeded'");
        assert_eq!(Wire::open(&server.client_address()).info()["max_payload"], 100);
    }

    /// Too many clients: as many as are too many have to go.
    #[test]
    fn ops_15_surplus_clients_are_closed(kind: Kind) {
        let server = Server::start(kind, "");
        let mut clients: Vec<Wire> = (0..5).map(|_| Wire::client(&server)).collect();
        let said = change(&server, "max_connections: 3");
        for line in ["Closed 2 connections to fall within max_connections", "Reloaded: max_connections = 3"] {
            assert!(said.contains(&line.to_owned()), "{said:?}");
        }
        eventually("the others to be closed", || {
            let open = server.monitor("/connz")["num_connections"].clone();
            (open == 3).then_some(()).ok_or(open.to_string())
        });
        if kind == Kind::Gannet {
            // Those that came last; the reference server chooses by chance.
            for client in clients.drain(3..) {
                let mut client = client;
                client.expect("-ERR 'maximum connections exceeded'");
                client.expect_closed();
            }
            clients.iter_mut().for_each(Wire::fence);
        }
    }

    /// Only those clients notice that the change concerns.
    #[test]
    fn ops_14_other_credentials_concern_only_who_has_them(kind: Kind) {
        let users = |list: &str| format!("authorization {{ users: [ {list} ] }}");
        let before = users("{user: a, password: '1'}, {user: b, password: '2'}, {user: c, password: '3'}");
        let server = Server::start(kind, &before);
        let mut clients: Vec<Wire> = [("a", "1"), ("b", "2"), ("c", "3")]
            .map(|(name, password)| Wire::client_with(&server, &user(name, password)))
            .into();
        change(&server, &users("{user: a, password: '1'}, {user: b, password: '9'}, {user: d, password: '4'}"));
        clients[2].expect_closed();
        clients[1].expect("-ERR 'Authorization Violation'");
        clients[1].expect_closed();
        clients[0].fence();
        Wire::client_with(&server, &user("b", "9")).fence();
        Wire::client_with(&server, &user("d", "4")).fence();
    }

    /// Credentials where there were none, and none where there were some.
    #[test]
    fn credentials_come_and_go(kind: Kind) {
        let server = Server::start(kind, "");
        let mut nobody = Wire::client(&server);
        assert_eq!(change(&server, "authorization { token: t }")[0], "Reloaded: authorization token");
        nobody.expect("-ERR 'Authorization Violation'");
        nobody.expect_closed();
        let mut known = Wire::client_with(&server, &json!({"verbose": false, "auth_token": "t"}));
        known.fence();
        assert_eq!(Wire::open(&server.client_address()).info()["auth_required"], true);
        change(&server, "");
        known.fence();
        Wire::client(&server).fence();
        assert!(Wire::open(&server.client_address()).info()["auth_required"].is_null());
    }

    /// The log goes on in another file, the last line of a reload included.
    #[test]
    fn the_log_goes_over_to_its_new_file(kind: Kind) {
        let server = Server::start(kind, "");
        server.write_config("log_file: \"{dir}/new.log\"\nlogtime: false");
        server.signal(Signal::HUP);
        let path = server.folder().join("new.log");
        let text = eventually("the new file", || {
            let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
            text.contains(RELOADED).then_some(text.clone()).ok_or(text)
        });
        assert!(text.starts_with(&format!("[{}] [INF] {RELOADED}", server.pid())), "{text}");
        server.expect_log("Reloaded: log_file = ");
    }

    /// The ports file moves.
    #[test]
    fn the_ports_file_moves(kind: Kind) {
        let server = Server::start(kind, "");
        let files = |folder: &std::path::Path| {
            let entries = std::fs::read_dir(folder).expect("a folder");
            let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text"));
            names.filter(|name| name.ends_with(".ports")).count()
        };
        assert_eq!(files(server.folder()), 0);
        change(&server, "ports_file_dir: \"{dir}\"");
        assert_eq!(files(server.folder()), 1);
        change(&server, "");
        assert_eq!(files(server.folder()), 0);
    }
}

/// A client that has named a user stays if nothing has changed for it. (The reference server closes it at every
/// reload, unless users are listed.)
#[test]
fn a_client_that_has_named_a_user_stays() {
    for lines in ["", "authorization { user: u, password: p }"] {
        let server = Server::start(Kind::Gannet, lines);
        let mut client = Wire::client_with(&server, &user("u", "p"));
        assert_eq!(
            change(&server, &format!("debug: true\n{lines}")),
            ["Reloaded: debug = true"]
        );
        client.fence();
    }
}

/// Two servers of one cluster, the first of which knows the second.
struct Two {
    servers: [Server; 2],
}

/// A client that sends a number about every millisecond until the scope that it is lent to ends, be it by a panic.
struct Flow<'a> {
    sent: &'a AtomicU64,
    is_over: &'a AtomicBool,
}

impl Flow<'_> {
    fn run(&self, mut client: Wire) {
        while !self.is_over.load(Ordering::Relaxed) {
            let number = self.sent.fetch_add(1, Ordering::Relaxed).to_string();
            client.send(&format!("PUB data {}\r\n{number}\r\n", number.len()));
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Ends a [`Flow`].
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Two {
    fn start(kinds: [Kind; 2]) -> Two {
        let servers = kinds.map(|kind| Server::prepare(kind, "", &[]));
        let mut two = Two { servers };
        two.servers[1].write_config(&two.config(1, "", ""));
        two.servers[0].write_config(&two.config(0, "", ""));
        for server in &mut two.servers {
            server
                .launch()
                .unwrap_or_else(|problem| panic!("{problem}"));
        }
        two.await_routes(4);
        two
    }

    /// The configuration of one of the two, with `lines` in its cluster block; the first one has also `routes`.
    fn config(&self, at: usize, lines: &str, routes: &str) -> String {
        let known = match at {
            0 if routes.is_empty() => format!("\"nats://{}\"", self.servers[1].route_address()),
            _ => routes.trim_start_matches("none").to_owned(),
        };
        format!(
            "server_name: s{at}\ncluster {{ name: c, listen: \"{{cluster}}\", routes: [{known}], {lines} }}"
        )
    }

    fn await_routes(&self, count: u64) {
        for server in &self.servers {
            eventually("as many routes", || {
                let page = server.monitor("/routez");
                (page["num_routes"] == count)
                    .then_some(())
                    .ok_or(page["num_routes"].to_string())
            });
        }
    }

    /// As [`Two::await_routes`], but more will do.
    fn await_some_routes(&self, count: u64) {
        for server in &self.servers {
            eventually("as many routes at least", || {
                let page = server.monitor("/routez");
                let routes = page["num_routes"].as_u64().filter(|n| *n >= count);
                routes.map(|_| ()).ok_or(page["num_routes"].to_string())
            });
        }
    }

    /// What clients of one server are interested in reaches the other, or not.
    fn await_reach(&self, from: usize, to: usize, subject: &str, reaches: bool) {
        let mut taker = Wire::client(&self.servers[to]);
        taker.send(&format!("SUB {subject} 1\r\n"));
        taker.fence();
        let mut giver = Wire::client(&self.servers[from]);
        giver.send("SUB inbox 9\r\n");
        eventually("the interest to be there, or not", || {
            let page = self.servers[from].monitor("/routez?subs=1");
            let is_known = page.to_string().contains(&format!("\"{subject}\""));
            (is_known == reaches).then_some(()).ok_or(page.to_string())
        });
        giver.send(&format!("PUB {subject} 1\r\nx\r\n"));
        giver.fence();
        if reaches {
            received(&mut taker, subject);
        }
    }
}

pairs! {
    /// Permissions of the cluster count at once, for the interest that there is, and back.
    #[test]
    fn clu_12_permissions_are_taken_over(one: Kind, other: Kind) {
        let two = Two::start([one, other]);
        let mut far = Wire::client(&two.servers[1]);
        far.send("SUB secret.far 1\r\nSUB open.far 2\r\n");
        let mut near = Wire::client(&two.servers[0]);
        near.send("SUB secret.near 1\r\nSUB open.near 2\r\n");
        near.fence();
        far.fence();
        let check = |near: &mut Wire, far: &mut Wire, allowed: bool| {
            for (server, name) in [(0, "far"), (1, "near")] {
                eventually("interest to come or go", || {
                    let page = two.servers[server].monitor("/routez?subs=1").to_string();
                    let [secret, open] = ["secret", "open"].map(|what| page.contains(&format!("{what}.{name}")));
                    (secret == allowed && open).then_some(()).ok_or(page)
                });
            }
            near.send("PUB secret.far 1\r\nx\r\nPUB open.far 1\r\ny\r\n");
            far.send("PUB secret.near 1\r\nx\r\nPUB open.near 1\r\ny\r\n");
            for (client, name) in [(near, "near"), (far, "far")] {
                if allowed {
                    received(client, &format!("secret.{name}"));
                }
                received(client, &format!("open.{name}"));
            }
        };
        check(&mut near, &mut far, true);
        let denied = "permissions { import: {deny: [\"secret.>\"]}, export: {deny: [\"secret.>\"]} }";
        for _ in 0..2 {
            assert_eq!(change(&two.servers[0], &two.config(0, denied, "")), ["Reloaded: cluster"]);
            check(&mut near, &mut far, false);
            assert_eq!(change(&two.servers[0], &two.config(0, "", "")), ["Reloaded: cluster"]);
            check(&mut near, &mut far, true);
        }
        two.await_routes(4);
    }

    /// Another size of the pool, accounts with connections of their own, another compression: afterwards, all is as if
    /// it had been so from the start, and nothing comes twice.
    #[test]
    fn clu_26_pools_accounts_and_compression_change(one: Kind, other: Kind) {
        let two = Two::start([one, other]);
        let mut far = Wire::client(&two.servers[1]);
        far.send("SUB data.* 1\r\n");
        far.fence();
        let mut near = Wire::client(&two.servers[0]);
        let mut number = 0;
        for (lines, count) in [
            ("pool_size: 5", 6),
            ("pool_size: 5, accounts: [\"$G\"]", 7),
            ("pool_size: 5, accounts: [\"$G\"], compression: s2_fast", 7),
            ("pool_size: 2", 3),
            ("pool_size: 2, compression: off", 3),
            ("", 4),
        ] {
            // Both, as an operator does: with different sizes, the larger one counts.
            for at in [1, 0] {
                change(&two.servers[at], &two.config(at, lines, ""));
            }
            two.await_routes(count);
            eventually("interest to be there once more", || {
                let page = two.servers[0].monitor("/routez?subs=1").to_string();
                page.contains("\"data.*\"").then_some(()).ok_or(page)
            });
            for _ in 0..20 {
                number += 1;
                near.send(&format!("PUB data.{number} 1\r\nx\r\n"));
            }
            near.fence();
            for n in number - 19..=number {
                received(&mut far, &format!("data.{n}"));
            }
        }
    }

    /// Messages flow while both servers change the size of their pools and the accounts with connections of their own:
    /// nothing comes twice or out of order, and between two of ours nothing is lost. With a Go server, which closes
    /// what it changes, messages are back soon.
    #[test]
    fn clu_26_messages_flow_while_pools_and_accounts_change(one: Kind, other: Kind) {
        let two = Two::start([one, other]);
        let mut far = Wire::client(&two.servers[1]);
        far.send("SUB data 1\r\n");
        far.fence();
        two.await_reach(0, 1, "warm", true);
        let near = Wire::client(&two.servers[0]);
        let (sent, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let _stop = Stop(&is_over);
            let flow = Flow { sent: &sent, is_over: &is_over };
            scope.spawn(move || flow.run(near));
            let mut next = 0;
            for (lines, count) in [
                ("pool_size: 5", 6),
                ("", 4),
                ("pool_size: 1", 2),
                ("accounts: [\"$G\"]", 5),
                ("pool_size: 2", 3),
            ] {
                for at in [0, 1] {
                    change(&two.servers[at], &two.config(at, lines, ""));
                }
                // What a Go server has dialled for a larger pool stays until it closes it itself.
                if [one, other] == [Kind::Go, Kind::Gannet] {
                    two.await_some_routes(count);
                } else {
                    two.await_routes(count);
                }
                // A second and a half later, everything has moved.
                let until = sent.load(Ordering::Relaxed) + 1500;
                while next < until {
                    let number: u64 = received(&mut far, "data").parse().expect("a number");
                    assert!(number >= next, "{number} comes after {next} was due");
                    if [one, other] == [Kind::Gannet; 2] {
                        assert_eq!(number, next, "with {lines:?}");
                    }
                    next = number + 1;
                }
            }
        });
    }

    /// Routes come and go; messages to those that stay arrive once, in order, all the while.
    #[test]
    fn clu_26_routes_come_and_go(one: Kind, other: Kind) {
        let two = Two::start([one, other]);
        let third = Server::start(Kind::Go, "server_name: s2\ncluster { name: c, listen: \"{cluster}\" }");
        let mut far = Wire::client(&two.servers[1]);
        far.send("SUB data 1\r\n");
        far.fence();
        let mut near = Wire::client(&two.servers[0]);
        eventually("interest", || {
            let page = two.servers[0].monitor("/routez?subs=1").to_string();
            page.contains("\"data\"").then_some(()).ok_or(page)
        });
        let (known, new) = (two.servers[1].route_address(), third.route_address());
        let mut number = 0;
        let mut publish = |near: &mut Wire| {
            for _ in 0..50 {
                number += 1;
                let text = number.to_string();
                near.send(&format!("PUB data {}\r\n{text}\r\n", text.len()));
            }
        };
        for _ in 0..2 {
            publish(&mut near);
            let both = format!("\"nats://{known}\", \"nats://{new}\"");
            let said = change(&two.servers[0], &two.config(0, "", &both));
            assert!(said.contains(&"Reloaded: cluster routes".to_owned()), "{said:?}");
            publish(&mut near);
            eventually("a mesh of three", || {
                let page = third.monitor("/routez");
                (page["num_routes"] == 8).then_some(()).ok_or(page["num_routes"].to_string())
            });
            publish(&mut near);
            change(&two.servers[0], &two.config(0, "", ""));
            publish(&mut near);
        }
        near.fence();
        for n in 1..=number {
            assert_eq!(received(&mut far, "data"), n.to_string());
        }
    }

    /// A route that is removed is gone, and stays away; added again it is there again.
    #[test]
    fn clu_26_a_removed_route_stays_away(one: Kind, other: Kind) {
        let two = Two::start([one, other]);
        for _ in 0..2 {
            change(&two.servers[0], &two.config(0, "", "none"));
            two.await_routes(0);
            change(&two.servers[0], &two.config(0, "", ""));
            two.await_routes(4);
        }
    }

    /// Servers that have shown another password have to go, and come back with the right one.
    #[test]
    fn who_dialled_a_server_must_be_allowed_to_still(one: Kind, other: Kind) {
        let two = Two::start([one, other]);
        let auth = "authorization { user: u, password: p }";
        change(&two.servers[1], &two.config(1, auth, ""));
        two.await_routes(0);
        let url = format!("\"nats://u:p@{}\"", two.servers[1].route_address());
        change(&two.servers[0], &two.config(0, "", &url));
        two.await_routes(4);
        two.await_reach(0, 1, "hello", true);
    }
}

/// Other clusters come and go without a restart, which the reference server refuses (GW-125).
#[test]
fn gw_125_other_clusters_come_and_go() {
    for other in [Kind::Gannet, Kind::Go] {
        let far = Server::start(other, "gateway { name: B, listen: \"{gateway}\" }");
        let near = Server::prepare(
            Kind::Gannet,
            "gateway { name: A, listen: \"{gateway}\", reject_unknown_cluster: true }",
            &[],
        );
        let mut near = near;
        near.launch().unwrap_or_else(|problem| panic!("{problem}"));
        let block = |remotes: &str| {
            format!(
                "gateway {{ name: A, listen: \"{{gateway}}\", reject_unknown_cluster: true, gateways: [{remotes}] }}"
            )
        };
        let remote = format!("{{name: B, url: \"nats://{}\"}}", far.gateway_address());
        let mut client = Wire::client(&near);
        for _ in 0..2 {
            // The other cluster may knock in between.
            let reloaded = |said: Vec<String>| said.iter().any(|line| line == "Reloaded: gateway");
            assert!(reloaded(change(&near, &block(&remote))));
            near.await_links(1, 1);
            far.await_links(1, 1);
            let mut taker = Wire::client(&far);
            taker.send("SUB data 1\r\n");
            taker.fence();
            eventually("interest to cross", || {
                client.send("PUB data 1\r\nx\r\n");
                match taker.hear(Duration::from_millis(100)) {
                    Heard::Line(line) if line.starts_with("MSG data") => Ok(()),
                    other => Err(format!("{other:?}")),
                }
            });
            assert!(reloaded(change(&near, &block(""))));
            near.await_links(0, 0);
            client.fence();
        }
    }
    let server = Server::start(Kind::Gannet, "gateway { name: A, listen: \"{gateway}\" }");
    for (lines, why) in [
        (
            "gateway { name: X, listen: \"{gateway}\" }",
            "Gateway name: old=A, new=X",
        ),
        ("", "Gateway: old=A, new="),
    ] {
        let said = reload(&server, lines);
        assert_eq!(
            said,
            [format!("{REFUSED}config reload not supported for {why}")]
        );
    }
}

both! {
    /// Any gateway change but of certificates is refused by the reference server; the random port stays with both.
    #[test]
    fn gw_125_the_random_port_stays(kind: Kind) {
        let config = "gateway { name: A, listen: \"127.0.0.1:-1\" }";
        let server = Server::start(kind, config);
        let port = |server: &Server| server.monitor("/gatewayz")["port"].clone();
        let before = port(&server);
        assert_eq!(change(&server, config), [""; 0]);
        assert_eq!(port(&server), before);
        let fields: BTreeMap<String, Value> =
            serde_json::from_value(server.monitor("/varz")).expect("an object");
        assert!(fields["config_load_time"].as_str() > fields["start"].as_str(), "{fields:?}");
    }
}
