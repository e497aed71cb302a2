//! Plain bytes → compressed stream.

use alloc::vec::Vec;
use core::fmt;

use bytes::BufMut;
use minlz::s2::Encoder;

use super::frame::{CHECKSUM, COMPRESSED, HEADER, IDENTIFIER, PLAIN, S2_MAGIC, checksum};

/// Bytes that are compressed together, as the reference server has it.
const BLOCK: usize = 1 << 20;

/// Blocks below this many bytes never get shorter.
const MIN_BLOCK: usize = 32;

/// From how many bytes on the hardest effort is made. Below, it gains less than a fiftieth, but costs
/// 50 µs to clear its tables however short the block.
const MIN_BEST_BLOCK: usize = 16 << 10;

/// How hard to try. Any reader reads them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Frames only (`s2_uncompressed`).
    Uncompressed,
    /// `s2_fast`.
    Fast,
    /// `s2_better`.
    Better,
    /// `s2_best`.
    Best,
}

/// Compresses batches. Each batch is a stream of its own, just as the reference server sends one per
/// flush; nothing is remembered between them. So one writer can serve any number of connections, and
/// should: it keeps tables, up to 64 KiB for [`Mode::Fast`] and several MiB for [`Mode::Best`].
#[derive(Default)]
pub struct Writer {
    encoder: Encoder,
    /// Where the parts of a batch are joined; empty between batches.
    block: Vec<u8>,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Writer {
    /// A writer without tables; they come with the first block that needs them.
    pub fn new() -> Writer {
        Writer::default()
    }

    /// Appends the concatenation of `parts` to `out`, compressed and complete: the reader gets all of it
    /// without waiting for more. A batch without bytes is nothing.
    pub fn write<'a>(
        &mut self,
        mode: Mode,
        parts: impl IntoIterator<Item = &'a [u8]>,
        out: &mut impl BufMut,
    ) {
        let mut parts = parts.into_iter().filter(|part| !part.is_empty()).peekable();
        if parts.peek().is_some() {
            chunk(out, IDENTIFIER, None, S2_MAGIC);
        }
        let mut block = core::mem::take(&mut self.block);
        while let Some(mut part) = parts.next() {
            // What needs no joining is not copied.
            while block.is_empty() && (part.len() >= BLOCK || parts.peek().is_none()) {
                let (now, later) = part.split_at(part.len().min(BLOCK));
                self.block_chunk(mode, now, out);
                part = later;
                if part.is_empty() {
                    break;
                }
            }
            while !part.is_empty() {
                let (now, later) = part.split_at(part.len().min(BLOCK - block.len()));
                block.extend_from_slice(now);
                part = later;
                if block.len() == BLOCK {
                    self.block_chunk(mode, &block, out);
                    block.clear();
                }
            }
        }
        if !block.is_empty() {
            self.block_chunk(mode, &block, out);
            block.clear();
        }
        self.block = block;
    }

    fn block_chunk(&mut self, mode: Mode, plain: &[u8], out: &mut impl BufMut) {
        let sum = Some(checksum(plain));
        let compressed = match mode {
            _ if plain.len() < MIN_BLOCK => None,
            Mode::Uncompressed => None,
            Mode::Fast => Some(self.encoder.encode(plain)),
            Mode::Best if plain.len() >= MIN_BEST_BLOCK => Some(self.encoder.encode_best(plain)),
            Mode::Better | Mode::Best => Some(self.encoder.encode_better(plain)),
        };
        match compressed {
            Some(block) if block.len() < plain.len() => chunk(out, COMPRESSED, sum, &block),
            _ => chunk(out, PLAIN, sum, plain),
        }
    }
}

fn chunk(out: &mut impl BufMut, kind: u8, sum: Option<u32>, body: &[u8]) {
    let len = body.len() + sum.map_or(0, |_| CHECKSUM);
    let mut header = [kind; HEADER];
    // A block is at most 1 MiB, so its length has no fourth byte.
    header[1..].copy_from_slice(&len.to_le_bytes()[..HEADER - 1]);
    out.put_slice(&header);
    if let Some(sum) = sum {
        out.put_u32_le(sum);
    }
    out.put_slice(body);
}
