//! What a configuration means: the value that each key has in the end, in both servers (rows CFG-05 to CFG-07, CFG-09,
//! CFG-12 to CFG-17). What they say about files is in `config_verdicts`.

use gannet_acceptance::server::write_file;
use gannet_acceptance::{Kind, Server, both};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A key, the value that `gannet config explain` shows, and where `/varz` shows which value, if it does.
type Row = (&'static str, Value, &'static str, Value);

/// A row of a value that monitoring shows as it is.
fn same(key: &'static str, pointer: &'static str, value: Value) -> Row {
    (key, value.clone(), pointer, value)
}

/// A row of a duration, of which monitoring shows the nanoseconds.
fn lasts(key: &'static str, pointer: &'static str, text: &str, nanos: u64) -> Row {
    (key, json!(text), pointer, json!(nanos))
}

/// A row of a value that monitoring does not show.
fn hidden(key: &'static str, value: Value) -> Row {
    (key, value, "", Value::Null)
}

const SECOND: u64 = 1_000_000_000;

/// What a file that says nothing means.
fn defaults() -> Vec<Row> {
    vec![
        same("max_connections", "/max_connections", json!(65536)),
        same("max_control_line", "/max_control_line", json!(4096)),
        same("max_payload", "/max_payload", json!(1_048_576)),
        same("max_pending", "/max_pending", json!(67_108_864)),
        lasts("ping_interval", "/ping_interval", "2m0s", 120 * SECOND),
        same("ping_max", "/ping_max", json!(2)),
        lasts("write_deadline", "/write_deadline", "10s", 10 * SECOND),
        (
            "authorization.timeout",
            json!("2s"),
            "/auth_timeout",
            json!(2),
        ),
        ("http_base_path", json!("/"), "/http_base_path", json!("")),
        ("server_tags", json!([]), "/tags", Value::Null),
        ("server_metadata", json!({}), "/metadata", Value::Null),
        (
            "max_subscriptions",
            Value::Null,
            "/max_subscriptions",
            json!(0),
        ),
        ("tls", Value::Null, "/tls_required", Value::Null),
        hidden("lame_duck_duration", json!("2m0s")),
        hidden("lame_duck_grace_period", json!("10s")),
        hidden("connect_error_reports", json!(3600)),
        hidden("reconnect_error_reports", json!(1)),
        hidden("max_closed_clients", json!(10_000)),
        hidden("logtime", json!(true)),
        hidden("gateway", Value::Null),
    ]
}

const LIMITS: &str = "
    server_name: N
    max_connections: 1k
    max_subs: 5000
    max_sub_tokens: 16
    max_control_line: 8KB
    max_payload: 2MB
    max_pending: 128MiB
    ping_interval: '1m30s'
    ping_max: 5
    write_deadline: '2500ms'
    write_timeout: retry
    http_base_path: '/mon'
    server_tags: [B, 'a:1', b]
    server_metadata {floor: '2'}
    client_advertise: 'h:4999'
    authorization {user: u, password: p, timeout: '1500ms'}
    lame_duck_duration: '1m'
    lame_duck_grace_period: '5s'
    max_closed_clients: 5
    connect_error_reports: 7
    logtime_utc: yes
    no_fast_producer_stall: on
";

fn limits() -> Vec<Row> {
    vec![
        same("server_name", "/server_name", json!("N")),
        same("max_connections", "/max_connections", json!(1000)),
        same("max_subscriptions", "/max_subscriptions", json!(5000)),
        hidden("max_sub_tokens", json!(16)),
        same("max_control_line", "/max_control_line", json!(8192)),
        same("max_payload", "/max_payload", json!(2_097_152)),
        same("max_pending", "/max_pending", json!(134_217_728)),
        lasts("ping_interval", "/ping_interval", "1m30s", 90 * SECOND),
        same("ping_max", "/ping_max", json!(5)),
        lasts("write_deadline", "/write_deadline", "2.5s", 5 * SECOND / 2),
        same("write_timeout", "/write_timeout", json!("retry")),
        same("http_base_path", "/http_base_path", json!("/mon")),
        same("server_tags", "/tags", json!(["b", "a:1"])),
        same("server_metadata", "/metadata", json!({"floor": "2"})),
        hidden("client_advertise", json!("h:4999")),
        (
            "authorization.user",
            json!("u"),
            "/auth_required",
            json!(true),
        ),
        (
            "authorization.timeout",
            json!("1.5s"),
            "/auth_timeout",
            json!(1.5),
        ),
        hidden("authorization.password", json!("[REDACTED]")),
        hidden("lame_duck_duration", json!("1m0s")),
        hidden("lame_duck_grace_period", json!("5s")),
        hidden("max_closed_clients", json!(5)),
        hidden("connect_error_reports", json!(7)),
        hidden("logtime_utc", json!(true)),
        hidden("no_fast_producer_stall", json!(true)),
    ]
}

/// Old spellings, numbers for durations, variables, an include, and the last of several values. The
/// repeated key is spelt alike both times: of keys that differ in case the Go server takes either
/// one, as its map happens to be ordered.
const SPELLINGS: &str = "
    include 'more.conf'
    ms = 1000; factor: $GANNET_TEST_NUMBER
    max_conn = $factor
    max_payload 4096
    max_payload $ms
    Ping_Interval: 20
    write_deadline: '3s'
    max_subscriptions: 0
    max_pending 0
    ping_max 0
    max_control_line 0
    authorization {timeout: 3}
    trace_headers: false
";

fn spellings() -> Vec<Row> {
    vec![
        same("max_connections", "/max_connections", json!(77)),
        same("max_payload", "/max_payload", json!(1000)),
        lasts("ping_interval", "/ping_interval", "20s", 20 * SECOND),
        lasts("write_deadline", "/write_deadline", "3s", 3 * SECOND),
        (
            "max_subscriptions",
            Value::Null,
            "/max_subscriptions",
            json!(0),
        ),
        same("max_pending", "/max_pending", json!(67_108_864)),
        same("ping_max", "/ping_max", json!(2)),
        same("max_control_line", "/max_control_line", json!(4096)),
        (
            "authorization.timeout",
            json!("3s"),
            "/auth_timeout",
            json!(3),
        ),
        (
            "server_tags",
            json!(["included"]),
            "/tags",
            json!(["included"]),
        ),
        (
            "server_name",
            json!("from-b"),
            "/server_name",
            json!("from-b"),
        ),
        hidden("trace", json!(false)),
    ]
}

const LINKS: &str = "
    ping_max: 3
    cluster {
        name: A
        listen: '{cluster}'
        authorization {user: u, password: p, timeout: 4}
        routes: ['nats://u:p@127.0.0.1:9']
        no_advertise: true
        connect_retries: 3
        pool_size: 5
        compression: {mode: s2_auto, rtt_thresholds: [5ms, 10ms]}
        ping_interval: '20s'
        write_deadline: '2s'
        write_timeout: close
    }
    gateway {
        name: A
        listen: '{gateway}'
        advertise: 'g:7333'
        connect_retries: 4
        reject_unknown_cluster: true
        write_deadline: '3s'
        authorization {user: u, password: p}
        gateways: [{name: A, urls: ['nats://{gateway}', 'nats://x:9']}]
    }
";

fn links() -> Vec<Row> {
    vec![
        same("cluster.name", "/cluster/name", json!("A")),
        same("cluster.host", "/cluster/addr", json!("127.0.0.1")),
        (
            "cluster.authorization.timeout",
            json!("4s"),
            "/cluster/auth_timeout",
            json!(4),
        ),
        (
            "cluster.routes",
            json!(["nats://[REDACTED]@127.0.0.1:9"]),
            "/cluster/urls",
            json!(["127.0.0.1:9"]),
        ),
        same("cluster.pool_size", "/cluster/pool_size", json!(5)),
        lasts(
            "cluster.write_deadline",
            "/cluster/write_deadline",
            "2s",
            2 * SECOND,
        ),
        same(
            "cluster.write_timeout",
            "/cluster/write_timeout",
            json!("close"),
        ),
        hidden("cluster.no_advertise", json!(true)),
        hidden("cluster.connect_retries", json!(3)),
        hidden("cluster.compression.mode", json!("s2_auto")),
        hidden("cluster.compression.rtt_thresholds", json!(["5ms", "10ms"])),
        hidden("cluster.ping_interval", json!("20s")),
        hidden("cluster.ping_max", json!(3)),
        same("gateway.name", "/gateway/name", json!("A")),
        same("gateway.host", "/gateway/host", json!("127.0.0.1")),
        (
            "gateway.authorization.timeout",
            json!("2s"),
            "/gateway/auth_timeout",
            json!(2),
        ),
        same("gateway.advertise", "/gateway/advertise", json!("g:7333")),
        same(
            "gateway.connect_retries",
            "/gateway/connect_retries",
            json!(4),
        ),
        same(
            "gateway.reject_unknown_cluster",
            "/gateway/reject_unknown",
            json!(true),
        ),
        same(
            "gateway.gateways[0].name",
            "/gateway/gateways/0/name",
            json!("A"),
        ),
        hidden("gateway.write_deadline", json!("3s")),
    ]
}

/// The settings of a file, by their keys.
fn explained(server: &Server, environment: &[(&str, &str)]) -> BTreeMap<String, Value> {
    let output = std::process::Command::new(Kind::Gannet.program())
        .args(["config", "explain", "--json", "server.conf"])
        .current_dir(server.folder())
        .envs(environment.iter().copied())
        .output()
        .expect("the program can be run");
    let page: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let settings = page["settings"].as_array().expect("settings").iter();
    settings
        .map(|s| {
            (
                s["key"].as_str().expect("a key").to_owned(),
                s["value"].clone(),
            )
        })
        .collect()
}

fn base(rows: &[Row]) -> &str {
    let path = rows.iter().find(|row| row.2 == "/http_base_path");
    path.map_or("", |row| row.3.as_str().unwrap_or(""))
}

/// Every value is the one in the table, in both servers as far as they show it.
#[test]
fn both_servers_go_by_the_same_values() {
    let environment = [("GANNET_TEST_NUMBER", "77")];
    let mut failures = Vec::new();
    let mut count = 0;
    for (name, config, rows) in [
        ("defaults", "", defaults()),
        ("limits", LIMITS, limits()),
        ("spellings", SPELLINGS, spellings()),
        ("links", LINKS, links()),
    ] {
        for kind in [Kind::Gannet, Kind::Go] {
            let mut server = Server::prepare(kind, config, &[]);
            write_file(
                server.folder(),
                "more.conf",
                "server_tags: Included\nserver_name: 'from-b'\n",
            );
            for (name, value) in environment {
                server.set_variable(name, value);
            }
            server
                .launch()
                .unwrap_or_else(|problem| panic!("{name}: {problem}"));
            let page = server.monitor(&format!("{}/varz", base(&rows)));
            let settings = match kind {
                Kind::Gannet => explained(&server, &environment),
                Kind::Go => BTreeMap::new(),
            };
            for (key, value, pointer, shown) in &rows {
                count += 1;
                let found = page.pointer(pointer).cloned().unwrap_or_default();
                if !pointer.is_empty() && !alike(&found, shown) {
                    failures.push(format!(
                        "{name}: {kind:?} shows {key} as {found}, not {shown}"
                    ));
                }
                let explained = settings.get(*key).cloned().unwrap_or_default();
                if kind == Kind::Gannet && explained != *value {
                    failures.push(format!(
                        "{name}: {key} is explained as {explained}, not {value}"
                    ));
                }
            }
        }
    }
    assert!(count > 150, "only {count} values");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Numbers are alike whether they are written with a fraction or not, and nothing is what is left out.
fn alike(found: &Value, wanted: &Value) -> bool {
    match (found.as_f64(), wanted.as_f64()) {
        (Some(found), Some(wanted)) => found == wanted,
        (None, Some(0.0)) => found.is_null(),
        _ => found == wanted || *wanted == json!("") && found.is_null(),
    }
}

both! {
    /// What the command line says counts, also after the file has been read again, and also if it is the default.
    #[test]
    fn flags_hold_through_every_reload(kind: Kind) {
        let server = Server::start_with(kind, "debug: true\nmax_payload: 2000", &["-D=false"]);
        server.write_config("debug: true\nmax_payload: 3000");
        server.signal(Signal::HUP);
        server.expect_log("Reloaded: max_payload = 3000");
        server.expect_log("Reloaded server configuration");
        let log = server.log();
        assert!(!log.contains("[DBG]") && !log.contains("Reloaded: debug"), "{log}");
    }
}
