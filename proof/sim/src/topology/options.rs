//! What each server of a topology is configured to do.
//!
//! Not here: the topology itself.

use gannet_config::{
    AuthOptions, ClusterOptions, CompressionOptions, GatewayOptions, Limits, LoggingOptions,
    MonitoringOptions, Options, Port, RemoteGateway, Secret, ServerUrl, User,
};

use super::{
    CLIENT_PORT, CLIENTS, GATEWAY_PORT, MONITOR_PORT, PASSWORD, ROUTE_PORT, Topology, cluster_name,
    server_name, user_name,
};

/// Where a server listens for other servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ports {
    pub(crate) routes: u16,
    pub(crate) gateways: u16,
}

impl Ports {
    /// Where a server is after so many moves.
    pub(crate) fn after(moves: u16) -> Ports {
        Ports {
            routes: ROUTE_PORT + moves,
            gateways: GATEWAY_PORT + moves,
        }
    }

    /// The server listens there from its next start on.
    pub(crate) fn set(self, options: &mut Options) {
        if let Some(port) = &mut options.cluster.port {
            *port = Port::At(self.routes);
        }
        if let Some(gateway) = &mut options.gateway {
            gateway.port = Some(Port::At(self.gateways));
        }
    }
}

impl Topology {
    /// The options of one server; `address` tells that of a server, `silent` that of the silent listener.
    pub(crate) fn options(
        &self,
        server: usize,
        address: impl Fn(usize) -> String,
        silent: Option<&str>,
    ) -> Options {
        let host = if self.unspecified {
            "0.0.0.0".to_owned()
        } else {
            address(server)
        };
        let limits = Limits {
            ping_interval: self.ping_interval,
            ping_max: self.ping_max,
            write_deadline: self.write_deadline,
            max_pending: self.max_pending,
            no_fast_producer_stall: self.no_stall,
            ..Limits::default()
        };
        let cluster = match self.has_routes() {
            true => self.cluster(server, &host, &address),
            false => ClusterOptions::default(),
        };
        let mut options = Options {
            server_name: Some(server_name(server)),
            host: host.clone(),
            port: Port::At(CLIENT_PORT),
            limits,
            auth: self.auth(),
            logging: LoggingOptions {
                time: false,
                time_utc: true,
                ..LoggingOptions::default()
            },
            monitoring: MonitoringOptions {
                port: Some(Port::At(MONITOR_PORT)),
                ..MonitoringOptions::default()
            },
            cluster,
            gateway: (self.clusters() > 1).then(|| self.gateway(server, host, address, silent)),
            ..Options::default()
        };
        self.encrypted.set(&mut options);
        options
    }

    /// Who may connect.
    fn auth(&self) -> AuthOptions {
        let user = |number| User {
            name: user_name(number),
            password: Secret::new(PASSWORD),
            ..User::default()
        };
        AuthOptions {
            users: self
                .users
                .then(|| (0..self.user_count()).map(user).collect()),
            ..AuthOptions::default()
        }
    }

    /// Where the others of the cluster are, and what is spoken with them.
    fn cluster(
        &self,
        server: usize,
        host: &str,
        address: &impl Fn(usize) -> String,
    ) -> ClusterOptions {
        let (members, routing) = (self.neighbours(server), &self.routing[server]);
        let listed = self
            .routes
            .listed(server - members.start, members.len())
            .into_iter();
        let pinned = self.pinned && routing.pool.is_some();
        ClusterOptions {
            name: (!self.is_dynamic()).then(|| cluster_name(self.cluster_of[server])),
            host: host.to_owned(),
            port: Some(Port::At(ROUTE_PORT)),
            routes: listed
                .map(|place| url(&address(members.start + place), ROUTE_PORT))
                .collect(),
            no_advertise: self.no_advertise,
            // As for gateways below.
            connect_retries: u32::MAX,
            pool_size: routing.pool,
            accounts: pinned.then(|| CLIENTS.to_owned()).into_iter().collect(),
            compression: CompressionOptions {
                mode: routing.compression.to_owned(),
                rtt_thresholds: Vec::new(),
            },
            ..ClusterOptions::default()
        }
    }

    /// Where other clusters are.
    fn gateway(
        &self,
        server: usize,
        host: String,
        address: impl Fn(usize) -> String,
        silent: Option<&str>,
    ) -> GatewayOptions {
        let own = self.cluster_of[server];
        let remote = |cluster: usize| {
            let listed = if self.one_url { 1 } else { usize::MAX };
            let known = self.members(cluster).take(listed).map(&address);
            let silent = silent.filter(|_| cluster != own).map(str::to_owned);
            RemoteGateway {
                name: cluster_name(cluster),
                urls: silent
                    .into_iter()
                    .chain(known)
                    .map(|host| url(&host, GATEWAY_PORT))
                    .collect(),
                tls: None,
            }
        };
        let listed = self.remotes.listed(own, self.clusters());
        GatewayOptions {
            name: cluster_name(own),
            host,
            port: Some(Port::At(GATEWAY_PORT)),
            // What is only heard of may be given up by configuration; here it must not be, so that the
            // mesh can be demanded back after any fault.
            connect_retries: u32::MAX,
            reject_unknown: self.reject_unknown && self.remotes == super::Remotes::Full,
            remotes: listed.into_iter().map(remote).collect(),
            ..GatewayOptions::default()
        }
    }
}

fn url(host: &str, port: u16) -> ServerUrl {
    ServerUrl {
        scheme: "nats".into(),
        user: None,
        password: None,
        host: host.to_owned(),
        port,
    }
}
