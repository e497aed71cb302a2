//! Our certificates, and which of them is shown to whom, with which proof that it is good. Not here: how they are
//! read (`pem`), where proofs come from.

use std::fmt;
use std::sync::Arc;

use gannet_units::WallTime;
use parking_lot::Mutex;
use rustls::SignatureScheme;
use rustls::client::{ResolvesClientCert, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::rt::Rt;

/// Our certificates, in the order of the configuration.
pub(super) struct Certificates {
    keys: Vec<Shown>,
    clock: Option<Rt>,
}

struct Shown(Mutex<State>);

struct State {
    key: Arc<CertifiedKey>,
    /// When the proof that is shown with it counts no longer. Without a newer one, the certificate is not
    /// shown any more then: nobody could tell it from one that was revoked.
    until: Option<WallTime>,
}

impl Certificates {
    pub(super) fn new(keys: Vec<Arc<CertifiedKey>>, clock: Option<Rt>) -> Certificates {
        let shown = |key| Shown(Mutex::new(State { key, until: None }));
        Certificates {
            keys: keys.into_iter().map(shown).collect(),
            clock,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The certificate at `index` with those behind it.
    pub(super) fn chain(&self, index: usize) -> Option<Vec<CertificateDer<'static>>> {
        Some(self.keys.get(index)?.0.lock().key.cert.clone())
    }

    /// From now on, `proof` is shown with the certificate at `index`, which counts `until`.
    pub(super) fn set_staple(&self, index: usize, proof: Vec<u8>, until: Option<WallTime>) {
        if let Some(shown) = self.keys.get(index) {
            let mut state = shown.0.lock();
            let key = CertifiedKey {
                ocsp: Some(proof),
                ..CertifiedKey::clone(&state.key)
            };
            *state = State {
                key: Arc::new(key),
                until,
            };
        }
    }

    /// Those that suit and may be shown now.
    fn that_suit(&self, schemes: &[SignatureScheme]) -> impl Iterator<Item = Arc<CertifiedKey>> {
        let now = self.clock.as_ref().map(Rt::wall);
        self.keys.iter().filter_map(move |shown| {
            let state = shown.0.lock();
            let is_old = state
                .until
                .is_some_and(|until| now.is_some_and(|now| now > until));
            let suits = !is_old && state.key.key.choose_scheme(schemes).is_some();
            suits.then(|| state.key.clone())
        })
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let schemes = hello.signature_schemes();
        let wanted = hello
            .server_name()
            .and_then(|name| ServerName::try_from(name).ok());
        let named = wanted.and_then(|wanted| {
            self.that_suit(schemes)
                .find(|key| is_for_name(key, &wanted))
        });
        named.or_else(|| self.that_suit(schemes).next())
    }
}

impl ResolvesClientCert for Certificates {
    fn resolve(
        &self,
        _root_hint_subjects: &[&[u8]],
        sigschemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        self.that_suit(sigschemes).next()
    }

    fn has_certs(&self) -> bool {
        !self.keys.is_empty()
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificates({})", self.keys.len())
    }
}

fn is_for_name(key: &CertifiedKey, name: &ServerName<'_>) -> bool {
    let parsed = key
        .cert
        .first()
        .and_then(|c| ParsedCertificate::try_from(c).ok());
    parsed.is_some_and(|certificate| verify_server_name(&certificate, name).is_ok())
}
