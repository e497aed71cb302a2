//! `--without` and `GANNET_WITHOUT`: a file with blocks of parts that are not built, and whoever starts with it all the
//! same.

use super::harness::{Place, Process, within};
use gannet_rt::unix::Signal;

/// As the launcher of a client library writes it.
const FILE: &str = "\
http: \"127.0.0.1:-1\"
ports_file_dir: \".\"
leafnodes {
  listen: \"127.0.0.1:-1\"
}
websocket {
  port: -1
  no_tls: true
}
";
const BOTH: &str = "leafnodes,websocket";

fn left_out(key: &str, line: u32, part: &str) -> String {
    format!(
        "f.conf:{line}:1: \"{key}\" is LEFT OUT, as was asked for: this version of Gannet does not support it yet ({part})"
    )
}

fn warnings() -> [String; 2] {
    [
        left_out("leafnodes", 3, "leaf nodes"),
        left_out("websocket", 6, "WebSocket"),
    ]
}

#[test]
fn without_a_word_of_the_operator_the_file_is_refused_everywhere() {
    let place = Place::new("nats-server");
    place.write("f.conf", FILE);
    for args in [&["-c", "f.conf"][..], &["-t", "-c", "f.conf"]] {
        let (code, _, told) = place.run(args);
        assert_eq!(code, Some(1), "{args:?}");
        for key in ["leafnodes", "websocket"] {
            let refused = format!("\"{key}\" is known but not supported yet");
            assert!(told.contains(&refused), "{args:?}: {told}");
        }
    }
}

#[test]
fn the_check_names_what_is_left_out_and_finds_the_file_valid() {
    let place = Place::new("nats-server");
    place.write("f.conf", FILE);
    let (code, out, told) = place.run(&["--without", BOTH, "-t", "-c", "f.conf"]);
    let lines: Vec<&str> = told.lines().collect();
    let [one, other] = warnings().map(|warning| format!("nats-server: {warning}"));
    let (Some(valid), [first, second]) = (lines.get(2), &lines[..2]) else {
        panic!("{told}");
    };
    assert_eq!((*first, *second), (one.as_str(), other.as_str()));
    assert!(
        valid.starts_with("nats-server: configuration file f.conf is valid (sha256:"),
        "{told}"
    );
    assert_eq!((code, out.as_str(), lines.len()), (Some(0), "", 3));
    // Anything else that is doubtful is as doubtful as ever.
    place.write("f.conf", &format!("{FILE}cluster {{}}\nno_such_key: 1\n"));
    let (code, _, told) = place.run(&["--without", BOTH, "-t", "-c", "f.conf"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("unknown field \"no_such_key\""), "{told}");
}

#[test]
fn configurations_are_looked_at_without_it_too() {
    let place = Place::new("gannet");
    place.write("f.conf", FILE);
    place.write("g.conf", &format!("{FILE}max_payload: 4096\n"));
    let (code, out, told) = place.run(&["--without", BOTH, "config", "explain", "f.conf"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(
        !out.contains("leafnodes") && !out.contains("websocket"),
        "{out}"
    );
    assert_eq!(told.lines().collect::<Vec<_>>(), warnings());
    let (code, out, told) = place.run(&["--without", BOTH, "config", "diff", "f.conf", "g.conf"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(out.contains("live    max_payload"), "{out}");
    let (code, _, told) = place.run(&["--without", "mqtt", "config", "explain", "f.conf"]);
    assert!(
        code == Some(1) && told.contains("not supported yet"),
        "{told}"
    );
}

/// How often each of the two is warned of.
fn warned(server: &Process) -> Vec<usize> {
    let log = server.log();
    let count = |warning: &String| log.matches(&format!("[WRN] {warning}")).count();
    warnings().iter().map(count).collect()
}

#[test]
fn a_server_says_at_its_start_and_at_every_reload_what_it_leaves_out() {
    let place = Place::new("nats-server");
    place.write("f.conf", FILE);
    let variables = [("GANNET_WITHOUT", BOTH)];
    let mut server = place.serve_with_variables(&variables, &["-c", "f.conf", "-P", "f.pid"]);
    assert_eq!(warned(&server), [1, 1], "{}", server.log());
    let ports = within("the ports file", || {
        let files = place.files(&format!("nats-server_{}.ports", server.pid()));
        let text = place.read(files.first()?);
        text.ends_with('}').then_some(text)
    });
    assert!(
        !ports.contains("websocket") && !ports.contains("leaf"),
        "{ports}"
    );

    let (code, out, told) = place.run(&["--signal", "reload=f.pid", "--dry-run"]);
    assert_eq!((code, told.as_str()), (Some(0), ""), "{out}");
    let (code, out, _) = place.run(&["--signal", "reload=f.pid", "--dry-run", "--json"]);
    assert_eq!(code, Some(0), "{out}");

    place.write("f.conf", &format!("{FILE}max_payload: 4096\n"));
    server.signal(Signal::SIGHUP);
    server.wait_for_log("Reloaded server configuration");
    assert_eq!(warned(&server), [2, 2], "{}", server.log());

    // Another part is not meant by that word.
    place.write("f.conf", &format!("{FILE}mqtt {{ port: 1883 }}\n"));
    let (code, out, _) = place.run(&["--signal", "reload=f.pid", "--dry-run"]);
    assert!(
        code == Some(1) && out.contains("\"mqtt\" is known"),
        "{out}"
    );
    server.signal(Signal::SIGHUP);
    server.wait_for_log("Failed to reload server configuration: f.conf:10:1: \"mqtt\"");
    server.signal(Signal::SIGINT);
    assert_eq!(server.end(), Some(0));
}

#[test]
fn a_server_without_a_monitoring_port_is_judged_by_its_own_environment() {
    let place = Place::new("nats-server");
    place.write("f.conf", "leafnodes { port: -1 }\n");
    let variables = [("GANNET_WITHOUT", "leafnodes")];
    let server = place.serve_with_variables(&variables, &["-c", "f.conf", "-P", "f.pid"]);
    let (code, out, _) = place.run(&["--signal", "reload=f.pid", "--dry-run"]);
    assert!(
        code == Some(4) && out.contains("no monitoring port"),
        "{code:?} {out}"
    );
    drop(server);
}

#[test]
fn what_is_no_part_to_be_built_stops_everything() {
    let place = Place::new("gannet");
    place.write("f.conf", FILE);
    let (code, _, told) = place.run(&["--without", "cluster", "-t", "-c", "f.conf"]);
    assert_eq!(code, Some(1));
    assert!(
        told.starts_with("gannet: invalid value \"cluster\" for flag -without: \"cluster\" is no part that can be left out until it is built; those are "),
        "{told}"
    );
}
