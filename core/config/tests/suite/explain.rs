//! What is said about options: each with its value and where that comes from, in a form that reads back.

use std::collections::BTreeMap;
use std::path::Path;

use gannet_config::{
    AuthOptions, CalloutOptions, ClusterOptions, GatewayOptions, KeyPath, Loaded, Options, Origin,
    Shown, TlsOptions, as_file,
};

use crate::cases::{Case, cases};
use crate::world::World;

const FILE: &str = "
    include 'limits.conf'
    name: berlin
    server_name: $name
    debug: true
    trace_headers: true
    http: '127.0.0.1:8222'
    server_metadata { floor: 2nd }
    authorization { users: [{user: a, password: $SECRET}], timeout: 3 }
    cluster {
        name: A
        listen: '127.0.0.1:6222'
        routes: ['nats://u:p@r1:6222', 'nats://r2:6222']
        compression: s2_best
    }
    write_deadline: 5s
    gateway {
        name: A
        port: -1
        gateways: [
            {name: B, url: 'nats://b:7222'}
            {name: C, urls: ['nats://c1:7222', 'nats://c2:7222']}
        ]
    }
";

const EXPLAINED: &str = r#"server_name: "berlin"                             # a.conf:4:5 through $name at a.conf:3:5
host: "0.0.0.0"                                   # default
port: 4333                                        # limits.conf:2:1 through $PORT of the environment
server_tags: []                                   # default
server_metadata: {"floor": "2nd"}                 # a.conf:8:5
feature_flags: {}                                 # default
debug: false                                      # flag -D
trace_verbose: false                              # default
trace_headers: true                               # a.conf:6:5
trace: true                                       # a.conf:6:5
log_format: "text"                                # default
logtime: true                                     # default
logtime_utc: false                                # default
syslog: false                                     # default
max_connections: 65536                            # default
max_control_line: 4096                            # default
max_payload: 2000000                              # limits.conf:1:0
max_pending: 67108864                             # default
ping_interval: "2m0s"                             # default
ping_max: 2                                       # default
write_deadline: "5s"                              # a.conf:16:5
write_timeout: "default"                          # default
no_header_support: false                          # default
no_fast_producer_stall: false                     # default
disable_sublist_cache: false                      # default
max_closed_clients: 10000                         # default
connect_error_reports: 3600                       # default
reconnect_error_reports: 1                        # default
lame_duck_duration: "2m0s"                        # default
lame_duck_grace_period: "10s"                     # default
http: "127.0.0.1:8222"                            # a.conf:7:5
http_base_path: "/"                               # default
prof_block_rate: 0                                # default
authorization {
  users: [
    {
      user: "a"                                   # a.conf:9:30
      password: "[REDACTED]"                      # a.conf:9:39 through $SECRET of the environment
    }
  ]
  timeout: "3s"                                   # a.conf:9:60
}
no_system_account: false                          # default
mappings: {}                                      # default
allow_non_tls: false                              # default
ocsp {
  mode: "auto"                                    # default
}
ocsp_cache {
  type: "local"                                   # default
  local_store: "_rc_"                             # default
  preserve_revoked: false                         # default
  save_interval: "5m0s"                           # default
}
proxy_protocol: false                             # default
cluster {
  name: "A"                                       # a.conf:11:9
  host: "127.0.0.1"                               # a.conf:12:9
  port: 6222                                      # a.conf:12:9
  authorization {
    timeout: "2s"                                 # default
  }
  routes: ["nats://[REDACTED]@r1:6222", "nats://r2:6222"]  # a.conf:13:9
  no_advertise: false                             # default
  connect_retries: 0                              # default
  connect_backoff: false                          # default
  pool_size: 3                                    # default
  accounts: []                                    # default
  compression {
    mode: "s2_best"                               # a.conf:14:9
    rtt_thresholds: []                            # a.conf:14:9
  }
  ping_interval: "30s"                            # default
  ping_max: 2                                     # default
  write_deadline: "5s"                            # a.conf:16:5
  write_timeout: "default"                        # default
}
gateway {
  name: "A"                                       # a.conf:18:9
  host: "0.0.0.0"                                 # default
  port: -1                                        # a.conf:19:9
  authorization {
    timeout: "2s"                                 # default
  }
  connect_retries: 0                              # default
  connect_backoff: false                          # default
  reject_unknown_cluster: false                   # default
  gateways: [
    {
      name: "B"                                   # a.conf:21:14
      urls: ["nats://b:7222"]                     # a.conf:21:23
    }
    {
      name: "C"                                   # a.conf:22:14
      urls: ["nats://c1:7222", "nats://c2:7222"]  # a.conf:22:23
    }
  ]
  write_deadline: "5s"                            # a.conf:16:5
  write_timeout: "default"                        # default
}
"#;

#[test]
fn a_configuration_is_explained_to_the_last_value() {
    let mut world = World::of(FILE).with("limits.conf", "max_payload: 2m\nport: $PORT\n");
    world.env.insert("PORT".into(), "4333".into());
    world.env.insert("SECRET".into(), "s3cret".into());
    let mut loaded = world.load().expect("a good file");
    loaded.options.logging.debug = false;
    loaded.origins.set_by_flag(KeyPath::of("debug"), "-D");
    let text = as_file(&loaded.options.settings(&loaded.origins));
    assert_eq!(text, EXPLAINED, "{text}");
}

#[test]
fn mappings_are_explained_in_their_order() {
    let file = r#"mappings {
        "b.*": "c.$1"
        "include": {dest: x, weight: 100}
        a: [{dest: c, weight: "20%"}, {dest: b, weight: 5, cluster: east}]
    }"#;
    let loaded = World::of(file).load().expect("a good file");
    let mut settings = loaded.options.settings(&loaded.origins);
    settings.retain(|setting| setting.key.is_within(&KeyPath::of("mappings")));
    let want = r#"mappings {
  "b.*": "c.$1"                                   # a.conf:2:10
  "include": "x"                                  # a.conf:3:10
  a: [{"destination": "c", "weight": 20}, {"cluster": "east", "destination": "b", "weight": 5}]  # a.conf:4:9
}
"#;
    assert_eq!(as_file(&settings), want);
}

/// The configurations of the verdicts that are valid.
fn valid() -> Vec<(Case, Loaded)> {
    let all = cases(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verdicts"));
    let load = |case: Case| {
        let (files, env) = (case.files.clone(), case.env.clone());
        World { files, env }
            .load()
            .ok()
            .map(|loaded| (case, loaded))
    };
    let valid: Vec<_> = all.into_iter().filter_map(load).collect();
    assert!(valid.len() > 250, "only {} are valid", valid.len());
    valid
}

fn values(options: &Options) -> BTreeMap<String, Shown> {
    let settings = options.settings(&Default::default());
    settings
        .into_iter()
        .map(|s| (s.key.to_string(), s.value))
        .collect()
}

#[test]
fn what_is_explained_reads_back() {
    for (case, loaded) in valid() {
        let text = as_file(&loaded.options.settings(&loaded.origins));
        if text.contains("[REDACTED]") {
            continue;
        }
        let world = World {
            files: case.files,
            env: case.env,
        }
        .with("a.conf", text.as_str());
        let again = world
            .load()
            .unwrap_or_else(|why| panic!("{}\n{text}\n{why}", case.name));
        assert_eq!(
            values(&again.options),
            values(&loaded.options),
            "{}\n{text}",
            case.name
        );
    }
}

/// Options that have every block, and nothing in any of them.
fn bare() -> BTreeMap<String, Shown> {
    values(&Options {
        auth: AuthOptions {
            callout: Some(CalloutOptions::default()),
            ..AuthOptions::default()
        },
        tls: Some(TlsOptions::default()),
        cluster: ClusterOptions {
            tls: Some(TlsOptions::default()),
            permissions: Some(Default::default()),
            ..ClusterOptions::default()
        },
        gateway: Some(GatewayOptions {
            tls: Some(TlsOptions::default()),
            ..GatewayOptions::default()
        }),
        ..Options::default()
    })
}

fn is_empty(value: &Shown) -> bool {
    match value {
        Shown::Unset => true,
        Shown::Text(text) => text.is_empty(),
        Shown::List(values) => values.is_empty(),
        _ => false,
    }
}

/// Whether it is one of the values that `allow_responses` has by itself.
fn is_of_replies(key: &str, value: &Shown) -> bool {
    match value {
        Shown::Integer(1) => key.ends_with("allow_responses.max"),
        Shown::Text(text) => text == "2m0s" && key.ends_with("allow_responses.expires"),
        _ => false,
    }
}

#[test]
fn what_is_no_default_has_its_place() {
    let bare = bare();
    for (case, loaded) in valid() {
        for setting in loaded.options.settings(&loaded.origins) {
            let key = setting.key.to_string();
            // Entries of lists have no counterpart, but for their blocks.
            let alike = key.rsplit_once("tls.").map(|(_, key)| format!("tls.{key}"));
            let default = bare.get(&key).or_else(|| bare.get(&alike?));
            let is_default = match default {
                Some(default) => *default == setting.value || is_empty(&setting.value),
                None => is_empty(&setting.value) || is_of_replies(&key, &setting.value),
            };
            let follows_tls = key.ends_with("authorization.timeout");
            assert!(
                setting.origin != Origin::Default || is_default || follows_tls,
                "{}: {key} is {:?}",
                case.name,
                setting.value
            );
        }
    }
}

#[test]
fn secrets_are_only_said_to_be_there() {
    let loaded = World::of(
        "authorization { user: a, password: s3cret }
         cluster { port: -1, authorization { user: u, password: s3cret }, routes: ['nats://u:s3cret@h:1'] }
         gateway { name: A, port: -1, gateways: [{name: B, url: 'nats://u:s3cret@h:1'}] }",
    )
    .load()
    .expect("a good file");
    let settings = loaded.options.settings(&loaded.origins);
    let text = as_file(&settings);
    assert_eq!(text.matches("[REDACTED]").count(), 4, "{text}");
    assert!(!text.contains("s3cret"), "{text}");
    assert!(!format!("{settings:?}").contains("s3cret"), "{settings:?}");
}

const ACCOUNTS: &str = "
    accounts {
        A {
            nkey: ABJHLOVMPA4CI6R5KLNGOB4GSLNIY7IOUPAJC4YFNDLQVIOBYQGUWVLA
            users: [{nkey: UANEWFG37ZVR6QT3MUKSDSNX3MDB3EBMAWXO6WSUIQZF7HDMDBKFKU4U}]
            default_permissions { publish: p }
            exports: [
                {stream: s, accounts: [B]}
                {stream: 't.*', account_token_position: 2}
                {service: q, threshold: 3s, latency: {sampling: 50%, subject: lat.q}, allow_trace: true}
                {service: r, response_type: chunked}
                {service: h, latency: {sampling: headers, subject: lat.h}}
            ]
            mappings { x: y }
            limits { max_conn: 1, max_subs: 2, max_pay: 3, max_leafs: 4 }
        }
        B {
            imports: [
                {stream: {account: A, subject: s}, prefix: from.a, allow_trace: true}
                {stream: {account: A, subject: t.B}}
                {service: {account: A, subject: q}, to: ask.q, share: true}
            ]
        }
        C {}
    }
    system_account: C
";

/// Of `ACCOUNTS`, without the origins and all that is said of other things.
const ACCOUNTS_EXPLAINED: &str = r#"accounts {
  A {
    nkey: "ABJHLOVMPA4CI6R5KLNGOB4GSLNIY7IOUPAJC4YFNDLQVIOBYQGUWVLA"
    default_permissions {
      publish {
        allow: ["p"]
        deny: []
      }
    }
    users: [
      {
        nkey: "UANEWFG37ZVR6QT3MUKSDSNX3MDB3EBMAWXO6WSUIQZF7HDMDBKFKU4U"
        permissions {
          publish {
            allow: ["p"]
            deny: []
          }
        }
      }
    ]
    exports: [
      {
        stream: "s"
        accounts: ["B"]
      }
      {
        stream: "t.*"
        account_token_position: 2
      }
      {
        service: "q"
        response_threshold: "3s"
        latency {
          subject: "lat.q"
          sampling: 50
        }
        allow_trace: true
      }
      {
        service: "r"
        response_type: "chunked"
      }
      {
        service: "h"
        latency {
          subject: "lat.h"
          sampling: "headers"
        }
      }
    ]
    mappings {
      x: "y"
    }
    limits {
      max_connections: 1
      max_leafnodes: 4
      max_subscriptions: 2
      max_payload: 3
    }
  }
  B {
    imports: [
      {
        stream {
          account: "A"
          subject: "s"
        }
        to: "from.a.s"
        allow_trace: true
      }
      {
        stream {
          account: "A"
          subject: "t.B"
        }
      }
      {
        service {
          account: "A"
          subject: "q"
        }
        to: "ask.q"
        share: true
      }
    ]
  }
  C: {}
}"#;

#[test]
fn accounts_are_explained_with_what_they_share() {
    let loaded = World::of(ACCOUNTS).load().expect("a good file");
    let text = as_file(&loaded.options.settings(&loaded.origins));
    let lines = text.lines().map(|line| line.split("  # ").next());
    let lines = lines.map(|line| line.unwrap_or_default().trim_end());
    let lines = lines.skip_while(|line| *line != "accounts {");
    let mut explained: Vec<&str> = lines.collect();
    let end = explained.iter().position(|line| *line == "}");
    explained.truncate(end.map_or(0, |end| end + 1));
    assert_eq!(explained.join("\n"), ACCOUNTS_EXPLAINED);
    assert!(text.contains("\nsystem_account: \"C\""), "{text}");
    let again = World::of(text).load().expect("it reads back");
    assert_eq!(again.options.accounts, loaded.options.accounts);
    assert_eq!(again.options.auth.users, loaded.options.auth.users);
}
