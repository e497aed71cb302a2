//! The keys at the top of a file.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use gannet_units::ByteCount;

use super::accounts;
use super::cluster;
use super::gateway;
use super::logging;
use super::mappings;
use super::ocsp;
use super::reader::{Field, Reader};
use super::table::{Key, not_yet, not_yet_unless_empty, not_yet_unless_off, works, works_for};
use crate::options::{LameDuckOptions, Limits, Options};
use crate::text::duration::format_duration;
use crate::text::path;
use crate::text::quote::quoted;
use crate::tree::Value;

const SERVICE_ACCOUNTS: &str = "accounts";
const OPERATOR: &str = "operator mode";
/// The files of certificates are not looked at more often than this.
const SHORTEST_CERT_RELOAD: Duration = Duration::from_secs(1);

/// Whether a part of the server that isn't built yet would say whom to let in.
pub(super) fn guards(feature: &str) -> bool {
    [SERVICE_ACCOUNTS, OPERATOR].contains(&feature)
}

/// Every key that the reference server knows at the top of a file.
pub(super) const KEYS: &[Key<Options>] = &[
    works_for(&["listen"], &["host", "port"], |r, f, o| {
        if let Some(listen) = r.listen(f) {
            o.host = listen.host.unwrap_or_else(|| Options::default().host);
            o.port = listen.port.unwrap_or_else(|| Options::default().port);
        }
    }),
    works(&["host", "net"], |r, f, o| {
        if let Some(host) = r.optional_text(f) {
            o.host = host.unwrap_or_else(|| Options::default().host);
        }
    }),
    works(&["port"], |r, f, o| {
        if let Some(port) = r.port(f) {
            o.port = port.unwrap_or_else(|| Options::default().port);
        }
    }),
    works(&["client_advertise"], |r, f, o| {
        set(r.optional_text(f), &mut o.client_advertise)
    }),
    works(&["server_name"], |r, f, o| {
        if let Some(name) = name_without_spaces(r, f, "server") {
            o.server_name = Some(name).filter(|n| !n.is_empty());
        }
    }),
    works(&["server_tags"], server_tags),
    works(&["server_metadata"], server_metadata),
    works(&["feature_flags"], feature_flags),
    // Logging.
    works(&["debug"], |r, f, o| set(r.bool(f), &mut o.logging.debug)),
    works(&["trace"], |r, f, o| set(r.bool(f), &mut o.logging.trace)),
    works_for(
        &["trace_verbose"],
        &["trace_verbose", "trace"],
        |r, f, o| {
            if let Some(on) = r.bool(f) {
                (o.logging.trace_verbose, o.logging.trace) = (on, on);
            }
        },
    ),
    works_for(
        &["trace_headers"],
        &["trace_headers", "trace"],
        |r, f, o| {
            if let Some(on) = r.bool(f) {
                (o.logging.trace_headers, o.logging.trace) = (on, on);
            }
        },
    ),
    works(&["logtime"], |r, f, o| set(r.bool(f), &mut o.logging.time)),
    works(&["logtime_utc"], |r, f, o| {
        set(r.bool(f), &mut o.logging.time_utc)
    }),
    works(&["log_file", "logfile"], |r, f, o| {
        set(r.optional_text(f), &mut o.logging.file)
    }),
    works(&["logfile_size_limit", "log_size_limit"], |r, f, o| {
        if let Some(limit) = r.integer(f) {
            o.logging.file_size_limit = positive(limit).map(ByteCount);
        }
    }),
    works(&["logfile_max_num", "log_max_num"], |r, f, o| {
        if let Some(count) = r.integer(f) {
            o.logging.file_max_count = positive(count);
        }
    }),
    works(&["max_traced_msg_len"], |r, f, o| {
        if let Some(limit) = r.integer(f) {
            o.logging.max_traced_message = positive(limit).map(ByteCount);
        }
    }),
    works(&["syslog"], |r, f, o| set(r.bool(f), &mut o.logging.syslog)),
    works(&["remote_syslog"], |r, f, o| {
        set(r.optional_text(f), &mut o.logging.remote_syslog)
    }),
    // These two are ours alone.
    works(&["log_format"], logging::format),
    works(&["log_levels"], logging::levels),
    // Limits of clients.
    works(&["max_connections", "max_conn"], |r, f, o| {
        // 0 and negative numbers refuse every client.
        if let Some(count) = r.integer(f) {
            o.limits.max_connections = u32::try_from(count.max(0)).unwrap_or(u32::MAX);
        }
    }),
    works(&["max_subscriptions", "max_subs"], |r, f, o| {
        // 0 and -1 both set no limit.
        if let Some(count) = r.integer(f) {
            let limit = positive(count).map(|n| u32::try_from(n).unwrap_or(u32::MAX));
            o.limits.max_subscriptions = limit;
        }
    }),
    works(
        &["max_sub_tokens", "max_subscription_tokens"],
        max_subscription_tokens,
    ),
    works(&["max_control_line"], |r, f, o| {
        if r.fits_i32(f).is_some() {
            o.limits.max_control_line = sized(r, f, Limits::default().max_control_line);
        }
    }),
    works(&["max_payload"], |r, f, o| match r.fits_i32(f) {
        Some(-1) => o.limits.max_payload = None,
        Some(_) => {
            let default = Limits::default().max_payload.unwrap_or_default();
            o.limits.max_payload = Some(sized(r, f, default));
        }
        None => {}
    }),
    works(&["max_pending"], |r, f, o| {
        o.limits.max_pending = sized(r, f, Limits::default().max_pending);
    }),
    works(&["ping_interval"], |r, f, o| {
        let default = Limits::default().ping_interval;
        o.limits.ping_interval = lasting(r, f, "ping_interval", default);
    }),
    works(&["ping_max"], |r, f, o| {
        o.limits.ping_max = counted(r, f, Limits::default().ping_max)
    }),
    works(&["write_deadline"], |r, f, o| {
        let default = Limits::default().write_deadline;
        o.limits.write_deadline = lasting(r, f, "write_deadline", default);
    }),
    works(&["write_timeout"], |r, f, o| {
        set(r.write_timeout(f), &mut o.limits.write_timeout)
    }),
    works(&["no_header_support"], |r, f, o| {
        set(r.bool(f), &mut o.limits.no_headers)
    }),
    works(&["no_fast_producer_stall"], |r, f, o| {
        set(r.bool(f), &mut o.limits.no_fast_producer_stall);
    }),
    works(&["disable_sublist_cache", "no_sublist_cache"], |r, f, o| {
        set(r.bool(f), &mut o.limits.no_match_cache);
    }),
    works(&["max_closed_clients"], |r, f, o| {
        o.limits.max_closed_clients = counted(r, f, Limits::default().max_closed_clients);
    }),
    // The server's own affairs.
    works(&["connect_error_reports"], |r, f, o| {
        o.connect_error_reports = counted(r, f, Options::default().connect_error_reports);
    }),
    works(&["reconnect_error_reports"], |r, f, o| {
        o.reconnect_error_reports = counted(r, f, Options::default().reconnect_error_reports);
    }),
    works(&["lame_duck_duration"], lame_duck_duration),
    works(&["lame_duck_grace_period"], lame_duck_grace_period),
    works(&["pid_file", "pidfile"], |r, f, o| {
        set(r.optional_text(f), &mut o.pid_file)
    }),
    works(&["ports_file_dir"], |r, f, o| {
        set(r.optional_text(f), &mut o.ports_file_dir)
    }),
    works(&["store_dir", "storedir"], |r, f, o| {
        if o.store_dir.is_some() {
            return r.invalid(&f.node.place, "Duplicate 'store_dir' configuration");
        }
        set(r.optional_text(f), &mut o.store_dir);
    }),
    works(&["prof_port"], |r, f, o| {
        set(r.port(f), &mut o.profiling.port)
    }),
    works(&["prof_block_rate"], |r, f, o| {
        set(r.integer(f), &mut o.profiling.block_rate)
    }),
    // Monitoring.
    works_for(&["http"], &["http", "http_port"], |r, f, o| {
        if let Some(listen) = r.listen(f) {
            (o.monitoring.host, o.monitoring.port) = (listen.host, listen.port);
        }
    }),
    works_for(
        &["http_port", "monitor_port"],
        &["http", "http_port"],
        |r, f, o| set(r.port(f), &mut o.monitoring.port),
    ),
    works(&["http_base_path"], |r, f, o| {
        if let Some(base) = r.text(f) {
            o.monitoring.base_path = base_path(&base);
        }
    }),
    works_for(&["https"], &["https", "https_port"], |r, f, o| {
        if let Some(listen) = r.listen(f) {
            (o.monitoring.host, o.monitoring.https_port) = (listen.host, listen.port);
        }
    }),
    works_for(&["https_port"], &["https", "https_port"], |r, f, o| {
        set(r.port(f), &mut o.monitoring.https_port)
    }),
    // Security.
    works(&["authorization"], |r, f, o| r.client_auth(f, &mut o.auth)),
    works(&["no_auth_user"], |r, f, o| {
        set(r.optional_text(f), &mut o.auth.no_auth_user)
    }),
    works(&["accounts"], accounts::read),
    works(&["mappings", "maps"], mappings::of_global_account),
    works(&["system_account", "system"], system_account),
    works(
        &["no_system_account", "no_system", "no_sys_acc"],
        |r, f, o| set(r.bool(f), &mut o.no_system_account),
    ),
    not_yet_unless_empty(&["default_sentinel"], OPERATOR),
    not_yet(
        &[
            "operator",
            "operators",
            "roots",
            "root",
            "root_operators",
            "root_operator",
        ],
        OPERATOR,
    ),
    not_yet(
        &["resolver", "account_resolver", "accounts_resolver"],
        OPERATOR,
    ),
    not_yet_unless_empty(&["resolver_tls"], OPERATOR),
    not_yet_unless_empty(&["resolver_preload"], OPERATOR),
    not_yet_unless_empty(&["resolver_pinned_accounts"], OPERATOR),
    not_yet(&["trusted", "trusted_keys"], OPERATOR),
    works(&["tls"], |r, f, o| o.tls = r.client_tls(f)),
    works(&["allow_non_tls"], |r, f, o| {
        set(r.bool(f), &mut o.allow_non_tls)
    }),
    works(&["ocsp"], ocsp::read),
    works(&["ocsp_cache"], ocsp::cache),
    // This one is ours alone.
    works(&["cert_reload_interval"], |r, f, o| {
        o.cert_reload_interval = r
            .duration(f, "cert_reload_interval")
            .flatten()
            .map(|interval| interval.max(SHORTEST_CERT_RELOAD));
    }),
    not_yet_unless_empty(&["proxies"], "trusted proxies"),
    works(&["proxy_protocol"], |r, f, o| {
        set(r.bool(f), &mut o.proxy_protocol)
    }),
    // Links and other listeners.
    works(&["gateway"], gateway::read),
    works(&["cluster"], cluster::read),
    not_yet_unless_empty(&["leafnodes", "leaf"], "leaf nodes"),
    not_yet_unless_empty(&["websocket", "ws"], "WebSocket"),
    not_yet_unless_empty(&["mqtt"], "MQTT"),
    not_yet_unless_off(&["jetstream"], "JetStream"),
    not_yet_unless_empty(&["default_js_domain"], "JetStream"),
];

/// Sets `target` if the value was right; if it wasn't, that has been noted.
fn set<T>(value: Option<T>, target: &mut T) {
    if let Some(value) = value {
        *target = value;
    }
}

fn positive(number: i64) -> Option<u64> {
    u64::try_from(number).ok().filter(|n| *n > 0)
}

fn sized(reader: &mut Reader, field: Field<'_>, default: ByteCount) -> ByteCount {
    reader.size(field).flatten().unwrap_or(default)
}

fn counted(reader: &mut Reader, field: Field<'_>, default: u32) -> u32 {
    reader.small_count(field).flatten().unwrap_or(default)
}

fn lasting(reader: &mut Reader, field: Field<'_>, name: &str, default: Duration) -> Duration {
    reader.duration(field, name).flatten().unwrap_or(default)
}

pub(super) fn name_without_spaces(
    reader: &mut Reader,
    field: Field<'_>,
    whose: &str,
) -> Option<String> {
    let name = reader.text(field)?;
    if name.contains(' ') {
        reader.invalid(
            &field.node.place,
            format!("{whose} name cannot contain spaces"),
        );
        return None;
    }
    Some(name)
}

fn system_account(reader: &mut Reader, field: Field<'_>, options: &mut Options) {
    let Value::Text(name) = &field.node.value else {
        let text = "system account name must be a string";
        return reader.invalid(&field.node.place, text);
    };
    // The longer key counts, wherever it stands.
    let is_short = field.key.eq_ignore_ascii_case("system");
    if !is_short || options.system_account.is_none() {
        options.system_account = Some(name.clone()).filter(|name| !name.is_empty());
    }
}

fn base_path(path: &str) -> String {
    path::tidy(&format!("/{path}"))
}

fn max_subscription_tokens(reader: &mut Reader, field: Field<'_>, options: &mut Options) {
    let Some(number) = reader.integer(field) else {
        return;
    };
    let problem = match u8::try_from(number) {
        Ok(0) => "can not be negative",
        Ok(limit) => return options.limits.max_subscription_tokens = Some(limit),
        Err(_) if number < 0 => "can not be negative",
        Err(_) => "is too big",
    };
    reader.invalid(&field.node.place, format!("{} value {problem}", field.key));
}

fn lame_duck_duration(reader: &mut Reader, field: Field<'_>, options: &mut Options) {
    const MINIMUM: Duration = Duration::from_secs(30);
    let Some(nanos) = reader.duration_text(field, "lame_duck_duration") else {
        return;
    };
    match u64::try_from(nanos).map(Duration::from_nanos) {
        Ok(duration) if duration >= MINIMUM => options.lame_duck.duration = duration,
        _ => {
            let shown = format_duration(nanos);
            let text = format!("invalid lame_duck_duration of {shown}, minimum is 30 seconds");
            reader.invalid(&field.node.place, text);
        }
    }
}

fn lame_duck_grace_period(reader: &mut Reader, field: Field<'_>, options: &mut Options) {
    let Some(nanos) = reader.duration_text(field, "lame_duck_grace_period") else {
        return;
    };
    match u64::try_from(nanos).map(Duration::from_nanos) {
        Ok(Duration::ZERO) => {
            options.lame_duck.grace_period = LameDuckOptions::default().grace_period;
        }
        Ok(period) => options.lame_duck.grace_period = period,
        Err(_) => {
            let text = "invalid lame_duck_grace_period, needs to be positive";
            reader.invalid(&field.node.place, text);
        }
    }
}

fn server_tags(reader: &mut Reader, field: Field<'_>, options: &mut Options) {
    let mut texts: Vec<&str> = Vec::new();
    match &field.node.value {
        Value::Text(text) => texts.push(text),
        Value::Array(nodes) => {
            for node in nodes {
                let Value::Text(text) = &node.value else {
                    let text = "error parsing tags: unsupported type *conf.token \
                                where string is expected";
                    return reader.invalid(&field.node.place, text);
                };
                texts.push(text);
            }
        }
        other => {
            let text = format!("error parsing tags: unsupported type {}", other.type_name());
            return reader.invalid(&field.node.place, text);
        }
    }
    for text in texts {
        let tag = text.trim().to_lowercase();
        if !tag.is_empty() && !options.server_tags.contains(&tag) {
            options.server_tags.push(tag);
        }
    }
}

fn server_metadata(reader: &mut Reader, field: Field<'_>, options: &mut Options) {
    let Value::Map(map) = &field.node.value else {
        let found = field.node.value.type_name();
        let text = format!("error parsing metadata: unsupported type {found}");
        return reader.invalid(&field.node.place, text);
    };
    for (key, node) in map.in_order() {
        if let Some(value) = reader.text(Field { key, node }) {
            options.server_metadata.insert(key.into(), value);
        }
    }
}

fn feature_flags(reader: &mut Reader, field: Field<'_>, options: &mut Options) {
    let Value::Map(map) = &field.node.value else {
        let found = field.node.value.type_name();
        let text = format!("error parsing feature flags: unsupported type {found}");
        return reader.invalid(&field.node.place, text);
    };
    for (key, node) in map.in_order() {
        let Value::Bool(on) = node.value else {
            let found = node.value.type_name();
            let key = quoted(key);
            let text = format!("error parsing feature flag {key}: expected bool, got {found}");
            reader.invalid(&node.place, text);
            continue;
        };
        options.feature_flags.insert(key.into(), on);
    }
}

#[cfg(test)]
mod tests {
    use super::KEYS;
    use std::collections::BTreeSet;

    #[test]
    fn no_spelling_stands_twice_in_the_table() {
        let mut seen = BTreeSet::new();
        for name in KEYS.iter().flat_map(|key| key.names) {
            assert!(seen.insert(*name), "{name} stands twice");
            assert_eq!(*name, name.to_lowercase());
        }
    }
}
