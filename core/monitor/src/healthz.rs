//! `/healthz`: is this server fit to serve. The answer of a server without JetStream; the
//! options that only JetStream would heed are read, so that bad ones are refused, and then ignored.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Serialize;

use crate::query::{BadValue, Query};
use crate::response::Response;

/// What is asked of `/healthz`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    deprecated: bool,
    details: bool,
    missing: Option<&'static str>,
}

impl Options {
    pub(crate) fn parse(query: &Query) -> Result<Options, BadValue> {
        let deprecated = query.flag("js-enabled")?;
        for name in ["js-enabled-only", "js-server-only", "js-meta-only"] {
            query.flag(name)?;
        }
        let details = query.flag("details")?;
        let given = |name| !query.text(name).is_empty();
        let missing = match () {
            () if given("stream") && !given("account") => {
                Some("\"account\" must not be empty when checking stream health")
            }
            () if given("consumer") && !given("stream") => {
                Some("\"stream\" must not be empty when checking consumer health")
            }
            () => None,
        };
        Ok(Options {
            deprecated,
            details,
            missing,
        })
    }

    /// A warning for the log when a deprecated option was used.
    pub fn warning(&self) -> Option<&'static str> {
        self.deprecated
            .then_some("Healthcheck: js-enabled deprecated, use js-enabled-only instead")
    }
}

/// What the caller gathered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Configured listeners that do not accept now, by the reference's names: `server` for the
    /// client listener (as in lame duck mode), `gateway`, `route`, `leafnode`, `websocket`, `mqtt`.
    pub closed_listeners: Vec<&'static str>,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    code: u16,
    details: bool,
    error: Option<(&'static str, String)>,
}

/// Judges the snapshot.
pub fn check(options: &Options, snapshot: &Snapshot) -> Health {
    let health = |code, error| Health {
        code,
        details: options.details,
        error,
    };
    if let Some(missing) = options.missing {
        return health(400, Some(("BAD_REQUEST", missing.to_string())));
    }
    if !snapshot.closed_listeners.is_empty() {
        // The reference waits a millisecond for the listeners, and says so.
        let names = snapshot.closed_listeners.join(", ");
        let error = format!("failed to be ready for connections after 1ms: {names}");
        return health(500, Some(("CONNECTION", error)));
    }
    health(200, None)
}

impl Health {
    /// A warning for the log when the check failed.
    pub fn warning(&self) -> Option<String> {
        let (_, error) = self.error.as_ref()?;
        Some(if self.details {
            "Healthcheck failed: 1 errors".to_string()
        } else {
            format!("Healthcheck failed: {error:?}")
        })
    }

    /// The answer.
    pub fn response(&self) -> Response {
        let status = if self.error.is_some() { "error" } else { "ok" };
        let found = self.error.as_ref();
        let body = Healthz {
            status,
            error: found
                .filter(|_| !self.details)
                .map(|(_, error)| error.as_str()),
            errors: found
                .filter(|_| self.details)
                .map(|(kind, error)| Finding { kind, error })
                .into_iter()
                .collect(),
        };
        Response::compact_json(self.code, &body)
    }
}

#[derive(Serialize)]
struct Healthz<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Finding<'a>>,
}

#[derive(Serialize)]
struct Finding<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    error: &'a str,
}
