//! Requests and replies: one requester with a bounded number in flight, one responder, and the time between the two.

mod requester;
mod responder;

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::LoadError;
use crate::link::Link;
use crate::metric::{Metric, Sample, per};
use crate::process::Layout;
use crate::run::Bench;
use crate::watch::{Board, Measured, Phase, Watch};
use requester::Requester;
use responder::Responder;

/// Where requests go.
const SUBJECT: &str = "load.service";
/// Payload bytes of requests and replies.
const PAYLOAD: usize = 16;

/// The subjects that replies come on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inbox {
    /// A new one for every request, as clients do.
    PerRequest,
    /// One for each request in flight, used again and again.
    PerSlot,
}

/// A scenario of requests and replies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Requests {
    /// The servers.
    pub(crate) layout: Layout,
    /// Requests under way at once; 1 waits for each reply.
    pub(crate) in_flight: usize,
    /// Where replies come.
    pub(crate) inbox: Inbox,
}

impl Requests {
    /// Runs the scenario once.
    pub(crate) fn run(&self, bench: &Bench<'_>) -> Result<Sample, LoadError> {
        let launcher = bench.launcher();
        let servers = launcher.start(self.layout)?;
        let run = crate::run::draw();
        let mut service = Link::open(servers.far().address, "responder", bench.patience)?;
        service.send(format!("SUB {SUBJECT} 1\r\n").as_bytes())?;
        service.fence()?;
        let mut client = Link::open(servers.near().address, "requester", bench.patience)?;
        let inbox = format!("_INBOX.load{run:08x}");
        client.send(format!("SUB {inbox}.* 1\r\n").as_bytes())?;
        client.fence()?;
        launcher.await_all_interest(&servers)?;
        let board = Board::new();
        let watch = Watch {
            board: &board,
            servers: &servers,
            progress: bench.progress,
            patience: bench.patience,
        };
        let answered = AtomicU64::new(0);
        let (measured, latency) = std::thread::scope(|scope| {
            let (board, answered) = (&board, &answered);
            let responder = Responder::new(service);
            let requester = Requester::new(client, inbox, self);
            scope.spawn(move || board.note(responder.run(board)));
            let requester = scope.spawn(move || board.note(requester.run(answered, board)));
            let outcome = self.control(&watch, bench, answered);
            if outcome.is_err() {
                board.advance(Phase::Abort);
            }
            let latency = requester.join();
            // A thread's own error is the cause of whatever the controlling thread saw.
            board.take_failure()?;
            match (outcome?, latency) {
                (measured, Ok(Some(latency))) => Ok((measured, latency)),
                _ => Err(LoadError::Protocol(
                    "the requester ended without a result".to_owned(),
                )),
            }
        })?;
        let seconds = measured.wall.as_secs_f64();
        Ok(vec![
            Metric::P50.of(latency.quantile(0.5) as f64),
            Metric::P99.of(latency.quantile(0.99) as f64),
            Metric::P999.of(latency.quantile(0.999) as f64),
            Metric::CPU_PER_ROUND_TRIP.of(per(measured.server_cpu, measured.count)),
            Metric::ROUND_TRIPS.of(measured.count as f64 / seconds),
            Metric::MEMORY.of(measured.memory as f64),
            Metric::TOOL_CPU.of(per(measured.own_cpu, measured.count)),
        ])
    }

    fn control(
        &self,
        watch: &Watch<'_>,
        bench: &Bench<'_>,
        answered: &AtomicU64,
    ) -> Result<Measured, LoadError> {
        let count = || answered.load(Ordering::Acquire);
        let measured = watch.measure(bench.warm_up(), bench.span(), count)?;
        watch.board.advance(Phase::Drain);
        let done = |_| watch.board.phase() >= Phase::Done;
        watch.wait(done, count, || {
            format!("replies to the last {} requests", self.in_flight)
        })?;
        Ok(measured)
    }
}
