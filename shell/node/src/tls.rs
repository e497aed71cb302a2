//! TLS: what one server loads at its start, the handshake that every encrypted link to another server
//! begins with, and certificates swapped while the server runs. Not here: the handshake's own course
//! (`gannet_rt::tls`), what a peer's certificate is worth (`gannet_session::link_auth`), how a client's
//! connection begins (`client::door`).
//!
//! On gateways and routes alike, the handshake comes before the first word, in both roles. Who begins a
//! link takes the [`LinkTls`] for it from [`Shared::tls`](crate::shared::Shared), makes a [`Handshake`]
//! of it, and [performs](Handshake::perform) it before the conversation begins; if it is none, the link is
//! plain.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use gannet_broker::{Peer, Signal};
use gannet_config::{
    GatewayOptions, OcspOptions, OcspPeerOptions, Options, TlsOptions, TlsVersion,
};
use gannet_identity::CertificateNames;
use gannet_rt::future::{Either, race};
use gannet_rt::tls::{
    self, PeerCertificate, TlsContext, TlsError, TlsFacts, TlsSettings, TlsSettingsError,
};
use gannet_rt::{Rt, Stream};
use gannet_session::link_auth::{Admission, CertificateRule};
use gannet_units::{Moment, WallTime};

use crate::certificates::Files;
use crate::log::{About, Logger, log};
use crate::ocsp::{self, Shower, Stapler};
use crate::shared::Shared;
use crate::throttle::Throttle;

/// Whether the files that `tls` names can be used, in the reference server's words if not. `read` answers
/// a file's bytes or the whole text of what is wrong with it.
pub fn check_tls(
    tls: &TlsOptions,
    read: &dyn Fn(&str) -> Result<Vec<u8>, String>,
) -> Result<(), String> {
    TlsContext::check(&settings(tls, tls.verify), read).map_err(|e| e.to_string())
}

/// The TLS of one server.
#[derive(Debug, Default)]
pub(crate) struct ServerTls {
    gateway: Option<Arc<LinkTls>>,
    /// Of clusters whose entries say how to dial them.
    remotes: BTreeMap<String, Arc<LinkTls>>,
    routes: Option<Arc<LinkTls>>,
    clients: Option<Arc<LinkTls>>,
    monitoring: Option<Arc<LinkTls>>,
    /// Our certificates that proofs are shown with.
    pub(crate) staplers: Vec<Arc<Stapler>>,
    /// What was in the files, if it is looked for changes.
    pub(crate) files: Option<Files>,
}

/// The TLS of one kind of connection.
#[derive(Debug)]
pub(crate) struct LinkTls {
    kind: Kind,
    settings: TlsSettings,
    /// How long a handshake may take.
    pub(crate) timeout: Duration,
    rule: Option<CertificateRule>,
    context: TlsContext,
    /// Of clients, if there may be only so many handshakes in a time.
    pub(crate) throttle: Option<Throttle>,
    /// Authorities are asked about the certificates of clients.
    pub(crate) ocsp_peer: Option<OcspPeerOptions>,
    /// Servers that dial us must have certificates that are known to be good.
    wants_proof: bool,
}

/// Who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Client,
    Router,
    Gateway,
}

impl Kind {
    /// As the reference server calls it.
    fn name(self) -> &'static str {
        match self {
            Kind::Client => "Client",
            Kind::Router => "Router",
            Kind::Gateway => "Gateway",
        }
    }
}

impl ServerTls {
    /// Reads all files that the options name.
    pub(crate) fn load(rt: &Rt, options: &Options) -> Result<ServerTls, String> {
        let files = options
            .cert_reload_interval
            .map(|_| Files::look(rt, files(options)));
        let mut loaded = ServerTls::contexts(rt, options).map_err(|e| e.to_string())?;
        loaded.files = files;
        loaded.staplers = ocsp::staplers(options.ocsp.mode, loaded.showers(options))?;
        Ok(loaded)
    }

    fn contexts(rt: &Rt, options: &Options) -> Result<ServerTls, TlsSettingsError> {
        let mut loaded = ServerTls::default();
        let ocsp = &options.ocsp;
        if let Some(tls) = &options.cluster.tls {
            let rule = CertificateRule::new(tls, &options.cluster.auth, &options.cluster.routes);
            let kind = Kind::Router;
            loaded.routes = Some(Arc::new(LinkTls::load(rt, tls, (kind, ocsp), rule)?));
        }
        if let Some(tls) = &options.tls {
            let kind = (Kind::Client, ocsp);
            loaded.clients = Some(Arc::new(LinkTls::with(rt, tls, kind, tls.verify, None)?));
            if options.monitoring.https_port.is_some() {
                // Browsers and probes have no certificates; those that are asked about must.
                let verify = tls.ocsp_peer.is_some();
                let tls = LinkTls::with(rt, &anyones(tls), kind, verify, None)?;
                loaded.monitoring = Some(Arc::new(tls));
            }
        }
        if let Some(gateway) = &options.gateway {
            loaded.load_gateway(rt, gateway, ocsp)?;
        }
        Ok(loaded)
    }

    fn load_gateway(
        &mut self,
        rt: &Rt,
        options: &GatewayOptions,
        ocsp: &OcspOptions,
    ) -> Result<(), TlsSettingsError> {
        let kind = (Kind::Gateway, ocsp);
        if let Some(tls) = &options.tls {
            let known = options.remotes.iter().flat_map(|remote| &remote.urls);
            let rule = CertificateRule::new(tls, &options.auth, known);
            self.gateway = Some(Arc::new(LinkTls::load(rt, tls, kind, rule)?));
        }
        for remote in options.remotes.iter().filter(|remote| remote.tls.is_some()) {
            if let Some(tls) = options.tls_to(&remote.name) {
                let tls = Arc::new(LinkTls::load(rt, &tls, kind, None)?);
                self.remotes.insert(remote.name.clone(), tls);
            }
        }
        Ok(())
    }

    /// All that there is, with the options that it is made of.
    fn all<'a>(
        &'a self,
        options: &'a Options,
    ) -> impl Iterator<Item = (String, &'a LinkTls, &'a TlsOptions)> {
        let gateway = options.gateway.as_ref();
        let named = |name: &str, tls: &'a Option<Arc<LinkTls>>, of: Option<&'a TlsOptions>| {
            Some((name.to_string(), &**tls.as_ref()?, of?))
        };
        let of_remote = move |(name, tls): (&'a String, &'a Arc<LinkTls>)| {
            let mut remotes = gateway?.remotes.iter();
            let of = remotes.find(|remote| remote.name == *name)?.tls.as_ref()?;
            Some((format!("gateway {name}"), &**tls, of))
        };
        [
            named("clients", &self.clients, options.tls.as_ref()),
            named("monitoring", &self.monitoring, options.tls.as_ref()),
            named("the cluster", &self.routes, options.cluster.tls.as_ref()),
            named(
                "the gateway",
                &self.gateway,
                gateway.and_then(|g| g.tls.as_ref()),
            ),
        ]
        .into_iter()
        .flatten()
        .chain(self.remotes.iter().filter_map(of_remote))
    }

    /// Who shows which certificates.
    pub(crate) fn showers<'a>(&'a self, options: &'a Options) -> impl Iterator<Item = Shower<'a>> {
        self.all(options).map(|(_, tls, of)| Shower {
            kind: tls.kind.name(),
            context: &tls.context,
            cert_files: of
                .certificates
                .iter()
                .map(|files| files.cert_file.as_str())
                .collect(),
        })
    }

    /// Whose certificates end when.
    pub(crate) fn not_after(&self) -> impl Iterator<Item = (String, WallTime)> {
        let named = |name: &str, tls: &Option<Arc<LinkTls>>| {
            Some((name.to_string(), tls.as_ref()?.not_after()?))
        };
        let of_remote = |(name, tls): (&String, &Arc<LinkTls>)| {
            Some((format!("gateway {name}"), tls.not_after()?))
        };
        // Monitoring has the clients'.
        [
            named("clients", &self.clients),
            named("the cluster", &self.routes),
            named("the gateway", &self.gateway),
        ]
        .into_iter()
        .flatten()
        .chain(self.remotes.iter().filter_map(of_remote))
    }

    /// Says which cipher suites and curves of the configuration are not spoken.
    pub(crate) fn warn_of_left_out(&self, log: &Logger) {
        let links = [&self.clients, &self.routes, &self.gateway]
            .into_iter()
            .flatten();
        let links = links.chain(self.remotes.values());
        let left_out: BTreeSet<String> = links.flat_map(|tls| tls.settings.left_out()).collect();
        for what in left_out {
            log!(
                log,
                Server,
                Warn,
                "Not supported by this version of Gannet: {what}"
            );
        }
    }

    /// Of gateway links that come in.
    pub(crate) fn gateway(&self) -> Option<&Arc<LinkTls>> {
        self.gateway.as_ref()
    }

    /// Of the gateway link that we dial to cluster `remote`.
    pub(crate) fn to_gateway(&self, remote: &str) -> Option<&Arc<LinkTls>> {
        self.remotes.get(remote).or(self.gateway.as_ref())
    }

    /// Of routes, in both roles.
    pub(crate) fn routes(&self) -> Option<&Arc<LinkTls>> {
        self.routes.as_ref()
    }

    /// Of clients.
    pub(crate) fn clients(&self) -> Option<&Arc<LinkTls>> {
        self.clients.as_ref()
    }

    /// Of the monitoring port.
    pub(crate) fn monitoring(&self) -> Option<&Arc<LinkTls>> {
        self.monitoring.as_ref()
    }

    /// The longest that a handshake on a gateway may take.
    pub(crate) fn longest_gateway_handshake(&self) -> Duration {
        let links = self.gateway.iter().chain(self.remotes.values());
        links.map(|tls| tls.timeout).max().unwrap_or_default()
    }

    /// Whether some gateways that we dial may show any certificate.
    pub(crate) fn trusts_any_gateway(&self) -> bool {
        let mut links = self.gateway.iter().chain(self.remotes.values());
        links.any(|tls| tls.is_insecure())
    }
}

impl LinkTls {
    fn load(
        rt: &Rt,
        tls: &TlsOptions,
        kind: (Kind, &OcspOptions),
        rule: Option<CertificateRule>,
    ) -> Result<LinkTls, TlsSettingsError> {
        // Between servers both sides show a certificate, whatever `verify` says.
        LinkTls::with(rt, tls, kind, true, rule)
    }

    fn with(
        rt: &Rt,
        tls: &TlsOptions,
        (kind, ocsp): (Kind, &OcspOptions),
        verify_peers: bool,
        rule: Option<CertificateRule>,
    ) -> Result<LinkTls, TlsSettingsError> {
        let mut settings = settings(tls, verify_peers);
        let mut context = TlsContext::load(rt, &settings)?;
        // Who shows proofs to other servers wants to see theirs.
        let mut own = 0..context.certificates();
        let wants_proof =
            kind != Kind::Client && own.any(|index| ocsp.mode.wants(context.wants_staple(index)));
        if wants_proof {
            settings.staples = Some(ocsp::demand(kind.name()));
            context = TlsContext::load(rt, &settings)?;
        }
        Ok(LinkTls {
            kind,
            wants_proof,
            ocsp_peer: tls.ocsp_peer,
            settings,
            timeout: tls.timeout(),
            rule,
            context,
            throttle: tls.rate_limit.map(Throttle::new),
        })
    }

    /// Servers that we dial may show any certificate.
    pub(crate) fn is_insecure(&self) -> bool {
        self.settings.insecure
    }

    /// For the next handshake.
    pub(crate) fn context(&self) -> TlsContext {
        self.context.clone()
    }

    /// When our certificate ends.
    pub(crate) fn not_after(&self) -> Option<WallTime> {
        self.context.not_after()
    }

    /// What is thought of a peer that has dialled us, for its CONNECT.
    pub(crate) fn admission(&self, facts: &TlsFacts) -> Admission {
        match (&self.rule, &facts.peer) {
            (None, _) => Admission::ByPassword,
            (Some(_), None) => Admission::ByCertificate(None),
            (Some(rule), Some(peer)) => rule.admission(&names(peer)),
        }
    }
}

/// Tells the log that a connection is encrypted, and how.
pub(crate) fn tell_secured(shared: &Shared, about: &About, facts: &TlsFacts) {
    log!(shared.log, Debug, about about, "TLS handshake complete");
    let (version, cipher) = (facts.version, &facts.cipher);
    log!(
        shared.log,
        Debug,
        about about,
        "TLS version {version}, cipher suite {cipher}"
    );
}

/// The handshake of one link.
pub(crate) struct Handshake {
    tls: Arc<LinkTls>,
    /// `gateway` or `route`, for the log.
    kind: &'static str,
    /// What the peer's certificate must be for; we have dialled if there is one.
    name: Option<String>,
}

/// Why a handshake led to nothing.
pub(crate) enum Failure {
    /// It went wrong, which the log says already: end the link with
    /// [`CloseReason::TlsHandshakeError`](gannet_session::CloseReason::TlsHandshakeError).
    Tls(TlsError),
    /// Somebody has asked the link's task to end it; that signal is still to be seen to.
    Unwanted,
}

impl Handshake {
    /// Of a link that was accepted.
    pub(crate) fn accepted(kind: &'static str, tls: &Arc<LinkTls>) -> Handshake {
        Handshake {
            tls: tls.clone(),
            kind,
            name: None,
        }
    }

    /// Of a link that was dialled, to a server whose certificate must be for `name`
    /// (see [`ServerNames`](gannet_session::topology::ServerNames)).
    pub(crate) fn dialled(kind: &'static str, tls: &Arc<LinkTls>, name: String) -> Handshake {
        Handshake {
            tls: tls.clone(),
            kind,
            name: Some(name),
        }
    }

    /// The name that the peer's certificate must be for, if that was why the handshake failed.
    pub(crate) fn wrong_name(&self, failure: &Failure) -> Option<&str> {
        match failure {
            Failure::Tls(TlsError::WrongName(_)) => self.name.as_deref(),
            _ => None,
        }
    }

    /// Makes `stream` an encrypted one, at the latest by `latest`, and writes to the log how that went,
    /// about whom. Nothing may have been read or written yet. Answers what is known of the connection
    /// and how the peer's certificate counts when it introduces itself.
    pub(crate) async fn perform(
        &self,
        shared: &Shared,
        about: &About,
        stream: &Stream,
        peer: &Peer,
        latest: Moment,
    ) -> Result<(TlsFacts, Admission), Failure> {
        let (rt, kind) = (&shared.rt, self.kind);
        let side = if self.name.is_some() {
            "client"
        } else {
            "server"
        };
        log!(
            shared.log,
            Debug,
            about about,
            "Starting TLS {kind} {side} handshake"
        );
        let (context, deadline) = (&self.tls.context, rt.now() + self.tls.timeout);
        let shaken = async {
            let deadline = deadline.min(latest);
            if let Some(name) = &self.name {
                return stream.connect_tls(rt, context, name, &[], deadline).await;
            }
            let facts = stream.accept_tls(rt, context, &[], deadline).await?;
            if self.tls.wants_proof {
                let checked = ocsp::check_link(shared, stream, context, self.tls.kind.name());
                match race(checked, rt.sleep_until(deadline)).await {
                    Either::First(checked) => checked.map_err(TlsError::BadStatus)?,
                    Either::Second(()) => return Err(TlsError::Timeout),
                }
            }
            Ok(facts)
        };
        let facts = match race(shaken, unwanted(peer)).await {
            Either::First(Ok(facts)) => facts.clone(),
            Either::First(Err(error)) => {
                log!(
                    shared.log,
                    Error,
                    about about,
                    "TLS {kind} handshake error: {error}"
                );
                return Err(Failure::Tls(error));
            }
            Either::Second(()) => {
                peer.signal().raise(Signal::CLOSE);
                return Err(Failure::Unwanted);
            }
        };
        tell_secured(shared, about, &facts);
        let admission = self.tls.admission(&facts);
        Ok((facts, admission))
    }
}

/// Waits until somebody asks for the connection's end.
pub(crate) async fn unwanted(peer: &Peer) {
    poll_fn(|cx| {
        loop {
            if ready!(peer.signal().poll(cx)) & Signal::CLOSE != 0 {
                return Poll::Ready(());
            }
        }
    })
    .await
}

/// The names in a certificate.
pub(crate) fn names(peer: &PeerCertificate) -> CertificateNames<'_> {
    CertificateNames {
        emails: &peer.emails,
        dns_names: &peer.dns_names,
        uris: &peer.uris,
        subject: &peer.subject,
        domain_components: &peer.domain_components,
        distinguished: peer.distinguished_name.as_deref(),
    }
}

/// The options without what they ask of the peer.
fn anyones(tls: &TlsOptions) -> TlsOptions {
    TlsOptions {
        pinned: BTreeSet::new(),
        rate_limit: None,
        ..tls.clone()
    }
}

/// All files that are read for TLS.
pub(crate) fn files(options: &Options) -> impl Iterator<Item = &str> {
    let gateway = options.gateway.as_ref();
    let remotes = gateway.into_iter().flat_map(|gateway| &gateway.remotes);
    let own = [
        options.tls.as_ref(),
        options.cluster.tls.as_ref(),
        gateway.and_then(|gateway| gateway.tls.as_ref()),
    ];
    let blocks = own.into_iter().flatten();
    let blocks = blocks.chain(remotes.filter_map(|remote| remote.tls.as_ref()));
    blocks.flat_map(|tls| {
        let pairs = tls
            .certificates
            .iter()
            .flat_map(|f| [&f.cert_file, &f.key_file]);
        pairs.chain(&tls.ca_file).map(String::as_str)
    })
}

/// What the options of a connection say, in the words of the door.
fn settings(tls: &TlsOptions, verify_peers: bool) -> TlsSettings {
    TlsSettings {
        certificates: tls
            .certificates
            .iter()
            .map(|files| (files.cert_file.clone(), files.key_file.clone()))
            .collect(),
        ca_file: tls.ca_file.clone(),
        verify_peers,
        insecure: tls.insecure,
        min_version: match tls.min_version {
            TlsVersion::V1_2 => tls::TlsVersion::V1_2,
            TlsVersion::V1_3 => tls::TlsVersion::V1_3,
        },
        cipher_suites: tls.cipher_suites.clone(),
        curves: tls.curves.clone(),
        pinned: tls.pinned.clone(),
        staples: None,
    }
}
