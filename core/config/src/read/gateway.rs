//! The `gateway` block and its remotes.

use alloc::format;
use alloc::vec::Vec;

use super::auth::{settle_timeout, unsettled};
use super::reader::{Field, Reader, shown};
use super::table::{Key, apply, works, works_for};
use crate::options::{ClusterOptions, GatewayOptions, Options, Permissions, RemoteGateway};
use crate::tree::Value;

pub(super) const KEYS: &[Key<GatewayOptions>] = &[
    works(&["name"], |r, f, g| {
        let Some(name) = r.text(f) else { return };
        if name.contains(' ') {
            return r.invalid(&f.node.place, "gateway name cannot contain spaces");
        }
        if name == ClusterOptions::RESERVED_NAME {
            return r.invalid(&f.node.place, "cluster name is reserved");
        }
        g.name = name;
    }),
    works_for(&["listen"], &["host", "port"], |r, f, g| {
        if let Some(listen) = r.listen(f) {
            g.host = listen
                .host
                .unwrap_or_else(|| GatewayOptions::default().host);
            g.port = listen.port;
        }
    }),
    works(&["port"], |r, f, g| g.port = r.port(f).unwrap_or(g.port)),
    works(&["host", "net"], |r, f, g| {
        if let Some(host) = r.optional_text(f) {
            g.host = host.unwrap_or_else(|| GatewayOptions::default().host);
        }
    }),
    works(&["authorization"], |r, f, g| {
        // Permissions have no meaning here.
        let _: Option<Permissions> = r.link_auth(f, "Gateway", &mut g.auth);
    }),
    works(&["tls"], |r, f, g| g.tls = r.link_tls(f).or(g.tls.take())),
    works(&["advertise"], |r, f, g| {
        if let Some(advertise) = r.optional_text(f) {
            g.advertise = advertise;
        }
    }),
    works(&["connect_retries"], |r, f, g| {
        g.connect_retries = r.retries(f).unwrap_or(g.connect_retries);
    }),
    works(&["connect_backoff"], |r, f, g| {
        g.connect_backoff = r.bool(f).unwrap_or(g.connect_backoff);
    }),
    works(&["gateways"], |r, f, g| {
        if let Some(remotes) = r.remotes(f) {
            g.remotes = remotes;
        }
    }),
    works(&["reject_unknown_cluster", "reject_unknown"], |r, f, g| {
        g.reject_unknown = r.bool(f).unwrap_or(g.reject_unknown);
    }),
    works(&["write_deadline"], |r, f, g| {
        if let Some(deadline) = r.duration(f, "write_deadline") {
            g.write_deadline = deadline;
        }
    }),
    works(&["write_timeout"], |r, f, g| {
        g.write_timeout = r.write_timeout(f).unwrap_or(g.write_timeout);
    }),
];

pub(super) const REMOTE_KEYS: &[Key<RemoteGateway>] = &[
    works(&["name"], |r, f, g| {
        if let Some(name) = r.text(f) {
            g.name = name;
        }
    }),
    works(&["tls"], |r, f, g| g.tls = r.link_tls(f).or(g.tls.take())),
    works_for(&["url"], &["urls"], |r, f, g| {
        if let Some(text) = r.text(f) {
            g.urls.extend(r.server_url(&f.node.place, &text, "gateway"));
        }
    }),
    works(&["urls"], |r, f, g| {
        if let Some(nodes) = r.array(f) {
            g.urls = r.server_urls(f.key, nodes, "gateway");
        }
    }),
];

/// Reads the `gateway` block.
pub(super) fn read(reader: &mut Reader, field: Field<'_>, options: &mut Options) {
    let Value::Map(map) = &field.node.value else {
        let found = field.node.value.type_name();
        return reader.invalid(
            &field.node.place,
            format!("Expected gateway to be a map, got {found}"),
        );
    };
    let mut gateway = GatewayOptions {
        auth: unsettled(),
        ..GatewayOptions::default()
    };
    apply(map, KEYS, reader, &mut gateway);
    settle_timeout(&mut gateway.auth, gateway.tls.as_ref());
    options.gateway = Some(gateway);
}

impl Reader<'_> {
    fn remotes(&mut self, field: Field<'_>) -> Option<Vec<RemoteGateway>> {
        let Value::Array(nodes) = &field.node.value else {
            let found = field.node.value.type_name();
            let text = format!("Expected gateways field to be an array, got {found}");
            self.invalid(&field.node.place, text);
            return None;
        };
        let mut remotes = Vec::with_capacity(nodes.len());
        for (at, node) in nodes.iter().enumerate() {
            let Value::Map(map) = &node.value else {
                let text = format!(
                    "Expected gateway entry to be a map/struct, got {}",
                    shown(&node.value)
                );
                self.invalid(&node.place, text);
                continue;
            };
            let mut remote = RemoteGateway::default();
            self.within_entry(at, node, |r| apply(map, REMOTE_KEYS, r, &mut remote));
            remotes.push(remote);
        }
        Some(remotes)
    }
}
