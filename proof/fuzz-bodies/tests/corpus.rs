//! Every target over its saved inputs, and over mutations of them that a fixed seed draws.

use std::panic::{AssertUnwindSafe, catch_unwind};

use gannet_fuzz_bodies::{TARGETS, corpus, mutate};

/// Mutations per target and run.
const MUTATIONS: usize = 20_000;
const SEED: u64 = 0x67_61_6e_6e_65_74;

fn body(target: &str) -> fn(&[u8]) {
    TARGETS
        .iter()
        .find(|(name, _)| *name == target)
        .map(|(_, body)| *body)
        .expect("the target exists")
}

/// Runs `body`; a panic names the input.
fn check(what: &str, body: fn(&[u8]), input: &[u8]) {
    let outcome = catch_unwind(AssertUnwindSafe(|| body(input)));
    assert!(
        outcome.is_ok(),
        "{what} fails on \"{}\"",
        input.escape_ascii()
    );
}

fn doubt(target: &str) {
    let body = body(target);
    let saved = corpus::saved(target);
    assert!(saved.len() >= 10, "{target} has a corpus");
    for (name, input) in &saved {
        check(&format!("{target}/{name}"), body, input);
    }
    let inputs: Vec<Vec<u8>> = saved.into_iter().map(|(_, input)| input).collect();
    let mut chance = mutate::Chance::new(SEED);
    for number in 0..MUTATIONS {
        let input = mutate::mutated(&inputs, &mut chance);
        check(&format!("mutation {number} of {target}"), body, &input);
    }
}

#[test]
fn client_decode() {
    doubt("client_decode");
}

#[test]
fn client_session() {
    doubt("client_session");
}

#[test]
fn gateway_decode() {
    doubt("gateway_decode");
}

#[test]
fn proxy_decode() {
    doubt("proxy_decode");
}

#[test]
fn route_decode() {
    doubt("route_decode");
}

#[test]
fn s2_read() {
    doubt("s2_read");
}

#[test]
fn server_info() {
    doubt("server_info");
}

#[test]
fn config() {
    doubt("config");
}

#[test]
fn mutations_are_the_same_in_every_run() {
    let inputs = [b"PUB a 2\r\nhi\r\n".to_vec(), b"SUB a 1\r\n".to_vec()];
    let draw = || {
        let mut chance = mutate::Chance::new(1);
        (0..100)
            .map(|_| mutate::mutated(&inputs, &mut chance))
            .collect::<Vec<_>>()
    };
    assert_eq!(draw(), draw());
    assert!(draw().windows(2).any(|two| two[0] != two[1]));
}

#[test]
fn transform() {
    doubt("transform");
}
