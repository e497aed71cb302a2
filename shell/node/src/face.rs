//! What clients are told of the cluster: its name, and where its servers are. It changes with the
//! routes. Not here: the INFO itself (`info`).

use parking_lot::Mutex;

/// What clients are told of the cluster.
#[derive(Debug, Default)]
pub(crate) struct Face(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    cluster: String,
    /// Where clients of this server connect.
    own: Vec<String>,
    /// Where clients of the cluster's other servers connect.
    peers: Vec<String>,
    /// There have been other servers: before, clients are told no addresses.
    is_told: bool,
}

impl Face {
    /// A server that calls its cluster so; nothing if it has none.
    pub(crate) fn new(cluster: String) -> Face {
        Face(Mutex::new(Told {
            cluster,
            ..Told::default()
        }))
    }

    /// Name of the cluster; empty if there is none.
    pub(crate) fn cluster(&self) -> String {
        self.0.lock().cluster.clone()
    }

    /// The cluster has another name.
    pub(crate) fn set_cluster(&self, name: &str) {
        name.clone_into(&mut self.0.lock().cluster);
    }

    /// Clients of this server connect here from now on; an empty list if they shall not any more.
    pub(crate) fn set_own_urls(&self, urls: Vec<String>) {
        self.0.lock().own = urls;
    }

    /// Clients of the other servers connect here from now on.
    pub(crate) fn set_peer_urls(&self, urls: Vec<String>) {
        let mut told = self.0.lock();
        told.peers = urls;
        told.is_told = true;
    }

    /// The addresses to tell clients: this server's come first.
    pub(crate) fn connect_urls(&self) -> Vec<String> {
        let told = self.0.lock();
        if told.is_told {
            told.own.iter().chain(&told.peers).cloned().collect()
        } else {
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_as_soon_as_there_has_been_another_server() {
        let face = Face::new("c".into());
        face.set_own_urls(vec!["own:1".into()]);
        assert_eq!(face.connect_urls(), [""; 0]);
        face.set_peer_urls(vec!["other:1".into()]);
        assert_eq!(face.connect_urls(), ["own:1", "other:1"]);
        face.set_own_urls(Vec::new());
        assert_eq!(face.connect_urls(), ["other:1"]);
        face.set_peer_urls(Vec::new());
        face.set_own_urls(vec!["own:1".into()]);
        assert_eq!(face.connect_urls(), ["own:1"]);
    }
}
