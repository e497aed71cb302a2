//! Settings of a `tls` block.

use super::{Settings, Shown};
use crate::options::{CertificateFiles, HandshakeFirst, TlsOptions, TlsVersion};
use crate::read::is_insecure_suite;

impl Settings<'_> {
    /// The block of a listener.
    pub(super) fn tls(&mut self, tls: Option<&TlsOptions>) {
        match tls {
            Some(tls) => self.block("tls", |s| s.within_tls(tls, tls.timeout().into())),
            None => self.put("tls", Shown::Unset),
        }
    }

    /// The block of another cluster, which leaves its timeout to that of the listener.
    pub(super) fn remote_tls(&mut self, tls: Option<&TlsOptions>) {
        match tls {
            Some(tls) => self.block("tls", |s| s.within_tls(tls, tls.timeout.into())),
            None => self.put("tls", Shown::Unset),
        }
    }

    fn within_tls(&mut self, tls: &TlsOptions, timeout: Shown) {
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
        } = tls;
        match certificates.as_slice() {
            [] => {}
            [one] => self.certificate(one),
            several => self.blocks("certs", several, Self::certificate),
        }
        self.put("ca_file", ca_file);
        self.put("verify", *verify);
        self.put("verify_and_map", *map);
        self.put("verify_cert_and_check_known_urls", *check_known_urls);
        self.put("insecure", *insecure);
        self.put("timeout", timeout);
        self.put(
            "min_version",
            match min_version {
                TlsVersion::V1_2 => "1.2",
                TlsVersion::V1_3 => "1.3",
            },
        );
        // An empty list is none that a file may hold.
        let list = |names: Shown| match names {
            Shown::List(names) if names.is_empty() => Shown::Unset,
            names => names,
        };
        let insecure = cipher_suites.iter().any(|suite| is_insecure_suite(suite));
        self.put("allow_insecure_cipher_suites", insecure);
        self.put("cipher_suites", list(cipher_suites.into()));
        self.put("curve_preferences", list(curves.into()));
        let pinned = pinned.iter().map(Into::into).collect();
        self.put("pinned_certs", list(Shown::List(pinned)));
        self.put(
            "handshake_first",
            match *handshake_first {
                HandshakeFirst::No => Shown::Bool(false),
                HandshakeFirst::Always => Shown::Bool(true),
                HandshakeFirst::Within(delay) => delay.into(),
            },
        );
        self.put("connection_rate_limit", *rate_limit);
        self.ocsp_peer(*ocsp_peer);
    }

    fn certificate(&mut self, files: &CertificateFiles) {
        let CertificateFiles {
            cert_file,
            key_file,
        } = files;
        self.put("cert_file", cert_file);
        self.put("key_file", key_file);
    }
}
