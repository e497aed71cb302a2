//! What a proxy may say first: whatever comes, it is read within its bounds, and more bytes never change
//! what was decided.

use gannet_wire::proxy::{Decoded, Part, decode};

/// The longest header: of version 2, its fixed part and all that may follow.
const LONGEST: usize = 16 + u16::MAX as usize;
/// The longest header of version 1.
const LONGEST_LINE: usize = 107;

/// Reads the header that may be at the start of the bytes, as they arrive.
pub fn proxy_decode(bytes: &[u8]) {
    let at_once = decode(bytes);
    for end in 0..bytes.len() {
        match decode(&bytes[..end]) {
            Ok(Decoded::Incomplete(part)) => {
                let most = match part {
                    Part::Version => 6,
                    Part::Line => LONGEST_LINE,
                    _ => LONGEST,
                };
                assert!(end < most, "{end} bytes and still no end of the {part}");
            }
            decided => {
                assert_eq!(decided, at_once, "decided after {end} bytes");
                break;
            }
        }
    }
    if let Ok(Decoded::Header { source, used }) = at_once {
        assert!(used <= bytes.len());
        assert!(source.is_none_or(|source| source.ip() == source.ip().to_canonical()));
    }
}
