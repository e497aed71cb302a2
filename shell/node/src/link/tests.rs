//! However much interest comes at once, other tasks get their turn in between.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use gannet_config::{Options, Port, RemoteGateway};
use gannet_rt::future::yield_now;
use gannet_rt::{Rt, Runtime};
use parking_lot::Mutex;

use crate::Server;
use crate::common::{LOOPBACK, gateway, loopback, remote, say, start};
use crate::shared::Shared;

/// Far more than changes in one turn, and what one read brings.
const SUBJECTS: u64 = 4000;

fn run(runtime: &Runtime, name: &str, remotes: Vec<RemoteGateway>) -> Server {
    let options = Options {
        gateway: Some(gateway(name, LOOPBACK, Port::Random, remotes)),
        ..loopback()
    };
    start(runtime, options)
}

fn known(server: &Server) -> RemoteGateway {
    let addr = server.gateway_addr().expect("a gateway port");
    remote("B", LOOPBACK, addr.port())
}

fn entries(shared: &Shared) -> u64 {
    shared.broker.global().stats().0.entries
}

type Seen = Arc<Mutex<BTreeSet<u64>>>;

/// Starts a task that takes every turn it gets, and notes what it sees until the server has all the interest.
fn watch(rt: &Rt, server: &Server, seen: &Seen) {
    let (shared, seen) = (server.shared.clone(), seen.clone());
    rt.spawn(async move {
        while seen.lock().last() != Some(&SUBJECTS) {
            seen.lock().insert(entries(&shared));
            yield_now().await;
        }
    });
}

async fn complete(rt: &Rt, seen: &Seen) {
    let begun = rt.now();
    while seen.lock().last() != Some(&SUBJECTS) {
        assert!(
            rt.now().since(begun) < Duration::from_secs(30),
            "not all of it came"
        );
        rt.sleep(Duration::from_millis(5)).await;
    }
}

/// Most that changed between two turns of somebody else.
fn longest_turn(seen: &BTreeSet<u64>) -> u64 {
    let next = seen.iter().skip(1);
    next.zip(seen).map(|(b, a)| b - a).max().unwrap_or(0)
}

#[test]
fn interest_of_a_client_and_of_a_link_leaves_others_their_turn() {
    // With one worker, whoever does not give way keeps everybody waiting.
    let runtime = Runtime::new(Some(1)).expect("a runtime");
    let rt = runtime.rt();
    let there = run(&runtime, "B", Vec::new());
    let lines: String = (0..SUBJECTS)
        .map(|n| format!("SUB s.{n} {n}\r\n"))
        .collect();
    let (of_client, of_link) = (Seen::default(), Seen::default());
    watch(&rt, &there, &of_client);
    let _client = runtime.block_on(async {
        let addr = there.client_addr().expect("a client port");
        let stream = rt.connect(addr).await.expect("the port is open");
        say(&stream, "CONNECT {\"verbose\":false}\r\n").await;
        say(&stream, &lines).await;
        complete(&rt, &of_client).await;
        stream
    });
    let here = run(&runtime, "A", vec![known(&there)]);
    watch(&rt, &here, &of_link);
    runtime.block_on(complete(&rt, &of_link));
    for seen in [of_client, of_link] {
        let seen = seen.lock();
        let longest = longest_turn(&seen);
        assert!(longest <= 600, "{longest} at once: {seen:?}");
    }
}
