//! Publishers and listeners at full speed, on connections that must never end: every message is numbered, and every
//! listener gets every number of every publisher, once and in order.
//!
//! Publishers wait for the slowest listener after so many messages, so that nothing is lost because somebody is slow.
//! Not here: what is done to the servers meanwhile.

use crate::mesh::settled;
use crate::wait::PATIENCE;
use crate::wire::quiet_connect;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Messages that a publisher sends at once.
const BURST: u64 = 64;
/// Bursts between two round trips.
const FENCE_EACH: u64 = 16;
/// How far a publisher may be ahead of a listener.
const WINDOW: u64 = 8192;
/// Bytes of a payload.
const PAYLOAD: usize = 128;
/// What counts as progress: so many messages of each publisher at each listener.
const PROGRESS: u64 = 500;
/// How long a publisher waits before it looks again whether the slowest listener has caught up.
const BREATH: Duration = Duration::from_micros(200);

/// One place where there are a publisher and a listener.
#[derive(Clone, Debug)]
pub struct Site {
    /// How it is called in failure messages.
    pub name: String,
    /// Where its clients connect.
    pub address: String,
    /// What they say of themselves.
    pub connect: Value,
}

/// What the threads share.
#[derive(Debug)]
struct Board {
    is_over: AtomicBool,
    /// How many messages each listener has of each publisher.
    heard: Vec<Vec<AtomicU64>>,
    /// What should not have happened.
    complaints: Mutex<Vec<String>>,
}

/// The load while it runs.
#[derive(Debug)]
pub struct Flood {
    board: Arc<Board>,
    names: Vec<String>,
    speakers: Vec<JoinHandle<u64>>,
    listeners: Vec<TcpStream>,
    threads: Vec<JoinHandle<()>>,
}

/// What a flood came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Carried {
    /// Messages published.
    pub published: u64,
    /// Messages delivered.
    pub delivered: u64,
}

impl Flood {
    /// Connects the listeners of all `sites`, asks `is_known` until everybody knows them all, and then starts the
    /// publishers.
    ///
    /// # Panics
    /// When that does not come about.
    pub fn start(sites: &[Site], is_known: impl FnMut() -> Result<(), String>) -> Flood {
        let counts = || sites.iter().map(|_| AtomicU64::new(0)).collect();
        let board = Arc::new(Board {
            is_over: AtomicBool::new(false),
            heard: sites.iter().map(|_| counts()).collect(),
            complaints: Mutex::default(),
        });
        let mut flood = Flood {
            board: Arc::clone(&board),
            names: sites.iter().map(|site| site.name.clone()).collect(),
            speakers: Vec::new(),
            listeners: Vec::new(),
            threads: Vec::new(),
        };
        for (at, site) in sites.iter().enumerate() {
            let mut line = Line::connect(site, "listener");
            line.send(b"SUB flood.* 1\r\n");
            line.fence();
            // Whether it hears enough is for others to see; between two floods of words it waits.
            line.stream
                .set_read_timeout(None)
                .expect("an open socket takes options");
            flood
                .listeners
                .push(line.stream.try_clone().expect("a socket can be doubled"));
            let (board, name) = (Arc::clone(&board), site.name.clone());
            flood.threads.push(std::thread::spawn(move || {
                let end = listen(line, &board.heard[at]);
                board.ended(&format!("the listener at {name}"), &end);
            }));
        }
        settled("everybody to know of the flood's listeners", is_known);
        for (at, site) in sites.iter().enumerate() {
            let line = Line::connect(site, "publisher");
            let board = Arc::clone(&board);
            flood
                .speakers
                .push(std::thread::spawn(move || speak(line, at, &board)));
        }
        flood.await_progress();
        flood
    }

    /// Waits until every listener has got some more of every publisher.
    ///
    /// # Panics
    /// When that does not happen, or something has happened that should not have.
    pub fn await_progress(&self) {
        let goal: Vec<Vec<u64>> = (self.board.heard.iter())
            .map(|row| {
                row.iter()
                    .map(|n| n.load(Ordering::Relaxed) + PROGRESS)
                    .collect()
            })
            .collect();
        settled("the flood to go on", || {
            self.expect_no_complaints();
            self.compare(|listener, speaker| goal[listener][speaker])
        });
    }

    /// Stops the publishers, waits for the last message, and judges.
    ///
    /// # Panics
    /// When anything was lost, doubled or out of order, or a connection ended.
    pub fn finish(mut self) -> Carried {
        self.board.is_over.store(true, Ordering::Relaxed);
        let speakers = std::mem::take(&mut self.speakers);
        let sent: Vec<u64> = speakers
            .into_iter()
            .map(|speaker| speaker.join().expect("a publisher does not panic"))
            .collect();
        settled("everything that was published", || {
            self.expect_no_complaints();
            self.compare(|_, speaker| sent[speaker])
        });
        let published: u64 = sent.iter().sum();
        let delivered = published * self.listeners.len() as u64;
        for stream in &self.listeners {
            // Fails only if the server has closed it, which its listener has noted.
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
        for thread in std::mem::take(&mut self.threads) {
            thread.join().expect("a listener does not panic");
        }
        self.expect_no_complaints();
        Carried {
            published,
            delivered,
        }
    }

    fn compare(&self, goal: impl Fn(usize, usize) -> u64) -> Result<(), String> {
        let mut missing = Vec::new();
        for (listener, row) in self.board.heard.iter().enumerate() {
            for (speaker, count) in row.iter().enumerate() {
                let (have, want) = (count.load(Ordering::Relaxed), goal(listener, speaker));
                if have < want {
                    let (to, from) = (&self.names[listener], &self.names[speaker]);
                    missing.push(format!("{have} of {want} messages of {from} at {to}"));
                }
            }
        }
        missing
            .is_empty()
            .then_some(())
            .ok_or_else(|| missing.join(", "))
    }

    fn expect_no_complaints(&self) {
        let complaints = self.board.complaints.lock().expect("nobody panics with it");
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.board.is_over.store(true, Ordering::Relaxed);
        for stream in &self.listeners {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

impl Board {
    /// A connection has ended, which is wrong unless all is over.
    fn ended(&self, who: &str, why: &str) {
        if !self.is_over.load(Ordering::Relaxed) {
            let text = format!("{who} lost its connection: {why}");
            self.complaints
                .lock()
                .expect("nobody panics with it")
                .push(text);
        }
    }

    fn slowest(&self, speaker: usize) -> u64 {
        let counts = self
            .heard
            .iter()
            .map(|row| row[speaker].load(Ordering::Relaxed));
        counts.min().unwrap_or(0)
    }
}

/// A client's connection.
struct Line {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
    text: Vec<u8>,
}

impl Line {
    fn connect(site: &Site, role: &str) -> Line {
        let stream = TcpStream::connect(&site.address)
            .unwrap_or_else(|error| panic!("no connection to {}: {error}", site.name));
        // A server that hangs fails the test; it does not hang, too.
        let options = stream
            .set_nodelay(true)
            .and_then(|()| stream.set_read_timeout(Some(PATIENCE)))
            .and_then(|()| stream.set_write_timeout(Some(PATIENCE)));
        options.expect("an open socket takes options");
        let reader = stream.try_clone().expect("a socket can be doubled");
        let mut line = Line {
            stream,
            reader: BufReader::with_capacity(256 * 1024, reader),
            text: Vec::new(),
        };
        let mut connect = site.connect.clone();
        connect["name"] = json!(format!("{role} at {}", site.name));
        line.send(format!("CONNECT {}\r\n", quiet_connect(&connect)).as_bytes());
        line.fence();
        line
    }

    fn try_send(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.stream
            .write_all(bytes)
            .map_err(|error| error.to_string())
    }

    fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes)
            .unwrap_or_else(|error| panic!("cannot send: {error}"));
    }

    fn fence(&mut self) {
        self.try_fence()
            .unwrap_or_else(|error| panic!("no answer to PING: {error}"));
    }

    fn try_fence(&mut self) -> Result<(), String> {
        self.try_send(b"PING\r\n")?;
        while self.next()? != "PONG" {}
        Ok(())
    }

    /// The next line that is not dealt with here.
    fn next(&mut self) -> Result<String, String> {
        loop {
            self.text.clear();
            let length = self.reader.read_until(b'\n', &mut self.text);
            if length.map_err(|error| error.to_string())? == 0 {
                return Err("the server closed it".to_owned());
            }
            let line = String::from_utf8_lossy(&self.text).trim_end().to_owned();
            match line.split(' ').next().unwrap_or_default() {
                "PING" => self.try_send(b"PONG\r\n")?,
                "INFO" => {}
                "PONG" | "MSG" => return Ok(line),
                _ => return Err(format!("the server said {line:?}")),
            }
        }
    }
}

/// Listens until the end and returns why it came.
fn listen(mut line: Line, heard: &[AtomicU64]) -> String {
    let mut payload = vec![0; PAYLOAD + 2];
    loop {
        let head = match line.next() {
            Ok(head) => head,
            Err(end) => return end,
        };
        if let Err(error) = line.reader.read_exact(&mut payload) {
            return error.to_string();
        }
        let from = head
            .strip_prefix("MSG flood.")
            .and_then(|rest| rest.split(' ').next()?.parse::<usize>().ok());
        let text = std::str::from_utf8(&payload[..20]);
        let number: Option<u64> = text.ok().and_then(|text| text.trim().parse().ok());
        let (Some(count), Some(number)) = (from.and_then(|from| heard.get(from)), number) else {
            return format!("a strange message: {head}");
        };
        let due = count.load(Ordering::Relaxed);
        if number != due {
            return format!("message {number} came where {due} was due: {head}");
        }
        count.store(due + 1, Ordering::Relaxed);
    }
}

/// Publishes until all is over; answers how much.
fn speak(mut line: Line, at: usize, board: &Board) -> u64 {
    let mut next = 0;
    let mut batch = Vec::new();
    while !board.is_over.load(Ordering::Relaxed) {
        if next >= board.slowest(at) + WINDOW {
            std::thread::sleep(BREATH);
            continue;
        }
        batch.clear();
        for number in next..next + BURST {
            let head = format!("PUB flood.{at} {PAYLOAD}\r\n{number:20}");
            batch.extend_from_slice(head.as_bytes());
            batch.resize(batch.len() + PAYLOAD - 20, b'x');
            batch.extend_from_slice(b"\r\n");
        }
        let sent = line.try_send(&batch);
        next += BURST;
        let fenced = sent.and_then(|()| match (next / BURST).is_multiple_of(FENCE_EACH) {
            true => line.try_fence(),
            false => Ok(()),
        });
        if let Err(why) = fenced {
            board.ended(&format!("publisher {at}"), &why);
            return next;
        }
    }
    if let Err(why) = line.try_fence() {
        let text = format!("publisher {at} lost its connection: {why}");
        board
            .complaints
            .lock()
            .expect("nobody panics with it")
            .push(text);
    }
    next
}
