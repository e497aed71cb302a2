//! What a server goes by and may change while it runs: its options, and what is made of them. Whoever
//! decides something looks here for each decision or takes a snapshot; a connection is told of changes by
//! [`Signal::RELOAD`](gannet_broker::Signal). Not here: which changes there may be (`gannet_config::Diff`),
//! and how they are carried out (`reload`).

use std::fmt;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use gannet_config::Options;
use gannet_identity::Authenticator;
use gannet_session::client::ClientLimits;

use crate::shared::Shared;
use crate::tls::ServerTls;

/// Largest payload where the configuration names none: the reference server's default.
const DEFAULT_MAX_PAYLOAD: usize = 1024 * 1024;

/// What one server goes by now.
pub(crate) struct Live {
    options: ArcSwap<Options>,
    auth: ArcSwap<Authenticator>,
    tls: ArcSwap<ServerTls>,
    limits: ArcSwap<ClientLimits>,
}

impl Live {
    /// What is made of `options`, whose certificates have been read.
    pub(crate) fn new(options: Options, tls: ServerTls) -> Live {
        let auth = Authenticator::new(&options);
        Live {
            limits: ArcSwap::from_pointee(client_limits(&options, &auth)),
            auth: ArcSwap::from_pointee(auth),
            tls: ArcSwap::from_pointee(tls),
            options: ArcSwap::from_pointee(options),
        }
    }

    /// Goes by other certificates from now on; answers those before.
    pub(crate) fn replace_tls(&self, tls: ServerTls) -> Arc<ServerTls> {
        self.tls.swap(Arc::new(tls))
    }

    /// Goes by new options from now on. Clients that were let in are to be looked at again only if
    /// `is_auth_new`. Answers the certificates before.
    pub(crate) fn replace(
        &self,
        options: Options,
        tls: ServerTls,
        is_auth_new: bool,
    ) -> Arc<ServerTls> {
        if is_auth_new {
            let auth = Authenticator::new(&options);
            self.auth.store(Arc::new(auth));
        }
        let before = self.replace_tls(tls);
        let limits = client_limits(&options, &self.auth.load());
        self.limits.store(Arc::new(limits));
        self.options.store(Arc::new(options));
        before
    }
}

/// Bounds of a client's conversation.
fn client_limits(options: &Options, auth: &Authenticator) -> ClientLimits {
    let limits = &options.limits;
    ClientLimits {
        control_line: limits.max_control_line.as_usize(),
        payload: max_payload(options),
        subscriptions: limits.max_subscriptions.unwrap_or(0) as usize,
        subject_tokens: usize::from(limits.max_subscription_tokens.unwrap_or(0)),
        ping_interval: limits.ping_interval,
        pings_out: limits.ping_max,
        headers: !limits.no_headers,
        auth_timeout: auth.required().then(|| options.auth_timeout()),
        may_be_nobody: auth.takes_nobody(),
    }
}

/// Largest payload in bytes.
fn max_payload(options: &Options) -> usize {
    let most = options.limits.max_payload;
    most.map_or(DEFAULT_MAX_PAYLOAD, |n| n.as_usize())
}

impl Shared {
    /// The options now. For one decision: not to be kept while waiting for anything.
    #[inline]
    pub(crate) fn now(&self) -> Guard<Arc<Options>> {
        self.live.options.load()
    }

    /// The options now, to be kept.
    pub(crate) fn options(&self) -> Arc<Options> {
        self.live.options.load_full()
    }

    /// Who may connect as a client.
    pub(crate) fn auth(&self) -> Arc<Authenticator> {
        self.live.auth.load_full()
    }

    /// The TLS of all kinds of connections.
    pub(crate) fn tls(&self) -> Arc<ServerTls> {
        self.live.tls.load_full()
    }

    /// Bounds of a client's conversation.
    pub(crate) fn client_limits(&self) -> Arc<ClientLimits> {
        self.live.limits.load_full()
    }

    /// Largest payload in bytes.
    pub(crate) fn max_payload(&self) -> usize {
        max_payload(&self.now())
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Live")
    }
}
