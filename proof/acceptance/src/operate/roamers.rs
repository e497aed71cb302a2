//! Clients that outlive their servers: one at each, which publishes and listens, comes back when its server does, and
//! complains about whatever does not belong there: a connection that ends though nothing was done to its server, a
//! message twice, or out of order within a cluster, or lost on its way back to where it came from.
//!
//! Not here: what is done to the servers.

use crate::mesh::settled;
use crate::wait::PATIENCE;
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a client listens before it publishes again.
const BEAT: Duration = Duration::from_millis(2);
/// Messages that it publishes then.
const BURST: u64 = 10;
/// Time between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(20);
/// What counts as progress: so many messages of everybody at everybody.
const PROGRESS: u64 = 20;

/// Where a client belongs.
#[derive(Clone, Debug)]
pub struct Home {
    /// How its server is called in complaints.
    pub name: String,
    /// Where it connects.
    pub address: String,
    /// Number of its server's cluster.
    pub cluster: usize,
}

#[derive(Debug)]
struct Board {
    homes: Vec<Home>,
    is_over: AtomicBool,
    /// Whether a server is being ended, or is not there.
    away: Vec<AtomicBool>,
    /// How many connections there have been.
    epochs: Vec<AtomicU64>,
    heard: Vec<Vec<AtomicU64>>,
    complaints: Mutex<Vec<String>>,
}

/// The clients, until they are dropped.
#[derive(Debug)]
pub struct Roamers {
    board: Arc<Board>,
    threads: Vec<JoinHandle<()>>,
}

impl Roamers {
    /// One client at each of `homes`.
    pub fn start(homes: Vec<Home>) -> Roamers {
        let counts = || homes.iter().map(|_| AtomicU64::new(0)).collect();
        let board = Arc::new(Board {
            is_over: AtomicBool::new(false),
            away: homes.iter().map(|_| AtomicBool::new(false)).collect(),
            epochs: counts(),
            heard: homes.iter().map(|_| counts()).collect(),
            complaints: Mutex::default(),
            homes,
        });
        let threads = (0..board.homes.len())
            .map(|at| {
                let board = Arc::clone(&board);
                std::thread::spawn(move || roam(at, &board))
            })
            .collect();
        Roamers { board, threads }
    }

    /// From now on the client of this server may lose its connection.
    pub fn expect_loss(&self, at: usize) {
        self.board.away[at].store(true, Ordering::SeqCst);
    }

    /// Waits until the client of this server, which has been started again, is back; answers when it may lose its
    /// connection no longer.
    pub fn await_back(&self, at: usize, epochs_before: u64) {
        let name = &self.board.homes[at].name;
        settled(&format!("the client of {name} to come back"), || {
            let epochs = self.epochs(at);
            (epochs > epochs_before)
                .then_some(())
                .ok_or(epochs.to_string())
        });
        self.board.away[at].store(false, Ordering::SeqCst);
    }

    /// How often the client of this server has connected.
    pub fn epochs(&self, at: usize) -> u64 {
        self.board.epochs[at].load(Ordering::SeqCst)
    }

    /// Waits until everybody has heard more of everybody.
    ///
    /// # Panics
    /// When that does not happen, or somebody complains.
    pub fn await_progress(&self) {
        let goals: Vec<Vec<u64>> = (self.board.heard.iter())
            .map(|row| {
                row.iter()
                    .map(|n| n.load(Ordering::Relaxed) + PROGRESS)
                    .collect()
            })
            .collect();
        settled("everybody to hear everybody", || {
            self.expect_no_complaints();
            for (to, (row, goals)) in self.board.heard.iter().zip(&goals).enumerate() {
                for (from, (count, goal)) in row.iter().zip(goals).enumerate() {
                    let count = count.load(Ordering::Relaxed);
                    if count < *goal {
                        let name = |at: usize| &self.board.homes[at].name;
                        return Err(format!(
                            "{count} of {goal} messages of {} at {}",
                            name(from),
                            name(to)
                        ));
                    }
                }
            }
            Ok(())
        });
    }

    /// How many messages have been heard.
    pub fn heard(&self) -> u64 {
        let counts = self.board.heard.iter().flatten();
        counts.map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// # Panics
    /// When somebody has complained.
    pub fn expect_no_complaints(&self) {
        let complaints = self.board.complaints.lock().expect("nobody panics with it");
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    }
}

impl Drop for Roamers {
    fn drop(&mut self) {
        self.board.is_over.store(true, Ordering::SeqCst);
        for thread in std::mem::take(&mut self.threads) {
            // One that has panicked has told why.
            let _ = thread.join();
        }
    }
}

impl Board {
    fn complain(&self, text: String) {
        self.complaints
            .lock()
            .expect("nobody panics with it")
            .push(text);
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }
}

fn roam(at: usize, board: &Board) {
    let mut memory = Memory::default();
    while !board.is_over() {
        let Ok(stream) = TcpStream::connect(&board.homes[at].address) else {
            std::thread::sleep(PAUSE);
            continue;
        };
        let epoch = board.epochs[at].load(Ordering::SeqCst) + 1;
        let mut stay = Stay {
            at,
            board,
            epoch,
            stream,
            unread: Vec::new(),
            memory: &mut memory,
            next: 0,
            own_next: 0,
            is_known: false,
        };
        let end = stay.run();
        if !board.is_over() && !board.away[at].load(Ordering::SeqCst) {
            let name = &board.homes[at].name;
            board.complain(format!("the client of {name} lost its connection: {end}"));
            return;
        }
        std::thread::sleep(PAUSE);
    }
}

/// What a client has heard: of each other one and its epoch, which numbers.
#[derive(Default)]
struct Memory(BTreeMap<(usize, u64), Vec<u64>>);

impl Memory {
    /// Notes a number; answers whether it is new.
    fn note(&mut self, from: usize, epoch: u64, number: u64) -> bool {
        // What came two epochs ago does not come again: it would have come by now.
        self.0
            .retain(|(other, then), _| *other != from || then + 2 > epoch);
        let seen = self.0.entry((from, epoch)).or_default();
        let (word, bit) = ((number / 64) as usize, 1 << (number % 64));
        if seen.len() <= word {
            seen.resize(word + 1, 0);
        }
        let is_new = seen[word] & bit == 0;
        seen[word] |= bit;
        is_new
    }
}

/// One connection of a client.
struct Stay<'a> {
    at: usize,
    board: &'a Board,
    epoch: u64,
    stream: TcpStream,
    unread: Vec<u8>,
    memory: &'a mut Memory,
    /// The next number to publish.
    next: u64,
    /// The next of its own numbers to come back.
    own_next: u64,
    /// The server has answered.
    is_known: bool,
}

impl Stay<'_> {
    /// Publishes and listens until the end, and answers why it came.
    fn run(&mut self) -> String {
        let ready = (self.stream.set_read_timeout(Some(BEAT)))
            .and_then(|()| self.stream.set_write_timeout(Some(PATIENCE)));
        let hello = "CONNECT {\"verbose\": false}\r\nSUB roam.* 1\r\nPING\r\n";
        let mut latest: BTreeMap<usize, (u64, u64)> = BTreeMap::new();
        let mut begun = ready.and_then(|()| self.stream.write_all(hello.as_bytes()));
        while !self.board.is_over() {
            if let Err(error) = &begun {
                return error.to_string();
            }
            if let Err(end) = self.listen(&mut latest) {
                return end;
            }
            if self.is_known {
                begun = self.publish();
            }
        }
        String::new()
    }

    fn publish(&mut self) -> std::io::Result<()> {
        let mut batch = String::new();
        for number in self.next..self.next + BURST {
            let payload = format!("{} {number}", self.epoch);
            batch += &format!("PUB roam.{} {}\r\n{payload}\r\n", self.at, payload.len());
        }
        self.next += BURST;
        self.stream.write_all(batch.as_bytes())
    }

    fn listen(&mut self, latest: &mut BTreeMap<usize, (u64, u64)>) -> Result<(), String> {
        let mut chunk = [0; 64 * 1024];
        match self.stream.read(&mut chunk) {
            Ok(0) => return Err("the server closed it".to_owned()),
            Ok(length) => self.unread.extend_from_slice(&chunk[..length]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Ok(());
            }
            Err(error) => return Err(error.to_string()),
        }
        let unread = std::mem::take(&mut self.unread);
        let mut rest = &unread[..];
        while let Some(used) = self.hear_one(rest, latest)? {
            rest = &rest[used..];
        }
        self.unread = rest.to_vec();
        Ok(())
    }

    /// Hears what is at the start of `bytes`; answers its length, or `None` if it is not all there.
    fn hear_one(
        &mut self,
        bytes: &[u8],
        latest: &mut BTreeMap<usize, (u64, u64)>,
    ) -> Result<Option<usize>, String> {
        let Some(end) = bytes.iter().position(|&byte| byte == b'\n') else {
            return Ok(None);
        };
        let line = String::from_utf8_lossy(&bytes[..end]).trim_end().to_owned();
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["INFO", ..] => {}
            ["PING"] => self
                .stream
                .write_all(b"PONG\r\n")
                .map_err(|error| error.to_string())?,
            ["PONG"] => {
                self.is_known = true;
                self.board.epochs[self.at].store(self.epoch, Ordering::SeqCst);
            }
            ["MSG", subject, _, size] => {
                let bad = || format!("a strange message: {line}");
                let size: usize = size.parse().map_err(|_| bad())?;
                let Some(payload) = bytes.get(end + 1..end + 1 + size + 2) else {
                    return Ok(None);
                };
                let text = std::str::from_utf8(&payload[..size]).map_err(|_| bad())?;
                let from = subject
                    .strip_prefix("roam.")
                    .and_then(|from| from.parse().ok())
                    .filter(|from| *from < self.board.homes.len());
                let (epoch, number) = text.split_once(' ').ok_or_else(bad)?;
                let numbers = epoch.parse().ok().zip(number.parse().ok());
                let (from, (epoch, number)) = from.zip(numbers).ok_or_else(bad)?;
                self.judge(from, epoch, number, latest);
                return Ok(Some(end + 1 + size + 2));
            }
            _ => return Err(line),
        }
        Ok(Some(end + 1))
    }

    fn judge(
        &mut self,
        from: usize,
        epoch: u64,
        number: u64,
        latest: &mut BTreeMap<usize, (u64, u64)>,
    ) {
        let homes = &self.board.homes;
        let what = || {
            format!(
                "message {number} of the client of {} (connection {epoch}) at {}",
                homes[from].name, homes[self.at].name
            )
        };
        if from == self.at && epoch == self.epoch {
            if number != self.own_next {
                self.board
                    .complain(format!("{} came where {} was due", what(), self.own_next));
            }
            self.own_next = number + 1;
        }
        // Between clusters the order ends where a link does.
        if homes[from].cluster == homes[self.at].cluster {
            let before = latest.insert(from, (epoch, number));
            if before.is_some_and(|before| before >= (epoch, number)) {
                self.board
                    .complain(format!("{} came after {before:?}", what()));
            }
        }
        if !self.memory.note(from, epoch, number) {
            self.board.complain(format!("{} came twice", what()));
        }
        self.board.heard[self.at][from].fetch_add(1, Ordering::Relaxed);
    }
}
