//! The meta-test: the same seed tells the same story, another seed another one.

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use common::*;
use gannet_rt::Rt;
use gannet_rt::future::race;
use gannet_rt::sim::{Sim, SimHost};
use gannet_rt::sync::{Notify, mpsc, oneshot};

/// Connects to `to` again and again and has random bytes echoed, within deadlines.
async fn chatter(rt: Rt, to: std::net::SocketAddr, echoed: Arc<AtomicU64>) {
    loop {
        let Ok(Ok(stream)) = rt.timeout(Duration::from_secs(1), rt.connect(to)).await else {
            rt.sleep(Duration::from_millis(rt.random_u64() % 200)).await;
            continue;
        };
        for _ in 0..10 {
            let mut sent = vec![0; (rt.random_u64() % 5000) as usize];
            rt.fill_random(&mut sent);
            let talk = async {
                write_all(&stream, &sent).await?;
                read_n(&stream, sent.len()).await
            };
            rt.sleep(Duration::from_millis(rt.random_u64() % 50)).await;
            match rt.timeout(Duration::from_secs(2), talk).await {
                Ok(Ok(got)) => {
                    assert!(got == sent);
                    echoed.fetch_add(1, Ordering::Relaxed);
                }
                _ => break,
            }
        }
    }
}

/// A pipeline over channels, notifications and timers.
async fn pipeline(rt: Rt) {
    let (queue, mut items) = mpsc::channel::<(u64, oneshot::Sender<u64>)>(3);
    let tick = Arc::new(Notify::new());
    let ticking = tick.clone();
    let clock = rt.clone();
    rt.spawn(async move {
        loop {
            clock
                .sleep(Duration::from_millis(1 + clock.random_u64() % 20))
                .await;
            ticking.notify_waiters();
            ticking.notify_one();
        }
    });
    rt.spawn(async move {
        while let Some((n, answer)) = items.recv().await {
            tick.notified().await;
            let _ = answer.send(n + 1);
        }
    });
    for _ in 0..3 {
        let (queue, timer) = (queue.clone(), rt.clone());
        rt.spawn(async move {
            for n in 0.. {
                let (answer, answered) = oneshot::channel();
                if queue.send((n, answer)).await.is_err() {
                    return;
                }
                let _ = race(answered, timer.sleep(Duration::from_millis(30))).await;
            }
        });
    }
}

async fn start(host: &SimHost, peers: Vec<std::net::SocketAddr>, echoed: &Arc<AtomicU64>) {
    let rt = host.rt();
    let listener = rt.listen((host.ip(), 4222).into()).await.expect("listens");
    rt.spawn(echo_server(rt.clone(), listener));
    for peer in peers {
        rt.spawn(chatter(rt.clone(), peer, echoed.clone()));
    }
    rt.spawn(pipeline(rt.clone()));
}

/// Eight virtual seconds of five chattering hosts under faults of every kind; answers the trace's
/// hash, its last lines and how many echoes came home.
fn story(seed: u64) -> (u64, Vec<String>, u64) {
    let sim = Sim::new(seed);
    sim.keep_trace_text(true);
    let net = sim.net();
    let hosts: Vec<SimHost> = (0..5).map(|k| sim.host(&format!("host{k}"))).collect();
    let echoed = Arc::new(AtomicU64::new(0));
    let peers = |me: &SimHost| {
        let others = hosts.iter().filter(|h| h.ip() != me.ip());
        others.map(|h| (h.ip(), 4222).into()).collect()
    };
    let run = sim.block_on(async {
        for host in &hosts {
            start(host, peers(host), &echoed).await;
        }
        let hand = sim.host("hand").rt();
        let pick = || &hosts[(hand.random_u64() % 5) as usize];
        for round in 0..40 {
            hand.sleep(Duration::from_millis(200)).await;
            let (x, y) = (pick(), pick());
            match round % 10 {
                0 => net.partition(x, y),
                1 => net.partition_one_way(x, y),
                2 => x.freeze(),
                3 => drop(net.reset_one(x, y)),
                4 => net.black_hole(x, true),
                5 => x.set_drift_ppm(500),
                6 => {
                    x.crash();
                    start(x, peers(x), &echoed).await;
                }
                7 => x.jump_wall_back(Duration::from_secs(1)),
                8 => {
                    x.power_off();
                    x.power_on();
                    start(x, peers(x), &echoed).await;
                }
                _ => {
                    hosts.iter().for_each(SimHost::thaw);
                    net.heal_all();
                }
            }
        }
    });
    run.expect("the story comes to its end");
    let lines = sim.take_trace_text();
    (sim.trace_hash(), lines, echoed.load(Ordering::Relaxed))
}

#[test]
fn the_same_seed_tells_the_same_story_and_another_seed_another() {
    let mut hashes = BTreeSet::new();
    for seed in 0..6 {
        let (hash, lines, echoed) = story(seed);
        let (again, lines_again, _) = story(seed);
        assert!(lines == lines_again, "seed {seed}");
        assert_eq!(hash, again, "seed {seed}");
        assert!(echoed > 100, "seed {seed}: only {echoed} echoes came home");
        assert!(
            hashes.insert(hash),
            "seed {seed} tells the story of another"
        );
    }
}

#[test]
fn a_note_is_part_of_the_story() {
    let hash = |note: &str| {
        let sim = Sim::new(1);
        sim.note(note);
        sim.trace_hash()
    };
    assert_eq!(hash("a"), hash("a"));
    assert_ne!(hash("a"), hash("b"));
}

#[test]
fn the_stored_story_of_seed_zero_is_the_same_in_every_process() {
    let child = std::env::var_os("GANNET_RT_CHILD").is_some();
    let hash = format!("hash {:016x}", story(0).0);
    if child {
        println!("{hash}");
        return;
    }
    let output = std::process::Command::new(std::env::current_exe().expect("is known"))
        .args(["--exact", "--nocapture"])
        .arg("the_stored_story_of_seed_zero_is_the_same_in_every_process")
        .env("GANNET_RT_CHILD", "1")
        .output()
        .expect("runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains(&hash),
        "this process: {hash}; the other: {said}"
    );
}
