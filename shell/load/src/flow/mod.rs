//! Streams of messages: publishers at full speed within a window, receivers that prove every message, and what the
//! servers spent on them.

mod black_hole;
mod lane;
mod publisher;
mod receiver;

use std::net::TcpStream;

use crate::codec::{Checker, Ledger, Shape, Subscription};
use crate::error::LoadError;
use crate::link::Link;
use crate::metric::{Metric, Sample, per};
use crate::process::{Layout, Servers};
use crate::run::Bench;
use crate::watch::{Board, Phase, Watch};
pub(crate) use black_hole::black_hole;
use lane::Lane;
use publisher::Publisher;
use receiver::Receiver;

/// Bytes that a publisher may have under way to each of its receivers.
const WINDOW: usize = 4 << 20;
/// Bytes that a publisher may have under way to all of its receivers: far below the 64 MiB that servers queue for one
/// connection before they drop it.
const WINDOW_OF_ALL: usize = 16 << 20;
/// Bytes written at once.
const BATCH: usize = 64 << 10;
/// By how many messages to other members of its queue group one may be overtaken. The window bounds how many are under
/// way, not how far apart: while one member's share waits, the others' go on.
const QUEUE_SPAN: u64 = 1 << 22;
/// After the last message between servers, how long a second copy may take to show up.
const GRACE: std::time::Duration = std::time::Duration::from_millis(100);

/// A scenario of streaming messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flow {
    /// The servers.
    pub(crate) layout: Layout,
    /// Publishers, each with a subject space of its own.
    pub(crate) publishers: u32,
    /// Receivers of each publisher.
    pub(crate) receivers: u32,
    /// Payload bytes.
    pub(crate) payload: usize,
    /// Header block bytes.
    pub(crate) headers: usize,
    /// Subjects of each publisher.
    pub(crate) subjects: u32,
    /// How receivers subscribe.
    pub(crate) subscription: Subscription,
}

impl Flow {
    /// One publisher, one subject, one receiver of 128-byte messages on one server.
    pub(crate) const PLAIN: Flow = Flow {
        layout: Layout::Single,
        publishers: 1,
        receivers: 1,
        payload: 128,
        headers: 0,
        subjects: 1,
        subscription: Subscription::Literal,
    };

    fn shape(&self, publisher: u32, run: u32) -> Shape {
        Shape {
            payload: self.payload,
            headers: self.headers,
            subjects: self.subjects,
            subscription: self.subscription,
            publisher,
            run,
        }
    }

    /// How many receivers get each delivered message.
    fn copies(&self) -> u64 {
        if self.subscription == Subscription::Queue {
            1
        } else {
            u64::from(self.receivers)
        }
    }

    /// Runs the scenario once.
    pub(crate) fn run(&self, bench: &Bench<'_>) -> Result<Sample, LoadError> {
        let launcher = bench.launcher();
        let servers = launcher.start(self.layout)?;
        let run = crate::run::draw();
        let shapes: Vec<Shape> = (0..self.publishers)
            .map(|publisher| self.shape(publisher, run))
            .collect();
        let receivers = self.subscribe(&shapes, &servers, bench)?;
        launcher.await_all_interest(&servers)?;
        let lanes: Vec<Lane> = shapes
            .iter()
            .map(|shape| Lane::new(shape.step(), self.copies()))
            .collect();
        let publishers = shapes
            .iter()
            .map(|shape| {
                let name = format!("publisher {}", shape.publisher);
                let link = Link::open(
                    servers.of_publisher(shape.publisher).address,
                    &name,
                    bench.patience,
                )?;
                Publisher::new(link, shape, &self.budget())
            })
            .collect::<Result<Vec<_>, _>>()?;
        let board = Board::new();
        let watch = Watch {
            board: &board,
            servers: &servers,
            progress: bench.progress,
            patience: bench.patience,
        };
        let ledgers = shapes.iter().map(|_| Ledger::new(QUEUE_SPAN)).collect();
        let measured = std::thread::scope(|scope| {
            let (lanes, board) = (&lanes[..], &board);
            for (publisher, lane) in publishers.into_iter().zip(lanes) {
                scope.spawn(move || board.note(publisher.run(lane, board)));
            }
            if !receivers.is_empty() {
                scope
                    .spawn(move || board.note(receiver::receive(receivers, ledgers, lanes, board)));
            }
            let outcome = self.control(&watch, bench, lanes);
            if outcome.is_err() {
                board.advance(Phase::Abort);
            }
            outcome
        })?;
        board.take_failure()?;
        Ok(vec![
            Metric::CPU_PER_MESSAGE.of(per(measured.server_cpu, measured.count)),
            Metric::MESSAGES.of(measured.count as f64 / measured.wall.as_secs_f64()),
            Metric::MEMORY.of(measured.memory as f64),
            Metric::TOOL_CPU.of(per(measured.own_cpu, measured.count)),
        ])
    }

    /// Warm-up, measured span, and the proof that everything sent arrived and nothing more.
    fn control(
        &self,
        watch: &Watch<'_>,
        bench: &Bench<'_>,
        lanes: &[Lane],
    ) -> Result<crate::watch::Measured, LoadError> {
        let arrived = || lanes.iter().map(Lane::confirmed).sum::<u64>();
        let measured = watch.measure(bench.warm_up(), bench.span(), arrived)?;
        watch.board.advance(Phase::Drain);
        let missing = || {
            let lanes = lanes
                .iter()
                .enumerate()
                .filter(|(_, lane)| !lane.complete());
            lanes
                .map(|(number, lane)| format!("publisher {number}: {}", lane.state()))
                .collect::<Vec<_>>()
                .join("; ")
        };
        watch.wait(|_| lanes.iter().all(Lane::complete), arrived, missing)?;
        if self.layout != Layout::Single {
            std::thread::sleep(GRACE);
        }
        watch.board.advance(Phase::Fence);
        let done = |_| self.receivers == 0 || watch.board.phase() == Phase::Done;
        watch.wait(done, arrived, || {
            "a receiver's PONG after the last message".to_owned()
        })?;
        Ok(measured)
    }

    fn budget(&self) -> publisher::Budget {
        let window = if self.receivers == 0 {
            None
        } else {
            Some((WINDOW_OF_ALL / self.copies() as usize).min(WINDOW))
        };
        publisher::Budget {
            window,
            batch: window.map_or(BATCH, |window| BATCH.min(window / 4)),
        }
    }

    fn subscribe(
        &self,
        shapes: &[Shape],
        servers: &Servers,
        bench: &Bench<'_>,
    ) -> Result<Vec<Receiver>, LoadError> {
        let mut receivers = Vec::new();
        for shape in shapes {
            for number in 0..self.receivers {
                let name = format!("receiver {number} of publisher {}", shape.publisher);
                let server = servers.of_receiver(number);
                let mut link = Link::open(server.address, &name, bench.patience)?;
                link.send(&shape.subscribe())?;
                link.fence()?;
                let member = self.subscription == Subscription::Queue;
                receivers.push(Receiver::new(
                    link,
                    Checker::new(shape, name, member),
                    shape.publisher as usize,
                )?);
            }
        }
        Ok(receivers)
    }
}

/// Prepares a socket for a loop of its own: nothing blocks in it.
fn unblock(stream: &TcpStream) -> Result<(), LoadError> {
    stream
        .set_nonblocking(true)
        .map_err(LoadError::io("make a socket non-blocking"))
}
