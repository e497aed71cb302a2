//! What a new configuration means to a running server: for each option that differs, whether it can change
//! while the server runs, and if not, in the reference server's words why.
//!
//! What lives here: the verdict on every option, as a closed list; the patterns name every field, so that
//! an option without a verdict does not compile. What does not: carrying changes out (the shell does), and
//! files whose contents have changed while their names have not.

mod auth;
mod change;
mod cluster;
mod differences;
mod dropped;
mod gateway;
mod refused;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

pub use change::Change;
pub use cluster::ClusterChange;
pub use differences::Difference;
pub use dropped::Dropped;
pub use gateway::GatewayChange;
pub use refused::Refused;

use crate::options::{
    GLOBAL_ACCOUNT, HandshakeFirst, LameDuckOptions, Limits, LoggingOptions, MonitoringOptions,
    Options, Port, ProfilingOptions, TlsOptions,
};
use crate::origin::KeyPath;
use crate::text::address::advertised;
use refused::Shown;

/// The difference between the options of a running server and new ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diff {
    /// What can change while the server runs.
    pub changes: Vec<Change>,
    /// What cannot. If there is any, nothing at all is to be changed.
    pub refused: Vec<Refused>,
    /// Which connections the changes end.
    pub dropped: Vec<Dropped>,
}

/// What becomes of one setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It changes while the server runs.
    Live,
    /// It cannot, so that nothing changes.
    Refused,
    /// Nobody looks: it counts from the next start, or not at all.
    Ignored,
}

impl Diff {
    /// Compares. Ports must be those that the server listens on, on both sides: see
    /// [`Options::keep_ports`].
    pub fn between(old: &Options, new: &Options) -> Diff {
        let mut diff = Diff::default();
        diff.options(old, new);
        diff
    }

    /// What becomes of the setting at `key`, which has changed.
    pub fn verdict(&self, key: &KeyPath) -> Verdict {
        let concerns = |block: &str| key.is_within(&KeyPath::of(block));
        if self.refused.iter().any(|refused| concerns(refused.key())) {
            Verdict::Refused
        } else if self.changes.iter().any(|change| concerns(change.key())) {
            Verdict::Live
        } else {
            Verdict::Ignored
        }
    }

    /// Notes that the option at `key`, the reference server's `option`, cannot change, if it has.
    fn fixed<T: PartialEq + Shown>(
        &mut self,
        key: &'static str,
        option: &'static str,
        old: &T,
        new: &T,
    ) {
        if old != new {
            self.refused.push(Refused::Unsupported {
                key,
                option,
                old: old.shown(),
                new: new.shown(),
            });
        }
    }

    /// Notes a change, if there is one.
    fn live<T: PartialEq + Clone>(&mut self, change: impl FnOnce(T) -> Change, old: &T, new: &T) {
        if old != new {
            self.changes.push(change(new.clone()));
        }
    }

    /// Refuses an address to tell others that is none.
    fn advertised(
        &mut self,
        key: &'static str,
        option: &str,
        old: &Option<String>,
        new: &Option<String>,
    ) {
        if let Some(text) = new.as_ref().filter(|_| old != new)
            && let Err(why) = advertised(text, 0)
        {
            let text = format!("invalid {option} value of {text}, err={why}");
            self.refused.push(Refused::Invalid { key, text });
        }
    }

    fn options(&mut self, old: &Options, new: &Options) {
        let Options {
            server_name,
            host,
            port,
            client_advertise,
            server_tags,
            server_metadata,
            feature_flags,
            limits,
            auth: _,
            tls,
            allow_non_tls,
            ocsp,
            ocsp_cache,
            cert_reload_interval,
            proxy_protocol,
            monitoring,
            profiling,
            cluster,
            gateway,
            logging,
            pid_file,
            ports_file_dir,
            // What is kept there is looked for at the new place; nobody is concerned.
            store_dir: _,
            // It says which file it is, not what it does.
            digest: _,
            lame_duck,
            connect_error_reports,
            reconnect_error_reports,
            accounts: _,
            system_account: _,
            no_system_account: _,
            operator,
            proxies,
        } = new;
        self.fixed("server_name", "ServerName", &old.server_name, server_name);
        self.fixed("host", "Host", &old.host, host);
        self.fixed("port", "Port", &old.port, port);
        self.client_advertise(&old.client_advertise, client_advertise);
        self.logging(&old.logging, logging);
        self.limits(&old.limits, limits);
        self.dropped_clients(&old.limits, limits);
        self.auth(old, new);
        let mappings = |options: &Options| {
            let global = options.account(GLOBAL_ACCOUNT);
            global.map(|account| account.mappings.clone())
        };
        self.live(|_| Change::Mappings, &mappings(old), &mappings(new));
        self.system_account(old, new);
        self.operator(&old.operator, operator);
        self.proxies(&old.proxies, proxies);
        self.fixed(
            "proxy_protocol",
            "ProxyProtocol",
            &old.proxy_protocol,
            proxy_protocol,
        );
        self.monitoring(old, new, monitoring);
        self.profiling(old.profiling, *profiling);
        self.cluster(&old.cluster, cluster);
        self.gateway(old.gateway.as_ref(), gateway.as_ref());
        self.live(Change::PidFile, &old.pid_file, pid_file);
        self.live(Change::PortsFileDir, &old.ports_file_dir, ports_file_dir);
        self.tls(old.tls.as_ref(), tls.as_ref());
        self.fixed(
            "allow_non_tls",
            "AllowNonTLS",
            &old.allow_non_tls,
            allow_non_tls,
        );
        self.live(|_| Change::Ocsp, &old.ocsp, ocsp);
        self.live(|_| Change::OcspCache, &old.ocsp_cache, ocsp_cache);
        let interval = &old.cert_reload_interval;
        self.live(Change::CertReloadInterval, interval, cert_reload_interval);
        self.lame_duck(&old.lame_duck, lame_duck);
        let reports = &old.connect_error_reports;
        self.live(Change::ConnectErrorReports, reports, connect_error_reports);
        let reports = &old.reconnect_error_reports;
        self.live(
            Change::ReconnectErrorReports,
            reports,
            reconnect_error_reports,
        );
        self.live(|_| Change::Tags, &old.server_tags, server_tags);
        self.live(|_| Change::Metadata, &old.server_metadata, server_metadata);
        self.fixed(
            "feature_flags",
            "FeatureFlags",
            &old.feature_flags,
            feature_flags,
        );
    }

    fn client_advertise(&mut self, old: &Option<String>, new: &Option<String>) {
        self.advertised("client_advertise", "ClientAdvertise", old, new);
        self.live(Change::ClientAdvertise, old, new);
    }

    fn logging(&mut self, old: &LoggingOptions, new: &LoggingOptions) {
        let LoggingOptions {
            debug,
            trace,
            trace_verbose,
            trace_headers,
            levels,
            format,
            time,
            time_utc,
            file,
            file_size_limit,
            file_max_count,
            syslog,
            remote_syslog,
            max_traced_message,
        } = new;
        self.live(Change::Trace, &old.trace, trace);
        self.live(Change::Debug, &old.debug, debug);
        self.live(Change::TraceVerbose, &old.trace_verbose, trace_verbose);
        self.live(Change::TraceHeaders, &old.trace_headers, trace_headers);
        self.live(Change::LogLevels, &old.levels, levels);
        self.live(Change::LogFormat, &old.format, format);
        self.live(Change::LogTime, &old.time, time);
        self.live(Change::LogTimeUtc, &old.time_utc, time_utc);
        self.live(Change::LogFile, &old.file, file);
        self.live(Change::Syslog, &old.syslog, syslog);
        let urls = (&old.remote_syslog, remote_syslog);
        self.live(Change::RemoteSyslog, urls.0, urls.1);
        self.fixed(
            "logfile_size_limit",
            "LogSizeLimit",
            &old.file_size_limit,
            file_size_limit,
        );
        self.fixed(
            "logfile_max_num",
            "LogMaxFiles",
            &old.file_max_count,
            file_max_count,
        );
        let shown = &old.max_traced_message;
        self.live(Change::MaxTracedMessage, shown, max_traced_message);
    }

    fn limits(&mut self, old: &Limits, new: &Limits) {
        let Limits {
            max_connections,
            max_subscriptions,
            max_subscription_tokens,
            max_control_line,
            max_payload,
            max_pending,
            ping_interval,
            ping_max,
            write_deadline,
            write_timeout,
            no_headers,
            no_fast_producer_stall,
            no_match_cache,
            max_closed_clients,
        } = new;
        self.fixed(
            "disable_sublist_cache",
            "NoSublistCache",
            &old.no_match_cache,
            no_match_cache,
        );
        self.fixed(
            "no_header_support",
            "NoHeaderSupport",
            &old.no_headers,
            no_headers,
        );
        self.live(
            Change::MaxConnections,
            &old.max_connections,
            max_connections,
        );
        self.fixed(
            "max_subscriptions",
            "MaxSubs",
            &old.max_subscriptions,
            max_subscriptions,
        );
        let tokens = &old.max_subscription_tokens;
        self.fixed(
            "max_sub_tokens",
            "MaxSubTokens",
            tokens,
            max_subscription_tokens,
        );
        self.live(Change::PingInterval, &old.ping_interval, ping_interval);
        self.live(Change::PingMax, &old.ping_max, ping_max);
        let line = &old.max_control_line;
        self.live(Change::MaxControlLine, line, max_control_line);
        self.live(Change::MaxPayload, &old.max_payload, max_payload);
        self.fixed("max_pending", "MaxPending", &old.max_pending, max_pending);
        let stall = &old.no_fast_producer_stall;
        self.live(Change::NoStall, stall, no_fast_producer_stall);
        self.live(Change::WriteDeadline, &old.write_deadline, write_deadline);
        self.fixed(
            "write_timeout",
            "WriteTimeout",
            &old.write_timeout,
            write_timeout,
        );
        let closed = &old.max_closed_clients;
        self.fixed(
            "max_closed_clients",
            "MaxClosedClients",
            closed,
            max_closed_clients,
        );
    }

    fn tls(&mut self, old: Option<&TlsOptions>, new: Option<&TlsOptions>) {
        let (was_on, is_on) = (old.is_some(), new.is_some());
        let (none, off) = (TlsOptions::default(), TlsOptions::default());
        let (old, new) = (old.unwrap_or(&none), new.unwrap_or(&off));
        let TlsOptions {
            certificates,
            ca_file,
            verify,
            map,
            check_known_urls,
            insecure,
            timeout: _,
            min_version,
            cipher_suites,
            curves,
            pinned,
            handshake_first,
            rate_limit,
            ocsp_peer,
        } = new;
        self.live(Change::TlsTimeout, &old.timeout(), &new.timeout());
        self.fixed("tls.verify_and_map", "TLSMap", &old.map, map);
        let is_other = old.certificates != *certificates
            || old.ca_file != *ca_file
            || old.verify != *verify
            || old.check_known_urls != *check_known_urls
            || old.insecure != *insecure
            || old.min_version != *min_version
            || old.cipher_suites != *cipher_suites
            || old.curves != *curves
            || old.ocsp_peer != *ocsp_peer;
        // Certificates are read again, whether they are named otherwise or not.
        if is_other || is_on || was_on {
            self.changes.push(Change::Tls(is_on));
        }
        self.live(|pinned| Change::Pinned(pinned.len()), &old.pinned, pinned);
        self.fixed(
            "tls.connection_rate_limit",
            "TLSRateLimit",
            &old.rate_limit,
            rate_limit,
        );
        let (was_first, waited) = first(old.handshake_first);
        let (is_first, waits) = first(*handshake_first);
        self.live(Change::HandshakeFirst, &was_first, &is_first);
        self.live(Change::HandshakeFallback, &waited, &waits);
    }

    fn monitoring(&mut self, old: &Options, all: &Options, new: &MonitoringOptions) {
        let MonitoringOptions {
            host,
            port,
            https_port,
            base_path,
        } = new;
        let before = &old.monitoring;
        if before.host != *host {
            // Without one of its own, it is the clients'.
            let was = before.host.as_ref().unwrap_or(&old.host);
            self.fixed("http", "HTTPHost", was, host.as_ref().unwrap_or(&all.host));
        }
        self.fixed("http_port", "HTTPPort", &before.port, port);
        self.fixed("https_port", "HTTPSPort", &before.https_port, https_port);
        let bare = |path: &String| path.trim_end_matches('/').to_string();
        let path = bare(&before.base_path);
        self.fixed("http_base_path", "HTTPBasePath", &path, &bare(base_path));
    }

    fn profiling(&mut self, old: ProfilingOptions, new: ProfilingOptions) {
        let ProfilingOptions { port, block_rate } = new;
        self.fixed("prof_port", "ProfPort", &old.port, &port);
        self.live(Change::BlockRate, &old.block_rate, &block_rate);
    }

    fn lame_duck(&mut self, old: &LameDuckOptions, new: &LameDuckOptions) {
        let LameDuckOptions {
            duration,
            grace_period,
        } = new;
        self.fixed(
            "lame_duck_duration",
            "LameDuckDuration",
            &old.duration,
            duration,
        );
        self.fixed(
            "lame_duck_grace_period",
            "LameDuckGracePeriod",
            &old.grace_period,
            grace_period,
        );
    }
}

/// The two options that the reference server has for it: whether, and how long INFO waits.
fn first(handshake: HandshakeFirst) -> (bool, Duration) {
    match handshake {
        HandshakeFirst::No => (false, Duration::ZERO),
        HandshakeFirst::Always => (true, Duration::ZERO),
        HandshakeFirst::Within(delay) => (true, delay),
    }
}

impl Options {
    /// Where any free port would do, keeps the one that a server with the options `running` listens on.
    /// (Not for monitoring, as the reference server has it.)
    pub fn keep_ports(&mut self, running: &Options) {
        if self.port == Port::Random {
            self.port = running.port;
        }
        if self.cluster.port == Some(Port::Random) {
            self.cluster.port = running.cluster.port.or(self.cluster.port);
        }
        if let (Some(new), Some(old)) = (&mut self.gateway, &running.gateway)
            && new.port == Some(Port::Random)
        {
            new.port = old.port.or(new.port);
        }
    }
}
