//! A connection's socket as the sink of its outbox.

use std::io::{ErrorKind, IoSlice};
use std::sync::Arc;

use gannet_broker::{Sink, Written};
use gannet_rt::Stream;

/// Writes to a socket without waiting.
pub(crate) struct StreamSink(pub(crate) Arc<Stream>);

/// Slices handed to one system call.
const SLICES: usize = 32;

impl Sink for StreamSink {
    fn try_write(&self, chunks: &[&[u8]]) -> Written {
        let result = match chunks {
            [one] => self.0.try_write(one),
            many => {
                let mut slices = [IoSlice::new(&[]); SLICES];
                let count = many.len().min(SLICES);
                for (slice, chunk) in slices.iter_mut().zip(many) {
                    *slice = IoSlice::new(chunk);
                }
                self.0.try_write_vectored(&slices[..count])
            }
        };
        match result {
            Ok(0) => Written::Broken,
            Ok(n) => Written::Bytes(n),
            Err(e) if e.kind() == ErrorKind::WouldBlock => Written::Full,
            Err(e) if e.kind() == ErrorKind::Interrupted => Written::Bytes(0),
            Err(_) => Written::Broken,
        }
    }
}
