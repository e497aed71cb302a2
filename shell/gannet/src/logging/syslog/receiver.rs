//! Who takes syslog messages: found by a URL or on this machine. The texts of errors are the reference server's.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use gannet_config::{quoted, redacted, split_host_port};
use gannet_rt::Rt;
use gannet_rt::outlet::{Destination, Outlet};

use crate::words::reason;

/// How long a connection may take to come about.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);

/// Where this machine's receiver may listen, the likeliest place first.
const PLACES: [&str; 3] = ["/dev/log", "/var/run/syslog", "/var/run/log"];

/// Bytes of the longest message in a datagram; UDP can carry little more.
const LONGEST_DATAGRAM: usize = 60_000;

/// Bytes of the longest message over a connection: one line that takes a quarter of the queue.
const LONGEST_MESSAGE: usize = 1 << 20;

/// One receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Receiver {
    /// This machine's, at one of these places.
    Local(Vec<PathBuf>),
    /// `host:port`, by datagrams.
    Udp(String),
    /// `host:port`, over one connection.
    Tcp(String),
    /// A Unix socket that takes connections.
    Unix(String),
}

impl Receiver {
    /// This machine's.
    pub(super) fn of_this_machine() -> Receiver {
        Receiver::Local(PLACES.map(PathBuf::from).to_vec())
    }

    /// The one at `url`: `udp://host:port`, `tcp://host:port` or `unix:///path`. What else is in it is ignored, as
    /// the reference server does.
    pub(super) fn at(url: &str) -> Result<Receiver, String> {
        let parse_error = |why| format!("parse {}: {why}", quoted(&redacted(url)));
        let (scheme, rest) = match url.split_once(':') {
            Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_ascii_lowercase(), rest),
            Some((first, _)) if !first.contains('/') => {
                return Err(parse_error(
                    "first path segment in URL cannot contain colon",
                ));
            }
            _ => (String::new(), url),
        };
        let rest = rest.split(['?', '#']).next().unwrap_or(rest);
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
            None => ("", rest),
        };
        let address = authority.rsplit_once('@').map_or(authority, |(_, at)| at);
        if let Some((_, port)) = address.rsplit_once(':')
            && !port.ends_with(']')
            && !port.bytes().all(|b| b.is_ascii_digit())
        {
            let why = format!("invalid port {} after host", quoted(&format!(":{port}")));
            return Err(parse_error(&why));
        }
        match scheme.as_str() {
            "udp" => Ok(Receiver::Udp(address.to_string())),
            "tcp" => Ok(Receiver::Tcp(address.to_string())),
            "unix" => Ok(Receiver::Unix(path.to_string())),
            other => Err(format!("error invalid network type: {}", quoted(other))),
        }
    }

    /// Connects to it.
    pub(super) async fn connect(&self, rt: &Rt) -> Result<Outlet, String> {
        match self {
            Receiver::Local(paths) => {
                let kinds = [Destination::UnixDatagram, Destination::UnixStream];
                for kind in kinds {
                    for path in paths {
                        if let Ok(outlet) = Outlet::open(rt, &kind(path.clone())).await {
                            return Ok(outlet);
                        }
                    }
                }
                Err("Unix syslog delivery error".to_string())
            }
            Receiver::Unix(path) => {
                let opened = Outlet::open(rt, &Destination::UnixStream(path.into())).await;
                opened.map_err(|e| format!("dial unix {path}: connect: {}", reason(&e)))
            }
            Receiver::Udp(address) => dial(rt, "udp", address).await,
            Receiver::Tcp(address) => dial(rt, "tcp", address).await,
        }
    }

    /// Whether it is one for this machine alone: it is told neither the year nor the name of the machine.
    pub(super) fn is_near(&self) -> bool {
        matches!(self, Receiver::Local(_) | Receiver::Unix(_))
    }

    /// Bytes of the longest message that it takes.
    pub(super) fn longest(&self) -> usize {
        match self {
            Receiver::Local(_) | Receiver::Udp(_) => LONGEST_DATAGRAM,
            Receiver::Tcp(_) | Receiver::Unix(_) => LONGEST_MESSAGE,
        }
    }

    /// The number of the facility that messages come from, as they carry it: system daemons if they are for this
    /// machine's own receiver, otherwise the kernel, since the reference server does not say.
    pub(super) fn facility(&self) -> u8 {
        match self {
            Receiver::Local(_) => 3 << 3,
            _ => 0,
        }
    }

    /// For people.
    pub(super) fn shown(&self) -> String {
        match self {
            Receiver::Local(_) => "the syslog of this machine".to_string(),
            Receiver::Udp(address) => format!("syslog at udp://{address}"),
            Receiver::Tcp(address) => format!("syslog at tcp://{address}"),
            Receiver::Unix(path) => format!("syslog at unix://{path}"),
        }
    }
}

fn is_scheme(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic())
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

async fn dial(rt: &Rt, network: &str, address: &str) -> Result<Outlet, String> {
    let failed = |why: String| format!("dial {network}: {why}");
    if address.is_empty() {
        return Err(failed("missing address".to_string()));
    }
    let bad = |why| failed(format!("address {address}: {why}"));
    let (host, port) = split_host_port(address).ok_or_else(|| bad("missing port in address"))?;
    let port = port.parse().map_err(|_| bad("invalid port"))?;
    let host = if host.is_empty() { "127.0.0.1" } else { host };
    let unknown = |e: io::Error| failed(format!("lookup {host}: {}", lookup_reason(&e)));
    let addrs = rt.resolve(host, port).await.map_err(unknown)?;
    let mut failure = failed("missing address".to_string());
    for addr in addrs {
        let to = match network {
            "udp" => Destination::Udp(addr),
            _ => Destination::Tcp(addr),
        };
        let why = match rt.timeout(DIAL_TIMEOUT, Outlet::open(rt, &to)).await {
            Ok(Ok(outlet)) => return Ok(outlet),
            Ok(Err(error)) => format!("connect: {}", reason(&error)),
            Err(_) => "i/o timeout".to_string(),
        };
        failure = format!("dial {network} {addr}: {why}");
    }
    Err(failure)
}

/// Why a name has no address, without the words of the C library around it.
fn lookup_reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::TimedOut => "i/o timeout".to_string(),
        _ => "no such host".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_how_and_where_to() {
        for (url, wanted) in [
            ("udp://127.0.0.1:514", Receiver::Udp("127.0.0.1:514".into())),
            ("TCP://logs:601/x?y#z", Receiver::Tcp("logs:601".into())),
            ("udp://[::1]:514", Receiver::Udp("[::1]:514".into())),
            ("udp://me:secret@logs:514", Receiver::Udp("logs:514".into())),
            ("unix:///run/log", Receiver::Unix("/run/log".into())),
            ("unix:/run/log", Receiver::Unix("/run/log".into())),
            ("udp://", Receiver::Udp(String::new())),
        ] {
            assert_eq!(Receiver::at(url), Ok(wanted), "{url}");
        }
    }

    #[test]
    fn what_is_no_such_url_is_refused_in_the_words_of_the_reference() {
        for (url, wanted) in [
            ("http://x", "error invalid network type: \"http\""),
            ("foo", "error invalid network type: \"\""),
            ("udp6://[::1]:514", "error invalid network type: \"udp6\""),
            (
                "127.0.0.1:514",
                "parse \"127.0.0.1:514\": first path segment in URL cannot contain colon",
            ),
            (
                "udp://127.0.0.1:x",
                "parse \"udp://127.0.0.1:x\": invalid port \":x\" after host",
            ),
            (
                "udp://me:secret@127.0.0.1:x",
                "parse \"udp://[REDACTED]@127.0.0.1:x\": invalid port \":x\" after host",
            ),
        ] {
            assert_eq!(Receiver::at(url), Err(wanted.to_string()), "{url}");
        }
    }

    #[test]
    fn why_nobody_can_be_reached_is_said_in_the_words_of_the_reference() {
        let runtime = gannet_rt::Runtime::new(Some(1)).expect("a runtime");
        for (url, wanted) in [
            (
                "tcp://127.0.0.1:1",
                "dial tcp 127.0.0.1:1: connect: connection refused",
            ),
            (
                "udp://127.0.0.1",
                "dial udp: address 127.0.0.1: missing port in address",
            ),
            ("udp://", "dial udp: missing address"),
            (
                "unix:///none",
                "dial unix /none: connect: no such file or directory",
            ),
        ] {
            let receiver = Receiver::at(url).expect("a URL");
            let opened = runtime.block_on(receiver.connect(&runtime.rt()));
            assert_eq!(opened.expect_err(url), wanted);
        }
        let nobody = Receiver::Local(vec!["/none".into()]);
        let opened = runtime.block_on(nobody.connect(&runtime.rt()));
        assert_eq!(opened.expect_err("none"), "Unix syslog delivery error");
    }
}
