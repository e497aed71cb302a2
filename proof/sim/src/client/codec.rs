//! What a server sends to a client: bytes to operations, in place.
//!
//! Not here: what a client sends (`task` writes it with the encoders of `gannet_wire`).

use std::collections::BTreeSet;

/// One operation of a server.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ServerOp<'a> {
    /// `INFO` with its JSON.
    Info(&'a str),
    Ping,
    Pong,
    Ok,
    /// `-ERR` with its text.
    Err(&'a str),
    Message(Received<'a>),
}

/// `MSG` or `HMSG`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Received<'a> {
    pub(super) subject: &'a str,
    pub(super) sid: u32,
    pub(super) reply: Option<&'a str>,
    /// The header block; empty for `MSG`.
    pub(super) header: &'a [u8],
    pub(super) payload: &'a [u8],
}

/// Finds the operation at the start of `buf` and how long it is; `None` if it is not there in full yet.
/// An error is the server's fault: these bytes must never have been sent.
pub(super) fn decode(buf: &[u8]) -> Result<Option<(ServerOp<'_>, usize)>, String> {
    let Some(end) = buf.windows(2).position(|pair| pair == b"\r\n") else {
        return Ok(None);
    };
    let line = std::str::from_utf8(&buf[..end]).map_err(|_| bad(&buf[..end]))?;
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let op = match verb {
        "INFO" => ServerOp::Info(rest),
        "PING" => ServerOp::Ping,
        "PONG" => ServerOp::Pong,
        "+OK" => ServerOp::Ok,
        "-ERR" => ServerOp::Err(rest),
        "MSG" | "HMSG" => return message(buf, rest, end + 2, verb == "HMSG"),
        _ => return Err(bad(&buf[..end])),
    };
    Ok(Some((op, end + 2)))
}

fn message<'a>(
    buf: &'a [u8],
    args: &'a str,
    start: usize,
    with_header: bool,
) -> Result<Option<(ServerOp<'a>, usize)>, String> {
    let wrong = || bad(args.as_bytes());
    let args: Vec<&str> = args.split(' ').collect();
    let number = |text: &str| text.parse::<usize>().map_err(|_| bad(text.as_bytes()));
    let (head, sizes) = args.split_at(args.len().saturating_sub(1 + usize::from(with_header)));
    let (header_len, size) = match sizes {
        [size] => (0, number(size)?),
        [header, size] => (number(header)?, number(size)?),
        _ => return Err(wrong()),
    };
    let (subject, sid, reply) = match head {
        [subject, sid] => (*subject, *sid, None),
        [subject, sid, reply] => (*subject, *sid, Some(*reply)),
        _ => return Err(wrong()),
    };
    let end = start + size;
    if buf.len() < end + 2 {
        return Ok(None);
    }
    if header_len > size || &buf[end..end + 2] != b"\r\n" {
        return Err(wrong());
    }
    let received = Received {
        subject,
        sid: sid.parse().map_err(|_| wrong())?,
        reply,
        header: &buf[start..start + header_len],
        payload: &buf[start + header_len..end],
    };
    Ok(Some((ServerOp::Message(received), end + 2)))
}

/// The addresses of the cluster's servers in the JSON of an INFO.
pub(super) fn connect_urls(json: &str) -> Result<BTreeSet<String>, String> {
    let info: serde_json::Value = serde_json::from_str(json).map_err(|e| e.to_string())?;
    let urls = info["connect_urls"].as_array().into_iter().flatten();
    let text = |url: &serde_json::Value| url.as_str().map(str::to_owned);
    urls.map(|url| text(url).ok_or_else(|| format!("{url} is no address")))
        .collect()
}

fn bad(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(80)];
    format!(
        "the server sent what is no operation: {:?}",
        String::from_utf8_lossy(shown)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_of_operations_is_the_same_however_it_is_cut() {
        let bytes: &[u8] =
            b"INFO {\"a\": 1} \r\nPING\r\nMSG a.b 7 3\r\nxyz\r\nHMSG a 1 r.1 12 14\r\n\
            NATS/1.0\r\n\r\nhi\r\n+OK\r\n-ERR 'no'\r\nPONG\r\n";
        let whole = all(bytes);
        assert_eq!(whole.len(), 7);
        assert_eq!(
            whole[2],
            "Message(Received { subject: \"a.b\", sid: 7, reply: None, header: [], payload: [120, 121, 122] })"
        );
        for cut in 0..bytes.len() {
            let (mut at, mut seen) = (0, Vec::new());
            for end in [cut, bytes.len()] {
                while let Ok(Some((op, used))) = decode(&bytes[at..end]) {
                    seen.push(format!("{op:?}"));
                    at += used;
                }
            }
            assert_eq!(seen, whole, "cut at {cut}");
        }
    }

    fn all(bytes: &[u8]) -> Vec<String> {
        let (mut at, mut seen) = (0, Vec::new());
        while let Some((op, used)) = decode(&bytes[at..]).expect("well-formed") {
            seen.push(format!("{op:?}"));
            at += used;
        }
        seen
    }

    #[test]
    fn the_addresses_of_an_info_are_found() {
        let found = connect_urls(r#"{"port":1,"connect_urls":["b:2","a:1"]}"#);
        assert_eq!(found, Ok(BTreeSet::from(["a:1".into(), "b:2".into()])));
        assert_eq!(connect_urls("{}"), Ok(BTreeSet::new()));
        assert!(connect_urls(r#"{"connect_urls":[7]}"#).is_err());
        assert!(connect_urls("{").is_err());
    }

    #[test]
    fn nonsense_is_the_servers_fault() {
        for bytes in [
            &b"WHAT 1\r\n"[..],
            b"MSG a\r\n",
            b"MSG a 1 2\r\nabc\r\n",
            b"HMSG a 1 9 3\r\nabc\r\n",
        ] {
            assert!(
                decode(bytes).is_err(),
                "{:?}",
                String::from_utf8_lossy(bytes)
            );
        }
    }
}
