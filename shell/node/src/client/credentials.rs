//! What a client shows of itself, gathered; and what it is as soon as it has been let in. Not here: whether that
//! is right (`gannet_identity`), and when it is asked (`task::arrival`, `reload`).

use std::sync::Arc;
use std::time::Duration;

use gannet_broker::Account;
use gannet_config::ConnectionType;
use gannet_identity::{Admission, Authenticator, Credentials, Decision, Denial, NONCE_BYTES, Who};
use gannet_rt::Rt;
use gannet_session::CloseReason;
use gannet_session::client::{Answer, Bounds};
use gannet_units::Moment;
use gannet_wire::client::ClientConnect;

use crate::registry::ClientConn;
use crate::shared::Shared;
use crate::tls::names;

/// What the client may have to sign.
pub(super) fn nonce<'a>(shared: &Shared, conn: &'a ClientConn) -> &'a str {
    conn.nonce.get_or_init(|| {
        let mut entropy = [0; NONCE_BYTES];
        shared.rt.fill_random(&mut entropy);
        gannet_identity::nonce(entropy).into()
    })
}

/// All that a client has shown.
pub(super) fn credentials<'a>(conn: &'a ClientConn, connect: &'a ClientConnect) -> Credentials<'a> {
    let certificate = conn.stream.tls().and_then(|tls| tls.peer.as_ref());
    Credentials {
        user: &connect.user,
        password: &connect.pass,
        token: &connect.auth_token,
        nkey: &connect.nkey,
        sig: &connect.sig,
        jwt: &connect.jwt,
        proxy_sig: &connect.proxy_sig,
        nonce: conn.nonce.get().map_or("", |nonce| nonce),
        certificate: certificate.map(names),
        connection: ConnectionType::Standard,
    }
}

/// Somebody who is not let in.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) denial: Denial,
    /// As whom the client came.
    pub(super) who: Who,
}

impl Refusal {
    pub(super) fn reason(&self) -> CloseReason {
        match self.denial {
            Denial::ProxyNotTrusted => CloseReason::ProxyNotTrusted,
            Denial::ProxyRequired => CloseReason::ProxyRequired,
            _ => CloseReason::AuthenticationViolation,
        }
    }
}

/// Decides on credentials, slow work included.
pub(super) async fn decide(
    rt: &Rt,
    auth: &Authenticator,
    given: &Credentials<'_>,
) -> Result<Box<Admission>, Refusal> {
    match auth.decide(given) {
        Decision::Allow(admission) => Ok(admission),
        Decision::Deny(denial) => Err(Refusal {
            denial,
            who: Who::of(given),
        }),
        Decision::Check { check, admission } => {
            if rt.run_blocking(move || check.run()).await {
                return Ok(admission);
            }
            Err(Refusal {
                denial: Denial::Credentials,
                who: admission.who,
            })
        }
    }
}

/// The account that a client is let in to; `None` if there is no such account any more.
pub(super) fn account_of(shared: &Shared, admission: &Admission) -> Option<Arc<Account>> {
    match &admission.account {
        Some(name) => shared.broker.account(name),
        None => Some(shared.broker.global().clone()),
    }
}

/// What the conversation has to know of whom was let in.
pub(super) fn answer(shared: &Shared, admission: &Admission, account: &Account) -> Answer<'static> {
    Answer::Admitted {
        rights: admission.rights.clone(),
        bounds: bounds(admission, account),
        until: until(&shared.rt, admission),
    }
}

/// The bounds of user and account together.
pub(super) fn bounds(admission: &Admission, account: &Account) -> Bounds {
    let (user, account) = (&admission.limits, account.limits());
    let least = |a: Option<u32>, b: Option<u32>| a.into_iter().chain(b).min().map(|n| n as usize);
    Bounds {
        subscriptions: least(user.subscriptions, account.subscriptions),
        payload: least(user.payload, account.payload),
    }
}

/// When the client has to go.
pub(super) fn until(rt: &Rt, admission: &Admission) -> Moment {
    let Some(end) = admission.until else {
        return Moment::NEVER;
    };
    let left: Duration = end.since(rt.wall());
    rt.now() + left
}
