//! `ocsp`, `ocsp_cache`, and `ocsp_peer` in a `tls` block.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use super::reader::{Field, Reader};
use super::table::{Key, apply_or, works, works_for};
use crate::error::Place;
use crate::options::{OcspCacheOptions, OcspMode, OcspOptions, OcspPeerOptions, Options};
use crate::text::duration::parse_duration;
use crate::text::quote::quoted;
use crate::tree::Value;

/// How seldom answers that are kept may be written at most, as the reference server has it.
const SHORTEST_SAVE_INTERVAL: Duration = Duration::from_secs(1);

pub(super) const KEYS: &[Key<OcspOptions>] = &[
    works(&["mode"], |r, f, o| {
        let Some(name) = r.text(f) else { return };
        let lower = name.to_lowercase();
        let known = OcspMode::ALL.into_iter().find(|(name, _)| *name == lower);
        match known {
            Some((_, mode)) => o.mode = mode,
            // It is the type that the reference names.
            None => {
                let text = "error parsing ocsp config: unsupported ocsp mode string";
                r.invalid(&f.node.place, text);
            }
        }
    }),
    works(&["url"], |r, f, o| {
        if let Some(url) = r.text(f) {
            o.urls = alloc::vec![url];
        }
    }),
    works_for(&["urls"], &["urls", "url"], |r, f, o| {
        let Some(nodes) = r.array(f) else { return };
        let field = |node| Field { key: f.key, node };
        let urls: Option<Vec<String>> = nodes.iter().map(|node| r.text(field(node))).collect();
        o.urls = urls.unwrap_or_default();
    }),
];

pub(super) const CACHE_KEYS: &[Key<OcspCacheOptions>] = &[
    works(&["type"], |r, f, c| {
        let Value::Text(name) = &f.node.value else {
            return unknown_of_cache(r, f);
        };
        match name.to_lowercase().as_str() {
            "none" => c.on = false,
            "local" => c.on = true,
            _ => {
                let text = format!("error parsing OCSP peer cache config, unknown type [{name}]");
                r.invalid(&f.node.place, text);
            }
        }
    }),
    works(&["local_store"], |r, f, c| match &f.node.value {
        Value::Text(path) if path.is_empty() => {
            c.local_store = OcspCacheOptions::default().local_store
        }
        Value::Text(path) => c.local_store.clone_from(path),
        _ => unknown_of_cache(r, f),
    }),
    works(&["preserve_revoked"], |r, f, c| match f.node.value {
        Value::Bool(on) => c.preserve_revoked = on,
        _ => unknown_of_cache(r, f),
    }),
    works(&["save_interval"], |r, f, c| match seconds(&f.node.value) {
        // Whole seconds count.
        Ok(interval) => {
            let whole = Duration::from_secs(interval.unwrap_or_default().as_secs());
            c.save_interval = whole.max(SHORTEST_SAVE_INTERVAL);
        }
        Err(why) => {
            let whose = match f.node.value {
                Value::Text(_) => "tls peer",
                _ => "OCSP peer cache",
            };
            let text = format!("error parsing {whose} config, conversion error: {why}");
            r.invalid(&f.node.place, text);
        }
    }),
];

/// What `ocsp_peer` says, and where it stands.
pub(super) struct Peer {
    place: Place,
    verify: bool,
    options: OcspPeerOptions,
}

pub(super) const PEER_KEYS: &[Key<Peer>] = &[
    works(&["verify"], |r, f, p| switch(r, f, &p.place, &mut p.verify)),
    works(&["ca_timeout"], |r, f, p| {
        let default = OcspPeerOptions::default().ca_timeout;
        if let Some(timeout) = lasting(r, f, &p.place) {
            p.options.ca_timeout = if timeout.is_zero() { default } else { timeout };
        }
    }),
    works(&["allowed_clockskew"], |r, f, p| {
        // The reference does not say what is wrong here.
        match seconds(&f.node.value) {
            Ok(Some(skew)) => p.options.allowed_clockskew = skew,
            Ok(None) => {}
            Err(_) => not_converted(r, f, &p.place, "unexpected type"),
        }
    }),
    works(&["cache_ttl_when_next_update_unset"], |r, f, p| {
        if let Some(ttl) = lasting(r, f, &p.place) {
            p.options.unset_ttl = ttl;
        }
    }),
    works(&["warn_only"], |r, f, p| {
        switch(r, f, &p.place, &mut p.options.warn_only);
    }),
    works(&["unknown_is_good"], |r, f, p| {
        switch(r, f, &p.place, &mut p.options.unknown_is_good);
    }),
    works(&["allow_when_ca_unreachable"], |r, f, p| {
        switch(r, f, &p.place, &mut p.options.allow_when_ca_unreachable);
    }),
];

/// `ocsp`.
pub(super) fn read(reader: &mut Reader, field: Field<'_>, options: &mut Options) {
    let mut ocsp = OcspOptions::default();
    match &field.node.value {
        Value::Bool(true) => {}
        Value::Bool(false) => ocsp.mode = OcspMode::Never,
        Value::Map(map) => apply_or(map, KEYS, reader, &mut ocsp, |reader, _, node| {
            let text = "error parsing ocsp config: unsupported field string";
            reader.invalid(&node.place, text);
        }),
        other => {
            let found = other.type_name();
            let text = format!("error parsing ocsp config: unsupported type {found}");
            return reader.invalid(&field.node.place, text);
        }
    }
    options.ocsp = ocsp;
}

/// `ocsp_cache`.
pub(super) fn cache(reader: &mut Reader, field: Field<'_>, options: &mut Options) {
    let mut cache = OcspCacheOptions::default();
    match &field.node.value {
        Value::Bool(on) => cache.on = *on,
        Value::Map(map) => apply_or(map, CACHE_KEYS, reader, &mut cache, |reader, key, node| {
            unknown_of_cache(reader, Field { key, node });
        }),
        other => {
            // Of other things the reference speaks here.
            let text = format!("error parsing tags: unsupported type {}", other.type_name());
            return reader.invalid(&field.node.place, text);
        }
    }
    options.ocsp_cache = cache;
}

/// `ocsp_peer`; none if it is off.
pub(super) fn peer(reader: &mut Reader, field: Field<'_>) -> Option<OcspPeerOptions> {
    let place = &field.node.place;
    let mut peer = Peer {
        place: place.clone(),
        verify: false,
        options: OcspPeerOptions::default(),
    };
    match &field.node.value {
        Value::Bool(on) => peer.verify = *on,
        Value::Map(map) => apply_or(map, PEER_KEYS, reader, &mut peer, |reader, key, node| {
            unknown_of_peer(reader, Field { key, node }, place);
        }),
        _ => {
            // The reference names the type of the whole block here.
            let text = "error parsing ocsp peer config: unsupported type map[string]interface {}";
            reader.invalid(place, text);
        }
    }
    peer.verify.then_some(peer.options)
}

fn switch(reader: &mut Reader, field: Field<'_>, block: &Place, on: &mut bool) {
    match field.node.value {
        Value::Bool(value) => *on = value,
        _ => unknown_of_peer(reader, field, block),
    }
}

fn lasting(reader: &mut Reader, field: Field<'_>, block: &Place) -> Option<Duration> {
    match seconds(&field.node.value) {
        Ok(duration) => duration,
        Err(why) => {
            not_converted(reader, field, block, &why);
            None
        }
    }
}

/// A number of seconds or a duration in words; what is negative says nothing.
fn seconds(value: &Value) -> Result<Option<Duration>, String> {
    let seconds = match value {
        Value::Integer(seconds) => *seconds as f64,
        Value::Float(seconds) => *seconds,
        Value::Text(text) => parse_duration(text)? as f64 / 1e9,
        _ => return Err("unexpected type".to_string()),
    };
    Ok(Duration::try_from_secs_f64(seconds).ok())
}

fn not_converted(reader: &mut Reader, field: Field<'_>, block: &Place, why: &str) {
    let within = &field.node.place;
    let text = format!("{within}: error parsing tls peer config, conversion error: {why}");
    reader.invalid(block, text);
}

fn unknown_of_peer(reader: &mut Reader, field: Field<'_>, block: &Place) {
    let (within, key) = (&field.node.place, quoted(field.key));
    let text = format!("{within}: error parsing tls peer config, unknown field [{key}]");
    reader.invalid(block, text);
}

fn unknown_of_cache(reader: &mut Reader, field: Field<'_>) {
    let key = quoted(field.key);
    let text = format!("error parsing OCSP peer cache config, unknown field [{key}]");
    reader.invalid(&field.node.place, text);
}
