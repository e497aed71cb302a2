//! A raw client whose messages are taken by a thread of its own, so that many of them can be under load at once.

use crate::wait::within;
use crate::wire::quiet_connect;
use serde_json::json;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// How long an answer may take: servers and a hundred clients may share one core.
const PATIENCE: Duration = Duration::from_secs(60);
/// Requests on subjects with this token are answered.
pub const SERVICE: &str = "svc";

/// A message that came.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its subscription's number.
    pub sid: u32,
    /// Its subject.
    pub subject: String,
    /// Its headers as they came; empty if none.
    pub headers: String,
    /// Its payload.
    pub payload: Vec<u8>,
}

/// A connected client.
#[derive(Debug)]
pub struct Client {
    /// How it is called in failure messages.
    pub name: String,
    writer: Arc<Mutex<TcpStream>>,
    heard: Arc<Mutex<Heard>>,
}

/// What came.
#[derive(Debug, Default)]
struct Heard {
    messages: Vec<Message>,
    pongs: u64,
    /// Why nothing comes any more.
    end: Option<String>,
}

impl Client {
    /// Connects to `address`. Requests to a subject with the token [`SERVICE`] are answered with this client's name,
    /// a space and what was asked.
    ///
    /// # Panics
    /// When there is no connection to be had.
    pub fn connect(name: &str, address: &str) -> Client {
        let stream = TcpStream::connect(address)
            .unwrap_or_else(|error| panic!("{name} cannot connect to {address}: {error}"));
        Client::over(name, stream)
    }

    /// [`Client::connect`] over a connection that has been made already.
    ///
    /// # Panics
    /// When the server does not answer.
    pub fn over(name: &str, stream: TcpStream) -> Client {
        stream
            .set_nodelay(true)
            .expect("an open socket takes options");
        let reader = stream.try_clone().expect("a socket can be doubled");
        let client = Client {
            name: name.to_owned(),
            writer: Arc::new(Mutex::new(stream)),
            heard: Arc::default(),
        };
        let (writer, heard) = (Arc::clone(&client.writer), Arc::clone(&client.heard));
        let own_name = name.to_owned();
        std::thread::spawn(move || {
            let end = listen(
                &own_name,
                BufReader::with_capacity(64 * 1024, reader),
                &writer,
                &heard,
            );
            locked(&heard).end = Some(end);
        });
        let options = json!({"name": name, "headers": true, "no_responders": true});
        client.send(format!("CONNECT {}\r\n", quiet_connect(&options)).as_bytes());
        client.fence();
        client
    }

    /// Sends bytes.
    ///
    /// # Panics
    /// When the connection is gone.
    pub fn send(&self, bytes: &[u8]) {
        locked(&self.writer)
            .write_all(bytes)
            .unwrap_or_else(|error| panic!("{} cannot send: {error}", self.name));
    }

    /// Waits until the server has processed everything sent so far.
    ///
    /// # Panics
    /// When the connection is gone.
    pub fn fence(&self) {
        let before = self.heard().pongs;
        self.send(b"PING\r\n");
        self.wait("an answer to PING", |heard| {
            (heard.pongs > before).then_some(()).ok_or(String::new())
        });
    }

    /// Waits until `judge` is content with the messages that have come.
    ///
    /// # Panics
    /// When it is not, or when the connection ends before.
    pub fn wait_for(&self, what: &str, judge: impl Fn(&[Message]) -> Result<(), String>) {
        self.wait(what, |heard| judge(&heard.messages));
    }

    fn wait(&self, what: &str, judge: impl Fn(&Heard) -> Result<(), String>) {
        let waited = within(PATIENCE, || {
            let heard = self.heard();
            match (judge(&heard), &heard.end) {
                (Err(_), Some(end)) => Ok(Err(format!("the connection ended: {end}"))),
                (judged, _) => judged.map(Ok),
            }
        });
        if let Err(problem) = waited.and_then(|ended| ended) {
            panic!("{} waited for {what}: {problem}", self.name);
        }
    }

    /// How many of the messages that have come are such.
    pub fn count_of(&self, such: impl Fn(&Message) -> bool) -> usize {
        self.heard()
            .messages
            .iter()
            .filter(|message| such(message))
            .count()
    }

    /// Takes the messages that have come.
    pub fn take(&self) -> Vec<Message> {
        std::mem::take(&mut self.heard().messages)
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        locked(&self.heard)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Fails only when the server has closed already.
        let _ = locked(&self.writer).shutdown(Shutdown::Both);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panics with it has failed the test already; others should still clean up.
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Listens until the end and returns why it came.
fn listen(
    name: &str,
    mut reader: BufReader<TcpStream>,
    writer: &Mutex<TcpStream>,
    heard: &Mutex<Heard>,
) -> String {
    loop {
        if let Err(end) = hear_one(name, &mut reader, writer, heard) {
            return end;
        }
    }
}

fn hear_one(
    name: &str,
    reader: &mut impl BufRead,
    writer: &Mutex<TcpStream>,
    heard: &Mutex<Heard>,
) -> Result<(), String> {
    let mut line = String::new();
    reader
        .read_line(&mut line)
        .map_err(|error| error.to_string())?;
    let line = line.trim_end();
    let words: Vec<&str> = line.split(' ').collect();
    match words[0] {
        "PING" => answer(writer, b"PONG\r\n"),
        "PONG" => {
            locked(heard).pongs += 1;
            Ok(())
        }
        "INFO" => Ok(()),
        "MSG" | "HMSG" => {
            let (message, reply) = read_message(reader, &words)?;
            if let Some(reply) = reply
                && message.subject.split('.').any(|token| token == SERVICE)
            {
                let mut text = format!("{name} ").into_bytes();
                text.extend_from_slice(&message.payload);
                let mut bytes = format!("PUB {reply} {}\r\n", text.len()).into_bytes();
                bytes.extend_from_slice(&text);
                bytes.extend_from_slice(b"\r\n");
                answer(writer, &bytes)?;
            }
            locked(heard).messages.push(message);
            Ok(())
        }
        "" => Err("the server closed".to_owned()),
        _ => Err(format!("the server said {line:?}")),
    }
}

fn answer(writer: &Mutex<TcpStream>, bytes: &[u8]) -> Result<(), String> {
    locked(writer)
        .write_all(bytes)
        .map_err(|error| error.to_string())
}

/// Reads what follows `MSG subject sid [reply] size` or `HMSG subject sid [reply] headers size`; the message and its
/// reply subject.
fn read_message(
    reader: &mut impl Read,
    words: &[&str],
) -> Result<(Message, Option<String>), String> {
    let bad = || format!("the server said {words:?}");
    let sizes = if words[0] == "HMSG" { 2 } else { 1 };
    let reply = match words.len().checked_sub(3 + sizes) {
        Some(0) => None,
        Some(1) => Some(words[3].to_owned()),
        _ => return Err(bad()),
    };
    let number = |word: &str| word.parse::<usize>().map_err(|_| bad());
    let size = number(words[words.len() - 1])?;
    let head = if sizes == 2 {
        number(words[words.len() - 2])?
    } else {
        0
    };
    let mut bytes = vec![0; size + 2];
    reader
        .read_exact(&mut bytes)
        .map_err(|error| error.to_string())?;
    if !bytes.ends_with(b"\r\n") || head > size {
        return Err(bad());
    }
    let message = Message {
        sid: words[2].parse().map_err(|_| bad())?,
        subject: words[1].to_owned(),
        headers: String::from_utf8_lossy(&bytes[..head]).into_owned(),
        payload: bytes[head..size].to_vec(),
    };
    Ok((message, reply))
}
