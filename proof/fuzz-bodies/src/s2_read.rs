//! The compression of links: a stream is read the same way however it is cut, what is read is bounded,
//! and what is written is read again.

use gannet_wire::s2::{Mode, Reader, Writer};

use crate::feed::{drip, two, whole};

/// Most bytes that one call may hand out.
const BLOCK: usize = 4 << 20;

/// Reads the bytes as a compressed stream, and compresses them.
pub fn s2_read(bytes: &[u8]) {
    let at_once = read(bytes, whole(bytes));
    assert_eq!(at_once, read(bytes, drip(bytes)));
    assert_eq!(at_once, read(bytes, two(bytes)));
    for mode in [Mode::Uncompressed, Mode::Fast, Mode::Better, Mode::Best] {
        let (head, tail) = bytes.split_at(bytes.len() / 3);
        let mut stream = Vec::new();
        Writer::new().write(mode, [head, tail], &mut stream);
        let (plain, error) = read(&stream, whole(&stream));
        assert_eq!(error, None);
        assert!(plain == bytes, "{mode:?} changes the bytes");
    }
}

/// The plain bytes, and the error that ended them, if one did.
fn read(bytes: &[u8], cuts: impl Iterator<Item = usize>) -> (Vec<u8>, Option<String>) {
    let mut reader = Reader::new();
    let mut out = Vec::new();
    let mut from = 0;
    for cut in cuts {
        while from < cut {
            let before = out.len();
            match reader.read(&bytes[from..cut], &mut out) {
                Ok(taken) => {
                    assert!(taken > 0 && taken <= cut - from);
                    from += taken;
                }
                Err(error) => {
                    assert_eq!(out.len(), before, "nothing wrong is handed out");
                    return (out, Some(error.to_string()));
                }
            }
            assert!(out.len() - before <= BLOCK);
            assert!(reader.buffered() <= from);
        }
    }
    (out, None)
}
