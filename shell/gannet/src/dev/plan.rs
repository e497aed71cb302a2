//! Which servers `gannet dev` starts, on which ports, with which options.

use std::net::{Ipv4Addr, SocketAddr};

use gannet_config::{GatewayOptions, GatewayUrl, MonitoringOptions, Options, Port, RemoteGateway};
use gannet_rt::Rt;

use crate::flags::DevOptions;

/// The address of everything: nobody else is to reach an experiment.
pub(super) const HOST: &str = "127.0.0.1";
/// From the first port of clients to the first of gateways and of monitoring: as 4222, 7222 and 8222
/// lie, which are usual for the three.
const GATEWAYS_ABOVE: u16 = 3000;
const MONITORING_ABOVE: u16 = 4000;

/// One server of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Site {
    pub(super) cluster: String,
    pub(super) server: String,
    pub(super) client: u16,
    pub(super) gateway: u16,
    pub(super) monitoring: Option<u16>,
}

/// All servers of the super-cluster.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) sites: Vec<Site>,
}

impl Plan {
    /// Gives every server its name and ports.
    pub(super) async fn make(rt: &Rt, options: &DevOptions) -> Result<Plan, String> {
        let clusters = usize::from(options.clusters);
        let ports = match options.base_port {
            Some(base) => ports_from(base, options.clusters),
            None => free_ports(rt, clusters).await?,
        };
        let sites = ports
            .into_iter()
            .enumerate()
            .map(|(at, [client, gateway, monitoring])| {
                let cluster = cluster_name(at);
                Site {
                    server: format!("{cluster}-1"),
                    cluster,
                    client,
                    gateway,
                    monitoring: Some(monitoring).filter(|_| !options.no_monitor),
                }
            });
        Ok(Plan {
            sites: sites.collect(),
        })
    }

    /// The options of one server.
    pub(super) fn options(&self, site: &Site) -> Options {
        let remotes = self.sites.iter().map(|other| RemoteGateway {
            name: other.cluster.clone(),
            urls: vec![GatewayUrl {
                scheme: "nats".into(),
                user: None,
                password: None,
                host: HOST.into(),
                port: other.gateway,
            }],
            tls: None,
        });
        Options {
            server_name: Some(site.server.clone()),
            host: HOST.into(),
            port: Port::At(site.client),
            monitoring: MonitoringOptions {
                port: site.monitoring.map(Port::At),
                ..MonitoringOptions::default()
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

/// A, B, … Z, AA, AB, …
fn cluster_name(at: usize) -> String {
    let letter = |n: usize| char::from(b'A' + u8::try_from(n % 26).unwrap_or_default());
    match at / 26 {
        0 => letter(at).to_string(),
        more => format!("{}{}", letter(more - 1), letter(at)),
    }
}

/// For clients, gateways and monitoring of each cluster. The flag's bounds keep them below 65536.
fn ports_from(base: u16, clusters: u16) -> Vec<[u16; 3]> {
    let of = |at| {
        [
            base + at,
            base + GATEWAYS_ABOVE + at,
            base + MONITORING_ABOVE + at,
        ]
    };
    (0..clusters).map(of).collect()
}

/// Ports that nobody uses now. They are all held until the last one is found, so that none is named twice.
async fn free_ports(rt: &Rt, clusters: usize) -> Result<Vec<[u16; 3]>, String> {
    let mut held = Vec::new();
    let mut found = Vec::new();
    for _ in 0..clusters {
        let mut ports = [0; 3];
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
            [[4222, 7222, 8222], [4223, 7223, 8223]]
        );
        let highest = ports_from(61_000, 64);
        assert_eq!(highest[63], [61_063, 64_063, 65_063]);
    }

    #[test]
    fn every_server_knows_all_clusters_and_its_options_are_valid() {
        let site = |cluster: &str, client| Site {
            cluster: cluster.into(),
            server: format!("{cluster}-1"),
            client,
            gateway: client + 3000,
            monitoring: None,
        };
        let plan = Plan {
            sites: vec![site("A", 4222), site("B", 4223)],
        };
        for site in &plan.sites {
            let options = plan.options(site);
            options.validate().expect("valid");
            let gateway = options.gateway.expect("a gateway");
            let remotes: Vec<(&str, u16)> = gateway
                .remotes
                .iter()
                .map(|r| (r.name.as_str(), r.urls[0].port))
                .collect();
            assert_eq!(remotes, [("A", 7222), ("B", 7223)]);
            assert_eq!(options.monitoring.port, None);
        }
    }
}
