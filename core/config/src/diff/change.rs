//! A change that a running server can make, and the line of the log for it.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use gannet_units::ByteCount;

use super::refused::Shown;
use super::{ClusterChange, GatewayChange};
use crate::options::{LogFormat, LogLevels};
use crate::text::quote::quoted_list;
use crate::text::url::redacted;

/// One option that changes while the server runs, with its new value where the log shows that.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// `client_advertise`.
    ClientAdvertise(Option<String>),
    /// `trace`.
    Trace(bool),
    /// `debug`.
    Debug(bool),
    /// `trace_verbose`.
    TraceVerbose(bool),
    /// `trace_headers`.
    TraceHeaders(bool),
    /// `log_levels`.
    LogLevels(LogLevels),
    /// `log_format`.
    LogFormat(LogFormat),
    /// `logtime`.
    LogTime(bool),
    /// `logtime_utc`.
    LogTimeUtc(bool),
    /// `log_file`.
    LogFile(Option<String>),
    /// `syslog`.
    Syslog(bool),
    /// `remote_syslog`.
    RemoteSyslog(Option<String>),
    /// `max_traced_msg_len`.
    MaxTracedMessage(Option<ByteCount>),
    /// `max_connections`.
    MaxConnections(u32),
    /// `ping_interval`.
    PingInterval(Duration),
    /// `ping_max`.
    PingMax(u32),
    /// `max_control_line`.
    MaxControlLine(ByteCount),
    /// `max_payload`.
    MaxPayload(Option<ByteCount>),
    /// `no_fast_producer_stall`.
    NoStall(bool),
    /// `write_deadline`.
    WriteDeadline(Duration),
    /// `authorization`: `users`.
    Users,
    /// `authorization`: users that have nkeys.
    Nkeys,
    /// `authorization`: `default_permissions`. Whom they are given to is told by [`Change::Users`].
    DefaultPermissions,
    /// `accounts`, or users of theirs.
    Accounts,
    /// `resolver`.
    Resolver,
    /// `resolver_tls`.
    ResolverTls,
    /// `resolver_preload`.
    Preload,
    /// `resolver_pinned_accounts`.
    PinnedAccounts,
    /// `default_sentinel`.
    DefaultSentinel,
    /// `proxies` that are trusted no longer.
    ProxiesRemoved(Vec<String>),
    /// `proxies` that are trusted from now on.
    ProxiesAdded(Vec<String>),
    /// `authorization`: `user`.
    User,
    /// `authorization`: `password`.
    Password,
    /// `authorization`: `token`.
    Token,
    /// `authorization`: `timeout`.
    AuthTimeout(Duration),
    /// `mappings` of the global account.
    Mappings,
    /// `tls` of clients, which is there from now on or not.
    Tls(bool),
    /// `tls`: `timeout`.
    TlsTimeout(Duration),
    /// `tls`: `pinned_certs`, so many.
    Pinned(usize),
    /// `tls`: `handshake_first`.
    HandshakeFirst(bool),
    /// `tls`: the time in `handshake_first`.
    HandshakeFallback(Duration),
    /// `ocsp`.
    Ocsp,
    /// `ocsp_cache`.
    OcspCache,
    /// `cert_reload_interval`.
    CertReloadInterval(Option<Duration>),
    /// `cluster`, but for its routes.
    Cluster(ClusterChange),
    /// `cluster`: `routes`.
    Routes,
    /// `gateway`. The reference server refuses most of it.
    Gateway(GatewayChange),
    /// `pid_file`.
    PidFile(Option<String>),
    /// `ports_file_dir`.
    PortsFileDir(Option<String>),
    /// `prof_block_rate`.
    BlockRate(i64),
    /// `connect_error_reports`.
    ConnectErrorReports(u32),
    /// `reconnect_error_reports`.
    ReconnectErrorReports(u32),
    /// `server_tags`.
    Tags,
    /// `server_metadata`.
    Metadata,
}

impl Change {
    /// Whether lines of the log may go somewhere else from now on.
    pub fn is_of_log_target(&self) -> bool {
        matches!(
            self,
            Change::LogFile(_) | Change::Syslog(_) | Change::RemoteSyslog(_)
        )
    }

    /// Whether clients are to be looked at again: somebody may no longer be who they say, or may do other things.
    pub fn is_of_auth(&self) -> bool {
        matches!(
            self,
            Change::Users
                | Change::Nkeys
                | Change::Accounts
                | Change::User
                | Change::Password
                | Change::Token
        )
    }

    /// The key of the option, or of the block that all options are in which may have changed.
    pub fn key(&self) -> &'static str {
        match self {
            Change::ClientAdvertise(_) => "client_advertise",
            Change::Trace(_) => "trace",
            Change::Debug(_) => "debug",
            Change::TraceVerbose(_) => "trace_verbose",
            Change::TraceHeaders(_) => "trace_headers",
            Change::LogLevels(_) => "log_levels",
            Change::LogFormat(_) => "log_format",
            Change::LogTime(_) => "logtime",
            Change::LogTimeUtc(_) => "logtime_utc",
            Change::LogFile(_) => "log_file",
            Change::Syslog(_) => "syslog",
            Change::RemoteSyslog(_) => "remote_syslog",
            Change::MaxTracedMessage(_) => "max_traced_msg_len",
            Change::MaxConnections(_) => "max_connections",
            Change::PingInterval(_) => "ping_interval",
            Change::PingMax(_) => "ping_max",
            Change::MaxControlLine(_) => "max_control_line",
            Change::MaxPayload(_) => "max_payload",
            Change::NoStall(_) => "no_fast_producer_stall",
            Change::WriteDeadline(_) => "write_deadline",
            Change::Users => "authorization.users",
            Change::Nkeys => "authorization.users",
            Change::DefaultPermissions => "authorization.default_permissions",
            Change::Accounts => "accounts",
            Change::Resolver => "resolver",
            Change::ResolverTls => "resolver_tls",
            Change::Preload => "resolver_preload",
            Change::PinnedAccounts => "resolver_pinned_accounts",
            Change::DefaultSentinel => "default_sentinel",
            Change::ProxiesRemoved(_) | Change::ProxiesAdded(_) => "proxies",
            Change::User => "authorization.user",
            Change::Password => "authorization.password",
            Change::Token => "authorization.token",
            Change::AuthTimeout(_) => "authorization.timeout",
            Change::Mappings => "mappings",
            Change::Tls(_) => "tls",
            Change::TlsTimeout(_) => "tls.timeout",
            Change::Pinned(_) => "tls.pinned_certs",
            Change::HandshakeFirst(_) | Change::HandshakeFallback(_) => "tls.handshake_first",
            Change::Ocsp => "ocsp",
            Change::OcspCache => "ocsp_cache",
            Change::CertReloadInterval(_) => "cert_reload_interval",
            Change::Cluster(_) => "cluster",
            Change::Routes => "cluster.routes",
            Change::Gateway(_) => "gateway",
            Change::PidFile(_) => "pid_file",
            Change::PortsFileDir(_) => "ports_file_dir",
            Change::BlockRate(_) => "prof_block_rate",
            Change::ConnectErrorReports(_) => "connect_error_reports",
            Change::ReconnectErrorReports(_) => "reconnect_error_reports",
            Change::Tags => "server_tags",
            Change::Metadata => "server_metadata",
        }
    }

    /// The line for the log, as the reference server has it; a pid file that is no longer wanted has none, nor
    /// have default permissions.
    pub fn line(&self) -> Option<String> {
        let (what, value) = match self {
            Change::ClientAdvertise(text) => {
                return Some(format!("Reload: client_advertise = {}", text.shown()));
            }
            Change::Trace(on) => ("trace", on.shown()),
            Change::Debug(on) => ("debug", on.shown()),
            Change::TraceVerbose(on) => ("trace_verbose", on.shown()),
            Change::TraceHeaders(on) => ("trace_headers", on.shown()),
            Change::LogLevels(levels) => ("log_levels", levels.to_string()),
            Change::LogFormat(format) => ("log_format", format.name().to_string()),
            Change::LogTime(on) => ("logtime", on.shown()),
            Change::LogTimeUtc(on) => ("logtime_utc", on.shown()),
            Change::LogFile(path) => ("log_file", path.shown()),
            Change::Syslog(on) => ("syslog", on.shown()),
            Change::RemoteSyslog(url) => ("remote_syslog", redacted(&url.shown())),
            Change::MaxTracedMessage(most) => ("max_traced_msg_len", most.shown()),
            Change::MaxConnections(most) => ("max_connections", most.shown()),
            Change::PingInterval(interval) => ("ping_interval", interval.shown()),
            Change::PingMax(most) => ("ping_max", most.shown()),
            Change::MaxControlLine(most) => ("max_control_line", most.shown()),
            Change::MaxPayload(most) => {
                let none = || "-1".to_string();
                ("max_payload", most.map_or_else(none, |most| most.shown()))
            }
            Change::NoStall(true) => return said("fast producers will not be stalled"),
            Change::NoStall(false) => return said("fast producers will be stalled"),
            Change::WriteDeadline(deadline) => ("write_deadline", deadline.shown()),
            Change::Users => return said("authorization users"),
            Change::Nkeys => return said("authorization nkey users"),
            Change::DefaultPermissions => return None,
            Change::Accounts | Change::Resolver => return said("accounts"),
            Change::ResolverTls => return said("resolver_tls"),
            Change::Preload => return said("resolver_preload"),
            Change::PinnedAccounts => return said("resolver_pinned_accounts"),
            Change::DefaultSentinel => return said("default_sentinel"),
            Change::ProxiesRemoved(keys) => {
                let keys = quoted_list(keys);
                return said(&format!("proxies trusted keys {keys} were removed"));
            }
            Change::ProxiesAdded(keys) => {
                let keys = quoted_list(keys);
                return said(&format!("proxies trusted keys {keys} were added"));
            }
            Change::User => return said("authorization username"),
            Change::Password => return said("authorization password"),
            Change::Token => return said("authorization token"),
            Change::AuthTimeout(timeout) => {
                ("authorization timeout", timeout.as_secs_f64().to_string())
            }
            Change::Mappings => return said("accounts"),
            Change::Tls(true) => ("tls", "enabled".to_string()),
            Change::Tls(false) => ("tls", "disabled".to_string()),
            Change::TlsTimeout(timeout) => ("tls timeout", timeout.as_secs_f64().to_string()),
            Change::Pinned(count) => return said(&format!("{count} pinned_certs")),
            Change::HandshakeFirst(on) => {
                return said(&format!("Client TLS handshake first: {on}"));
            }
            Change::HandshakeFallback(delay) => {
                let delay = delay.shown();
                return said(&format!(
                    "Client TLS handshake first fallback delay: {delay}"
                ));
            }
            Change::Ocsp => return said("OCSP"),
            Change::OcspCache => return Some("Reloaded OCSP peer cache".to_string()),
            Change::CertReloadInterval(interval) => {
                ("cert_reload_interval", interval.unwrap_or_default().shown())
            }
            Change::Cluster(_) => return said("cluster"),
            Change::Routes => return said("cluster routes"),
            Change::Gateway(_) => return said("gateway"),
            Change::PidFile(None) => return None,
            Change::PidFile(path) => ("pid_file", path.shown()),
            Change::PortsFileDir(path) => ("ports_file_dir", path.shown()),
            Change::BlockRate(rate) => ("prof_block_rate", rate.shown()),
            Change::ConnectErrorReports(every) => ("connect_error_reports", every.shown()),
            Change::ReconnectErrorReports(every) => ("reconnect_error_reports", every.shown()),
            Change::Tags => return said("tags"),
            Change::Metadata => return said("metadata"),
        };
        Some(format!("Reloaded: {what} = {value}"))
    }
}

fn said(what: &str) -> Option<String> {
    Some(format!("Reloaded: {what}"))
}
