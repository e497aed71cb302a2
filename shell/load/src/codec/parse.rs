//! The plain parser of what a server sends to a client: used wherever speed does not matter, and to explain what the
//! fast check did not expect.

use crate::error::LoadError;

/// The longest line a server is believed to send (an INFO with many URLs); anything beyond is not this protocol.
const LONGEST_LINE: usize = 1 << 20;
/// The largest message we would ever wait for.
const LARGEST_MESSAGE: usize = 64 << 20;

/// One delivered message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    /// Subject it was published on.
    pub(crate) subject: &'a [u8],
    /// The id of the subscription that it is for.
    pub(crate) sid: &'a [u8],
    /// Where an answer goes.
    pub(crate) reply: Option<&'a [u8]>,
    /// The payload, without headers.
    pub(crate) payload: &'a [u8],
}

/// One operation from the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Operation<'a> {
    /// `INFO`, with its JSON.
    Info(&'a [u8]),
    /// `MSG` or `HMSG`.
    Message(Message<'a>),
    /// `PING`.
    Ping,
    /// `PONG`.
    Pong,
    /// `+OK`.
    Ok,
}

/// Reads the first operation of `bytes` and its length in bytes; `None` while it is incomplete. `-ERR` is an error.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(Operation<'_>, usize)>, LoadError> {
    let Some(newline) = memchr::memchr(b'\n', bytes) else {
        if bytes.len() > LONGEST_LINE {
            return Err(unexpected(bytes));
        }
        return Ok(None);
    };
    let end = newline + 1;
    let line = bytes[..newline]
        .strip_suffix(b"\r")
        .unwrap_or(&bytes[..newline]);
    let mut words = line
        .split(|byte| matches!(byte, b' ' | b'\t'))
        .filter(|word| !word.is_empty());
    let operation = match words.next() {
        Some(b"MSG") => return message(bytes, line, words, end, false),
        Some(b"HMSG") => return message(bytes, line, words, end, true),
        Some(b"PING") => Operation::Ping,
        Some(b"PONG") => Operation::Pong,
        Some(b"+OK") => Operation::Ok,
        Some(b"INFO") => Operation::Info(&line["INFO".len()..]),
        Some(b"-ERR") => {
            return Err(LoadError::Protocol(format!(
                "the server answered {}",
                String::from_utf8_lossy(line)
            )));
        }
        _ => return Err(unexpected(line)),
    };
    Ok(Some((operation, end)))
}

fn message<'a>(
    bytes: &'a [u8],
    line: &[u8],
    words: impl Iterator<Item = &'a [u8]>,
    body: usize,
    headers: bool,
) -> Result<Option<(Operation<'a>, usize)>, LoadError> {
    let words: Vec<&[u8]> = words.collect();
    let sizes = if headers { 2 } else { 1 };
    let (subject, sid, reply) = match words.len().checked_sub(sizes) {
        Some(2) => (words[0], words[1], None),
        Some(3) => (words[0], words[1], Some(words[2])),
        _ => return Err(unexpected(line)),
    };
    let size = |index: usize| number(words[words.len() - index]).ok_or_else(|| unexpected(line));
    let total = size(1)?;
    let header = if headers { size(2)? } else { 0 };
    if header > total {
        return Err(unexpected(line));
    }
    let end = body + total + 2;
    if bytes.len() < end {
        return Ok(None);
    }
    if &bytes[end - 2..end] != b"\r\n" {
        return Err(LoadError::Protocol(format!(
            "message \"{}\" is not closed by CR LF",
            String::from_utf8_lossy(line)
        )));
    }
    let message = Message {
        subject,
        sid,
        reply,
        payload: &bytes[body + header..body + total],
    };
    Ok(Some((Operation::Message(message), end)))
}

fn number(word: &[u8]) -> Option<usize> {
    let number = std::str::from_utf8(word).ok()?.parse().ok()?;
    (number <= LARGEST_MESSAGE).then_some(number)
}

fn unexpected(line: &[u8]) -> LoadError {
    let shown = String::from_utf8_lossy(&line[..line.len().min(120)]);
    LoadError::Protocol(format!(
        "the server sent what is no operation: \"{}\"",
        shown.escape_debug()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_and_their_lengths() {
        let cases: [(&[u8], Operation<'_>); 6] = [
            (b"PING\r\n", Operation::Ping),
            (b"PONG\r\n", Operation::Pong),
            (b"+OK\r\n", Operation::Ok),
            (b"INFO {\"a\":1}\r\n", Operation::Info(b" {\"a\":1}")),
            (
                b"MSG a.b 7 4\r\nbody\r\n",
                Operation::Message(Message {
                    subject: b"a.b",
                    sid: b"7",
                    reply: None,
                    payload: b"body",
                }),
            ),
            (
                b"HMSG a 7 r.1 12 16\r\nNATS/1.0\r\n\r\nbody\r\n",
                Operation::Message(Message {
                    subject: b"a",
                    sid: b"7",
                    reply: Some(b"r.1"),
                    payload: b"body",
                }),
            ),
        ];
        for (bytes, operation) in cases {
            for cut in 0..bytes.len() {
                assert!(parse(&bytes[..cut]).unwrap().is_none(), "{cut}");
            }
            let followed = [bytes, b"PING\r\n"].concat();
            assert_eq!(parse(&followed).unwrap(), Some((operation, bytes.len())));
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let text = |bytes: &[u8]| parse(bytes).unwrap_err().to_string();
        assert_eq!(
            text(b"-ERR 'Slow Consumer'\r\n"),
            "protocol: the server answered -ERR 'Slow Consumer'"
        );
        assert_eq!(
            text(b"MSG a 1\r\n"),
            "protocol: the server sent what is no operation: \"MSG a 1\""
        );
        assert_eq!(
            text(b"MSG a 1 x\r\n"),
            "protocol: the server sent what is no operation: \"MSG a 1 x\""
        );
        assert_eq!(
            text(b"HMSG a 1 9 4\r\n"),
            "protocol: the server sent what is no operation: \"HMSG a 1 9 4\""
        );
        assert_eq!(
            text(b"MSG a 1 2\r\nabcd"),
            "protocol: message \"MSG a 1 2\" is not closed by CR LF"
        );
        assert_eq!(
            text(b"HTTP/1.1 400\r\n"),
            "protocol: the server sent what is no operation: \"HTTP/1.1 400\""
        );
    }
}
