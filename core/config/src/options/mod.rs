//! Typed options, units in types. [`Default`] is the only home of default values.
//!
//! What lives here: the shape of a server's options and what makes them contradict each other. What
//! does not: how a configuration file spells them (that is `read`) and how flags override them.

mod account;
mod auth;
mod cluster;
mod compression;
mod gateway;
mod limits;
mod logging;
mod mapping;
mod ocsp;
mod operator;
mod permissions;
mod sharing;
mod tls;
mod unbuilt;
mod validate;

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

pub use account::{
    Access, AccountLimits, AccountOptions, Activation, Destination, Export, ExportKind,
    GLOBAL_ACCOUNT, Import, ImportKind, LatencyOptions, Mapping, ResponseType, SYSTEM_ACCOUNT,
    Sampling, ServiceExport,
};
pub use auth::{AuthOptions, CalloutOptions, ConnectionType, LinkAuth, User};
pub use cluster::{ClusterOptions, ClusterPermissions};
pub use compression::{Compression, CompressionOptions, RttThresholds};
pub use gateway::{GatewayOptions, GatewayUrl, RemoteGateway, ServerUrl};
pub use limits::{Limits, WriteTimeout};
pub use logging::{LogFormat, LogLevel, LogLevels, LogTarget, LoggingOptions, Subsystem};
pub use mapping::MappingFault;
pub use ocsp::{OcspCacheOptions, OcspMode, OcspOptions, OcspPeerOptions};
pub use operator::{
    CacheResolver, FullResolver, Operator, OperatorClaims, OperatorOptions, ResolverDelete,
    ResolverOptions,
};
pub use permissions::{Permissions, ResponsePermission, SubjectPermission};
pub use sharing::{Shared, SharingFault, sharing_faults};
pub use tls::{CertificateFiles, HandshakeFirst, TlsOptions, TlsVersion};

/// A port to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// Any free port; `-1` in a configuration.
    Random,
    /// This port.
    At(u16),
}

impl Port {
    /// The number to bind: 0 asks the operating system for a free port.
    pub fn to_bind(self) -> u16 {
        match self {
            Port::Random => 0,
            Port::At(port) => port,
        }
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Port::Random => f.write_str("-1"),
            Port::At(port) => port.fmt(f),
        }
    }
}

/// Everything that can be configured about a server.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// `server_name`; the server's id takes its place if there is none.
    pub server_name: Option<String>,
    /// `host`, `net`, `listen`: the address that clients connect to.
    pub host: String,
    /// `port`, `listen`: the port that clients connect to.
    pub port: Port,
    /// `client_advertise`: the `host[:port]` to tell clients instead of the own one; see
    /// [`advertised`](crate::advertised).
    pub client_advertise: Option<String>,
    /// `server_tags`: lower case, each once.
    pub server_tags: Vec<String>,
    /// `server_metadata`.
    pub server_metadata: BTreeMap<String, String>,
    /// `feature_flags`, also those that nobody knows.
    pub feature_flags: BTreeMap<String, bool>,
    /// What one client may use.
    pub limits: Limits,
    /// `authorization`: who may connect.
    pub auth: AuthOptions,
    /// `accounts` besides the global one, which is among them only if it has something to say (`mappings` at the
    /// top of a file). Their users are in [`AuthOptions::users`].
    pub accounts: Vec<AccountOptions>,
    /// `system_account`. Use [`Options::system_account`].
    pub system_account: Option<String>,
    /// `no_system_account`: there is none, unless one is named.
    pub no_system_account: bool,
    /// `operator`, `trusted_keys`, `resolver`…: accounts and users are those of JWTs.
    pub operator: OperatorOptions,
    /// `proxies`: public keys of the proxies that are trusted.
    pub proxies: Vec<String>,
    /// `tls`: clients' connections are encrypted.
    pub tls: Option<TlsOptions>,
    /// `allow_non_tls`: with `tls`, connections that are not encrypted are taken, too.
    pub allow_non_tls: bool,
    /// `ocsp`: proofs that our certificates are good.
    pub ocsp: OcspOptions,
    /// `ocsp_cache`: answers about the certificates of others that are kept.
    pub ocsp_cache: OcspCacheOptions,
    /// `cert_reload_interval`, which is ours alone: how often the files of `tls` blocks are looked at; never if
    /// there is none.
    pub cert_reload_interval: Option<Duration>,
    /// `proxy_protocol`: a client's connection may begin with a header that says where it comes from.
    pub proxy_protocol: bool,
    /// `http*`: the monitoring listener.
    pub monitoring: MonitoringOptions,
    /// `prof_*`: the profiling listener.
    pub profiling: ProfilingOptions,
    /// `cluster`.
    pub cluster: ClusterOptions,
    /// `gateway`: present if the block says anything that makes a gateway (a name or a port).
    pub gateway: Option<GatewayOptions>,
    /// What is logged, how and where to.
    pub logging: LoggingOptions,
    /// `pid_file`.
    pub pid_file: Option<String>,
    /// `ports_file_dir`: where `<program>_<pid>.ports` is written.
    pub ports_file_dir: Option<String>,
    /// `store_dir`: where streams will live, and in `ocsp` the proofs that our certificates are good.
    pub store_dir: Option<String>,
    /// The [digest](crate::Loaded::digest) of the file that all this was read from; `None` without a file.
    pub digest: Option<String>,
    /// `lame_duck_*`.
    pub lame_duck: LameDuckOptions,
    /// `connect_error_reports`: of the failed attempts at a link that never stood, the first and
    /// every n-th are logged as errors. At least 1.
    pub connect_error_reports: u32,
    /// `reconnect_error_reports`: the same for a link that stood before. At least 1.
    pub reconnect_error_reports: u32,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            server_name: None,
            host: "0.0.0.0".to_string(),
            port: Port::At(4222),
            client_advertise: None,
            server_tags: Vec::new(),
            server_metadata: BTreeMap::new(),
            feature_flags: BTreeMap::new(),
            limits: Limits::default(),
            auth: AuthOptions::default(),
            accounts: Vec::new(),
            system_account: None,
            no_system_account: false,
            operator: OperatorOptions::default(),
            proxies: Vec::new(),
            tls: None,
            allow_non_tls: false,
            ocsp: OcspOptions::default(),
            ocsp_cache: OcspCacheOptions::default(),
            cert_reload_interval: None,
            proxy_protocol: false,
            monitoring: MonitoringOptions::default(),
            profiling: ProfilingOptions::default(),
            cluster: ClusterOptions::default(),
            gateway: None,
            logging: LoggingOptions::default(),
            pid_file: None,
            ports_file_dir: None,
            store_dir: None,
            digest: None,
            lame_duck: LameDuckOptions::default(),
            connect_error_reports: 3600,
            reconnect_error_reports: 1,
        }
    }
}

impl Options {
    /// The name of the cluster that this server is part of: its own or its gateway's.
    pub fn cluster_name(&self) -> Option<&str> {
        let own = self.cluster.name.as_deref();
        own.or_else(|| {
            self.gateway
                .as_ref()
                .map(|g| g.name.as_str())
                .filter(|n| !n.is_empty())
        })
    }

    /// The system account: the one that is named, `$SYS` if that is one of `accounts`, or else a `$SYS` that the
    /// server makes for itself. `None` if there is none.
    pub fn system_account(&self) -> Option<&str> {
        let named = self.system_account.as_deref();
        let is_made = !self.no_system_account || self.account(SYSTEM_ACCOUNT).is_some();
        named.or(Some(SYSTEM_ACCOUNT).filter(|_| is_made))
    }

    /// Whether clients that show no credentials are users of the global account although there are users: those
    /// are of the system account alone, and nothing was said of any other.
    pub fn opens_global_account(&self) -> bool {
        let mut others = self.accounts.iter().map(|account| account.name.as_str());
        let mut others = others.by_ref().filter(|name| *name != GLOBAL_ACCOUNT);
        let is_alone = match (others.next(), others.next()) {
            (Some(only), None) => {
                only == SYSTEM_ACCOUNT || self.system_account.as_deref() == Some(only)
            }
            _ => false,
        };
        is_alone
            && !self.auth.is_given
            && self.auth.no_auth_user.is_none()
            && self.operator.operators.is_empty()
    }

    /// The configured account of this name.
    pub fn account(&self, name: &str) -> Option<&AccountOptions> {
        self.accounts.iter().find(|account| account.name == name)
    }

    /// How long a client may take to send its credentials; who must shake hands first gets a second
    /// more than that may take, unless the configuration says.
    pub fn auth_timeout(&self) -> Duration {
        let default = match &self.tls {
            Some(tls) => tls.timeout().saturating_add(Duration::from_secs(1)),
            None => auth::TIMEOUT,
        };
        self.auth.timeout.unwrap_or(default)
    }
}

/// The listener of `/debug/pprof`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProfilingOptions {
    /// `prof_port`: no listener without one. It listens where clients connect.
    pub port: Option<Port>,
    /// `prof_block_rate`: how much the reference server notes of what its tasks wait for. It has no effect.
    pub block_rate: i64,
}

/// The monitoring listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonitoringOptions {
    /// The address to listen on; the clients' if there is none.
    pub host: Option<String>,
    /// `http`, `http_port`, `monitor_port`: no monitoring without one.
    pub port: Option<Port>,
    /// `https`, `https_port`: the same, encrypted with the clients' certificate. Not beside `port`.
    pub https_port: Option<Port>,
    /// `http_base_path`: in front of every endpoint; starts with a slash and has none at its end,
    /// unless it is `/`.
    pub base_path: String,
}

impl Default for MonitoringOptions {
    fn default() -> MonitoringOptions {
        MonitoringOptions {
            host: None,
            port: None,
            https_port: None,
            base_path: "/".to_string(),
        }
    }
}

/// How a server that is asked to leave sends its clients away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LameDuckOptions {
    /// `lame_duck_duration`: the time over which clients are disconnected; at least 30 s.
    pub duration: Duration,
    /// `lame_duck_grace_period`: the time before the first one is; shorter than the duration.
    pub grace_period: Duration,
}

impl Default for LameDuckOptions {
    fn default() -> LameDuckOptions {
        LameDuckOptions {
            duration: Duration::from_secs(120),
            grace_period: Duration::from_secs(10),
        }
    }
}
