//! A cluster that is only a script: it can dial a server's gateway port and be dialled, and says exactly what
//! the test tells it to say.

use crate::server::Server;
use crate::wait::eventually;
use crate::wire::Wire;
use rustix::net::{self, AddressFamily, SocketType};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

/// The scripted cluster with its listener.
#[derive(Debug)]
pub struct ScriptedGateway {
    name: String,
    listener: TcpListener,
}

/// One link of a scripted cluster after the greeting.
#[derive(Debug)]
pub struct GatewayPeer {
    /// The connection.
    pub wire: Wire,
    /// INFO of the server.
    pub info: Value,
    /// CONNECT of the server; null on links that the script dialled.
    pub connect: Value,
}

impl ScriptedGateway {
    /// A scripted cluster `name` that listens on a free port.
    ///
    /// # Panics
    /// When no port can be had.
    pub fn new(name: &str) -> ScriptedGateway {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
        listener
            .set_nonblocking(true)
            .expect("a listener takes options");
        ScriptedGateway {
            name: name.to_owned(),
            listener,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        self.listener
            .local_addr()
            .expect("a listener has an address")
            .to_string()
    }

    /// Its server id: 56 characters that start with N, as the real ones.
    pub fn server_id(&self) -> String {
        format!("{:A<56}", format!("NSCRIPT{}", self.name))
    }

    /// INFO as a current server would send it, with `changes` laid over it.
    pub fn info(&self, changes: &Value) -> Value {
        let mut info = json!({
            "server_id": self.server_id(), "server_name": format!("{}-script", self.name), "version": "2.15.1", "proto": 3,
            "go": "", "host": "127.0.0.1", "port": 0, "headers": true, "max_payload": 1_048_576, "gateway": self.name,
            "gateway_url": self.address(), "gateway_urls": [self.address()], "gateway_nrp": true, "gateway_iom": true,
        });
        merge(&mut info, changes);
        info
    }

    /// CONNECT as a current server would send it, with `changes` laid over it.
    pub fn connect(&self, changes: &Value) -> Value {
        let mut connect = json!({
            "echo": false, "verbose": false, "pedantic": false, "tls_required": false, "headers": false,
            "name": self.server_id(), "cluster": "", "gateway": self.name,
        });
        merge(&mut connect, changes);
        connect
    }

    /// The INFO with which an acceptor opens (2) or closes (3) the list of all subscriptions of an account.
    pub fn switch_command(&self, command: u8, account: &str) -> Value {
        json!({"gateway": self.name, "gateway_cmd": command, "gateway_cmd_payload": data_encoding::BASE64.encode(account.as_bytes())})
    }

    /// Both links with `server`: the script dials (and hears the interest of the server), the server dials back
    /// (and sends messages there).
    pub fn link(&self, server: &Server) -> (GatewayPeer, GatewayPeer) {
        let inbound = self.dial(server);
        let outbound = self.accept();
        (inbound, outbound)
    }

    /// Dials `server` and greets it; what the server says afterwards is unread.
    pub fn dial(&self, server: &Server) -> GatewayPeer {
        self.dial_as(server, &json!({}), &json!({}))
    }

    /// [`ScriptedGateway::dial`] with changes to CONNECT and INFO.
    pub fn dial_as(&self, server: &Server, connect: &Value, info: &Value) -> GatewayPeer {
        let mut wire = Wire::open(&server.gateway_address());
        let heard = wire.info();
        wire.send(&format!(
            "CONNECT {}\r\nINFO {}\r\n",
            self.connect(connect),
            self.info(info)
        ));
        GatewayPeer {
            wire,
            info: heard,
            connect: Value::Null,
        }
    }

    /// Waits for the server to dial, without a word.
    pub fn accept_silently(&self) -> Wire {
        let stream = eventually(
            &format!("scripted gateway {} to be dialled", self.name),
            || {
                self.listener
                    .accept()
                    .map(|(stream, _)| stream)
                    .map_err(|error| error.to_string())
            },
        );
        Wire::over(blocking(stream))
    }

    /// Whether nobody has dialled since the last connection that was accepted.
    pub fn is_left_alone(&self) -> bool {
        self.listener.accept().is_err()
    }

    /// Waits for the server to dial and greets it: INFO out, CONNECT and INFO in.
    pub fn accept(&self) -> GatewayPeer {
        self.accept_as(&json!({}))
    }

    /// [`ScriptedGateway::accept`] with changes to INFO.
    pub fn accept_as(&self, info: &Value) -> GatewayPeer {
        let mut wire = self.accept_silently();
        wire.send(&format!("INFO {}\r\n", self.info(info)));
        let connect = wire.json("CONNECT");
        let info = wire.info();
        GatewayPeer {
            wire,
            info,
            connect,
        }
    }
}

/// An address at which connections are neither accepted nor refused, as when a host is down.
#[derive(Debug)]
pub struct Unanswering {
    listener: OwnedFd,
    /// They fill the listener's queue, so that the operating system ignores what comes next.
    _queued: Vec<TcpStream>,
}

impl Unanswering {
    /// An unanswering address on loopback.
    ///
    /// # Panics
    /// When no port can be had.
    #[expect(
        clippy::new_without_default,
        reason = "a default value should not take a port"
    )]
    pub fn new() -> Unanswering {
        let listener = net::socket(AddressFamily::INET, SocketType::STREAM, None)
            .expect("a socket can be made");
        net::bind(&listener, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))
            .expect("a free port on loopback");
        net::listen(&listener, 0).expect("a bound socket can listen");
        let address = name_of(&listener);
        let mut queued = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
            queued.push(stream);
        }
        Unanswering {
            listener,
            _queued: queued,
        }
    }

    /// Where it is.
    pub fn address(&self) -> String {
        name_of(&self.listener).to_string()
    }
}

fn name_of(socket: &OwnedFd) -> SocketAddr {
    net::getsockname(socket)
        .ok()
        .and_then(|name| SocketAddr::try_from(name).ok())
        .expect("a bound socket has an address")
}

impl GatewayPeer {
    /// The next line that is about the accounts of users: what is said about the system account is skipped, since
    /// how much a server subscribes to there is its own business.
    pub fn line(&mut self) -> String {
        let system = data_encoding::BASE64.encode(b"$SYS");
        let about_system = format!("\"gateway_cmd_payload\":\"{system}\"");
        loop {
            let line = self.wire.line_of_users();
            if !line.contains(&about_system) {
                return line;
            }
        }
    }

    /// Expects the lines of `pattern` (separated by `\r\n`) to come next in the sense of [`GatewayPeer::line`].
    ///
    /// # Panics
    /// When another line comes.
    pub fn expect(&mut self, pattern: &str) {
        for expected in pattern.split("\r\n") {
            let line = self.line();
            self.wire.check(expected, &line);
        }
    }

    /// Expects an INFO with the command `command` for `account`.
    ///
    /// # Panics
    /// When another line comes.
    pub fn expect_switch(&mut self, command: u8, account: &str) {
        let line = self.line();
        let info: Value = line
            .strip_prefix("INFO ")
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        let payload = data_encoding::BASE64.encode(account.as_bytes());
        assert!(
            info["gateway_cmd"] == command && info["gateway_cmd_payload"] == payload,
            "expected command {command} for {account} ({payload}), heard {line:?}\n{}",
            self.wire.story()
        );
    }

    /// Reads through what an acceptor says about `$G`: queue subscriptions, start, plain subscriptions, end; returns
    /// the subscriptions of both kinds, sorted.
    pub fn read_initial_interest(&mut self) -> Vec<String> {
        let mut heard = Vec::new();
        loop {
            let line = self.line();
            if line.starts_with("INFO ") {
                if line.contains("\"gateway_cmd\":3") {
                    heard.sort();
                    return heard;
                }
            } else {
                heard.push(line);
            }
        }
    }

    /// PING, and nothing but PONG comes back, save for what [`GatewayPeer::line`] skips.
    pub fn fence(&mut self) {
        self.wire.send("PING\r\n");
        self.expect("PONG");
    }

    /// Tells the server about the interest of this cluster in `account`, in the way of an acceptor: the start
    /// command, `interest` (lines `RS+ …`), the end command; and waits until it is taken in.
    pub fn announce(&mut self, gateway: &ScriptedGateway, account: &str, interest: &[&str]) {
        self.wire
            .send(&format!("INFO {}\r\n", gateway.switch_command(2, account)));
        for line in interest {
            self.wire.send(&format!("{line}\r\n"));
        }
        self.wire
            .send(&format!("INFO {}\r\n", gateway.switch_command(3, account)));
        self.fence();
    }
}

/// The six characters that stand for a cluster or server name in routed replies.
pub fn short_hash(name: &str) -> String {
    use sha2::{Digest, Sha256};
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    Sha256::digest(name)
        .iter()
        .take(6)
        .map(|&byte| char::from(DIGITS[usize::from(byte) % 62]))
        .collect()
}

fn blocking(stream: TcpStream) -> TcpStream {
    stream
        .set_nonblocking(false)
        .expect("an open socket takes options");
    stream
}

/// Lays `changes` over `base`; null takes a field away.
pub(crate) fn merge(base: &mut Value, changes: &Value) {
    if let (Some(base), Some(changes)) = (base.as_object_mut(), changes.as_object()) {
        for (key, value) in changes {
            if value.is_null() {
                base.remove(key);
            } else {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}
