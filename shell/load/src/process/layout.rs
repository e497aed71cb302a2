//! Which servers a scenario needs, and their configuration: one server, or two that are joined by gateways.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::Server;
use crate::error::LoadError;
use crate::link::Link;
use crate::report::Progress;

/// How often a start is tried again with other ports, should another process have taken one meanwhile.
const ATTEMPTS: usize = 3;
/// Between two probes of a link that is coming up.
const PROBE_EVERY: Duration = Duration::from_millis(20);

/// The servers of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// One server without configuration.
    Single,
    /// Two clusters of one server each, joined by gateways: publishers on the first, receivers on the second.
    Gateways,
}

/// Starts servers of one binary.
#[derive(Debug)]
pub(crate) struct Launcher<'a> {
    /// The server's binary.
    pub(crate) binary: &'a Path,
    /// Where to show progress.
    pub(crate) progress: &'a Progress,
    /// How long a server may take to start, or a link to come up.
    pub(crate) patience: Duration,
}

/// The servers of one run, and the directory of their files.
#[derive(Debug)]
pub(crate) struct Servers {
    running: Vec<Server>,
    // Dropped after the servers that write into it.
    _directory: TempDir,
}

impl std::ops::Deref for Servers {
    type Target = [Server];

    fn deref(&self) -> &[Server] {
        &self.running
    }
}

impl Servers {
    /// The server that publishers and requesters use.
    pub(crate) fn near(&self) -> &Server {
        &self.running[0]
    }

    /// The server that receivers and responders use.
    pub(crate) fn far(&self) -> &Server {
        &self.running[self.running.len() - 1]
    }
}

impl Launcher<'_> {
    /// Starts the servers of a layout and waits until clients are greeted.
    pub(crate) fn start(&self, layout: Layout) -> Result<Servers, LoadError> {
        let mut attempt = 1;
        loop {
            match self.try_start(layout) {
                Err(LoadError::Server { .. }) if attempt < ATTEMPTS && self.binary.exists() => {
                    attempt += 1
                }
                outcome => return outcome,
            }
        }
    }

    fn try_start(&self, layout: Layout) -> Result<Servers, LoadError> {
        let directory =
            TempDir::with_prefix("gannet-bench-").map_err(LoadError::io("create a directory"))?;
        let mut running = Vec::new();
        match layout {
            Layout::Single => {
                let [port] = free_ports()?;
                running.push(self.launch(port, None, directory.path().join("server.log"))?);
            }
            Layout::Gateways => {
                let [near, far, near_gateway, far_gateway] = free_ports()?;
                let gateways = [("near", near_gateway), ("far", far_gateway)];
                for (index, port) in [near, far].into_iter().enumerate() {
                    let name = gateways[index].0;
                    let config = directory.path().join(format!("{name}.conf"));
                    fs::write(&config, gateway_config(index, &gateways))
                        .map_err(LoadError::io("write a configuration"))?;
                    running.push(self.launch(
                        port,
                        Some(&config),
                        directory.path().join(format!("{name}.log")),
                    )?);
                }
            }
        }
        let servers = Servers {
            running,
            _directory: directory,
        };
        if layout == Layout::Gateways {
            self.await_interest(servers.near(), servers.far())?;
        }
        Ok(servers)
    }

    fn launch(&self, port: u16, config: Option<&Path>, log: PathBuf) -> Result<Server, LoadError> {
        Server::start(self.binary, port, config, log, self.progress, self.patience)
    }

    /// Waits until a new subscription on `to` receives what is published on `from`. Interest travels in order, so every
    /// subscription that `to` confirmed before this call is then known to `from` too.
    pub(crate) fn await_interest(&self, from: &Server, to: &Server) -> Result<(), LoadError> {
        if from.address == to.address {
            return Ok(());
        }
        let subject = format!("load.probe.{}", crate::run::draw());
        let mut receiver = Link::open(to.address, "probe", self.patience)?;
        receiver.send(format!("SUB {subject} 1\r\n").as_bytes())?;
        receiver.fence()?;
        let mut sender = Link::open(from.address, "probe", self.patience)?;
        let begun = Instant::now();
        loop {
            sender.send(format!("PUB {subject} 0\r\n\r\n").as_bytes())?;
            sender.fence()?;
            if receiver.message_within(PROBE_EVERY)? {
                return Ok(());
            }
            self.progress.check_interrupt()?;
            from.check_alive()?;
            to.check_alive()?;
            if begun.elapsed() > self.patience {
                let missing = format!(
                    "a probe message across the gateway from {} to {}",
                    from.address, to.address
                );
                return Err(LoadError::Stalled {
                    seconds: self.patience.as_secs(),
                    missing,
                });
            }
        }
    }
}

/// Ports that nobody listens on now.
fn free_ports<const N: usize>() -> Result<[u16; N], LoadError> {
    let taken = LoadError::io("find a free port");
    let bind = || -> std::io::Result<[u16; N]> {
        let mut ports = [0; N];
        // All are held until all are known, so that no two are the same.
        let mut held = Vec::new();
        for port in &mut ports {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            *port = listener.local_addr()?.port();
            held.push(listener);
        }
        Ok(ports)
    };
    bind().map_err(taken)
}

fn gateway_config(own: usize, gateways: &[(&str, u16)]) -> String {
    let (name, port) = gateways[own];
    let remotes: String = gateways
        .iter()
        .map(|(name, port)| {
            format!("    {{ name: \"{name}\", url: \"nats://127.0.0.1:{port}\" }}\n")
        })
        .collect();
    format!(
        "server_name: \"{name}-1\"\ngateway {{\n  name: \"{name}\"\n  listen: \"127.0.0.1:{port}\"\n  gateways: [\n{remotes}  ]\n}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_differ() {
        let ports: [u16; 4] = free_ports().unwrap();
        let mut unique = ports.to_vec();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), 4);
    }

    #[test]
    fn each_cluster_knows_both() {
        let config = gateway_config(1, &[("near", 1001), ("far", 1002)]);
        assert_eq!(
            config,
            "server_name: \"far-1\"\ngateway {\n  name: \"far\"\n  listen: \"127.0.0.1:1002\"\n  gateways: [\n    \
             { name: \"near\", url: \"nats://127.0.0.1:1001\" }\n    { name: \"far\", url: \"nats://127.0.0.1:1002\" }\n  ]\n}\n"
        );
    }
}
