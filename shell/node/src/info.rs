//! The INFO that clients get: the server's part, made once, and the connection's part.

use std::net::SocketAddr;

use gannet_units::ConnId;
use gannet_wire::client::ClientInfo;

use crate::shared::Shared;

/// The version of the reference server that clients and tools may count on.
pub(crate) const COMPATIBLE_VERSION: &str = "2.15.1";
/// Our own version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that this was built from, in short, if whoever built it has said so (`GANNET_GIT_COMMIT`).
pub(crate) fn git_commit() -> Option<&'static str> {
    short(option_env!("GANNET_GIT_COMMIT")?)
}

/// The first seven digits of a commit's name.
fn short(commit: &str) -> Option<&str> {
    commit.get(..7).or((!commit.is_empty()).then_some(commit))
}

/// The INFO for one connection.
pub(crate) fn client_info(shared: &Shared, id: ConnId, addr: SocketAddr) -> ClientInfo {
    let options = shared.options();
    let limits = &options.limits;
    let (host, port) = shared.advertised_client_address();
    ClientInfo {
        server_id: shared.id.clone(),
        server_name: shared.name.clone(),
        version: COMPATIBLE_VERSION.into(),
        proto: 1,
        git_commit: git_commit().unwrap_or_default().into(),
        host,
        port,
        headers: !limits.no_headers,
        auth_required: shared.auth().required(),
        tls_required: options.tls.is_some() && !options.allow_non_tls,
        tls_verify: options.tls.as_ref().is_some_and(|tls| tls.verify),
        tls_available: options.tls.is_some() && options.allow_non_tls,
        max_payload: shared.max_payload() as u64,
        client_id: id.0,
        client_ip: addr.ip().to_string(),
        cluster: shared.face.cluster(),
        connect_urls: shared.face.connect_urls(),
        ldm: shared.is_lame_duck(),
        gannet: VERSION.into(),
        ..ClientInfo::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_shown_in_seven_digits() {
        let cases = [
            ("b2fd3ef1c0ffee", Some("b2fd3ef")),
            ("b2fd3ef", Some("b2fd3ef")),
            ("b2f", Some("b2f")),
            ("", None),
        ];
        for (commit, shown) in cases {
            assert_eq!(short(commit), shown, "{commit}");
        }
    }
}
