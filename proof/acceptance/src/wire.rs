//! One TCP connection that speaks raw bytes and remembers the conversation, to show it when a test fails.

use crate::server::Server;
use crate::wait::PATIENCE;
use serde_json::Value;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// What can be read next.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// A line, without its CRLF.
    Line(String),
    /// The other side closed; holds what was left without CRLF.
    End(String),
    /// Nothing within the time.
    Silence(String),
}

/// A raw connection.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    unread: Vec<u8>,
    story: Vec<String>,
    shows_pings: bool,
}

impl Wire {
    /// Connects to `address` and reads nothing. A server that is ready for clients may not listen for others yet.
    ///
    /// # Panics
    /// When the connection is refused for long.
    pub fn open(address: &str) -> Wire {
        let stream = crate::eventually(&format!("a connection to {address}"), || {
            TcpStream::connect(address).map_err(|error| error.to_string())
        });
        Wire::over(stream)
    }

    /// Speaks over an accepted or otherwise prepared connection.
    pub fn over(stream: TcpStream) -> Wire {
        stream
            .set_nodelay(true)
            .expect("an open socket takes options");
        Wire {
            stream,
            unread: Vec::new(),
            story: Vec::new(),
            shows_pings: false,
        }
    }

    /// The connection itself, of which nothing may have been read.
    pub fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Connects to the client port of `server`, reads INFO, sends a quiet CONNECT with `options` laid over
    /// `{"verbose":false,"pedantic":false}`, and waits for the answer to a PING.
    pub fn client_with(server: &Server, options: &Value) -> Wire {
        let mut wire = Wire::open(&server.client_address());
        wire.info();
        wire.connect_with(options);
        wire
    }

    /// [`Wire::client_with`] without further options.
    pub fn client(server: &Server) -> Wire {
        Wire::client_with(server, &serde_json::json!({}))
    }

    /// Sends CONNECT as [`Wire::client_with`] does and waits for the PONG. A client of protocol 1 gets a second
    /// INFO after it, which is consumed as well.
    pub fn connect_with(&mut self, options: &Value) {
        self.send(&format!("CONNECT {}\r\nPING\r\n", quiet_connect(options)));
        self.expect("PONG");
        if options["protocol"] == 1 {
            self.info();
        }
    }

    /// Sends `text` as it is (no line end is added).
    ///
    /// # Panics
    /// When the connection is gone.
    pub fn send(&mut self, text: &str) {
        self.send_bytes(text.as_bytes());
    }

    /// Sends bytes.
    ///
    /// # Panics
    /// When the connection is gone.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.try_send(bytes)
            .unwrap_or_else(|error| panic!("cannot send: {error}\n{}", self.story()));
    }

    /// Sends bytes; the error if the other side is gone already.
    pub fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.story.push(format!("> {}", excerpt(bytes)));
        self.stream.write_all(bytes)
    }

    /// The next line, waiting for it at most [`PATIENCE`].
    ///
    /// # Panics
    /// When the connection ends or stays silent.
    pub fn line(&mut self) -> String {
        match self.hear(PATIENCE) {
            Heard::Line(line) => line,
            other => panic!("expected a line, heard {other:?}\n{}", self.story()),
        }
    }

    /// The next line between servers that is not about the system account's interest or messages: how much a server
    /// says there is its own business.
    ///
    /// # Panics
    /// As [`Wire::line`] does.
    pub fn line_of_users(&mut self) -> String {
        loop {
            let line = self.line();
            if line.starts_with("RMSG $SYS ") || line.starts_with("HMSG $SYS ") {
                let size: usize = line
                    .rsplit(' ')
                    .next()
                    .and_then(|size| size.parse().ok())
                    .expect("a size");
                self.bytes(size + 2);
            } else if !line.starts_with("RS+ $SYS ") && !line.starts_with("RS- $SYS ") {
                return line;
            }
        }
    }

    /// From now on a PING of the server is a line like any other. Until then it is answered and not shown, as
    /// the time of its coming is the server's business.
    pub fn show_pings(&mut self) {
        self.shows_pings = true;
    }

    /// The next line, or end, or silence of `limit`.
    pub fn hear(&mut self, limit: Duration) -> Heard {
        let deadline = Instant::now() + limit;
        loop {
            let heard = self.hear_all(deadline);
            if self.shows_pings || heard != Heard::Line("PING".to_owned()) {
                return heard;
            }
            // Fails only when the server has closed, which the next round hears.
            let _ = self.try_send(b"PONG\r\n");
        }
    }

    fn hear_all(&mut self, deadline: Instant) -> Heard {
        loop {
            if let Some(end) = find_crlf(&self.unread) {
                let line: Vec<u8> = self.unread.drain(..end + 2).take(end).collect();
                self.story.push(format!("< {}", excerpt(&line)));
                return Heard::Line(String::from_utf8_lossy(&line).into_owned());
            }
            match self.read_more(deadline) {
                Ok(true) => {}
                Ok(false) => {
                    self.story.push("< (end)".to_owned());
                    return Heard::End(self.rest());
                }
                Err(()) => return Heard::Silence(self.rest()),
            }
        }
    }

    fn rest(&self) -> String {
        String::from_utf8_lossy(&self.unread).into_owned()
    }

    /// Reads what is there: `Ok(false)` at the end of the stream, `Err` when the deadline passed.
    fn read_more(&mut self, deadline: Instant) -> Result<bool, ()> {
        let left = deadline
            .saturating_duration_since(Instant::now())
            .max(Duration::from_millis(1));
        self.stream
            .set_read_timeout(Some(left))
            .expect("an open socket takes options");
        let mut chunk = [0; 64 * 1024];
        match self.stream.read(&mut chunk) {
            Ok(0) => Ok(false),
            Ok(length) => {
                self.unread.extend_from_slice(&chunk[..length]);
                Ok(true)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Err(())
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(true),
            Err(error) => {
                self.story.push(format!("< ({error})"));
                Ok(false)
            }
        }
    }

    /// Exactly `length` bytes.
    ///
    /// # Panics
    /// When they do not come.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        let deadline = Instant::now() + PATIENCE;
        while self.unread.len() < length {
            let more = self.read_more(deadline);
            assert_eq!(
                more,
                Ok(true),
                "expected {length} bytes, have {}\n{}",
                self.unread.len(),
                self.story()
            );
        }
        let taken: Vec<u8> = self.unread.drain(..length).collect();
        self.story.push(format!("< {}", excerpt(&taken)));
        taken
    }

    /// Expects the lines of `pattern` (separated by `\r\n`, none after the last; see [`matches`] for wildcards).
    ///
    /// # Panics
    /// When something else comes.
    pub fn expect(&mut self, pattern: &str) {
        for expected in pattern.split("\r\n") {
            let line = self.line();
            self.check(expected, &line);
        }
    }

    /// The line that was heard is as expected.
    pub(crate) fn check(&self, expected: &str, line: &str) {
        assert!(
            matches(expected, line),
            "expected {expected:?}, heard {line:?}\n{}",
            self.story()
        );
    }

    /// Expects an INFO line and returns its JSON.
    ///
    /// # Panics
    /// When something else comes.
    pub fn info(&mut self) -> Value {
        self.json("INFO")
    }

    /// Expects a line `<verb> <json>` and returns the JSON.
    ///
    /// # Panics
    /// When something else comes.
    pub fn json(&mut self, verb: &str) -> Value {
        let line = self.line();
        line.strip_prefix(verb)
            .and_then(|rest| serde_json::from_str(rest).ok())
            .unwrap_or_else(|| panic!("expected {verb} and JSON, heard {line:?}\n{}", self.story()))
    }

    /// PING, and nothing but PONG comes back: everything sent before was processed and nothing else was said.
    pub fn fence(&mut self) {
        self.send("PING\r\n");
        self.expect("PONG");
    }

    /// Expects the other side to close without a further word.
    ///
    /// # Panics
    /// When it speaks or stays.
    pub fn expect_closed(&mut self) {
        let heard = self.hear(PATIENCE);
        assert_eq!(
            heard,
            Heard::End(String::new()),
            "expected the connection to be closed\n{}",
            self.story()
        );
    }

    /// Closes the connection from this side, of which nothing more is expected.
    pub fn leave(&mut self) {
        // Fails only when the server has closed already.
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }

    /// Local address of the connection.
    pub fn local_port(&self) -> u16 {
        self.stream
            .local_addr()
            .expect("an open socket has an address")
            .port()
    }

    /// Everything said so far, for failure messages.
    pub fn story(&self) -> String {
        let skipped = self.story.len().saturating_sub(60);
        format!(
            "--- conversation (last of {} lines)\n{}",
            self.story.len(),
            self.story[skipped..].join("\n")
        )
    }
}

/// `options` laid over the quietest CONNECT.
pub fn quiet_connect(options: &Value) -> Value {
    let mut connect = serde_json::json!({"verbose": false, "pedantic": false});
    if let (Some(connect), Some(options)) = (connect.as_object_mut(), options.as_object()) {
        connect.extend(options.clone());
    }
    connect
}

/// Whether `text` equals `pattern`, in which every `<*>` stands for any run of characters.
pub fn matches(pattern: &str, text: &str) -> bool {
    let pieces: Vec<&str> = pattern.split("<*>").collect();
    let [first, middle @ .., last] = pieces.as_slice() else {
        return pattern == text;
    };
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    for piece in middle {
        let Some(at) = rest.find(piece) else {
            return false;
        };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

fn find_crlf(bytes: &[u8]) -> Option<usize> {
    bytes.windows(2).position(|pair| pair == b"\r\n")
}

fn excerpt(bytes: &[u8]) -> String {
    let shown = bytes[..bytes.len().min(300)].escape_ascii();
    if bytes.len() > 300 {
        format!("{shown}… ({} bytes)", bytes.len())
    } else {
        shown.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn wildcards_match_runs_and_nothing_else() {
        for (pattern, text, expected) in [
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("a<*>c", "abbc", true),
            ("a<*>c", "ac", true),
            ("a<*>c", "acb", false),
            ("<*>b<*>", "abc", true),
            ("<*>b<*>d", "abcbd", true),
            ("<*>x<*>", "abc", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
