//! Feeding a decoder that works in place, in pieces of any size, as a connection does.

/// What a decoder found at the start of what is there.
pub(crate) enum Found<T> {
    /// A whole operation and the bytes it took.
    Op(T, usize),
    /// Not a whole operation yet; it has at least so many bytes.
    Need(usize),
    /// No operation. The text tells one error from another.
    Error(String),
}

/// All operations in the bytes, in order, and the error that ended them, if one did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome<T> {
    pub(crate) ops: Vec<T>,
    /// Where the rest begins that was no whole operation.
    pub(crate) end: usize,
    pub(crate) error: Option<String>,
}

/// Hands `bytes` to `decode` in pieces that end at `cuts` (ascending, the last one is the whole), each
/// time with what an earlier piece left over.
pub(crate) fn feed<'a, T>(
    bytes: &'a [u8],
    cuts: impl Iterator<Item = usize>,
    mut decode: impl FnMut(&'a [u8]) -> Found<T>,
) -> Outcome<T> {
    let mut outcome = Outcome {
        ops: Vec::new(),
        end: 0,
        error: None,
    };
    // Where the operation that is not complete yet must at least reach.
    let mut promised = 0;
    for cut in cuts {
        while outcome.end < cut {
            let there = &bytes[outcome.end..cut];
            match decode(there) {
                Found::Op(op, used) => {
                    assert!(
                        used > 0 && used <= there.len(),
                        "{used} bytes used of {}",
                        there.len()
                    );
                    assert!(
                        used >= promised,
                        "{promised} bytes were said to be needed, {used} were"
                    );
                    promised = 0;
                    outcome.end += used;
                    outcome.ops.push(op);
                }
                Found::Need(need) => {
                    assert!(
                        need > there.len(),
                        "{need} bytes needed, and {} are there",
                        there.len()
                    );
                    promised = need;
                    break;
                }
                Found::Error(error) => {
                    outcome.error = Some(error);
                    return outcome;
                }
            }
        }
    }
    outcome
}

/// The operations in the bytes must be the same however they are cut.
pub(crate) fn in_any_pieces<T: PartialEq + std::fmt::Debug>(
    bytes: &[u8],
    decode: impl Fn(&[u8]) -> Found<T>,
) {
    let at_once = feed(bytes, whole(bytes), &decode);
    assert_eq!(at_once, feed(bytes, drip(bytes), &decode));
    assert_eq!(at_once, feed(bytes, two(bytes), &decode));
}

/// Everything at once.
pub(crate) fn whole(bytes: &[u8]) -> impl Iterator<Item = usize> + use<> {
    [bytes.len()].into_iter()
}

/// Byte by byte; in larger steps where that would take too long.
pub(crate) fn drip(bytes: &[u8]) -> impl Iterator<Item = usize> + use<> {
    let (len, step) = (bytes.len(), 1 + bytes.len() / 1024);
    (1..=len).step_by(step).chain([len])
}

/// In two pieces, cut where the bytes themselves say.
pub(crate) fn two(bytes: &[u8]) -> impl Iterator<Item = usize> + use<> {
    let sum = bytes.iter().fold(7usize, |sum, &b| {
        sum.wrapping_mul(31).wrapping_add(usize::from(b))
    });
    [sum % (bytes.len() + 1), bytes.len()].into_iter()
}
