//! Compressed stream → plain bytes.

use alloc::vec::Vec;
use core::mem;

use minlz::s2::{decode_into, decode_len, max_encoded_len};

use super::frame::{
    CHECKSUM, COMPRESSED, HEADER, IDENTIFIER, MAX_BLOCK, MAX_SNAPPY_BLOCK, PLAIN, S2_MAGIC,
    SNAPPY_MAGIC, checksum,
};

/// A buffer for chunks in pieces that has grown over this is given back after use.
const KEPT: usize = 64 * 1024;

/// Bytes that are no S2 stream. The connection must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum S2Error {
    /// No stream begins so, or a block makes no sense.
    #[error("s2: corrupt input")]
    Corrupt,
    /// A chunk of a type that must be understood, but is not defined.
    #[error("s2: unsupported input")]
    Unsupported,
    /// A block of more than 4 MiB.
    #[error("s2: decoded block is too large")]
    TooLarge,
    /// The checksum is not that of the bytes.
    #[error("s2: corrupt input, crc mismatch")]
    Checksum,
}

/// Takes one connection's stream in pieces of any size. It keeps at most one chunk that is not there in
/// full yet, and grows only by what has come.
#[derive(Debug)]
pub struct Reader {
    /// The beginning of a chunk, header included.
    pending: Vec<u8>,
    /// Bytes of a chunk of no interest that are still to come.
    skip: usize,
    /// Whether the stream has said what it is.
    identified: bool,
    /// Largest block in this stream.
    max_block: usize,
}

impl Default for Reader {
    fn default() -> Reader {
        Reader {
            pending: Vec::new(),
            skip: 0,
            identified: false,
            max_block: MAX_BLOCK,
        }
    }
}

impl Reader {
    /// A reader at the start of a stream.
    pub fn new() -> Reader {
        Reader::default()
    }

    /// Takes bytes from the front of `input`, and appends the plain bytes of at most one block (up to
    /// 4 MiB) to `out`. Answers how many bytes it took; call it again with the rest until there is none.
    /// It takes at least one byte if there are any.
    ///
    /// # Errors
    ///
    /// If this is no S2 stream. What was appended to `out` before is right; nothing may be read after.
    pub fn read(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<usize, S2Error> {
        let before = out.len();
        let mut taken = 0;
        while taken < input.len() && out.len() == before {
            let rest = &input[taken..];
            if self.skip > 0 {
                let n = self.skip.min(rest.len());
                self.skip -= n;
                taken += n;
            } else if self.pending.is_empty()
                && let Some((header, rest)) = rest.split_first_chunk()
                && let Some(body) = rest.get(..self.body_len(header)?)
            {
                self.chunk(header, body, out)?;
                taken += HEADER + body.len();
            } else {
                taken += self.gather(rest, out)?;
            }
        }
        Ok(taken)
    }

    /// Whether the stream may end here: nothing half a chunk is waiting for the rest.
    pub fn is_between_chunks(&self) -> bool {
        self.pending.is_empty() && self.skip == 0
    }

    /// Bytes kept of a chunk that is not there in full yet.
    pub fn buffered(&self) -> usize {
        self.pending.len()
    }

    /// Takes bytes of a chunk that comes in pieces; answers how many.
    fn gather(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<usize, S2Error> {
        let mut taken = self.fill(HEADER, input);
        let Some(header) = self.pending.first_chunk::<HEADER>().copied() else {
            return Ok(taken);
        };
        let whole = HEADER + self.body_len(&header)?;
        taken += self.fill(whole, &input[taken..]);
        if self.pending.len() == whole {
            let mut pending = mem::take(&mut self.pending);
            self.chunk(&header, &pending[HEADER..], out)?;
            if pending.capacity() <= KEPT {
                pending.clear();
                self.pending = pending;
            }
        }
        Ok(taken)
    }

    /// Fills the pending chunk up to `len` bytes; answers how many it took from `input`.
    fn fill(&mut self, len: usize, input: &[u8]) -> usize {
        let n = len.saturating_sub(self.pending.len()).min(input.len());
        self.pending.extend_from_slice(&input[..n]);
        n
    }

    /// How many bytes of the chunk with this header must be there to go on. None of a chunk that can be
    /// skipped: its bytes need no place.
    fn body_len(&self, header: &[u8; HEADER]) -> Result<usize, S2Error> {
        let [kind, a, b, c] = *header;
        let len = u32::from_le_bytes([a, b, c, 0]) as usize;
        if !self.identified && kind != IDENTIFIER {
            return Err(S2Error::Corrupt);
        }
        let max = match kind {
            COMPRESSED => max_encoded_len(self.max_block).map_err(|_| S2Error::TooLarge)?,
            PLAIN => self.max_block,
            IDENTIFIER if len == S2_MAGIC.len() => return Ok(len),
            IDENTIFIER => return Err(S2Error::Corrupt),
            0x02..=0x7f => return Err(S2Error::Unsupported),
            _ => return Ok(0),
        };
        match len.checked_sub(CHECKSUM) {
            None => Err(S2Error::Corrupt),
            Some(block) if block > max => Err(S2Error::TooLarge),
            Some(_) => Ok(len),
        }
    }

    /// Takes a whole chunk; of one that can be skipped, just the header.
    fn chunk(
        &mut self,
        header: &[u8; HEADER],
        body: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), S2Error> {
        match header[0] {
            COMPRESSED | PLAIN => self.block(header[0], body, out),
            IDENTIFIER => {
                self.max_block = match body {
                    S2_MAGIC => MAX_BLOCK,
                    SNAPPY_MAGIC => MAX_SNAPPY_BLOCK,
                    _ => return Err(S2Error::Corrupt),
                };
                self.identified = true;
                Ok(())
            }
            _ => {
                self.skip = u32::from_le_bytes([header[1], header[2], header[3], 0]) as usize;
                Ok(())
            }
        }
    }

    fn block(&mut self, kind: u8, body: &[u8], out: &mut Vec<u8>) -> Result<(), S2Error> {
        let (sum, block) = body.split_first_chunk().ok_or(S2Error::Corrupt)?;
        let before = out.len();
        if kind == PLAIN {
            out.extend_from_slice(block);
        } else {
            let (len, _) = decode_len(block).map_err(|_| S2Error::Corrupt)?;
            if len > self.max_block {
                return Err(S2Error::TooLarge);
            }
            out.resize(before + len, 0);
            if decode_into(&mut out[before..], block).is_err() {
                out.truncate(before);
                return Err(S2Error::Corrupt);
            }
        }
        if checksum(&out[before..]) != u32::from_le_bytes(*sum) {
            out.truncate(before);
            return Err(S2Error::Checksum);
        }
        Ok(())
    }
}
