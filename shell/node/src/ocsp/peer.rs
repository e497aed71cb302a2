//! Whether authorities think well of a peer's certificates. It is asked after the handshake and before the first
//! word, so that nobody is served who is not to come in. Not here: what follows from answers (`gannet_identity`).

use std::time::Duration;

use gannet_config::OcspPeerOptions;
use gannet_identity::{OcspStanding, OcspStatus, PeerFinding, PeerVerdict};
use gannet_rt::Stream;
use gannet_rt::tls::{OcspLink, TlsContext};

use super::responder::{Way, ask};
use super::{name, read};
use crate::log::log;
use crate::shared::Shared;

/// Whether a client that has shown its certificates on `stream` comes in; if not, why.
pub(crate) async fn check_client(
    shared: &Shared,
    stream: &Stream,
    context: &TlsContext,
    options: &OcspPeerOptions,
) -> Result<(), String> {
    let refused = "client not OCSP valid".to_string();
    let links = stream.links(context).ok_or_else(|| refused.clone())?;
    for link in links.iter().filter(|link| !link.responders.is_empty()) {
        let examined = Examined {
            shared,
            link,
            options,
            responders: &link.responders,
        };
        if let Err(why) = examined.admit().await {
            log!(shared.log, Server, Debug, "{why}");
            return Err(refused);
        }
    }
    Ok(())
}

/// Whether a server that has dialled us and shown its certificate on `stream` comes in; if not, why. The reference
/// server wants a proof shown in the handshake, which who dials can't show here: so it is asked for.
pub(crate) async fn check_link(
    shared: &Shared,
    stream: &Stream,
    context: &TlsContext,
    kind: &str,
) -> Result<(), String> {
    let links = stream.links(context);
    let link = links.as_ref().and_then(|links| links.first());
    let link = link.ok_or_else(|| format!("failed to get issuer certificate for {kind} peer"))?;
    let options = shared.options();
    // Who has no responder is asked about where we ask about ourselves.
    let responders = match link.responders.as_slice() {
        [] => &options.ocsp.urls,
        responders => responders,
    };
    let examined = Examined {
        shared,
        link,
        options: &OcspPeerOptions::default(),
        responders,
    };
    let refused = |why| format!("bad status for {kind} peer: {why}");
    examined.admit().await.map_err(refused)
}

/// A certificate of a peer that is asked about.
struct Examined<'a> {
    shared: &'a Shared,
    link: &'a OcspLink,
    options: &'a OcspPeerOptions,
    responders: &'a [String],
}

impl Examined<'_> {
    /// Whether a peer with this certificate comes in; if not, why.
    async fn admit(&self) -> Result<(), String> {
        let (finding, why) = self.find().await;
        let (log, subject) = (&self.shared.log, &self.link.subject);
        match finding.verdict(self.options) {
            PeerVerdict::Good => {
                log!(log, Server, Debug, "OCSP verify pass for [{subject}]");
                Ok(())
            }
            PeerVerdict::Tolerated => {
                log!(
                    log,
                    Server,
                    Warn,
                    "OCSP verify fail for [{subject}] but WarnOnly is true so allowing"
                );
                Ok(())
            }
            PeerVerdict::Unasked => {
                log!(
                    log,
                    Server,
                    Warn,
                    "Failed to obtain OCSP CA response for [{subject}] but AllowWhenCAUnreachable set; no cached revocation so allowing"
                );
                Ok(())
            }
            PeerVerdict::Bad => {
                if finding == (PeerFinding::Unreachable { was_revoked: true })
                    && self.options.allow_when_ca_unreachable
                {
                    log!(
                        log,
                        Server,
                        Warn,
                        "Failed to obtain OCSP CA response for [{subject}] but AllowWhenCAUnreachable set; cached revocation exists so rejecting"
                    );
                }
                Err(why)
            }
        }
    }

    /// What is known about the certificate, and the reason if that is bad.
    async fn find(&self) -> (PeerFinding, String) {
        let was_revoked = match self.kept() {
            Ok(standing) => return self.known(standing),
            Err(was_revoked) => was_revoked,
        };
        let (shared, subject) = (self.shared, &self.link.subject);
        // Others may have asked while this one waited for its turn.
        let Ok(_turn) = shared.ocsp_turns.acquire().await else {
            return (PeerFinding::Useless, String::new());
        };
        if let Ok(standing) = self.kept_by_others() {
            return self.known(standing);
        }
        let answer = match self.ask().await {
            Ok(answer) => answer,
            Err(why) => {
                log!(
                    shared.log,
                    Server,
                    Warn,
                    "Attempt to obtain OCSP response from CA responder for [{subject}] failed: {why}"
                );
                let finding = PeerFinding::Unreachable { was_revoked };
                return (finding, "Failed OCSP response fetch".into());
            }
        };
        let now = shared.rt.wall();
        let standing = match read(self.link, &answer, now) {
            Ok(standing) => standing,
            Err(why) => {
                log!(
                    shared.log,
                    Server,
                    Error,
                    "Could not parse OCSP CA response for [{subject}]: {why}"
                );
                return (PeerFinding::Useless, "Failed OCSP response parse".into());
            }
        };
        if !self.is_current(&standing) {
            log!(
                shared.log,
                Server,
                Warn,
                "New OCSP CA response obtained for [{subject}] but not current"
            );
            let why = "OCSP response not in effectivity window";
            return (PeerFinding::Useless, why.into());
        }
        if let Some(cache) = shared.ocsp_cache.load_full() {
            cache.put(self.link.digest(), subject, &standing, &answer, now);
        }
        self.known(standing)
    }

    fn known(&self, standing: OcspStanding) -> (PeerFinding, String) {
        let (status, subject) = (name(standing.status), &self.link.subject);
        let is_good = match standing.status {
            OcspStatus::Good => true,
            OcspStatus::Revoked => false,
            OcspStatus::Unknown => self.options.unknown_is_good,
        };
        if !is_good {
            log!(
                self.shared.log,
                Server,
                Warn,
                "OCSP verify fail for [{subject}] with CA status [{status}]"
            );
        }
        let why = format!("Invalid OCSP response status: {status}");
        (PeerFinding::Known(standing.status), why)
    }

    fn is_current(&self, standing: &OcspStanding) -> bool {
        let OcspPeerOptions {
            allowed_clockskew,
            unset_ttl,
            ..
        } = *self.options;
        standing.is_current(self.shared.rt.wall(), allowed_clockskew, unset_ttl)
    }

    /// What is kept and counts. The error: nothing does, and whether the certificate was revoked by what did.
    fn kept(&self) -> Result<OcspStanding, bool> {
        let cache = self.shared.ocsp_cache.load_full().ok_or(false)?;
        let key = self.link.digest();
        let answer = cache.get(&key).ok_or(false)?;
        let standing = read(self.link, &answer, self.shared.rt.wall());
        match standing {
            Ok(standing) if self.is_current(&standing) => Ok(standing),
            old => {
                cache.forget(&key);
                Err(old.is_ok_and(|old| old.status == OcspStatus::Revoked))
            }
        }
    }

    /// [`Examined::kept`], not counted.
    fn kept_by_others(&self) -> Result<OcspStanding, ()> {
        let cache = self.shared.ocsp_cache.load_full().ok_or(())?;
        let answer = cache.peek(&self.link.digest()).ok_or(())?;
        let standing = read(self.link, &answer, self.shared.rt.wall()).map_err(drop)?;
        if self.is_current(&standing) {
            Ok(standing)
        } else {
            Err(())
        }
    }

    /// The first answer of a responder.
    async fn ask(&self) -> Result<Vec<u8>, String> {
        let question = self.link.request().ok_or("invalid chain link")?;
        let timeout: Duration = self.options.ca_timeout;
        let mut last = "no available OCSP servers".to_string();
        for url in self.responders {
            match ask(&self.shared.rt, url, &question, Way::Get, timeout).await {
                Ok(answer) => return Ok(answer),
                Err(why) => last = format!("exhausted OCSP responders: {why}"),
            }
        }
        Err(last)
    }
}
