//! What the certificate of a dialled server must be for. Not here: handshakes.

use alloc::string::{String, ToString};
use core::net::IpAddr;

/// The host name that the servers of one group (a remote cluster, the own one) share in their
/// certificates: gossip tells of servers by address only, which certificates seldom name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerNames {
    saved: Option<String>,
}

impl ServerNames {
    /// Hears of a server at `host`. The first host name that is heard is saved.
    pub fn learn(&mut self, host: &str) {
        if self.saved.is_none() && !is_address(host) {
            self.saved = Some(host.to_string());
        }
    }

    /// The name to dial `host` by: itself, or for an address the saved name.
    pub fn name_for(&self, host: &str) -> String {
        let saved = self.saved.as_ref().filter(|_| is_address(host));
        saved.map_or_else(|| host.to_string(), Clone::clone)
    }

    /// A server that was dialled by `name` has a certificate for another one. The saved name is forgotten
    /// if it was that: the next one that is heard may be better.
    pub fn mismatch(&mut self, name: &str) {
        if self.saved.as_deref() == Some(name) {
            self.saved = None;
        }
    }
}

fn is_address(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::ServerNames;

    #[test]
    fn the_first_name_stands_for_addresses_until_it_is_wrong() {
        let mut names = ServerNames::default();
        assert_eq!(names.name_for("10.0.0.1"), "10.0.0.1");
        for host in ["10.0.0.1", "::1", "a.example.com", "b.example.com"] {
            names.learn(host);
        }
        assert_eq!(names.name_for("10.0.0.1"), "a.example.com");
        assert_eq!(names.name_for("::1"), "a.example.com");
        assert_eq!(names.name_for("b.example.com"), "b.example.com");
        names.mismatch("b.example.com");
        assert_eq!(names.name_for("10.0.0.1"), "a.example.com");
        names.mismatch("a.example.com");
        assert_eq!(names.name_for("10.0.0.1"), "10.0.0.1");
        names.learn("b.example.com");
        assert_eq!(names.name_for("10.0.0.1"), "b.example.com");
    }
}
