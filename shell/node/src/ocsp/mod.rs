//! What authorities are asked about certificates: about our own, so that proofs can be shown with them (`staple`),
//! and about those of peers (`peer`), whose answers are kept (`cache`). Not here: questions and answers themselves
//! (`gannet_rt::tls`), and what follows from them (`gannet_identity`).

mod cache;
mod peer;
mod responder;
mod staple;

use gannet_identity::{OcspStanding, OcspStatus};
use gannet_rt::tls::{OcspAnswer, OcspError, OcspLink, StapleDemand};
use gannet_units::WallTime;
use jiff::Timestamp;

pub(crate) use cache::{Cache, Counts, refresh as refresh_cache, save as save_cache};
pub(crate) use peer::{check_client, check_link};
pub(crate) use staple::{Shower, Stapler, begin, prepare, staplers};

/// Questions about peers that are asked at a time.
pub(crate) const TURNS: usize = 32;

/// What is asked of the proofs of servers that we dial.
pub(crate) fn demand(kind: &'static str) -> StapleDemand {
    let rule = |answer: &OcspAnswer, now| match standing(answer).is_current_by_default(now) {
        true => Ok(()),
        false => Err("not current".to_string()),
    };
    StapleDemand { kind, rule }
}

/// What a genuine answer says.
fn standing(answer: &OcspAnswer) -> OcspStanding {
    OcspStanding {
        status: match answer.status {
            gannet_rt::tls::OcspStatus::Good => OcspStatus::Good,
            gannet_rt::tls::OcspStatus::Revoked => OcspStatus::Revoked,
            gannet_rt::tls::OcspStatus::Unknown => OcspStatus::Unknown,
        },
        this_update: answer.this_update,
        next_update: answer.next_update,
    }
}

/// What `answer` says about the certificate of `link`.
fn read(link: &OcspLink, answer: &[u8], now: WallTime) -> Result<OcspStanding, OcspError> {
    link.read(answer, now).map(|answer| standing(&answer))
}

fn name(status: OcspStatus) -> &'static str {
    match status {
        OcspStatus::Good => "good",
        OcspStatus::Revoked => "revoked",
        OcspStatus::Unknown => "unknown",
    }
}

/// A time as texts have it; of none, the first day of the calendar.
fn shown(time: Option<WallTime>) -> String {
    let nanos = time.map(|time| i128::from(time.as_unix_nanos()));
    let time = nanos.and_then(|nanos| Timestamp::from_nanosecond(nanos).ok());
    time.map_or_else(
        || "0001-01-01T00:00:00Z".to_string(),
        |time| time.to_string(),
    )
}
