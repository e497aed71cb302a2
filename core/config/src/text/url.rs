//! URLs of other servers.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::options::ServerUrl;
use crate::secret::Secret;
use crate::text::address::split_host_port;

/// Why a URL cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UrlFault {
    /// It is not a URL.
    Malformed,
    /// It is one, without the host and port that a connection needs.
    Incomplete,
}

/// The parts of a server's URL, `scheme://[user[:password]@]host:port`. What comes after the
/// address is ignored, as the reference server does.
pub fn parse_url(text: &str) -> Result<ServerUrl, UrlFault> {
    let text = text.trim();
    if text.is_empty() {
        return Err(UrlFault::Incomplete);
    }
    if text.bytes().any(|b| b < b' ' || b == 0x7f) {
        return Err(UrlFault::Malformed);
    }
    let text = text.split('#').next().unwrap_or(text);
    let (scheme, rest) = scheme(text)?;
    let rest = rest.split('?').next().unwrap_or(rest);
    let Some(rest) = rest.strip_prefix("//") else {
        // Without a scheme, a colon in front of the first slash makes it no URL at all.
        let first = rest.split('/').next().unwrap_or(rest);
        let malformed = scheme.is_none() && first.contains(':');
        return Err(if malformed {
            UrlFault::Malformed
        } else {
            UrlFault::Incomplete
        });
    };
    let authority = rest.split('/').next().unwrap_or(rest);
    let (user, password, address) = match authority.rsplit_once('@') {
        Some((info, address)) => {
            let (user, password) = credentials(info)?;
            (Some(user), password, address)
        }
        None => (None, None, authority),
    };
    let (host, port) = host_and_port(address)?;
    let scheme = scheme.unwrap_or_default().to_ascii_lowercase();
    Ok(ServerUrl {
        scheme,
        user,
        password,
        host,
        port,
    })
}

/// A URL for messages: what may be a password is left out.
pub fn redacted(text: &str) -> String {
    let Some((before, after)) = text.rsplit_once('@') else {
        return text.to_string();
    };
    let kept = before.find("//").map_or(0, |at| at + 2);
    [&before[..kept], "[REDACTED]@", after].concat()
}

/// Splits off `scheme:` where there is one.
fn scheme(text: &str) -> Result<(Option<&str>, &str), UrlFault> {
    for (at, c) in text.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at > 0 => return Ok((Some(&text[..at]), &text[at + 1..])),
            ':' => return Err(UrlFault::Malformed),
            _ => break,
        }
    }
    Ok((None, text))
}

/// User and password of `user[:password]`, percent-decoded.
fn credentials(info: &str) -> Result<(String, Option<Secret>), UrlFault> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
    if !info.chars().all(plain) {
        return Err(UrlFault::Malformed);
    }
    match info.split_once(':') {
        Some((user, password)) => Ok((decoded(user)?, Some(Secret::new(decoded(password)?)))),
        None => Ok((decoded(info)?, None)),
    }
}

/// Host and port of an address, both of which a connection needs.
fn host_and_port(address: &str) -> Result<(String, u16), UrlFault> {
    let after_host = match address.strip_prefix('[') {
        Some(inner) => match inner.find(']') {
            Some(end) => &inner[end + 1..],
            None => return Err(UrlFault::Malformed),
        },
        None => address.rfind(':').map_or("", |at| &address[at..]),
    };
    let port_is_number = after_host
        .strip_prefix(':')
        .is_some_and(|p| p.bytes().all(|b| b.is_ascii_digit()));
    if !after_host.is_empty() && !port_is_number {
        return Err(UrlFault::Malformed);
    }
    if address.contains([' ', '"', '<', '>', '\\', '^', '`', '{', '|', '}']) {
        return Err(UrlFault::Malformed);
    }
    let (host, port) = split_host_port(address).ok_or(UrlFault::Incomplete)?;
    let port = port
        .parse()
        .ok()
        .filter(|p: &u16| *p != 0)
        .ok_or(UrlFault::Incomplete)?;
    if host.is_empty() {
        return Err(UrlFault::Incomplete);
    }
    Ok((decoded(host)?, port))
}

/// `text` with its `%xx` replaced.
fn decoded(text: &str) -> Result<String, UrlFault> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut nibble = || char::from(rest.next()?).to_digit(16).map(|d| d as u8);
        match (nibble(), nibble()) {
            (Some(high), Some(low)) => bytes.push(high << 4 | low),
            _ => return Err(UrlFault::Malformed),
        }
    }
    String::from_utf8(bytes).map_err(|_| UrlFault::Malformed)
}

#[cfg(test)]
mod tests {
    use super::{UrlFault, parse_url, redacted};
    use std::format;
    use std::string::String;

    /// One line per URL: `scheme|user|password|host|port`, or the fault.
    fn shown(text: &str) -> String {
        match parse_url(text) {
            Ok(u) => format!(
                "{}|{}|{}|{}|{}",
                u.scheme,
                u.user.as_deref().unwrap_or("-"),
                u.password.as_ref().map_or("-", |p| p.expose()),
                u.host,
                u.port
            ),
            Err(UrlFault::Malformed) => "malformed".into(),
            Err(UrlFault::Incomplete) => "incomplete".into(),
        }
    }

    #[test]
    fn urls_are_taken_apart_or_refused() {
        for (text, wanted) in [
            ("nats://127.0.0.1:7222", "nats|-|-|127.0.0.1|7222"),
            ("NATS://h:1/path?x#y", "nats|-|-|h|1"),
            (" nats://u:p@h:1 ", "nats|u|p|h|1"),
            ("nats://u@h:1", "nats|u|-|h|1"),
            ("nats://u:p%40%3a@h:1", "nats|u|p@:|h|1"),
            ("nats://u:p@x@h:1", "nats|u|p@x|h|1"),
            ("tls://[::1]:7222", "tls|-|-|::1|7222"),
            ("//h:1", "|-|-|h|1"),
            ("127.0.0.1:7222", "malformed"),
            (":1", "malformed"),
            ("nats://h:x", "malformed"),
            ("nats://[::1", "malformed"),
            ("nats://u:%zz@h:1", "malformed"),
            ("nats://a b:1", "malformed"),
            ("nats://h:1\u{1}", "malformed"),
            ("localhost:7222", "incomplete"),
            ("nats://h", "incomplete"),
            ("nats://h:", "incomplete"),
            ("nats://h:99999", "incomplete"),
            ("nats://:7222", "incomplete"),
            ("nats://::1:7222", "incomplete"),
            ("h", "incomplete"),
            ("", "incomplete"),
        ] {
            assert_eq!(shown(text), wanted, "{text}");
        }
    }

    #[test]
    fn messages_leave_credentials_out() {
        for (text, wanted) in [
            ("nats://h:1", "nats://h:1"),
            ("nats://u:p@h:1", "nats://[REDACTED]@h:1"),
            ("u:p@x@h", "[REDACTED]@h"),
        ] {
            assert_eq!(redacted(text), wanted);
        }
    }
}
