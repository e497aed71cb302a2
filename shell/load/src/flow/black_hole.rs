//! Local traffic at full speed, while a cluster that wants all of it hangs: its process is stopped, its sockets stay open.
//!
//! It is compared with the same traffic while the other cluster wants none of it: a process that hangs uses no processor,
//! just like one that has nothing to do, so that the comparison holds on a machine with few cores. (The figures with a
//! cluster that takes everything are there as well.)

use std::io::Read;
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::lane::Lane;
use super::publisher::{Budget, Publisher};
use super::receiver::{self, Receiver};
use super::{BATCH, Flow, QUEUE_SPAN, WINDOW};
use crate::codec::{Checker, Ledger, Shape};
use crate::error::LoadError;
use crate::footprint::beat;
use crate::link::Link;
use crate::metric::{Metric, Sample, per};
use crate::process::{Launcher, Layout, Servers};
use crate::run::Bench;
use crate::stats::Histogram;
use crate::watch::{Board, Phase, Span, Watch};

/// Times that everything is done, with fresh servers each time, and put together: on a machine with as many busy
/// processes as cores, the slowest hundredth of the messages is made by few long waits for a core, so that a single pass
/// tells little.
const PASSES: u32 = 4;

/// What was counted in one state of the other cluster.
#[derive(Debug)]
struct Local {
    count: u64,
    wall: Duration,
    server_cpu: u64,
    /// The time that a message of a quiet pair of clients takes.
    waits: Histogram,
}

impl Local {
    fn new() -> Local {
        Local {
            count: 0,
            wall: Duration::ZERO,
            server_cpu: 0,
            waits: Histogram::new(),
        }
    }

    fn add(&mut self, other: &Local) {
        self.count += other.count;
        self.wall += other.wall;
        self.server_cpu += other.server_cpu;
        self.waits.add(&other.waits);
    }

    fn messages(&self) -> f64 {
        self.count as f64 / self.wall.as_secs_f64()
    }

    fn cpu(&self) -> f64 {
        per(self.server_cpu, self.count)
    }

    fn p99(&self) -> f64 {
        self.waits.quantile(0.99) as f64
    }
}

/// What the traffic was in each state of the other cluster.
#[derive(Debug)]
struct Found {
    alone: Local,
    healthy: Local,
    black_holed: Local,
}

/// Runs the scenario once.
pub(crate) fn black_hole(bench: &Bench<'_>) -> Result<Sample, LoadError> {
    let mut found = Found {
        alone: Local::new(),
        healthy: Local::new(),
        black_holed: Local::new(),
    };
    for _ in 0..PASSES {
        let pass = pass(bench)?;
        found.alone.add(&pass.alone);
        found.healthy.add(&pass.healthy);
        found.black_holed.add(&pass.black_holed);
    }
    Ok(found.figures())
}

/// One pass.
fn pass(bench: &Bench<'_>) -> Result<Found, LoadError> {
    let launcher = bench.launcher();
    let servers = launcher.start(Layout::Gateways)?;
    let shape = Flow::PLAIN.shape(0, crate::run::draw());
    let mut link = Link::open(servers.near().address, "receiver", bench.patience)?;
    link.send(&shape.subscribe())?;
    link.fence()?;
    let checker = Checker::new(&shape, "receiver".to_owned(), false);
    let receivers = vec![Receiver::new(link, checker, 0)?];
    let link = Link::open(servers.near().address, "publisher", bench.patience)?;
    let budget = Budget {
        window: Some(WINDOW),
        batch: BATCH,
    };
    let publisher = Publisher::new(link, &shape, &budget)?;
    let lanes = [Lane::new(shape.step(), 1)];
    let board = Board::new();
    let watch = Watch {
        board: &board,
        servers: &servers,
        progress: bench.progress,
        patience: bench.patience,
    };
    let found = std::thread::scope(|scope| {
        let (lanes, board) = (&lanes, &board);
        scope.spawn(move || board.note(publisher.run(&lanes[0], board)));
        let ledgers = vec![Ledger::new(QUEUE_SPAN)];
        scope.spawn(move || board.note(receiver::receive(receivers, ledgers, lanes, board)));
        let outcome = control(&watch, bench, &launcher, &servers, &shape, &lanes[0]);
        if outcome.is_err() {
            board.advance(Phase::Abort);
        }
        outcome
    })?;
    board.take_failure()?;
    Ok(found)
}

impl Found {
    fn figures(&self) -> Sample {
        let Found {
            alone,
            healthy,
            black_holed,
        } = self;
        vec![
            Metric::MESSAGES_ALONE.of(alone.messages()),
            Metric::MESSAGES_HEALTHY.of(healthy.messages()),
            Metric::MESSAGES_BLACK_HOLED.of(black_holed.messages()),
            Metric::KEPT.of(black_holed.messages() / alone.messages()),
            Metric::KEPT_OF_HEALTHY.of(black_holed.messages() / healthy.messages()),
            Metric::CPU_RISE.of(black_holed.cpu() / alone.cpu()),
            Metric::P99_ALONE.of(alone.p99()),
            Metric::P99_HEALTHY.of(healthy.p99()),
            Metric::P99_BLACK_HOLED.of(black_holed.p99()),
            Metric::P99_RISE.of(black_holed.p99() / alone.p99()),
        ]
    }
}

/// The three measurements, and the proof that everything arrived at home.
fn control(
    watch: &Watch<'_>,
    bench: &Bench<'_>,
    launcher: &Launcher<'_>,
    servers: &Servers,
    shape: &Shape,
    lane: &Lane,
) -> Result<Found, LoadError> {
    let measure = |warm_up| measure(watch, bench, servers, warm_up, lane);
    let alone = measure(bench.warm_up())?;
    let mut remote = Link::open(servers.far().address, "remote receiver", bench.patience)?;
    remote.send(&shape.subscribe())?;
    let (stream, _) = remote.into_stream();
    let mut reader = stream
        .try_clone()
        .map_err(LoadError::io("share a receiver's socket"))?;
    let (healthy, black_holed) = std::thread::scope(|scope| {
        // What comes is not counted: a cluster that hangs loses messages.
        scope.spawn(move || {
            let mut buffer = vec![0; BATCH];
            while !matches!(reader.read(&mut buffer), Ok(0) | Err(_)) {}
        });
        let outcome = launcher
            .await_interest(servers.near(), servers.far())
            .and_then(|()| {
                let healthy = measure(bench.warm_up())?;
                let frozen = servers.far().freeze()?;
                // From the very beginning: what has to pile up first is part of it.
                let black_holed = measure(Span::Time(Duration::ZERO));
                drop(frozen);
                Ok((healthy, black_holed?))
            });
        // It may have been closed by the server.
        let _ = stream.shutdown(Shutdown::Both);
        outcome
    })?;
    prove(watch, lane)?;
    Ok(Found {
        alone,
        healthy,
        black_holed,
    })
}

/// Waits until everything sent has arrived at home, and nothing more.
fn prove(watch: &Watch<'_>, lane: &Lane) -> Result<(), LoadError> {
    watch.board.advance(Phase::Drain);
    watch.wait(|_| lane.complete(), || lane.confirmed(), || lane.state())?;
    watch.board.advance(Phase::Fence);
    let done = |_| watch.board.phase() == Phase::Done;
    watch.wait(
        done,
        || lane.confirmed(),
        || "the receiver's PONG".to_owned(),
    )
}

fn measure(
    watch: &Watch<'_>,
    bench: &Bench<'_>,
    servers: &Servers,
    warm_up: Span,
    lane: &Lane,
) -> Result<Local, LoadError> {
    let (near, patience) = (servers.near().address, bench.patience);
    let over = AtomicBool::new(false);
    let (measured, waits) = std::thread::scope(|scope| {
        let quiet = scope.spawn(|| beat(near, near, patience, &over));
        let measured = watch.measure(warm_up, bench.span(), || lane.confirmed());
        over.store(true, Ordering::Release);
        let waits = quiet
            .join()
            .unwrap_or_else(|_| Err(LoadError::Protocol("the quiet pair failed".into())));
        (measured, waits)
    });
    let measured = measured?;
    Ok(Local {
        count: measured.count,
        wall: measured.wall,
        server_cpu: measured.server_cpu,
        waits: waits?,
    })
}
