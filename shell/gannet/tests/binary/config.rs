//! `gannet config`: what a configuration says, and what a reload would make of another one.

use serde_json::{Value, json};

use super::harness::Place;

const FILE: &str = "include 'more.conf'\nmax_payload: 2MB\nauthorization { users: [{user: a, password: secret}] }\n";

fn place() -> Place {
    let place = Place::new("gannet");
    place.write("a.conf", FILE);
    place.write("more.conf", "port: 4333\n");
    place
}

#[test]
fn a_configuration_is_explained_with_its_flags() {
    let place = place();
    let (code, out, err) = place.run(&["-D", "--name", "x", "config", "explain", "a.conf"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    for line in [
        "# a.conf (sha256:",
        "server_name: \"x\"                                  # flag --name\n",
        "port: 4333                                        # more.conf:1:0\n",
        "debug: true                                       # flag -D\n",
        "max_payload: 2097152                              # a.conf:2:1\n",
        "max_pending: 67108864                             # default\n",
        "      password: \"[REDACTED]\"                      # a.conf:3:35\n",
    ] {
        assert!(out.contains(line), "no {line:?} in\n{out}");
    }
    assert!(!out.contains("secret"), "{out}");
    // The text is a configuration, and the file may be named by -c.
    place.write("b.conf", &out);
    let (code, _, told) = place.run(&["-t", "-c", "b.conf"]);
    assert_eq!(code, Some(0), "{told}");
    let again = place.run(&["-D", "-n", "x", "-c", "a.conf", "config", "explain"]);
    assert_eq!(
        (again.0, again.1.replace("flag -n", "flag --name")),
        (Some(0), out)
    );
}

fn explained(place: &Place, args: &[&str]) -> (Option<i32>, Value) {
    let (code, out, err) = place.run(args);
    assert_eq!(err, "", "{args:?}");
    (code, serde_json::from_str(&out).expect("JSON"))
}

#[test]
fn programs_are_told_the_same_in_json() {
    let place = place();
    let (code, told) = explained(&place, &["-D", "config", "explain", "--json", "a.conf"]);
    assert_eq!(
        (code, &told["errors"], &told["file"]),
        (Some(0), &json!([]), &json!("a.conf"))
    );
    let settings = told["settings"].as_array().expect("a list");
    let setting = |key: &str| {
        let found = settings.iter().find(|setting| setting["key"] == key);
        found.unwrap_or_else(|| panic!("no {key}")).clone()
    };
    let file = |file: &str, line: u32, column: u32| json!({"kind": "file", "file": file, "line": line, "column": column});
    for (key, value, origin) in [
        ("port", json!(4333), file("more.conf", 1, 0)),
        ("debug", json!(true), json!({"kind": "flag", "flag": "-D"})),
        ("server_name", Value::Null, json!({"kind": "default"})),
        (
            "authorization.users[0].password",
            json!("[REDACTED]"),
            file("a.conf", 3, 35),
        ),
    ] {
        assert_eq!(
            setting(key),
            json!({"key": key, "value": value, "origin": origin})
        );
    }
    place.write("bad.conf", "\nprot: 1\n");
    let (code, told) = explained(&place, &["config", "explain", "--json", "bad.conf"]);
    let error = json!({
        "error": "unknown field \"prot\"", "help": "did you mean \"port\"?",
        "file": "bad.conf", "line": 2, "column": 1,
    });
    assert_eq!(
        (code, told),
        (
            Some(1),
            json!({"file": "bad.conf", "errors": [error], "warnings": []})
        )
    );
}

#[test]
fn what_cannot_be_used_is_explained_up_to_the_reason() {
    let place = Place::new("gannet");
    place.write("a.conf", "max_pending: 1000\n");
    let (code, out, err) = place.run(&["config", "explain", "a.conf"]);
    assert_eq!(code, Some(1));
    assert!(out.contains("max_pending: 1000 "), "{out}");
    assert_eq!(
        err,
        "gannet: max_payload (1048576) cannot be higher than max_pending (1000)\n"
    );
    let (code, out, err) = place.run(&["config", "explain", "none.conf"]);
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert_eq!(err, "gannet: open none.conf: no such file or directory\n");
}

#[test]
fn a_reload_can_be_judged_beforehand() {
    let place = place();
    for (name, text, code, told) in [
        ("same", FILE.to_string(), 0, "Both files say the same.\n"),
        (
            "live",
            FILE.replace("2MB", "4MB") + "ping_interval: '5s'\ncluster { port: -1 }",
            2,
            "live    max_payload 2097152 -> 4194304\n\
             live    ping_interval \"2m0s\" -> \"5s\"\n\
             refused cluster.host is \"0.0.0.0\"\n",
        ),
        (
            "quiet",
            FILE.replace("2MB", "4MB") + "server_tags: [x]",
            0,
            "live    server_tags [] -> [\"x\"]\n\
             live    max_payload 2097152 -> 4194304\n\
             A reload would do it, and no connection would end.\n",
        ),
        (
            "drops",
            FILE.replace("secret", "other") + "max_connections: 10",
            3,
            "live    max_connections 65536 -> 10\n\
             live    authorization.users[0].password (secret) is another one\n\
             A reload would do it, and end these connections:\n  \
               clients beyond 10, those first that came last\n  \
               clients logged in as \"a\", unless the credentials they have shown are right still\n",
        ),
        (
            "refused",
            FILE.to_string() + "server_name: x\nstore_dir: y",
            2,
            "refused server_name is \"x\"\n\
             ignored store_dir is \"y\"\n\
             A reload would be refused, and nothing would change:\n  \
               config reload not supported for ServerName: old=, new=x\n",
        ),
    ] {
        place.write("new.conf", &text);
        let (found, out, err) = place.run(&["config", "diff", "a.conf", "new.conf"]);
        assert_eq!((found, err.as_str()), (Some(code), ""), "{name}\n{out}");
        assert!(out.starts_with(told), "{name}\n{out}");
    }
    let (code, told) = explained(&place, &["config", "diff", "--json", "a.conf", "new.conf"]);
    let wanted = json!({
        "changes": [
            {"key": "server_name", "old": null, "new": "x", "verdict": "refused"},
            {"key": "store_dir", "old": null, "new": "y", "verdict": "ignored"},
        ],
        "refused": ["config reload not supported for ServerName: old=, new=x"],
        "dropped": [],
    });
    assert_eq!((code, told), (Some(2), wanted));
    // What the command line says wins over both.
    let (code, out, _) = place.run(&["-n", "z", "config", "diff", "a.conf", "new.conf"]);
    assert!(
        code == Some(0) && out.starts_with("ignored store_dir"),
        "{out}"
    );
    let (code, _, err) = place.run(&["config", "diff", "a.conf", "none.conf"]);
    assert_eq!(
        (code, err.as_str()),
        (
            Some(1),
            "gannet: open none.conf: no such file or directory\n"
        )
    );
}
