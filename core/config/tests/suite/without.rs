//! Blocks of parts that are not built, left out by the operator's word.

use gannet_config::{Loaded, Options, Port, Rejected, Without, load, load_without};

use crate::world::World;

const FILE: &str = "\
port: 4333
leafnodes { port: 7422, no_such_key: true }
Websocket: { port: -1 }
jetstream: false
";

fn without(parts: &str, text: &str) -> Result<Loaded, Rejected> {
    let without: Without = parts.parse().expect("parts");
    load_without("a.conf", &World::of(text), &without)
}

#[test]
fn what_is_left_out_is_warned_of_and_nothing_of_it_counts() {
    let loaded = without("leafnodes,websocket", FILE).expect("usable");
    let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "a.conf:2:1: \"leafnodes\" is LEFT OUT, as was asked for: this version of Gannet does not support it yet (leaf nodes)",
            "a.conf:3:1: \"Websocket\" is LEFT OUT, as was asked for: this version of Gannet does not support it yet (WebSocket)",
        ]
    );
    assert!(loaded.warnings.iter().all(|warning| warning.is_agreed()));
    let plain = Options {
        port: Port::At(4333),
        digest: Some(loaded.digest.clone()),
        ..Options::default()
    };
    assert_eq!(loaded.options, plain);
    // The digest is that of the file as it is.
    let less = load("a.conf", &World::of("port: 4333\njetstream: false\n")).expect("usable");
    assert_ne!(less.digest, loaded.digest);
}

#[test]
fn what_nobody_has_named_is_refused_as_ever() {
    for parts in ["", "mqtt", "websocket"] {
        let rejected = without(parts, FILE).expect_err("refused");
        let wanted =
            "\"leafnodes\" is known but not supported yet by this version of Gannet (leaf nodes)";
        assert!(rejected.to_string().contains(wanted), "{parts}: {rejected}");
    }
}

#[test]
fn only_blocks_at_the_top_are_left_out() {
    for text in [
        "authorization { accounts: 1 }",
        "cluster { port: 6222, websocket { port: 1 } }",
        "tls { cert_file: a, key_file: b, ocsp_peer: true }",
    ] {
        let all = Without::possible().join(",");
        without(&all, text).expect_err(text);
    }
}

#[test]
fn what_says_that_a_part_is_not_wanted_is_no_matter_of_leaving_out() {
    let loaded = without("leafnodes,jetstream", "jetstream: false\nleafnodes {}\n");
    assert_eq!(loaded.expect("usable").warnings, []);
}
