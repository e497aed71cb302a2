//! One client connection with blocking calls: connecting, subscribing and fencing. The hot loops take the socket over
//! afterwards ([`Link::into_stream`]).

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::codec::{Message, Operation, parse};
use crate::error::LoadError;

/// How long one blocking call may take before deadlines and interruption are looked at.
pub(crate) const SLICE: Duration = Duration::from_millis(50);

/// What the server says about itself in its INFO.
#[derive(Debug, Clone, Default, serde::Deserialize)]
pub(crate) struct Info {
    /// Protocol version it claims.
    #[serde(default)]
    pub(crate) version: String,
}

/// One client connection.
#[derive(Debug)]
pub(crate) struct Link {
    stream: TcpStream,
    unread: Vec<u8>,
    patience: Duration,
    /// The server's first INFO.
    pub(crate) info: Info,
}

impl Link {
    /// Connects and waits until the server has answered the first `PING`.
    pub(crate) fn open(
        address: SocketAddr,
        name: &str,
        patience: Duration,
    ) -> Result<Link, LoadError> {
        let stream = TcpStream::connect_timeout(&address, patience)
            .map_err(LoadError::io(format!("connect to {address}")))?;
        let prepare = || {
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(SLICE))?;
            stream.set_write_timeout(Some(patience))
        };
        prepare().map_err(LoadError::io("prepare a socket"))?;
        let mut link = Link {
            stream,
            unread: Vec::new(),
            patience,
            info: Info::default(),
        };
        let mut info = None;
        link.read_until("the server's INFO", |operation| {
            if let Operation::Info(json) = operation {
                info = Some(serde_json::from_slice(json));
            }
            info.is_some()
        })?;
        link.info = match info {
            Some(Ok(info)) => info,
            _ => {
                return Err(LoadError::Protocol(
                    "the server's INFO is not JSON".to_owned(),
                ));
            }
        };
        link.send(
            format!(
                "CONNECT {{\"verbose\":false,\"pedantic\":false,\"name\":\"{name}\",\"lang\":\"rust\",\"version\":\"{}\",\
                 \"protocol\":1,\"headers\":true,\"echo\":true}}\r\n",
                env!("CARGO_PKG_VERSION")
            )
            .as_bytes(),
        )?;
        link.fence()?;
        Ok(link)
    }

    /// Writes all of `bytes`.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), LoadError> {
        self.stream
            .write_all(bytes)
            .map_err(LoadError::io("write to the server"))
    }

    /// Sends `PING` and waits for the `PONG`: everything sent before has then been processed.
    pub(crate) fn fence(&mut self) -> Result<(), LoadError> {
        self.fence_and(|_| ())
    }

    /// The same, handing over the messages that come before the `PONG`.
    pub(crate) fn fence_and(
        &mut self,
        mut message: impl FnMut(&Message<'_>),
    ) -> Result<(), LoadError> {
        self.send(b"PING\r\n")?;
        self.read_until("a PONG", |operation| {
            if let Operation::Message(received) = operation {
                message(received);
            }
            matches!(operation, Operation::Pong)
        })
    }

    /// Whether a message comes within `limit`. Answers nothing, so only for short waits.
    pub(crate) fn message_within(&mut self, limit: Duration) -> Result<bool, LoadError> {
        let patience = std::mem::replace(&mut self.patience, limit);
        let outcome = self.read_until("a message", |operation| {
            matches!(operation, Operation::Message(_))
        });
        self.patience = patience;
        match outcome {
            Ok(()) => Ok(true),
            Err(LoadError::Stalled { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads operations, answering `PING`s, until `done` accepts one.
    fn read_until(
        &mut self,
        what: &str,
        mut done: impl FnMut(&Operation<'_>) -> bool,
    ) -> Result<(), LoadError> {
        let deadline = Instant::now() + self.patience;
        let mut chunk = [0; 16 << 10];
        loop {
            let mut at = 0;
            let mut pings = 0;
            let mut found = false;
            while !found && let Some((operation, length)) = parse(&self.unread[at..])? {
                at += length;
                pings += usize::from(operation == Operation::Ping);
                found = done(&operation);
            }
            self.unread.drain(..at);
            if pings > 0 {
                self.send(&b"PONG\r\n".repeat(pings))?;
            }
            if found {
                if self.unread.is_empty() {
                    // Thousands of idle links should not hold on to the memory of their first reads.
                    self.unread = Vec::new();
                }
                return Ok(());
            }
            match self.stream.read(&mut chunk) {
                Ok(0) => {
                    return Err(LoadError::Protocol(format!(
                        "the server closed the connection before {what}"
                    )));
                }
                Ok(read) => self.unread.extend_from_slice(&chunk[..read]),
                Err(error) if is_pause(&error) => {
                    if Instant::now() >= deadline {
                        return Err(LoadError::Stalled {
                            seconds: self.patience.as_secs(),
                            missing: what.to_owned(),
                        });
                    }
                }
                Err(source) => {
                    return Err(LoadError::io(format!("read while waiting for {what}"))(
                        source,
                    ));
                }
            }
        }
    }

    /// The socket and what was read from it but not used yet.
    pub(crate) fn into_stream(self) -> (TcpStream, Vec<u8>) {
        (self.stream, self.unread)
    }
}

/// Whether a socket merely had nothing to give or take in time.
pub(crate) fn is_pause(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}
