//! A connection's bytes on their way between the socket and everybody else: as they are, or compressed,
//! which routes agree on after their first words. Not here: the compression itself
//! (`gannet_wire::s2`), and who decides on it (`gannet_session`).

use std::io::{self, IoSlice};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use bytes::BytesMut;
use gannet_rt::Stream;
use gannet_wire::s2::{Mode, Reader, Writer};
use parking_lot::Mutex;

use crate::trace::Tap;

/// Plain bytes that are compressed in one go: the reference server's block.
const BATCH: usize = 1 << 20;
/// Compressed bytes read in one go.
const READ: usize = 64 * 1024;
/// Writers kept for the next flush; each has tables of up to some MiB.
const WRITERS_KEPT: usize = 4;

/// A socket, and what stands between it and the protocol.
#[derive(Debug)]
pub(crate) struct Channel {
    stream: Stream,
    /// Where a trace listens to what goes in.
    pub(crate) tap: Tap,
    /// There from the moment on that one direction is compressed.
    compression: OnceLock<Box<Compression>>,
}

/// The compressors of one server, lent out for single flushes.
#[derive(Debug, Default)]
pub(crate) struct Writers(Mutex<Vec<Writer>>);

#[derive(Debug, Default)]
struct Compression {
    reading: Mutex<Reading>,
    writing: Mutex<Writing>,
    writers: Arc<Writers>,
}

#[derive(Debug, Default)]
struct Reading {
    /// `None` while the peer's bytes are plain.
    reader: Option<Reader>,
    /// Compressed bytes not looked at yet.
    raw: Vec<u8>,
    /// Plain bytes, of which those before `at` are handed out.
    plain: Vec<u8>,
    at: usize,
}

#[derive(Debug, Default)]
struct Writing {
    /// `None` while our bytes are plain.
    mode: Option<Mode>,
    /// Bytes that still leave plain.
    plain_left: usize,
    /// Compressed bytes, of which those before `sent` are in the socket.
    held: Vec<u8>,
    sent: usize,
    /// Plain bytes that `held` stands for. They are reported as written when all of `held` is out.
    stands_for: usize,
}

impl Channel {
    pub(crate) fn new(stream: Stream) -> Channel {
        Channel {
            stream,
            tap: Tap::default(),
            compression: OnceLock::new(),
        }
    }

    fn compression(&self, writers: &Arc<Writers>) -> &Compression {
        self.compression.get_or_init(|| {
            Box::new(Compression {
                writers: writers.clone(),
                ..Compression::default()
            })
        })
    }

    /// Takes everything read from now on for compressed; `raw` has been read already.
    pub(crate) fn read_compressed(&self, writers: &Arc<Writers>, raw: Vec<u8>) {
        let mut reading = self.compression(writers).reading.lock();
        reading.reader = Some(Reader::new());
        reading.raw = raw;
    }

    /// Compresses everything written from now on, but for the next `plain_left` bytes. Another call only
    /// sets another mode.
    pub(crate) fn write_compressed(&self, writers: &Arc<Writers>, mode: Mode, plain_left: usize) {
        let mut writing = self.compression(writers).writing.lock();
        if writing.mode.replace(mode).is_none() {
            writing.plain_left = plain_left;
        }
    }

    /// As [`Stream::poll_read_ready`].
    #[inline]
    pub(crate) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(compression) = self.compression.get()
            && compression.reading.lock().has_bytes()
        {
            return Poll::Ready(Ok(()));
        }
        self.stream.poll_read_ready(cx)
    }

    /// As [`Stream::try_read`]. A compressed stream that makes no sense is
    /// [`io::ErrorKind::InvalidData`].
    #[inline]
    pub(crate) fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        match self.compression.get() {
            None => self.stream.try_read(buf),
            Some(compression) => compression.reading.lock().read(&self.stream, buf),
        }
    }

    /// As [`Stream::try_read_buf`].
    #[inline]
    pub(crate) fn try_read_buf(&self, buf: &mut BytesMut, most: usize) -> io::Result<usize> {
        let Some(compression) = self.compression.get() else {
            return self.stream.try_read_buf(buf, most);
        };
        let have = buf.len();
        buf.resize(have + most.min(buf.capacity() - have), 0);
        let result = compression
            .reading
            .lock()
            .read(&self.stream, &mut buf[have..]);
        buf.truncate(have + result.as_ref().map_or(0, |n| *n));
        result
    }

    /// As [`Stream::try_write_vectored`]; whoever was told less than he offered goes on with exactly the
    /// bytes that were left.
    #[inline]
    pub(crate) fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match (self.compression.get(), slices) {
            (None, [one]) => self.stream.try_write(one),
            (None, many) => self.stream.try_write_vectored(many),
            (Some(compression), slices) => compression.write(&self.stream, slices),
        }
    }
}

/// For what has nothing to do with bytes.
impl Deref for Channel {
    type Target = Stream;

    fn deref(&self) -> &Stream {
        &self.stream
    }
}

impl Reading {
    fn has_bytes(&self) -> bool {
        self.at < self.plain.len() || !self.raw.is_empty()
    }

    fn read(&mut self, stream: &Stream, buf: &mut [u8]) -> io::Result<usize> {
        let Some(reader) = &mut self.reader else {
            return stream.try_read(buf);
        };
        while self.at == self.plain.len() {
            self.plain.clear();
            self.at = 0;
            if self.raw.is_empty() {
                self.raw.resize(READ, 0);
                let result = stream.try_read(&mut self.raw);
                self.raw.truncate(result.as_ref().map_or(0, |n| *n));
                if !matches!(result, Ok(1..)) {
                    // Nothing is kept by a connection that waits.
                    (self.raw, self.plain) = (Vec::new(), Vec::new());
                    return result;
                }
            }
            let taken = reader
                .read(&self.raw, &mut self.plain)
                .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
            self.raw.drain(..taken);
        }
        let n = buf.len().min(self.plain.len() - self.at);
        buf[..n].copy_from_slice(&self.plain[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

impl Compression {
    fn write(&self, stream: &Stream, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut writing = self.writing.lock();
        let Some(mode) = writing.mode else {
            return stream.try_write_vectored(slices);
        };
        if writing.plain_left > 0 {
            let most = writing.plain_left;
            let first = slices.iter().find(|slice| !slice.is_empty());
            let Some(first) = first else {
                return Ok(0);
            };
            let n = stream.try_write(&first[..first.len().min(most)])?;
            writing.plain_left -= n;
            return Ok(n);
        }
        if writing.held.is_empty() {
            writing.fill(&self.writers, mode, slices);
        }
        writing.send(stream)
    }
}

impl Writing {
    /// Compresses the first of the bytes offered.
    fn fill(&mut self, writers: &Writers, mode: Mode, slices: &[IoSlice<'_>]) {
        let mut left = BATCH;
        let parts = slices.iter().map_while(|slice| {
            let part = &slice[..slice.len().min(left)];
            left -= part.len();
            (!part.is_empty()).then_some(part)
        });
        let parts: Vec<&[u8]> = parts.collect();
        self.stands_for = parts.iter().map(|part| part.len()).sum();
        let pooled = writers.0.lock().pop();
        let mut writer = pooled.unwrap_or_default();
        writer.write(mode, parts, &mut self.held);
        let mut pool = writers.0.lock();
        if pool.len() < WRITERS_KEPT {
            pool.push(writer);
        }
    }

    fn send(&mut self, stream: &Stream) -> io::Result<usize> {
        while self.sent < self.held.len() {
            match stream.try_write(&self.held[self.sent..])? {
                0 => return Ok(0),
                n => self.sent += n,
            }
        }
        self.sent = 0;
        self.held = Vec::new();
        Ok(std::mem::take(&mut self.stands_for))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use gannet_rt::Rt;
    use gannet_rt::sim::Sim;

    use super::*;

    /// Bytes that compress well in some places.
    fn bytes(len: usize) -> Vec<u8> {
        let noise = |n: usize| (n.wrapping_mul(0x9e37_79b9) >> 16) as u8;
        (0..len)
            .map(|n| if n / 1000 % 2 == 0 { b'x' } else { noise(n) })
            .collect()
    }

    async fn pair(here: &Rt, there: &Rt, ip: std::net::IpAddr) -> (Channel, Channel) {
        let listener = there.listen((ip, 7000).into()).await.expect("a free port");
        let dialled = here.connect((ip, 7000).into()).await.expect("it listens");
        let (accepted, _) = listener.accept().await.expect("somebody came");
        (Channel::new(dialled), Channel::new(accepted))
    }

    /// Writes as an outbox does: what was not taken is offered again, perhaps with more behind it.
    async fn write_all(channel: &Channel, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (first, more) = bytes.split_at(bytes.len().min(70_000));
            match channel.try_write(&[IoSlice::new(first), IoSlice::new(more)]) {
                Ok(n) => bytes = &bytes[n..],
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    let ready = poll_fn(|cx| channel.poll_write_ready(cx)).await;
                    ready.expect("the connection stands");
                }
                Err(e) => panic!("{e}"),
            }
        }
    }

    async fn read(channel: &Channel, len: usize) -> Vec<u8> {
        let mut got = vec![0; len];
        let mut at = 0;
        while at < len {
            poll_fn(|cx| channel.poll_read_ready(cx))
                .await
                .expect("the connection stands");
            match channel.try_read(&mut got[at..(at + 50_000).min(len)]) {
                Ok(0) => panic!("the end after {at} of {len}"),
                Ok(n) => at += n,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) => panic!("{e}"),
            }
        }
        got
    }

    #[test]
    fn bytes_pass_plain_then_compressed_then_in_another_mode() {
        for seed in 0..5 {
            let sim = Sim::new(seed);
            let (a, b) = (sim.host("a"), sim.host("b"));
            let (here, there, ip) = (a.rt(), b.rt(), b.ip());
            let writers = Arc::new(Writers::default());
            let done = sim.block_on(async move {
                let (out, into) = pair(&here, &there, ip).await;
                let (out, into) = (Arc::new(out), Arc::new(into));
                let (sender, pool) = (out.clone(), writers.clone());
                let task = here.spawn(async move {
                    write_all(&sender, b"plain").await;
                    sender.write_compressed(&pool, Mode::Fast, 4);
                    // Four more bytes were promised plain.
                    write_all(&sender, b"last").await;
                    write_all(&sender, &bytes(3_000_000)).await;
                    sender.write_compressed(&pool, Mode::Better, 0);
                    write_all(&sender, &bytes(5)).await;
                    write_all(&sender, &bytes(200_000)).await;
                });
                assert_eq!(read(&into, 7).await, b"plainla");
                // Two plain bytes are to come; what is read too far is handed over.
                assert_eq!(read(&into, 2).await, b"st");
                into.read_compressed(&writers, Vec::new());
                assert!(read(&into, 3_000_000).await == bytes(3_000_000));
                assert_eq!(read(&into, 5).await, bytes(5));
                assert!(read(&into, 200_000).await == bytes(200_000));
                task.abort();
                out.shutdown();
            });
            done.expect("the world goes on");
        }
    }

    #[test]
    fn what_was_read_before_the_switch_counts_and_nonsense_ends_it() {
        let sim = Sim::new(1);
        let (a, b) = (sim.host("a"), sim.host("b"));
        let (here, there, ip) = (a.rt(), b.rt(), b.ip());
        let writers = Arc::new(Writers::default());
        let done = sim.block_on(async move {
            let (out, into) = pair(&here, &there, ip).await;
            let mut stream = Vec::new();
            Writer::new().write(Mode::Fast, [&b"hello, hello, hello"[..]], &mut stream);
            let (early, late) = stream.split_at(9);
            write_all(&out, late).await;
            here.sleep(Duration::from_secs(1)).await;
            into.read_compressed(&writers, early.to_vec());
            assert_eq!(read(&into, 19).await, b"hello, hello, hello");
            write_all(&out, b"no stream at all").await;
            let error = loop {
                poll_fn(|cx| into.poll_read_ready(cx))
                    .await
                    .expect("the connection stands");
                match into.try_read(&mut [0; 100]) {
                    Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                    Err(e) => break e,
                    Ok(n) => panic!("{n} bytes"),
                }
            };
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        });
        done.expect("the world goes on");
    }
}
