//! Verbs of operations without payload: which one a line begins with. Not here: the verbs that each kind
//! of link has, and what they mean.

use super::words::line;
use super::{DecodeError, Limits};

/// A verb of one kind of link.
pub(crate) struct Row<V: 'static> {
    name: &'static [u8],
    /// Whether white space must follow it.
    spaced: bool,
    /// The reference parser's state after each of its bytes, for error texts.
    states: &'static [u8],
    verb: V,
}

/// A verb, whether white space must follow it, and the reference parser's state after each of its bytes.
pub(crate) const fn row<V: Copy>(
    name: &'static [u8],
    spaced: bool,
    states: &'static [u8],
    verb: V,
) -> Row<V> {
    Row {
        name,
        spaced,
        states,
        verb,
    }
}

/// A line that begins with a verb.
pub(crate) struct Line<'a, V> {
    pub(crate) verb: V,
    /// What follows the verb, without outer white space.
    pub(crate) args: &'a [u8],
    /// Bytes of the whole line.
    pub(crate) used: usize,
}

/// Reads the line at the start of `buf`. `None` if its end has not come yet.
pub(crate) fn read<'a, V: Copy>(
    link: &'static str,
    verbs: &'static [Row<V>],
    buf: &'a [u8],
    limits: &Limits,
) -> Result<Option<Line<'a, V>>, DecodeError> {
    let Some(row) = find(link, verbs, buf)? else {
        return Ok(None);
    };
    let line = line(buf, row.name.len(), limits)?;
    Ok(line.map(|(args, used)| Line {
        verb: row.verb,
        args,
        used,
    }))
}

/// Finds the verb that `buf` begins with. `None` if more bytes are needed to tell.
fn find<V>(
    link: &'static str,
    verbs: &'static [Row<V>],
    buf: &[u8],
) -> Result<Option<&'static Row<V>>, DecodeError> {
    let mut longest = (0, 0);
    for row in verbs {
        let same = row
            .name
            .iter()
            .zip(buf)
            .take_while(|(a, b)| a.eq_ignore_ascii_case(b))
            .count();
        if same == row.name.len() {
            match buf.get(same) {
                None => return Ok(None),
                Some(b' ' | b'\t') => return Ok(Some(row)),
                Some(_) if !row.spaced => return Ok(Some(row)),
                Some(_) => {}
            }
        } else if same == buf.len() {
            return Ok(None);
        }
        if same > longest.0 {
            longest = (same, row.states[same - 1]);
        }
    }
    Err(DecodeError::unknown(link, buf, longest.0, longest.1))
}
