//! The flags of the cluster, and what they override.

use clap::Args;

use gannet_config::{
    ClusterOptions, Options, Secret, ServerUrl, parse_url, quoted, redacted, split_host_port,
};

use super::error::FlagError;
use super::server::{as_port, go_bool, go_integer, non_empty, override_text, secret};

/// The flags of the cluster. URLs may hold passwords.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub(super) struct ClusterFlags {
    /// Where other servers of the cluster connect, as nats://[user:pass@]host:port (port -1 for any
    /// free one; empty for no routes)
    #[arg(id = "cluster", long = "cluster", alias = "cluster_listen", value_name = "URL", value_parser = secret)]
    #[arg(help_heading = "Cluster")]
    listen: Option<Secret>,
    /// Name of the cluster
    #[arg(
        id = "cluster_name",
        long = "cluster_name",
        value_name = "NAME",
        help_heading = "Cluster"
    )]
    name: Option<String>,
    /// Servers of the cluster to connect to, separated by commas
    #[arg(long, value_name = "URLS", value_parser = secret, help_heading = "Cluster")]
    routes: Option<Secret>,
    /// Address to tell other servers instead of our own
    #[arg(
        id = "cluster_advertise",
        long = "cluster_advertise",
        value_name = "HOST[:PORT]",
        help_heading = "Cluster"
    )]
    advertise: Option<String>,
    /// Don't tell clients of the cluster's other servers
    #[arg(long = "no_advertise", value_parser = go_bool, num_args = 0..=1, value_name = "BOOL")]
    #[arg(help_heading = "Cluster")]
    no_advertise: Option<bool>,
    /// Attempts after the first at a server that was only heard of
    #[arg(long = "connect_retries", value_name = "NUMBER", value_parser = go_integer)]
    #[arg(allow_hyphen_values = true, help_heading = "Cluster")]
    connect_retries: Option<i64>,
}

impl ClusterFlags {
    /// Overrides what is set. The URL of the cluster brings its credentials or that there are none.
    pub(super) fn apply(&self, options: &mut Options) -> Result<(), FlagError> {
        let cluster = &mut options.cluster;
        override_text(&self.name, &mut cluster.name);
        override_text(&self.advertise, &mut cluster.advertise);
        cluster.no_advertise = self.no_advertise.unwrap_or(cluster.no_advertise);
        if let Some(retries) = self.connect_retries {
            cluster.connect_retries = u32::try_from(retries.max(0)).unwrap_or(u32::MAX);
        }
        if let Some(url) = &self.listen {
            apply_listen(url.expose(), cluster)?;
        }
        if let Some(urls) = &self.routes {
            cluster.routes = routes(urls.expose())?;
        }
        self.check_routes(cluster)
    }

    /// Routes given here need something to be routes of.
    fn check_routes(&self, cluster: &ClusterOptions) -> Result<(), FlagError> {
        let given = |flag: &Option<Secret>| flag.as_ref().is_some_and(|text| !text.is_empty());
        let listens = given(&self.listen)
            || cluster.port.is_some()
            || cluster.host != ClusterOptions::default().host;
        if given(&self.routes) && !listens {
            return Err(FlagError::Cluster(
                "solicited routes require cluster capabilities, e.g. --cluster".into(),
            ));
        }
        Ok(())
    }
}

fn apply_listen(text: &str, cluster: &mut ClusterOptions) -> Result<(), FlagError> {
    if text.is_empty() {
        cluster.port = None;
        return Ok(());
    }
    let url = ListenUrl::parse(text).map_err(FlagError::Cluster)?;
    cluster.host = non_empty(&url.host).unwrap_or_else(|| ClusterOptions::default().host);
    cluster.port = as_port(url.port);
    cluster.auth.user = url.user;
    cluster.auth.password = url.password;
    Ok(())
}

fn routes(text: &str) -> Result<Vec<ServerUrl>, FlagError> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let url = |text: &str| {
        parse_url(text).map_err(|_| {
            let shown = quoted(&redacted(text.trim()));
            FlagError::Cluster(format!("error parsing route url [{shown}]"))
        })
    };
    text.split(',').map(url).collect()
}

/// Where to listen and who may come: a URL whose host may be missing, its port -1.
struct ListenUrl {
    user: Option<String>,
    password: Secret,
    host: String,
    port: i64,
}

impl ListenUrl {
    fn parse(text: &str) -> Result<ListenUrl, String> {
        let malformed = |why: &str| format!("parse {}: {why}", quoted(&redacted(text)));
        let Some((_, rest)) = text.split_once("//") else {
            let scheme = text.starts_with(|c: char| c.is_ascii_alphabetic());
            return Err(if text.contains(':') && !scheme {
                malformed("first path segment in URL cannot contain colon")
            } else {
                "missing port in address".into()
            });
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        let (credentials, address) = match authority.rsplit_once('@') {
            Some((credentials, address)) => (Some(credentials), address),
            None => (None, authority),
        };
        let Some((host, port)) = split_host_port(address) else {
            return Err(format!("address {address}: missing port in address"));
        };
        let number = match port {
            "-1" => -1,
            port => port
                .parse::<u16>()
                .map_err(|_| malformed(&format!("invalid port \":{port}\" after host")))?
                .into(),
        };
        let (user, password) = match credentials {
            Some(credentials) => {
                // Only their encoding is of interest here.
                let url = parse_url(&format!("nats://{credentials}@host:1"))
                    .map_err(|_| malformed("invalid credentials"))?;
                let password = url.password;
                let password = password.ok_or("expected cluster password to be set")?;
                (url.user, password)
            }
            None => (None, Secret::default()),
        };
        Ok(ListenUrl {
            user: user.filter(|user| !user.is_empty()),
            password,
            host: host.to_string(),
            port: number,
        })
    }
}
