//! The usual stage of gateway tests: one server, cluster A, and around it scripted clusters B, C, …, each linked to it
//! both ways, and a client of the server.

use crate::gateway_peer::short_hash;
use crate::{GatewayPeer, Kind, ScriptedGateway, Server, Wire, supercluster};
use serde_json::{Value, json};

/// Configuration of the server in the middle.
pub const A: &str = "server_name: A1\ndebug: true\ngateway { name: A, listen: \"{gateway}\" }";

/// Configuration of A with a configured remote B at `script`.
pub fn with_remote(script: &ScriptedGateway, gateway_lines: &str, lines: &str) -> String {
    format!(
        "server_name: A1\ndebug: true\n{lines}\ngateway {{ name: A, listen: \"{{gateway}}\", {gateway_lines}\n gateways: [{{name: B, url: \"nats://{}\"}}] }}",
        script.address()
    )
}

/// A scripted cluster and its links with the server.
#[derive(Debug)]
pub struct Neighbour {
    /// What it says and where it listens.
    pub script: ScriptedGateway,
    /// The link it dialled: there the server announces its interest and takes messages.
    pub inbound: GatewayPeer,
    /// The link the server dialled: there it sends messages and takes interest.
    pub outbound: GatewayPeer,
}

impl Neighbour {
    /// The cluster `name`, linked with `server`, of which nothing has been said yet.
    pub fn new(name: &str, server: &Server) -> Neighbour {
        Neighbour::that_says(name, server, &Value::Null)
    }

    /// [`Neighbour::new`] with changes to its INFO.
    pub fn that_says(name: &str, server: &Server, info: &Value) -> Neighbour {
        let script = ScriptedGateway::new(name);
        let inbound = script.dial_as(server, &Value::Null, info);
        let outbound = script.accept_as(info);
        Neighbour {
            script,
            inbound,
            outbound,
        }
    }

    /// Tells the server about this cluster's interest in `$G`: lines `RS+ …`.
    pub fn announce(&mut self, interest: &[&str]) {
        self.outbound.announce(&self.script, "$G", interest);
    }

    /// `reply` as a server of this cluster sends it when the answer must find its way back by itself.
    pub fn routed(&self, reply: &str) -> String {
        let (cluster, server) = (
            short_hash(self.script.name()),
            short_hash(&self.script.server_id()),
        );
        format!("_GR_.{cluster}.{server}.{reply}")
    }
}

/// A server and around it one cluster for each entry of `interests`, which has announced that interest (nothing at
/// all if there is none), and a client of the server that takes headers.
pub fn linked<const N: usize>(
    kind: Kind,
    interests: [&[&str]; N],
) -> (Server, [Neighbour; N], Wire) {
    let server = Server::start(kind, A);
    let neighbours = std::array::from_fn(|at| {
        let mut neighbour = Neighbour::new(&supercluster::name(at + 1), &server);
        if !interests[at].is_empty() {
            neighbour.announce(interests[at]);
        }
        neighbour
    });
    server.await_links(N, N);
    let local = client(&server);
    (server, neighbours, local)
}

/// A server, cluster B with these changes to its INFO, of which nothing else has been said yet, and a client of the
/// server.
pub fn linked_as(kind: Kind, info: &Value) -> (Server, Neighbour, Wire) {
    let server = Server::start(kind, A);
    let neighbour = Neighbour::that_says("B", &server, info);
    server.await_links(1, 1);
    let local = client(&server);
    (server, neighbour, local)
}

/// A client that takes headers and is told when nobody responds.
pub fn client(server: &Server) -> Wire {
    Wire::client_with(server, &json!({"headers": true, "no_responders": true}))
}
