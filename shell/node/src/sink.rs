//! A connection's socket as the sink of its outbox.

use std::io::{ErrorKind, IoSlice};
use std::sync::{Arc, Weak};

use gannet_broker::{Sink, Written};

use crate::channel::Channel;

/// Writes to a socket without waiting. The socket belongs to its connection's task: plans that other
/// connections keep may name a peer long after it has ended, and must not keep its socket open.
pub(crate) struct StreamSink(Weak<Channel>);

impl StreamSink {
    /// A way into `stream` for as long as its owner keeps it.
    pub(crate) fn new(stream: &Arc<Channel>) -> StreamSink {
        StreamSink(Arc::downgrade(stream))
    }
}

/// Slices handed to one system call.
const SLICES: usize = 32;

impl Sink for StreamSink {
    fn try_write(&self, chunks: &[&[u8]]) -> Written {
        let Some(stream) = self.0.upgrade() else {
            return Written::Broken;
        };
        stream.tap.offer(chunks);
        let result = match chunks {
            [one] => stream.try_write(&[IoSlice::new(one)]),
            many => {
                let mut slices = [IoSlice::new(&[]); SLICES];
                let count = many.len().min(SLICES);
                for (slice, chunk) in slices.iter_mut().zip(many) {
                    *slice = IoSlice::new(chunk);
                }
                stream.try_write(&slices[..count])
            }
        };
        match result {
            Ok(0) => Written::Broken,
            Ok(n) => {
                stream.tap.took(n);
                Written::Bytes(n)
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => Written::Full,
            Err(e) if e.kind() == ErrorKind::Interrupted => Written::Bytes(0),
            Err(_) => Written::Broken,
        }
    }
}
