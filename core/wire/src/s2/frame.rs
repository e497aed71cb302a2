//! What both directions know of the framing format.

use crc::{CRC_32_ISCSI, Crc, Table};

/// Bytes in front of a chunk's body: its type, and the body's length in 24 bits, little end first.
pub(super) const HEADER: usize = 4;

/// Bytes of the checksum in front of the data.
pub(super) const CHECKSUM: usize = 4;

/// The type of a chunk with a compressed block.
pub(super) const COMPRESSED: u8 = 0x00;

/// The type of a chunk with plain bytes.
pub(super) const PLAIN: u8 = 0x01;

/// The type of the chunk that a stream begins with, and that may come again.
pub(super) const IDENTIFIER: u8 = 0xff;

/// The body of that chunk.
pub(super) const S2_MAGIC: &[u8] = b"S2sTwO";

/// The same for streams of the older format, which is a subset but for its smaller blocks.
pub(super) const SNAPPY_MAGIC: &[u8] = b"sNaPpY";

/// Largest block that anybody may send.
pub(super) const MAX_BLOCK: usize = 4 << 20;

/// Largest block in a stream of the older format.
pub(super) const MAX_SNAPPY_BLOCK: usize = 64 << 10;

/// Castagnoli's polynomial, sixteen bytes at a time.
static CRC_32C: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);

/// The checksum of a block's plain bytes, masked as the format wants it.
pub(super) fn checksum(plain: &[u8]) -> u32 {
    CRC_32C
        .checksum(plain)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}
