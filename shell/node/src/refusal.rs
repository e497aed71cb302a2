//! Why a listener could not be opened, or an address not be reached, in the words that operators of
//! the reference server know.

use std::io;
use std::net::SocketAddr;

/// The text for the listener called `what`: `client`, `monitor` or another, at `host`:`port`.
pub(crate) fn listen_error(what: &str, host: &str, port: u16, error: &io::Error) -> String {
    refusal(
        what,
        host,
        port,
        &format!(
            "listen tcp {}: bind: {}",
            address(host, port),
            reason(error)
        ),
    )
}

/// The text if `host` is a name that stands for no address.
pub(crate) fn lookup_error(what: &str, host: &str, port: u16, error: &io::Error) -> String {
    refusal(
        what,
        host,
        port,
        &format!("listen tcp: lookup {host}: {}", reason(error)),
    )
}

/// The text if a connection to `at` was refused.
pub(crate) fn dial_error(at: SocketAddr, error: &io::Error) -> String {
    format!("dial tcp {at}: connect: {}", reason(error))
}

/// Why a listener at `at` could not take a connection.
pub(crate) fn accept_error(at: Option<SocketAddr>, error: &io::Error) -> String {
    let at = at.map_or_else(String::new, |at| format!(" {at}"));
    format!("accept tcp{at}: accept4: {}", reason(error))
}

/// The text if `host` is a name that stands for no address to dial.
pub(crate) fn unresolved(host: &str, error: &io::Error) -> String {
    format!("lookup {host}: {}", reason(error))
}

fn refusal(what: &str, host: &str, port: u16, why: &str) -> String {
    match what {
        "client" => format!(
            "Error listening on port: {}, \"{why}\"",
            address(host, port)
        ),
        "monitor" => format!("Can't start monitoring: can't listen to the monitor port: {why}"),
        "profiling" => format!("error starting profiler: {why}"),
        _ => format!("Error listening on {what} port: {port} - {why}"),
    }
}

fn address(host: &str, port: u16) -> String {
    if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// The system's reason: no number behind it, no capital letter in front.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error ").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_the_reference_servers() {
        let taken = io::Error::from_raw_os_error(98);
        let text = |what| listen_error(what, "127.0.0.1", 4222, &taken);
        assert_eq!(
            text("client"),
            "Error listening on port: 127.0.0.1:4222, \"listen tcp 127.0.0.1:4222: bind: address already in use\""
        );
        assert_eq!(
            text("monitor"),
            "Can't start monitoring: can't listen to the monitor port: \
             listen tcp 127.0.0.1:4222: bind: address already in use"
        );
        assert_eq!(
            text("gateway"),
            "Error listening on gateway port: 4222 - listen tcp 127.0.0.1:4222: bind: address already in use"
        );
    }

    #[test]
    fn a_refused_connection_is_told_as_the_reference_does() {
        let refused = io::Error::from_raw_os_error(111);
        let at = SocketAddr::from(([127, 0, 0, 1], 7222));
        let want = "dial tcp 127.0.0.1:7222: connect: connection refused";
        assert_eq!(dial_error(at, &refused), want);
    }

    #[test]
    fn a_failed_accept_is_told_as_the_reference_does() {
        let error = io::Error::from_raw_os_error(24);
        let at = SocketAddr::from(([127, 0, 0, 1], 4222));
        let want = "accept tcp 127.0.0.1:4222: accept4: too many open files";
        assert_eq!(accept_error(Some(at), &error), want);
    }

    #[test]
    fn an_address_of_version_6_has_brackets() {
        let denied = io::Error::from_raw_os_error(13);
        let want =
            "Error listening on gateway port: 1 - listen tcp [::1]:1: bind: permission denied";
        assert_eq!(listen_error("gateway", "::1", 1, &denied), want);
    }
}
