//! The options as a list of settings, with the value that each has and where that comes from.
//!
//! What lives here: the list, which names every option (one that is added does not compile before it is
//! here), and in `write` its text, which is itself a configuration. What does not: where values come from
//! (`origin`), and what a change of them means (`diff`).

mod accounts;
mod auth;
mod cluster;
mod gateway;
mod json;
mod mappings;
mod ocsp;
mod permissions;
mod tls;
mod write;

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use gannet_units::ByteCount;

use crate::options::{
    GLOBAL_ACCOUNT, LameDuckOptions, Limits, LoggingOptions, MonitoringOptions, Options, Port,
    ProfilingOptions, ServerUrl, Subsystem, WriteTimeout,
};
use crate::origin::{KeyPath, Origin, Origins, Step};
use crate::secret::Secret;
use crate::text::address::join_host_port;
use crate::text::duration::format_duration;
use crate::text::url::redacted;

pub use write::as_file;

/// One option, as a server goes by it.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Which one.
    pub key: KeyPath,
    /// Its value.
    pub value: Shown,
    /// Where that comes from.
    pub origin: Origin,
    /// The other setting whose value it has, since it has none of its own.
    pub follows: Option<KeyPath>,
}

/// The value of a setting, for a human or a program to read.
#[derive(Clone, Debug, PartialEq)]
pub enum Shown {
    /// There is none, and that is a value, too.
    Unset,
    /// There is one, and nobody shall see it.
    Secret(Secret),
    /// A switch.
    Bool(bool),
    /// A number; of bytes where it is a size.
    Integer(i64),
    /// A text, or a duration as `2m0s`.
    Text(String),
    /// The address of another server; its credentials are not to be seen: [`ServerUrl::redacted`].
    Url(ServerUrl),
    /// A list.
    List(Vec<Shown>),
    /// Names of the user's own, with their values.
    Map(BTreeMap<String, Shown>),
}

impl Options {
    /// Every setting, in the order of the manual, where `origins` knows where they come from. What another
    /// setting gives its value has that one's origin.
    pub fn settings(&self, origins: &Origins) -> Vec<Setting> {
        let mut settings = Settings {
            origins,
            path: KeyPath::default(),
            list: Vec::new(),
        };
        settings.options(self);
        settings.list
    }
}

/// The list while it grows.
struct Settings<'a> {
    origins: &'a Origins,
    /// The block that is being looked at.
    path: KeyPath,
    list: Vec<Setting>,
}

impl Settings<'_> {
    fn put(&mut self, key: &str, value: impl Into<Shown>) {
        let key = self.path.key(key);
        self.list.push(Setting {
            origin: self.origins.of(&key),
            key,
            value: value.into(),
            follows: None,
        });
    }

    /// As [`Settings::put`], of a setting that has the value of another one if it has none of its own.
    fn put_or(&mut self, key: &str, own: Option<Shown>, other: &str, others: impl Into<Shown>) {
        match own {
            Some(own) => self.put(key, own),
            None => {
                let other = KeyPath::of(other);
                self.list.push(Setting {
                    key: self.path.key(key),
                    value: others.into(),
                    origin: self.origins.of(&other),
                    follows: Some(other),
                });
            }
        }
    }

    /// Puts what lies within the block `key`.
    fn block(&mut self, key: &str, within: impl FnOnce(&mut Self)) {
        self.path.push(Step::Key(key.to_string()));
        within(self);
        self.path.pop();
    }

    /// Puts the blocks of the list `key`.
    fn blocks<T>(&mut self, key: &str, entries: &[T], mut within: impl FnMut(&mut Self, &T)) {
        if entries.is_empty() {
            return self.put(key, Shown::List(Vec::new()));
        }
        self.block(key, |settings| {
            for (at, entry) in entries.iter().enumerate() {
                settings.path.push(Step::Entry(at));
                within(settings, entry);
                settings.path.pop();
            }
        });
    }

    fn options(&mut self, options: &Options) {
        let Options {
            server_name,
            host,
            port,
            client_advertise,
            server_tags,
            server_metadata,
            feature_flags,
            limits,
            auth,
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
            store_dir,
            // It tells of the file, not of the server.
            digest: _,
            lame_duck,
            connect_error_reports,
            reconnect_error_reports,
            // Their users are beside those of `authorization`.
            accounts: _,
            system_account,
            no_system_account,
            // What reads files does not know these yet.
            operator: _,
            proxies: _,
        } = options;
        self.put("server_name", server_name);
        self.put("host", host);
        self.put("port", *port);
        self.put("client_advertise", client_advertise);
        self.put("server_tags", server_tags);
        self.put("server_metadata", map(server_metadata));
        self.put("feature_flags", map(feature_flags));
        self.logging(logging);
        self.limits(limits);
        self.put("connect_error_reports", *connect_error_reports);
        self.put("reconnect_error_reports", *reconnect_error_reports);
        self.lame_duck(*lame_duck);
        self.put("pid_file", pid_file);
        self.put("ports_file_dir", ports_file_dir);
        self.put("store_dir", store_dir);
        self.monitoring(monitoring);
        self.profiling(*profiling);
        self.auth(auth, options.auth_timeout(), options.opens_global_account());
        self.accounts(options);
        self.put("system_account", system_account);
        self.put("no_system_account", *no_system_account);
        self.tls(tls.as_ref());
        let global = options.account(GLOBAL_ACCOUNT);
        self.mappings(global.map_or(&[], |account| &account.mappings));
        self.put("allow_non_tls", *allow_non_tls);
        self.ocsp(ocsp, ocsp_cache);
        self.put("cert_reload_interval", *cert_reload_interval);
        self.put("proxy_protocol", *proxy_protocol);
        self.cluster(cluster, limits);
        self.gateway(gateway.as_ref(), limits);
    }

    fn logging(&mut self, logging: &LoggingOptions) {
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
        } = logging;
        self.put("debug", *debug);
        // These two have a say in `trace`, so that one comes after them.
        self.put("trace_verbose", *trace_verbose);
        self.put("trace_headers", *trace_headers);
        self.put("trace", *trace);
        self.block("log_levels", |settings| {
            for subsystem in Subsystem::ALL {
                let level = levels.0.get(&subsystem);
                let level = level.map(|level| level.name().to_string());
                settings.put(subsystem.name(), &level);
            }
        });
        self.put("log_format", format.name().to_string());
        self.put("logtime", *time);
        self.put("logtime_utc", *time_utc);
        self.put("log_file", file);
        self.put("logfile_size_limit", *file_size_limit);
        self.put("logfile_max_num", *file_max_count);
        self.put("syslog", *syslog);
        let url = remote_syslog.as_deref().map(redacted);
        self.put("remote_syslog", &url);
        self.put("max_traced_msg_len", *max_traced_message);
    }

    fn limits(&mut self, limits: &Limits) {
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
        } = limits;
        self.put("max_connections", *max_connections);
        self.put("max_subscriptions", *max_subscriptions);
        self.put("max_sub_tokens", max_subscription_tokens.map(u32::from));
        self.put("max_control_line", *max_control_line);
        let unlimited = || Shown::Integer(-1);
        self.put(
            "max_payload",
            max_payload.map_or_else(unlimited, Into::into),
        );
        self.put("max_pending", *max_pending);
        self.put("ping_interval", *ping_interval);
        self.put("ping_max", *ping_max);
        self.put("write_deadline", *write_deadline);
        self.put("write_timeout", *write_timeout);
        self.put("no_header_support", *no_headers);
        self.put("no_fast_producer_stall", *no_fast_producer_stall);
        self.put("disable_sublist_cache", *no_match_cache);
        self.put("max_closed_clients", *max_closed_clients);
    }

    fn lame_duck(&mut self, duck: LameDuckOptions) {
        let LameDuckOptions {
            duration,
            grace_period,
        } = duck;
        self.put("lame_duck_duration", duration);
        self.put("lame_duck_grace_period", grace_period);
    }

    fn monitoring(&mut self, monitoring: &MonitoringOptions) {
        let MonitoringOptions {
            host,
            port,
            https_port,
            base_path,
        } = monitoring;
        let number = |port: &Option<Port>| port.map_or_else(|| "0".to_string(), |p| p.to_string());
        match (host, https_port) {
            (Some(host), None) => self.put("http", join_host_port(host, &number(port))),
            (Some(host), Some(_)) => {
                // The host is that of both; whoever says it last.
                self.put("http_port", *port);
                self.put("https", join_host_port(host, &number(https_port)));
            }
            (None, _) => self.put("http_port", *port),
        }
        if host.is_none() || https_port.is_none() {
            self.put("https_port", *https_port);
        }
        self.put("http_base_path", base_path);
    }

    fn profiling(&mut self, profiling: ProfilingOptions) {
        let ProfilingOptions { port, block_rate } = profiling;
        self.put("prof_port", port);
        self.put("prof_block_rate", Shown::Integer(block_rate));
    }
}

fn urls(urls: &[ServerUrl]) -> Shown {
    Shown::List(urls.iter().cloned().map(Shown::Url).collect())
}

fn map<T: Clone + Into<Shown>>(values: &BTreeMap<String, T>) -> Shown {
    let entries = values.iter();
    Shown::Map(
        entries
            .map(|(key, value)| (key.clone(), value.clone().into()))
            .collect(),
    )
}

impl From<bool> for Shown {
    fn from(on: bool) -> Shown {
        Shown::Bool(on)
    }
}

impl From<u32> for Shown {
    fn from(number: u32) -> Shown {
        Shown::Integer(number.into())
    }
}

impl From<u64> for Shown {
    fn from(number: u64) -> Shown {
        Shown::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<ByteCount> for Shown {
    fn from(size: ByteCount) -> Shown {
        size.0.into()
    }
}

impl From<Port> for Shown {
    fn from(port: Port) -> Shown {
        Shown::Integer(match port {
            Port::Random => -1,
            Port::At(port) => port.into(),
        })
    }
}

impl From<Duration> for Shown {
    fn from(duration: Duration) -> Shown {
        let nanos = i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        Shown::Text(format_duration(nanos))
    }
}

impl From<WriteTimeout> for Shown {
    fn from(timeout: WriteTimeout) -> Shown {
        let text = match timeout {
            WriteTimeout::Default => "default",
            WriteTimeout::Close => "close",
            WriteTimeout::Retry => "retry",
        };
        text.into()
    }
}

impl From<&str> for Shown {
    fn from(text: &str) -> Shown {
        Shown::Text(text.to_string())
    }
}

impl From<String> for Shown {
    fn from(text: String) -> Shown {
        Shown::Text(text)
    }
}

impl From<&String> for Shown {
    fn from(text: &String) -> Shown {
        Shown::Text(text.clone())
    }
}

impl From<&Vec<String>> for Shown {
    fn from(texts: &Vec<String>) -> Shown {
        Shown::List(texts.iter().map(Into::into).collect())
    }
}

impl<T: Into<Shown>> From<Option<T>> for Shown {
    fn from(value: Option<T>) -> Shown {
        value.map_or(Shown::Unset, Into::into)
    }
}

impl From<&Option<String>> for Shown {
    fn from(text: &Option<String>) -> Shown {
        text.as_ref().into()
    }
}
