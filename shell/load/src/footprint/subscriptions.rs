//! Very many literal subscriptions: how fast they are made, what they weigh, and whether their memory comes back.

use std::time::{Duration, Instant};

use crate::error::LoadError;
use crate::link::Link;
use crate::metric::{Metric, Sample, per};
use crate::process::{Layout, Server};
use crate::run::Bench;

/// Subscriptions tried with a message, spread evenly over all.
const TRIED: u32 = 500;

/// Bytes of each subject.
pub(crate) const SUBJECT_BYTES: usize = "load.sub.0.000000".len();

fn subject(connection: u32, number: u32) -> String {
    // The tail of the connection's number keeps the length; numbers beyond nine share subjects, which is no harm.
    format!("load.sub.{}.{number:06}", connection % 10)
}

/// Runs the scenario once with `total` subscriptions over so many connections.
pub(crate) fn subscriptions(
    total: u32,
    connections: u32,
    bench: &Bench<'_>,
) -> Result<Sample, LoadError> {
    let connections = connections.clamp(1, total.max(1));
    let each = total.div_ceil(connections);
    let total = each * connections;
    let servers = bench.launcher().start(Layout::Single)?;
    let server = servers.near();
    let mut links = (0..connections)
        .map(|_| Link::open(server.address, "subscriber", bench.patience))
        .collect::<Result<Vec<_>, _>>()?;
    let before = super::settled_memory(server, bench)?;
    let subscribe = |connection: u32, number: u32| {
        format!("SUB {} {}\r\n", subject(connection, number), number + 1)
    };
    let (made, cpu) = all(&mut links, each, "subscribing", server, bench, subscribe)?;
    bench.progress.note("settling");
    let after = super::settled_memory(server, bench)?;
    prove(&mut links, each, 1, server, bench)?;
    let unsubscribe = |_: u32, number: u32| format!("UNSUB {}\r\n", number + 1);
    let (removed, _) = all(
        &mut links,
        each,
        "unsubscribing",
        server,
        bench,
        unsubscribe,
    )?;
    prove(&mut links, each, 0, server, bench)?;
    bench.progress.note("settling");
    let kept = super::settled_memory(server, bench)?;
    Ok(vec![
        Metric::MEMORY_PER_SUBSCRIPTION.of(super::memory_per(before, after, total)),
        Metric::SUBSCRIPTIONS.of(f64::from(total) / made.as_secs_f64()),
        Metric::UNSUBSCRIPTIONS.of(f64::from(total) / removed.as_secs_f64()),
        Metric::CPU_PER_SUBSCRIPTION.of(per(cpu, u64::from(total))),
        Metric::MEMORY.of(after as f64),
        Metric::MEMORY_KEPT.of(kept.saturating_sub(before) as f64),
    ])
}

/// Sends a line per subscription on every connection at once; returns the time until the server has processed them all,
/// and its CPU time in nanoseconds.
fn all(
    links: &mut [Link],
    each: u32,
    what: &str,
    server: &Server,
    bench: &Bench<'_>,
    line: impl Fn(u32, u32) -> String,
) -> Result<(Duration, u64), LoadError> {
    let lines: Vec<Vec<u8>> = (0..links.len() as u32)
        .map(|connection| {
            (0..each)
                .flat_map(|number| line(connection, number).into_bytes())
                .collect()
        })
        .collect();
    bench.progress.check_interrupt()?;
    bench.progress.note(what);
    let begun = (Instant::now(), server.cpu()?);
    std::thread::scope(|scope| {
        let workers: Vec<_> = links
            .iter_mut()
            .zip(&lines)
            .map(|(link, lines)| scope.spawn(move || link.send(lines).and_then(|()| link.fence())))
            .collect();
        workers
            .into_iter()
            .try_for_each(|worker| match worker.join() {
                Ok(outcome) => outcome,
                Err(_) => Err(LoadError::Protocol("a working thread panicked".to_owned())),
            })
    })?;
    Ok((begun.0.elapsed(), server.cpu()? - begun.1))
}

/// Publishes to some of the subjects and checks that each of their subscriptions is there, or gone.
fn prove(
    links: &mut [Link],
    each: u32,
    copies: usize,
    server: &Server,
    bench: &Bench<'_>,
) -> Result<(), LoadError> {
    let mut sender = Link::open(server.address, "proof", bench.patience)?;
    let connections = links.len() as u32;
    let stride = (each * connections / TRIED).max(1);
    let mut due = vec![Vec::new(); links.len()];
    for index in (0..each * connections).step_by(stride as usize) {
        let (connection, number) = (index / each, index % each);
        sender.send(format!("PUB {} 0\r\n\r\n", subject(connection, number)).as_bytes())?;
        for (holder, due) in (0u32..).zip(&mut due) {
            if holder % 10 == connection % 10 {
                due.extend(std::iter::repeat_n(
                    subject(connection, number).into_bytes(),
                    copies,
                ));
            }
        }
    }
    sender.fence()?;
    for (connection, (link, due)) in links.iter_mut().zip(due).enumerate() {
        let mut came = Vec::new();
        link.fence_and(|message| came.push(message.subject.to_vec()))?;
        if came != due {
            return Err(LoadError::Delivery(format!(
                "subscriber {connection}: {} messages came for its subscriptions where {} were due",
                came.len(),
                due.len()
            )));
        }
    }
    Ok(())
}
