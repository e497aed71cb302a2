//! `host:port` in its spellings.

use alloc::format;
use alloc::string::{String, ToString};

/// Host and port of `host:port`, `[::1]:port` or `:port`; `None` where the reference cannot parse
/// an address either (no port, a bare IPv6 address, stray brackets). The port is not looked at.
pub fn split_host_port(text: &str) -> Option<(&str, &str)> {
    let colon = text.rfind(':')?;
    if let Some(inner) = text.strip_prefix('[') {
        let end = inner.find(']')?;
        if end + 2 != colon {
            return None;
        }
        let (host, port) = (&inner[..end], &text[colon + 1..]);
        let stray = host.contains('[') || port.contains(['[', ']']);
        return (!stray).then_some((host, port));
    }
    let (host, port) = (&text[..colon], &text[colon + 1..]);
    let stray = host.contains([':', '[', ']']) || port.contains(['[', ']']);
    (!stray).then_some((host, port))
}

/// `host:port`, an IPv6 address in brackets.
pub(crate) fn join_host_port(host: &str, port: &str) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}

/// The host and port to tell others for an `advertise` option: `host[:port]`, where a missing port,
/// 0 and -1 mean `own`, the port that the server listens on.
pub fn advertised(text: &str, own: u16) -> Result<(String, u16), String> {
    if text.is_empty() {
        return Err("no hostport specified".to_string());
    }
    let bad = || {
        let colons = text.matches(':').count() > 1 && !text.starts_with('[');
        let what = if colons {
            "too many colons in address"
        } else {
            "invalid host or port"
        };
        format!("address {text}: {what}")
    };
    let with_port;
    let (host, port) = match split_host_port(text) {
        Some(pair) => pair,
        None => {
            with_port = format!("{text}:{own}");
            split_host_port(&with_port).ok_or_else(bad)?
        }
    };
    let port = match port.trim() {
        "0" | "-1" => own,
        port => port.parse().map_err(|_| bad())?,
    };
    Ok((host.trim().to_string(), port))
}

#[cfg(test)]
mod tests {
    use super::{advertised, split_host_port};
    use std::string::ToString;

    #[test]
    fn addresses_split_where_the_reference_splits_them() {
        for (text, wanted) in [
            ("a:1", Some(("a", "1"))),
            (":1", Some(("", "1"))),
            ("a:", Some(("a", ""))),
            ("[::1]:4222", Some(("::1", "4222"))),
            ("[]:1", Some(("", "1"))),
            ("a", None),
            ("::1:4222", None),
            ("[::1]", None),
            ("[::1]x:1", None),
            ("a]:1", None),
            ("a:[1", None),
            ("[[::1]:1", None),
        ] {
            assert_eq!(split_host_port(text), wanted, "{text}");
        }
    }

    #[test]
    fn an_advertised_address_takes_the_listen_port_unless_it_names_one() {
        for (text, wanted) in [
            ("a", Ok(("a", 7))),
            ("a:9", Ok(("a", 9))),
            ("a:-1", Ok(("a", 7))),
            ("[::1]", Ok(("::1", 7))),
            (" a :0", Ok(("a", 7))),
            ("", Err("no hostport specified")),
            ("a:b:c", Err("address a:b:c: too many colons in address")),
            ("a:99999", Err("address a:99999: invalid host or port")),
        ] {
            let wanted = wanted
                .map(|(h, p)| (h.to_string(), p))
                .map_err(|e| e.to_string());
            assert_eq!(advertised(text, 7), wanted, "{text}");
        }
    }
}
