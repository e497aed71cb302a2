//! A server of a cluster that is only a script: it dials another server's route port and says exactly what the test
//! tells it to say. It has no pool, so that one connection carries everything.

use crate::server::{Kind, Server};
use crate::wait::eventually;
use crate::wire::Wire;
use serde_json::{Value, json};
use std::net::TcpStream;

/// A scripted server of the cluster `c`, connected to a real one.
#[derive(Debug)]
pub struct RoutePeer {
    /// The connection.
    pub wire: Wire,
    /// INFO of the server.
    pub info: Value,
}

/// A server of the cluster `c` with these lines in its cluster block and these at the top.
pub fn server_of_c(kind: Kind, cluster_lines: &str, lines: &str) -> Server {
    Server::start(
        kind,
        &format!(
            "server_name: s\ndebug: true\n{lines}\ncluster {{\n name: c\n listen: \"{{cluster}}\"\n {cluster_lines}\n}}"
        ),
    )
}

impl RoutePeer {
    /// Dials `server` as `name` with these changes to its INFO, and waits until it is taken in.
    ///
    /// # Panics
    /// When it is not.
    pub fn dial(server: &Server, name: &str, changes: &Value) -> RoutePeer {
        let mut peer = RoutePeer::introduce(server, name, changes);
        peer.wire.send("PING\r\n");
        while peer.wire.line() != "PONG" {}
        peer
    }

    /// Dials `server` as `name` with these changes to its INFO; what the server says then is unread.
    pub fn introduce(server: &Server, name: &str, changes: &Value) -> RoutePeer {
        // The reference listens for routes after it has greeted clients.
        let stream = eventually("the listener for routes", || {
            TcpStream::connect(server.route_address()).map_err(|error| error.to_string())
        });
        let mut wire = Wire::over(stream);
        let info = wire.info();
        let connect = json!({
            "echo": true, "verbose": false, "pedantic": false, "tls_required": false, "headers": true, "name": id(name),
            "cluster": "c", "lnoc": true, "ln": true,
        });
        wire.send(&format!(
            "CONNECT {connect}\r\nINFO {}\r\n",
            own_info(name, changes)
        ));
        RoutePeer { wire, info }
    }

    /// The next line that is about the accounts of users, and is no gossip.
    pub fn line(&mut self) -> String {
        loop {
            let line = self.wire.line_of_users();
            if !line.starts_with("INFO ") {
                return line;
            }
        }
    }

    /// Expects the lines of `pattern` (separated by `\r\n`) to come next in the sense of [`RoutePeer::line`].
    ///
    /// # Panics
    /// When another line comes.
    pub fn expect(&mut self, pattern: &str) {
        for expected in pattern.split("\r\n") {
            let line = self.line();
            self.wire.check(expected, &line);
        }
    }

    /// PING, and nothing but PONG comes back, save for what [`RoutePeer::line`] skips.
    pub fn fence(&mut self) {
        self.wire.send("PING\r\n");
        self.expect("PONG");
    }

    /// Says `text`, whose lines end in CRLF, and waits until it is taken in.
    pub fn say(&mut self, text: &str) {
        self.wire.send(text);
        self.fence();
    }

    /// The next INFO that is gossip about another server or cluster: with a field `field` of this value.
    pub fn gossip(&mut self, field: &str, value: &str) -> Value {
        loop {
            let line = self.wire.line();
            let info = line.strip_prefix("INFO ");
            let info: Value = info
                .and_then(|text| serde_json::from_str(text).ok())
                .unwrap_or_default();
            if info[field] == value {
                return info;
            }
        }
    }
}

/// The server id of the scripted server `name`: 56 characters that start with N, as the real ones.
pub fn id(name: &str) -> String {
    format!("{:A<56}", format!("NSCRIPT{name}"))
}

fn own_info(name: &str, changes: &Value) -> Value {
    let mut info = json!({
        "server_id": id(name), "server_name": name, "version": "2.15.1", "proto": 3, "go": "", "host": "127.0.0.1", "port": 1,
        "headers": true, "max_payload": 1_048_576, "cluster": "c", "compression": "off", "lnoc": true, "lnocu": true, "ln": true,
    });
    crate::gateway_peer::merge(&mut info, changes);
    info
}
