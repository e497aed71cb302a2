//! Instruction counts of the hot path.
//!
//! What lives here: the [`WORKLOADS`], plain functions over the core crates that repeat one operation,
//! and [`counts.txt`](../counts.txt), how many instructions an operation took when somebody last agreed
//! to that number. What does not: clocks (a busy machine moves them, but not these numbers), and the
//! program that counts and compares, `cargo xtask instructions`.
//!
//! # How it counts
//!
//! `cargo xtask instructions` builds the example `count` as the server is built for release and runs it
//! under valgrind's callgrind twice per workload, with `n` and with `2n` operations. The difference
//! divided by `n` is the price of one operation: start-up, preparation and what the first operations pay
//! to fill caches cancel out. Two runs of the same code differ by far less than 1 %.
//!
//! It fails when an operation got more than 5 % dearer, or when list and workloads don't name the same
//! operations; `cargo xtask instructions --accept` writes the new numbers into the list, to be looked at
//! in review like any other change. Counts depend on the compiler, the C library (its allocator and its
//! `memcpy`) and the processor's vector instructions: the list says what it was made with, and a list
//! made with something else is to be accepted anew before it can judge anything.
//!
//! Where the instructions of a workload go is told by `callgrind_annotate`, over the file that the
//! command names at its end; by hand:
//!
//! ```text
//! cargo build --release -p gannet-proof-bench --example count
//! valgrind --tool=callgrind --callgrind-out-file=out target/release/examples/count publish-128-to-10 20000
//! callgrind_annotate out | head -40
//! ```
//!
//! # A new workload
//!
//! A function that prepares the same things whatever `n` is, performs `n` operations and answers what
//! they yielded, and a line in [`WORKLOADS`] that says what one operation yields: the tests and every
//! counted run check it, so that no workload can go on counting an operation that has stopped working.

mod decode;
mod index;
mod publish;
mod room;

/// An operation to count.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// Its name, without spaces.
    pub name: &'static str,
    /// Operations of the shorter of the two runs: enough that start-up is lost in them.
    pub operations: usize,
    /// What one operation yields: payload bytes read, entries found, bytes that reached a sink.
    pub yields: usize,
    /// Performs so many operations and answers what all of them yielded.
    pub run: fn(usize) -> usize,
}

impl Workload {
    /// Performs `operations`; an error says that they did not yield what they should.
    ///
    /// # Errors
    ///
    /// If the operation does not do its work any more: its count means nothing then.
    pub fn perform(&self, operations: usize) -> Result<(), String> {
        let (yielded, should) = ((self.run)(operations), operations * self.yields);
        if yielded == should {
            return Ok(());
        }
        let name = self.name;
        Err(format!(
            "{name}: {operations} operations yielded {yielded} instead of {should}"
        ))
    }
}

/// Length of the frame that begins with `line`.
const fn frame(line: &str, payload: usize) -> usize {
    line.len() + 2 + payload + 2
}

const fn workload(
    name: &'static str,
    operations: usize,
    yields: usize,
    run: fn(usize) -> usize,
) -> Workload {
    Workload {
        name,
        operations,
        yields,
        run,
    }
}

/// Every operation that is counted.
///
/// Numbers in names are payload bytes, then receivers. Messages come in batches of 64, each followed by
/// the flush of everybody concerned, except where the name says `alone`.
pub const WORKLOADS: &[Workload] = &[
    workload("decode-pub-16", 20_000, 16, decode::plain_pub::<16>),
    workload("decode-pub-128", 20_000, 128, decode::plain_pub::<128>),
    workload("decode-any-pub-16", 20_000, 16, decode::any_pub::<16>),
    workload(
        "decode-any-hpub-128",
        20_000,
        128 + decode::HEADERS.len(),
        decode::any_hpub::<128>,
    ),
    workload(
        "decode-pub-again-128",
        20_000,
        128,
        decode::pub_again::<128>,
    ),
    workload("decode-rmsg-16", 20_000, 16, decode::rmsg::<16>),
    workload("decode-rmsg-128", 20_000, 128, decode::rmsg::<128>),
    workload("session-pub-16", 20_000, 16, decode::session_pub::<16>),
    workload(
        "session-request-16",
        20_000,
        16,
        decode::session_request::<16>,
    ),
    workload(
        "index-literal-insert-remove",
        20_000,
        1,
        index::literal_pairs,
    ),
    workload(
        "index-pattern-insert-remove",
        10_000,
        1,
        index::pattern_pairs,
    ),
    workload("index-find-literal", 20_000, 1, index::find_literal),
    workload("index-find-wildcard", 20_000, 1, index::find_wildcard),
    workload("index-find-nothing", 20_000, 0, index::find_nothing),
    workload(
        "account-subscribe-unsubscribe",
        20_000,
        1,
        index::account_pairs,
    ),
    workload(
        "publish-16-to-0",
        20_000,
        0,
        publish::to_subscribers::<0, 16>,
    ),
    workload(
        "publish-16-to-1",
        20_000,
        publish::FRAME_16,
        publish::to_subscribers::<1, 16>,
    ),
    workload(
        "publish-16-to-1-alone",
        10_000,
        publish::FRAME_16,
        publish::alone::<16>,
    ),
    workload(
        "publish-128-to-1",
        20_000,
        publish::FRAME_128,
        publish::to_subscribers::<1, 128>,
    ),
    workload(
        "publish-128-to-10",
        5_000,
        10 * publish::FRAME_128,
        publish::to_subscribers::<10, 128>,
    ),
    workload(
        "publish-128-to-1000",
        128,
        1000 * publish::FRAME_128,
        publish::to_subscribers::<1000, 128>,
    ),
    workload(
        "publish-128-to-queue-of-8",
        20_000,
        publish::FRAME_128,
        publish::to_queue::<8, 128>,
    ),
    workload(
        "publish-128-to-link",
        20_000,
        publish::LINK_FRAME_128,
        publish::to_link::<128>,
    ),
    workload(
        "publish-128-from-link-to-1",
        20_000,
        publish::FRAME_128,
        publish::from_link::<128>,
    ),
    workload(
        "run-128-to-1",
        20_480,
        publish::FRAME_128,
        publish::runs_to_subscribers::<1, 128>,
    ),
    workload(
        "run-128-to-10",
        5_120,
        10 * publish::FRAME_128,
        publish::runs_to_subscribers::<10, 128>,
    ),
    workload(
        "run-128-to-queue-of-8",
        20_480,
        publish::FRAME_128,
        publish::runs_to_queue::<8, 128>,
    ),
    workload(
        "run-128-to-link",
        20_480,
        publish::LINK_FRAME_128,
        publish::runs_to_link::<128>,
    ),
    workload(
        "request-16-to-link",
        20_000,
        publish::LINK_REQUEST_16,
        publish::request_to_link::<16>,
    ),
    workload(
        "publish-16-on-100000-subjects",
        12_500,
        publish::SENSOR_FRAME_16,
        publish::many_subjects::<16>,
    ),
    workload(
        "read-and-publish-16-to-1",
        20_000,
        publish::FRAME_16,
        publish::read_and_publish::<16>,
    ),
    workload(
        "send-and-flush",
        20_000,
        publish::PONG.len(),
        publish::send_and_flush,
    ),
];
