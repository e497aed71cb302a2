//! The `tls` block of links to other servers, and of the listener for clients.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::ocsp;
use super::reader::{Field, Reader, shown};
use super::table::{Key, apply_or, works, works_for};
use crate::error::Place;
use crate::options::{CertificateFiles, HandshakeFirst, TlsOptions, TlsVersion};
use crate::text::duration::parse_duration;
use crate::text::quote::quoted;
use crate::tree::{Node, Value};

/// What the block says, before its parts are put together.
#[derive(Default)]
pub(super) struct Block {
    cert_file: String,
    key_file: String,
    certificates: Vec<CertificateFiles>,
    allow_insecure_suites: bool,
    insecure_suites: Vec<String>,
    for_clients: bool,
    tls: TlsOptions,
}

pub(super) const KEYS: &[Key<Block>] = &[
    works(&["cert_file"], |r, f, b| file(r, f, &mut b.cert_file)),
    works(&["key_file"], |r, f, b| file(r, f, &mut b.key_file)),
    works(&["ca_file"], |r, f, b| {
        let mut path = String::new();
        file(r, f, &mut path);
        b.tls.ca_file = Some(path).filter(|p| !p.is_empty());
    }),
    works(&["certs", "certificates"], |r, f, b| {
        b.certificates = r.certificates(f).unwrap_or_default();
    }),
    works(&["insecure"], |r, f, b| switch(r, f, &mut b.tls.insecure)),
    works(&["verify"], |r, f, b| switch(r, f, &mut b.tls.verify)),
    works_for(
        &["verify_and_map"],
        &["verify_and_map", "verify"],
        |r, f, b| {
            switch(r, f, &mut b.tls.map);
            b.tls.verify |= b.tls.map;
        },
    ),
    works_for(
        &["verify_cert_and_check_known_urls"],
        &["verify_cert_and_check_known_urls", "verify"],
        |r, f, b| {
            switch(r, f, &mut b.tls.check_known_urls);
            if b.tls.check_known_urls && b.for_clients {
                let text = "verify_cert_and_check_known_urls not supported in this context";
                r.invalid(&f.node.place, text);
            }
            b.tls.verify |= b.tls.check_known_urls;
        },
    ),
    works(&["allow_insecure_cipher_suites"], |r, f, b| {
        switch(r, f, &mut b.allow_insecure_suites);
    }),
    works(&["cipher_suites"], cipher_suites),
    works(&["curve_preferences"], curves),
    works(&["timeout"], timeout),
    works(&["min_version"], min_version),
    works(&["pinned_certs"], pinned),
    // Keys that have a meaning where clients connect, and none between servers.
    works(&["connection_rate_limit"], |r, f, b| match f.node.value {
        Value::Integer(limit) => {
            b.tls.rate_limit = u64::try_from(limit).ok().filter(|limit| *limit > 0);
        }
        _ => {
            let text = "error parsing tls config, 'connection_rate_limit' wrong type";
            r.invalid(&f.node.place, text);
        }
    }),
    works(&["handshake_first", "first", "immediate"], handshake_first),
    // Keys of an operating system's store of certificates, which is there on Windows only.
    works(&["cert_store"], |r, f, _| {
        let text = match &f.node.value {
            Value::Text(store) => match store.to_lowercase().as_str() {
                "" => EMPTY_STORE,
                "windowscurrentuser" | "windowslocalmachine" => {
                    "cert_store not compatible with current operating system"
                }
                _ => "cert store type not implemented",
            },
            _ => EMPTY_STORE,
        };
        r.invalid(&f.node.place, text);
    }),
    works(&["cert_match_by"], |r, f, _| {
        let text = match &f.node.value {
            Value::Text(by) => match by.to_lowercase().as_str() {
                "" => "expected 'cert_match_by' to be a valid non-empty string",
                "issuer" | "subject" | "thumbprint" => return,
                _ => "cert match by type not implemented",
            },
            _ => "expected 'cert_match_by' to be a valid non-empty string",
        };
        r.invalid(&f.node.place, text);
    }),
    works(&["cert_match"], |r, f, _| {
        if !matches!(&f.node.value, Value::Text(text) if !text.is_empty()) {
            let text = "expected 'cert_match' to be a valid non-empty string";
            r.invalid(&f.node.place, text);
        }
    }),
    works(&["ca_certs_match"], |_, _, _| {}),
    works(&["cert_match_skip_invalid"], |r, f, _| {
        if !matches!(f.node.value, Value::Bool(_)) {
            let text = "expected 'cert_match_skip_invalid' to be a boolean";
            r.invalid(&f.node.place, text);
        }
    }),
    works(&["ocsp_peer"], |r, f, b| b.tls.ocsp_peer = ocsp::peer(r, f)),
];

/// How long a client may take to begin the handshake under `handshake_first: auto`.
const FALLBACK: Duration = Duration::from_millis(50);

const EMPTY_STORE: &str = "expected 'cert_store' to be a valid non-empty string";

/// Suites that the reference server takes.
const SUITES: &[&str] = &[
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
];

/// Suites that it takes only if it is told that insecure ones are wanted.
const INSECURE_SUITES: &[&str] = &[
    "TLS_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
];

const CURVES: &[&str] = &[
    "X25519",
    "CurveP256",
    "CurveP384",
    "CurveP521",
    "X25519MLKEM768",
    "SecP256r1MLKEM768",
    "SecP384r1MLKEM1024",
];

/// Whether a suite of this name must be asked for by another key, too.
pub(crate) fn is_insecure_suite(name: &str) -> bool {
    INSECURE_SUITES.contains(&name)
}

impl Reader<'_> {
    /// The value of a `tls` key of links, its files looked at.
    pub(super) fn link_tls(&mut self, field: Field<'_>) -> Option<TlsOptions> {
        self.tls(field, Block::default())
    }

    /// The value of the `tls` key of the listener for clients, its files looked at.
    pub(super) fn client_tls(&mut self, field: Field<'_>) -> Option<TlsOptions> {
        let block = Block {
            for_clients: true,
            ..Block::default()
        };
        self.tls(field, block)
    }

    fn tls(&mut self, field: Field<'_>, mut block: Block) -> Option<TlsOptions> {
        let map = self.map(field)?;
        let before = self.errors.len();
        apply_or(map, KEYS, self, &mut block, |reader, name, node| {
            let name = quoted(name);
            let text = format!("error parsing tls config, unknown field {name}");
            reader.invalid(&node.place, text);
        });
        if self.errors.len() > before {
            return None;
        }
        let checked = block
            .finish()
            .and_then(|tls| self.source.check_tls(&tls).map(|()| tls));
        match checked {
            Ok(tls) => Some(tls),
            Err(problem) => {
                self.invalid(&field.node.place, problem);
                None
            }
        }
    }

    fn certificates(&mut self, field: Field<'_>) -> Option<Vec<CertificateFiles>> {
        let problem = "error parsing certificates config";
        let Value::Array(nodes) = &field.node.value else {
            // The reference names the type of the whole block here.
            let text = format!("{problem}: unsupported type map[string]interface {{}}");
            self.invalid(&field.node.place, text);
            return None;
        };
        let mut certificates = Vec::with_capacity(nodes.len());
        for node in nodes {
            certificates.push(self.certificate(node)?);
        }
        Some(certificates)
    }

    fn certificate(&mut self, node: &Node) -> Option<CertificateFiles> {
        let problem = "error parsing certificates config";
        let Value::Map(map) = &node.value else {
            let found = node.value.type_name();
            self.invalid(&node.place, format!("{problem}: unsupported type {found}"));
            return None;
        };
        let mut files = CertificateFiles::default();
        let mut last: &Place = &node.place;
        for (key, node) in map.in_order() {
            last = &node.place;
            let Value::Text(path) = &node.value else {
                let found = node.value.type_name();
                self.invalid(last, format!("{problem}: unsupported type {found}"));
                return None;
            };
            match key {
                "cert_file" => files.cert_file = path.clone(),
                "key_file" => files.key_file = path.clone(),
                _ => {
                    let key = quoted(key);
                    let text = format!("error parsing tls certs config, unknown field {key}");
                    self.invalid(last, text);
                    return None;
                }
            }
        }
        if files.cert_file.is_empty() || files.key_file.is_empty() {
            let text = format!("{problem}: both 'cert_file' and 'cert_key' options are required");
            self.invalid(last, text);
            return None;
        }
        Some(files)
    }

    /// The texts of a list that must not be empty; `what` is wrong with one that is no text.
    fn names<'a>(&mut self, field: Field<'a>) -> Option<Vec<(&'a Place, String)>> {
        let nodes = self.array(field)?;
        if nodes.is_empty() {
            let key = field.key.to_lowercase();
            let text = format!("error parsing tls config, '{key}' cannot be empty");
            self.invalid(&field.node.place, text);
            return None;
        }
        let mut names = Vec::with_capacity(nodes.len());
        for node in nodes {
            let name = self.text(Field {
                key: field.key,
                node,
            })?;
            names.push((&node.place, name));
        }
        Some(names)
    }
}

impl Block {
    /// Puts the parts together.
    fn finish(self) -> Result<TlsOptions, String> {
        let Block {
            cert_file,
            key_file,
            certificates,
            mut tls,
            ..
        } = self;
        if !certificates.is_empty() && !cert_file.is_empty() {
            return Err(
                "error parsing tls config, cannot combine 'cert_file' option with 'certs' \
                        option"
                    .into(),
            );
        }
        if !self.allow_insecure_suites && !self.insecure_suites.is_empty() {
            return Err(format!(
                "insecure cipher suites configured without 'allow_insecure_cipher_suites' option \
                 set: {}",
                self.insecure_suites.join(", ")
            ));
        }
        tls.certificates = match (cert_file.is_empty(), key_file.is_empty()) {
            (true, true) => certificates,
            (false, false) => alloc::vec![CertificateFiles {
                cert_file,
                key_file
            }],
            (false, true) => return Err("missing 'key_file' in TLS configuration".into()),
            (true, false) => return Err("missing 'cert_file' in TLS configuration".into()),
        };
        Ok(tls)
    }
}

fn file(reader: &mut Reader, field: Field<'_>, path: &mut String) {
    match &field.node.value {
        Value::Text(text) => path.clone_from(text),
        _ => {
            let key = field.key.to_lowercase();
            let text = format!("error parsing tls config, expected '{key}' to be filename");
            reader.invalid(&field.node.place, text);
        }
    }
}

fn switch(reader: &mut Reader, field: Field<'_>, on: &mut bool) {
    match &field.node.value {
        Value::Bool(value) => *on = *value,
        _ => {
            let key = field.key.to_lowercase();
            let text = format!("error parsing tls config, expected '{key}' to be a boolean");
            reader.invalid(&field.node.place, text);
        }
    }
}

fn cipher_suites(reader: &mut Reader, field: Field<'_>, block: &mut Block) {
    for (place, name) in reader.names(field).unwrap_or_default() {
        let insecure = is_insecure_suite(&name);
        if !insecure && !SUITES.contains(&name.as_str()) {
            reader.invalid(place, format!("unrecognized cipher {name}"));
            continue;
        }
        if insecure {
            block.insecure_suites.push(name.clone());
        }
        block.tls.cipher_suites.push(name);
    }
}

fn curves(reader: &mut Reader, field: Field<'_>, block: &mut Block) {
    for (place, name) in reader.names(field).unwrap_or_default() {
        if CURVES.contains(&name.as_str()) {
            block.tls.curves.push(name);
        } else {
            reader.invalid(place, format!("unrecognized curve preference {name}"));
        }
    }
}

fn timeout(reader: &mut Reader, field: Field<'_>, block: &mut Block) {
    let place = &field.node.place;
    let problem = "error parsing tls config, 'timeout'";
    let seconds = match &field.node.value {
        Value::Integer(seconds) => *seconds as f64,
        Value::Float(seconds) => *seconds,
        Value::Text(text) => match parse_duration(text) {
            Ok(nanos) => nanos as f64 / 1e9,
            Err(error) => return reader.invalid(place, format!("{problem} {error}")),
        },
        _ => return reader.invalid(place, format!("{problem} wrong type")),
    };
    match Duration::try_from_secs_f64(seconds) {
        Ok(timeout) => block.tls.timeout = Some(timeout).filter(|timeout| !timeout.is_zero()),
        Err(_) => reader.invalid(place, format!("{problem} can not be negative or that high")),
    }
}

fn min_version(reader: &mut Reader, field: Field<'_>, block: &mut Block) {
    let problem = match &field.node.value {
        Value::Text(text) => match text.as_str() {
            "1.2" => return block.tls.min_version = TlsVersion::V1_2,
            "1.3" => return block.tls.min_version = TlsVersion::V1_3,
            "1.0" | "1.1" => format!("unsupported TLS version: TLS {text}"),
            _ => format!("unknown version: {text}"),
        },
        other => format!("'min_version' wrong type: {}", shown(other)),
    };
    let text = format!("error parsing tls config: {problem}");
    reader.invalid(&field.node.place, text);
}

fn pinned(reader: &mut Reader, field: Field<'_>, block: &mut Block) {
    const FORM: &str = "hex-encoded sha256 of DER encoded SubjectPublicKeyInfo";
    let Value::Array(nodes) = &field.node.value else {
        let text =
            format!("error parsing tls config, expected 'pinned_certs' to be a list of {FORM}");
        return reader.invalid(&field.node.place, text);
    };
    for node in nodes {
        let Some(text) = reader.text(Field {
            key: field.key,
            node,
        }) else {
            continue;
        };
        let key = text.to_lowercase();
        if key.len() == 64 && key.bytes().all(|b| b.is_ascii_hexdigit()) {
            block.tls.pinned.insert(key);
        } else {
            let text = format!(
                "error parsing tls config, 'pinned_certs' key {key} does not look like {FORM}"
            );
            reader.invalid(&node.place, text);
        }
    }
}

fn handshake_first(reader: &mut Reader, field: Field<'_>, block: &mut Block) {
    let place = &field.node.place;
    let key = quoted(field.key);
    let first = match &field.node.value {
        Value::Bool(on) => Some(always(*on)),
        Value::Text(text) => match text.to_lowercase().as_str() {
            "true" | "on" => Some(HandshakeFirst::Always),
            "false" | "off" => Some(HandshakeFirst::No),
            "auto" | "auto_fallback" => Some(HandshakeFirst::Within(FALLBACK)),
            _ => parse_duration(text).ok().map(|nanos| {
                // No time to begin in is as much as all the time.
                let within = u64::try_from(nanos).ok().filter(|nanos| *nanos > 0);
                within.map_or(HandshakeFirst::Always, |nanos| {
                    HandshakeFirst::Within(Duration::from_nanos(nanos))
                })
            }),
        },
        other => {
            let found = other.type_name();
            let text = format!("field {key} should be a boolean or a string, got {found}");
            return reader.invalid(place, text);
        }
    };
    match (first, &field.node.value) {
        (Some(first), _) => block.tls.handshake_first = first,
        (None, Value::Text(text)) => {
            let value = quoted(text);
            reader.invalid(place, format!("field {key}'s value {value} is invalid"));
        }
        (None, _) => {}
    }
}

fn always(on: bool) -> HandshakeFirst {
    if on {
        HandshakeFirst::Always
    } else {
        HandshakeFirst::No
    }
}
