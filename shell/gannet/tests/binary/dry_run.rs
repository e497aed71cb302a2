//! `--signal reload --dry-run`: what a running server says it would do, and what can be said if it says nothing.
//! Not here: whether it then does just that (`gannet-node`, `preview`).

use serde_json::{Value, json};

use super::harness::{Place, Process, Wire, within};

const FILE: &str =
    "authorization { users: [{user: ann, password: a}, {user: bob, password: b}] }\n";
const MONITORED: &str = "http: \"127.0.0.1:-1\"\nports_file_dir: \".\"\n";

/// A server with `extra` in its file, found by the file `g.pid`.
fn serve(place: &Place, extra: &str) -> Process {
    place.write("g.conf", &format!("{FILE}{extra}"));
    let server = place.serve(&["-c", "g.conf", "-P", "g.pid", "-n", "one"]);
    if extra.contains("ports_file_dir") {
        within("the ports file", || {
            let files = place.files(&format!("gannet_{}.ports", server.pid()));
            files
                .first()
                .filter(|file| place.read(file).ends_with('}'))
                .cloned()
        });
    }
    server
}

/// Exit code, what is said, and what is said wrong.
fn ask(place: &Place) -> (Option<i32>, String, String) {
    place.run(&["--signal", "reload=g.pid", "--dry-run"])
}

fn greet(server: &Process, name: &str, user: &str, password: &str) -> Wire {
    let mut client = server.connect();
    client.greet(&format!(
        "{{\"verbose\":false,\"name\":\"{name}\",\"user\":\"{user}\",\"pass\":\"{password}\"}}"
    ));
    client
}

#[test]
fn a_running_server_says_what_a_reload_would_change_and_whom_it_would_end() {
    let place = Place::new("gannet");
    let server = serve(&place, MONITORED);
    let (mut ann, _bob) = (
        greet(&server, "a", "ann", "a"),
        greet(&server, "b", "bob", "b"),
    );
    let title = format!("Process {}, server one\n", server.pid());
    let (code, out, err) = ask(&place);
    let same = "The server goes by this configuration already; certificates would be read again, and no \
                connection would end.\n";
    assert_eq!(
        (code, out, err),
        (Some(0), format!("{title}{same}"), String::new())
    );

    let file = format!("{FILE}{MONITORED}max_control_line: 8192\n");
    place.write("g.conf", &file);
    let (code, out, _) = ask(&place);
    let live = "live    max_control_line 4096 -> 8192\nA reload would do it, and no connection would end.\n";
    assert_eq!((code, out), (Some(0), format!("{title}{live}")));

    place.write("g.conf", &file.replace("password: a", "password: z"));
    let (code, out, err) = ask(&place);
    assert_eq!((code, err.as_str()), (Some(3), ""));
    let (before, after) = out
        .split_once("  client 1 at 127.0.0.1:")
        .expect("a client");
    assert_eq!(
        before,
        format!(
            "{title}live    max_control_line 4096 -> 8192\n\
             live    authorization.users[0].password (secret) is another one\n\
             A reload would do it, and end one connection:\n"
        )
    );
    assert!(
        after.ends_with(", \"a\", user \"ann\", account $G: Authentication Failure\n"),
        "{after}"
    );
    // Nothing has happened to her.
    ann.send("PING\r\n");
    ann.expect("PONG");
    assert!(!server.log().contains("Reloaded"), "{}", server.log());
}

#[test]
fn a_reload_that_would_be_refused_or_fail_says_why_in_the_words_of_the_log() {
    let place = Place::new("gannet");
    let server = serve(&place, MONITORED);
    let file = format!("{FILE}{MONITORED}");
    for (change, code, wanted) in [
        (
            "lame_duck_duration: \"60s\"\nuser_name: x\n",
            1,
            "A reload would fail, and nothing would change:\n  g.conf:5:1: unknown field \"user_name\"",
        ),
        (
            "lame_duck_duration: \"60s\"\n",
            2,
            "refused lame_duck_duration \"2m0s\" -> \"1m0s\"\n\
             A reload would be refused, and nothing would change:\n  \
             config reload not supported for LameDuckDuration: old=2m0s, new=1m0s",
        ),
        (
            "log_file: \"none/x.log\"\n",
            1,
            "A reload would fail, and nothing would change:\n  error opening file: open none/x.log: no such file or directory",
        ),
    ] {
        place.write("g.conf", &format!("{file}{change}"));
        let (got, out, err) = ask(&place);
        assert_eq!((got, err.as_str()), (Some(code), ""), "{change}");
        assert!(out.contains(wanted), "{change}: {out}");
        // The log then says the same.
        place.run(&["--signal", "reload=g.pid"]);
        let reason = wanted.lines().last().unwrap_or_default().trim();
        server.wait_for_log(&format!("Failed to reload server configuration: {reason}"));
    }
}

#[test]
fn programs_are_answered_in_json_by_the_process_or_its_page() {
    let place = Place::new("gannet");
    let server = serve(&place, MONITORED);
    place.write("g.conf", &format!("{FILE}{MONITORED}debug: true\n"));
    let port = server.port("Starting http monitor on 127.0.0.1:");
    let url = format!("http://127.0.0.1:{port}");
    let page = format!("{url}/reloadz");
    let answer = |args: &[&str]| -> Value {
        let (code, out, err) = place.run(args);
        assert_eq!((code, err.as_str()), (Some(0), ""), "{args:?} {out}");
        let mut answer: Value = serde_json::from_str(&out).expect("JSON");
        answer["now"] = Value::Null;
        answer
    };
    let asked = answer(&["-sl=reload=g.pid", "-dry-run", "-json"]);
    assert_eq!(
        (&asked["verdict"], &asked["pid"]),
        (&json!("live"), &json!(server.pid()))
    );
    assert_eq!(
        asked["changes"],
        json!([{"key": "debug", "old": false, "new": true, "verdict": "live", "text": "debug false -> true"}])
    );
    for url in [&url, &page] {
        let told = answer(&[
            "--signal",
            "reload",
            "--dry-run",
            "--json",
            "--monitor",
            url,
        ]);
        assert_eq!(told, asked, "{url}");
    }
}

#[test]
fn without_a_monitoring_port_the_file_at_least_is_looked_at() {
    let place = Place::new("gannet");
    let server = serve(&place, "");
    let (code, out, err) = ask(&place);
    assert_eq!((code, err.as_str()), (Some(4), ""), "{out}");
    for line in [
        &format!("Process {}\n", server.pid()),
        "The configuration file g.conf can be used (sha256:",
        "\n  the server has no monitoring port\n",
    ] {
        assert!(out.contains(line), "no {line:?} in {out}");
    }
    place.write("g.conf", "prt: 1\n");
    let (code, out, _) = ask(&place);
    assert!(
        code == Some(1) && out.contains("\n  g.conf:1:0: unknown field \"prt\""),
        "{code:?} {out}"
    );
    // A port that any free one was taken for, and nobody has written down which.
    place.write("g.conf", &format!("{FILE}http_port: -1\n"));
    let (code, out, _) = ask(&place);
    assert!(
        code == Some(4) && out.contains("no ports_file_dir to find it by"),
        "{out}"
    );
}

#[test]
fn whoever_answers_must_be_the_process_that_was_meant() {
    let place = Place::new("gannet");
    let other = serve(&place, MONITORED);
    let port = other.port("Starting http monitor on 127.0.0.1:");
    // It was started without that port, so that somebody else has it.
    let _server = serve(&place, "");
    place.write("g.conf", &format!("{FILE}http: \"127.0.0.1:{port}\"\n"));
    let (code, out, _) = ask(&place);
    assert_eq!(code, Some(4), "{out}");
    assert!(
        out.contains(&format!(
            "http://127.0.0.1:{port}: another process answers there"
        )),
        "{out}"
    );
}

#[test]
fn whom_nobody_finds_nobody_asks() {
    let place = Place::new("gannet");
    for (args, wanted) in [
        (
            &["--signal", "reload=none.pid", "--dry-run"][..],
            "gannet: invalid pid: none.pid\n",
        ),
        (
            &["--signal", "reload=2147483647", "--dry-run"],
            "gannet: signal \"reload\" 2147483647: no such process\n",
        ),
        (
            &[
                "--signal",
                "reload",
                "--dry-run",
                "--monitor",
                "127.0.0.1:1",
            ],
            "gannet: 127.0.0.1:1: only a URL that begins with http:// can be asked\n",
        ),
        (
            &[
                "--signal",
                "reload",
                "--dry-run",
                "--monitor",
                "http://me:secret@127.0.0.1:1",
            ],
            "gannet: a monitoring port knows no users: leave out what stands before the @\n",
        ),
    ] {
        assert_eq!(
            place.run(args),
            (Some(1), String::new(), wanted.to_owned()),
            "{args:?}"
        );
    }
    let mut server = place.serve(&["-P", "g.pid"]);
    let (code, out, _) = ask(&place);
    assert_eq!(code, Some(1), "{out}");
    assert!(
        out.contains("can only reload config when a file is provided using -c or --config"),
        "{out}"
    );
    assert!(!server.has_ended());
}
