//! OCSP (RFC 6960): what can be asked about a certificate, and what an authority's answer is worth.
//!
//! What lives here: the question, whether an answer is genuine, and what it says ([`OcspLink`],
//! [`OcspAnswer`]). What does not: who carries question and answer, and what follows from them; whether an
//! answer is of today is `gannet_identity`'s to say.

mod answer;
mod chain;
mod signed;

use gannet_units::WallTime;
use rustls::pki_types::CertificateDer;

pub use answer::{OcspAnswer, OcspError, OcspStatus};
pub use chain::OcspLink;
pub(super) use chain::{NoIssuer, links, own_link, wants_staple};

/// What is thought of the proof that a server which we dial shows with its certificate: the text says what
/// is wrong with it.
pub type StapleRule = fn(&OcspAnswer, now: WallTime) -> Result<(), String>;

/// What is asked of the servers that we dial.
#[derive(Clone, Copy, Debug)]
pub struct StapleDemand {
    /// What they are called in texts: `Router`, `Gateway`.
    pub kind: &'static str,
    /// What their proofs are judged by.
    pub rule: StapleRule,
}

impl StapleDemand {
    /// Whether `staple` proves that the first of `chain` is good. `trusted` are the authorities.
    pub(super) fn check(
        self,
        staple: &[u8],
        chain: &[CertificateDer<'_>],
        trusted: &[CertificateDer<'static>],
        now: WallTime,
    ) -> Result<(), String> {
        let StapleDemand { kind, rule } = self;
        if staple.is_empty() {
            return Err(format!("{kind} peer missing OCSP Staple"));
        }
        let link = chain::links(chain, trusted)
            .ok()
            .and_then(|links| links.into_iter().next());
        let link =
            link.ok_or_else(|| format!("failed to get issuer certificate for {kind} peer"))?;
        let answer = link.read(staple, now).map_err(|error| match error {
            OcspError::Delegation => {
                "OCSP staple's signer missing authorization by CA to act as OCSP signer".to_string()
            }
            other => format!("failed to parse OCSP response from {kind} peer: {other}"),
        })?;
        rule(&answer, now).map_err(|_| format!("OCSP staple from {kind} peer not current"))?;
        match answer.status {
            OcspStatus::Good => Ok(()),
            bad => Err(format!(
                "bad status for OCSP Staple from {kind} peer: {bad}"
            )),
        }
    }
}
