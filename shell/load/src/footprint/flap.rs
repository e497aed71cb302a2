//! A link between clusters that breaks while it stands for the interest in very many subjects: how long until all of it is
//! back, what other traffic notices, and whether the memory comes back.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::error::LoadError;
use crate::link::Link;
use crate::metric::{Metric, Sample};
use crate::process::{Layout, Server, Servers};
use crate::run::Bench;
use crate::stats::Histogram;

/// Subjects tried with a message, spread evenly over all.
const TRIED: u32 = 500;
/// Between two messages of the traffic that has nothing to do with the link.
const BEAT: Duration = Duration::from_micros(500);
/// That traffic before the link is cut, and after all is back.
const CALM: Duration = Duration::from_millis(500);
/// Subscriptions sent at a time.
const AT_ONCE: u32 = 50_000;

fn subject(number: u32) -> String {
    format!("load.flap.{number:07}")
}

/// Runs the scenario once.
pub(crate) fn flap(subjects: u32, bench: &Bench<'_>) -> Result<Sample, LoadError> {
    let launcher = bench.launcher();
    let servers = launcher.start(Layout::Flap)?;
    let (near, far, other) = (&servers[0], &servers[1], &servers[2]);
    let mut subscriber = Link::open(far.address, "subscriber", bench.patience)?;
    bench.progress.note("subscribing");
    for from in (0..subjects).step_by(AT_ONCE as usize) {
        bench.progress.check_interrupt()?;
        let lines: String = (from..subjects.min(from + AT_ONCE))
            .map(|number| format!("SUB {} {}\r\n", subject(number), number + 1))
            .collect();
        subscriber.send(lines.as_bytes())?;
        subscriber.fence()?;
    }
    launcher.await_interest(near, far)?;
    let mut publisher = Link::open(near.address, "publisher", bench.patience)?;
    prove(&mut publisher, &mut subscriber, subjects, bench)?;
    bench.progress.note("settling");
    let before = super::settled_memory(near, bench)?;
    let calm = AtomicBool::new(false);
    let (recovered, waits) = std::thread::scope(|scope| {
        let patience = bench.patience;
        let (from, to, calm) = (near.address, other.address, &calm);
        let others = scope.spawn(move || beat(from, to, patience, calm));
        std::thread::sleep(CALM);
        bench.progress.note("the link is cut");
        let begun = Instant::now();
        let outcome = recover(
            &servers,
            near,
            far,
            || prove(&mut publisher, &mut subscriber, subjects, bench),
            &launcher,
        );
        let recovered = begun.elapsed();
        std::thread::sleep(CALM);
        calm.store(true, Ordering::Release);
        let waits = others
            .join()
            .unwrap_or_else(|_| Err(LoadError::Protocol("the other traffic failed".into())));
        outcome.and(waits).map(|waits| (recovered, waits))
    })?;
    bench.progress.note("settling");
    let after = super::settled_memory(near, bench)?;
    Ok(vec![
        Metric::RECOVERY.of(recovered.as_nanos() as f64),
        Metric::P50.of(waits.quantile(0.5) as f64),
        Metric::P99.of(waits.quantile(0.99) as f64),
        Metric::WORST.of(waits.quantile(1.0) as f64),
        Metric::MEMORY.of(before as f64),
        Metric::MEMORY_KEPT.of(after.saturating_sub(before) as f64),
    ])
}

fn recover(
    servers: &Servers,
    near: &Server,
    far: &Server,
    mut prove: impl FnMut() -> Result<(), LoadError>,
    launcher: &crate::process::Launcher<'_>,
) -> Result<(), LoadError> {
    servers.cut();
    launcher.await_interest(near, far)?;
    prove()
}

/// Publishes on a sample of the subjects until each has brought a message.
fn prove(
    publisher: &mut Link,
    subscriber: &mut Link,
    subjects: u32,
    bench: &Bench<'_>,
) -> Result<(), LoadError> {
    let step = subjects.div_ceil(TRIED).max(1) as usize;
    let mut missing: BTreeSet<String> = (0..subjects).step_by(step).map(subject).collect();
    let begun = Instant::now();
    loop {
        let lines: String = missing
            .iter()
            .map(|subject| format!("PUB {subject} 0\r\n\r\n"))
            .collect();
        publisher.send(lines.as_bytes())?;
        publisher.fence()?;
        // Messages across clusters may come after this; then they are sent again.
        subscriber.fence_and(|message| {
            if let Ok(subject) = std::str::from_utf8(message.subject) {
                missing.remove(subject);
            }
        })?;
        if missing.is_empty() {
            return Ok(());
        }
        bench.progress.check_interrupt()?;
        if begun.elapsed() > bench.patience {
            return Err(LoadError::Stalled {
                seconds: bench.patience.as_secs(),
                missing: format!("messages on {} of the subjects", missing.len()),
            });
        }
    }
}

/// One message after another from one server to the next (or within one), each waited for, until `calm`; answers how long they took.
pub(crate) fn beat(
    from: std::net::SocketAddr,
    to: std::net::SocketAddr,
    patience: Duration,
    calm: &AtomicBool,
) -> Result<Histogram, LoadError> {
    let mut receiver = Link::open(to, "bystander", patience)?;
    receiver.send(b"SUB load.bystander 1\r\n")?;
    receiver.fence()?;
    let mut sender = Link::open(from, "bystander", patience)?;
    let mut waits = Histogram::new();
    // A server knows its own subscriptions at once.
    let mut known = from == to;
    while !calm.load(Ordering::Acquire) {
        let begun = Instant::now();
        sender.send(b"PUB load.bystander 0\r\n\r\n")?;
        let limit = if known { patience } else { BEAT * 40 };
        if receiver.message_within(limit)? {
            if known {
                waits.record(u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX));
            }
            known = true;
        } else if known {
            return Err(LoadError::Protocol(
                "a message that has nothing to do with the link was lost".into(),
            ));
        }
        std::thread::sleep(BEAT);
    }
    Ok(waits)
}
