//! Which servers `gannet dev` starts, on which ports, with which options.

use std::net::{Ipv4Addr, SocketAddr};

use gannet_config::{
    ClusterOptions, GatewayOptions, MonitoringOptions, Options, Port, RemoteGateway, ServerUrl,
};
use gannet_rt::Rt;

use crate::flags::DevOptions;

/// The address of everything: nobody else is to reach an experiment.
pub(super) const HOST: &str = "127.0.0.1";
/// From the first port of clients to the first of routes, of gateways and of monitoring: as 4222, 6222, 7222
/// and 8222 lie, which are usual for the four.
const ROUTES_ABOVE: u16 = 2000;
const GATEWAYS_ABOVE: u16 = 3000;
const MONITORING_ABOVE: u16 = 4000;
/// Servers that can have their ports in a row, so that those of different kinds don't meet.
const MOST_IN_A_ROW: usize = 1000;
/// Servers of another cluster that one is told to dial; they tell of the others.
const SEEDS: usize = 3;

/// One server of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Site {
    pub(super) cluster: String,
    pub(super) server: String,
    pub(super) client: u16,
    /// Where other servers of the cluster connect, if there are any.
    pub(super) route: Option<u16>,
    pub(super) gateway: u16,
    pub(super) monitoring: Option<u16>,
}

impl Site {
    /// What it is called where its links are: its cluster's name, if it is alone there.
    pub(super) fn name(&self) -> &str {
        match self.route {
            Some(_) => &self.server,
            None => &self.cluster,
        }
    }
}

/// All servers of the super-cluster.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) sites: Vec<Site>,
}

impl Plan {
    /// Gives every server its name and ports.
    pub(super) async fn make(rt: &Rt, options: &DevOptions) -> Result<Plan, String> {
        let nodes = usize::from(options.nodes);
        let servers = usize::from(options.clusters) * nodes;
        let ports = match options.base_port {
            Some(base) => ports_from(base, servers)?,
            None => free_ports(rt, servers).await?,
        };
        let site = |(at, [client, route, gateway, monitoring]): (usize, [u16; 4])| {
            let cluster = cluster_name(at / nodes);
            Site {
                server: format!("{cluster}-{}", at % nodes + 1),
                cluster,
                client,
                route: Some(route).filter(|_| nodes > 1),
                gateway,
                monitoring: Some(monitoring).filter(|_| !options.no_monitor),
            }
        };
        let sites = ports.into_iter().enumerate().map(site);
        Ok(Plan {
            sites: sites.collect(),
        })
    }

    /// The servers of each cluster.
    fn clusters(&self) -> impl Iterator<Item = &[Site]> {
        self.sites.chunk_by(|one, next| one.cluster == next.cluster)
    }

    /// The options of one server.
    pub(super) fn options(&self, site: &Site) -> Options {
        let remotes = self.clusters().map(|servers| RemoteGateway {
            name: servers[0].cluster.clone(),
            urls: (servers.iter().take(SEEDS))
                .map(|other| url(other.gateway))
                .collect(),
            tls: None,
        });
        // All know one; it tells them of each other.
        let first = self.sites.iter().find(|s| s.cluster == site.cluster);
        let routes = first.and_then(|first| first.route).map(url);
        Options {
            server_name: Some(site.server.clone()),
            host: HOST.into(),
            port: Port::At(site.client),
            monitoring: MonitoringOptions {
                port: site.monitoring.map(Port::At),
                ..MonitoringOptions::default()
            },
            cluster: ClusterOptions {
                host: HOST.into(),
                port: site.route.map(Port::At),
                routes: routes.into_iter().collect(),
                ..ClusterOptions::default()
            },
            gateway: Some(GatewayOptions {
                name: site.cluster.clone(),
                host: HOST.into(),
                port: Some(Port::At(site.gateway)),
                remotes: remotes.collect(),
                ..GatewayOptions::default()
            }),
            ..Options::default()
        }
    }
}

fn url(port: u16) -> ServerUrl {
    ServerUrl {
        scheme: "nats".into(),
        user: None,
        password: None,
        host: HOST.into(),
        port,
    }
}

/// A, B, … Z, AA, AB, …
fn cluster_name(at: usize) -> String {
    let letter = |n: usize| char::from(b'A' + u8::try_from(n % 26).unwrap_or_default());
    match at / 26 {
        0 => letter(at).to_string(),
        more => format!("{}{}", letter(more - 1), letter(at)),
    }
}

/// For clients, routes, gateways and monitoring of each server.
fn ports_from(base: u16, servers: usize) -> Result<Vec<[u16; 4]>, String> {
    let last = usize::from(base) + usize::from(MONITORING_ABOVE) + servers - 1;
    if servers > MOST_IN_A_ROW || last > usize::from(u16::MAX) {
        return Err(format!(
            "{servers} servers have no room for their ports from {base} on"
        ));
    }
    let of =
        |at| [0, ROUTES_ABOVE, GATEWAYS_ABOVE, MONITORING_ABOVE].map(|above| base + above + at);
    Ok((0..).take(servers).map(of).collect())
}

/// Ports that nobody uses now. They are all held until the last one is found, so that none is named twice.
async fn free_ports(rt: &Rt, servers: usize) -> Result<Vec<[u16; 4]>, String> {
    let mut held = Vec::new();
    let mut found = Vec::new();
    for _ in 0..servers {
        let mut ports = [0; 4];
        for port in &mut ports {
            let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let listener = rt
                .listen(any)
                .await
                .map_err(|e| format!("no free port: {e}"))?;
            *port = listener
                .local_addr()
                .map_err(|e| format!("no free port: {e}"))?
                .port();
            held.push(listener);
        }
        found.push(ports);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_are_named_by_letters() {
        let names: Vec<String> = [0, 1, 25, 26, 27, 63]
            .into_iter()
            .map(cluster_name)
            .collect();
        assert_eq!(names, ["A", "B", "Z", "AA", "AB", "BL"]);
    }

    #[test]
    fn ports_follow_the_usual_ones() {
        assert_eq!(
            ports_from(4222, 2),
            Ok(vec![[4222, 6222, 7222, 8222], [4223, 6223, 7223, 8223]])
        );
        let highest = ports_from(61_000, 64).expect("there is room");
        assert_eq!(highest[63], [61_063, 63_063, 64_063, 65_063]);
        for (base, servers) in [(1, 1001), (61_000, 537)] {
            let why = format!("{servers} servers have no room for their ports from {base} on");
            assert_eq!(ports_from(base, servers), Err(why));
        }
        assert!(ports_from(61_000, 536).is_ok());
    }

    #[test]
    fn every_server_knows_all_clusters_and_its_options_are_valid() {
        let site = |cluster: &str, node: u16, client| Site {
            cluster: cluster.into(),
            server: format!("{cluster}-{node}"),
            client,
            route: Some(client + 2000),
            gateway: client + 3000,
            monitoring: None,
        };
        let plan = Plan {
            sites: vec![site("A", 1, 4222), site("A", 2, 4223), site("B", 1, 4224)],
        };
        for site in &plan.sites {
            let options = plan.options(site);
            options.validate().expect("valid");
            let gateway = options.gateway.expect("a gateway");
            let remotes: Vec<(&str, Vec<u16>)> = gateway
                .remotes
                .iter()
                .map(|r| (r.name.as_str(), r.urls.iter().map(|u| u.port).collect()))
                .collect();
            assert_eq!(remotes, [("A", vec![7222, 7223]), ("B", vec![7224])]);
            let seed = if site.cluster == "A" { 6222 } else { 6224 };
            let routes: Vec<u16> = options.cluster.routes.iter().map(|u| u.port).collect();
            assert_eq!(routes, [seed]);
            assert_eq!(options.monitoring.port, None);
        }
    }
}
