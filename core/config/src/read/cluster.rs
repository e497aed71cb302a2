//! The `cluster` block.

use alloc::format;
use alloc::string::ToString;

use super::auth::{settle_timeout, unsettled};
use super::permissions::CLUSTER_KEYS;
use super::reader::{Field, Reader};
use super::table::{Key, apply, works, works_for};
use super::top::name_without_spaces;
use crate::error::ConfigWarning;
use crate::options::{ClusterOptions, CompressionOptions, Options};
use crate::origin::KeyPath;
use crate::text::duration::parse_duration;
use crate::text::quote::quoted;
use crate::tree::Value;

pub(super) const KEYS: &[Key<ClusterOptions>] = &[
    works(&["name"], |r, f, c| {
        if let Some(name) = name_without_spaces(r, f, "cluster") {
            if name == ClusterOptions::RESERVED_NAME {
                return r.invalid(&f.node.place, "cluster name is reserved");
            }
            c.name = Some(name).filter(|n| !n.is_empty());
        }
    }),
    works_for(&["listen"], &["host", "port"], |r, f, c| {
        if let Some(listen) = r.listen(f) {
            c.host = listen
                .host
                .unwrap_or_else(|| ClusterOptions::default().host);
            c.port = listen.port;
        }
    }),
    works(&["port"], |r, f, c| c.port = r.port(f).unwrap_or(c.port)),
    works(&["host", "net"], |r, f, c| {
        if let Some(host) = r.optional_text(f) {
            c.host = host.unwrap_or_else(|| ClusterOptions::default().host);
        }
    }),
    works(&["authorization"], authorization),
    works(&["routes"], |r, f, c| {
        if let Some(nodes) = r.array(f) {
            c.routes = r.server_urls(f.key, nodes, "route");
        }
    }),
    works(&["tls"], |r, f, c| c.tls = r.link_tls(f).or(c.tls.take())),
    works(&["advertise", "cluster_advertise"], |r, f, c| {
        if let Some(advertise) = r.optional_text(f) {
            c.advertise = advertise;
        }
    }),
    works(&["no_advertise"], |r, f, c| {
        c.no_advertise = r.bool(f).unwrap_or(c.no_advertise);
    }),
    works(&["connect_retries"], |r, f, c| {
        c.connect_retries = r.retries(f).unwrap_or(c.connect_retries);
    }),
    works(&["connect_backoff"], |r, f, c| {
        c.connect_backoff = r.bool(f).unwrap_or(c.connect_backoff);
    }),
    works(&["permissions"], |r, f, c| {
        // These win over those in `authorization`, wherever they stand.
        let Some(permissions) = r.permissions(f, CLUSTER_KEYS) else {
            return;
        };
        if let Some(permissions) = r.cluster_permissions(f, permissions) {
            c.permissions = Some(permissions);
        }
    }),
    works(&["pool_size"], |r, f, c| {
        if let Some(size) = r.integer(f) {
            c.pool_size = match u32::try_from(size) {
                Ok(0) => ClusterOptions::default().pool_size,
                Ok(size) => Some(size),
                Err(_) if size < 0 => None,
                Err(_) => Some(u32::MAX),
            };
        }
    }),
    works(&["accounts"], |r, f, c| {
        if let Some(names) = r.text_list(f, "accounts") {
            c.accounts = names;
        }
    }),
    works(&["compression"], compression),
    works(&["ping_interval"], |r, f, c| {
        if let Some(interval) = r.duration(f, "ping_interval") {
            c.ping_interval = interval;
        }
        if c.is_ping_interval_too_long() {
            r.warnings.push(ConfigWarning::Value {
                place: f.node.place.clone(),
                text: "Cluster 'ping_interval' will reset to 30s which is the max for routes"
                    .into(),
            });
        }
    }),
    works(&["ping_max"], |r, f, c| {
        if let Some(count) = r.small_count(f) {
            c.ping_max = count;
        }
    }),
    works(&["write_deadline"], |r, f, c| {
        if let Some(deadline) = r.duration(f, "write_deadline") {
            c.write_deadline = deadline;
        }
    }),
    works(&["write_timeout"], |r, f, c| {
        c.write_timeout = r.write_timeout(f).unwrap_or(c.write_timeout);
    }),
];

pub(super) const COMPRESSION_KEYS: &[Key<CompressionOptions>] = &[
    works(&["mode"], |r, f, c| {
        if let Some(mode) = r.text(f) {
            c.mode = mode;
        }
    }),
    works(
        &["rtt_thresholds", "thresholds", "rtts", "rtt"],
        |r, f, c| {
            for node in r.array(f).unwrap_or_default() {
                let field = Field { key: f.key, node };
                let Some(text) = r.text(field) else { continue };
                match parse_duration(&text) {
                    Ok(nanos) => c.rtt_thresholds.push(nanos),
                    Err(error) => r.invalid(&f.node.place, error.to_string()),
                }
            }
        },
    ),
];

/// Reads the `cluster` block.
pub(super) fn read(reader: &mut Reader, field: Field<'_>, options: &mut Options) {
    let Value::Map(map) = &field.node.value else {
        let found = field.node.value.type_name();
        let text = format!("Expected map to define cluster, got {found}");
        return reader.invalid(&field.node.place, text);
    };
    let cluster = &mut options.cluster;
    cluster.auth = unsettled();
    apply(map, KEYS, reader, cluster);
    settle_timeout(&mut cluster.auth, cluster.tls.as_ref());
}

fn authorization(reader: &mut Reader, field: Field<'_>, cluster: &mut ClusterOptions) {
    let Some(permissions) = reader.link_auth(field, "Cluster", &mut cluster.auth) else {
        return;
    };
    let text = "setting \"permissions\" within cluster authorization block is deprecated";
    reader.warn(&field.node.place, field.key, text);
    let permissions = reader.cluster_permissions(field, permissions);
    if cluster.permissions.is_none() {
        cluster.permissions = permissions;
        let to = KeyPath::of("cluster.permissions");
        reader
            .origins
            .copy(&KeyPath::of("cluster.authorization.permissions"), &to);
    }
}

fn compression(reader: &mut Reader, field: Field<'_>, cluster: &mut ClusterOptions) {
    let compression = &mut cluster.compression;
    match &field.node.value {
        Value::Text(mode) => compression.mode = mode.clone(),
        Value::Bool(true) => compression.mode = "s2_fast".into(),
        Value::Bool(false) => compression.mode = "off".into(),
        Value::Map(map) => apply(map, COMPRESSION_KEYS, reader, compression),
        other => {
            let key = quoted(field.key);
            let found = other.type_name();
            let text = format!("field {key} should be a boolean or a structure, got {found}");
            reader.invalid(&field.node.place, text);
        }
    }
}
