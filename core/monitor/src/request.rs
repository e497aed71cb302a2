//! From a path and a query to what is asked, or to the refusal.

use crate::endpoint::{Endpoint, redirect, route, unbuilt};
use crate::query::{BadValue, Query};
use crate::response::Response;
use crate::{connz, gatewayz, healthz, reloadz, routez, subsz};

/// What is asked, with its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// The page of links.
    Root,
    /// `/varz`, which has no options.
    Varz,
    /// `/connz`
    Connz(connz::Options),
    /// `/routez`
    Routez(routez::Options),
    /// `/gatewayz`
    Gatewayz(gatewayz::Options),
    /// `/subsz` and `/subscriptionsz`
    Subsz(subsz::Options),
    /// `/healthz`
    Healthz(healthz::Options),
    /// `/reloadz`
    Reloadz(reloadz::Options),
    /// `/stacksz`, which has no options.
    Stacksz,
    /// `/debug/vars`, which has no options.
    Vars,
}

impl Request {
    /// The endpoint asked: what to count in `http_req_stats`.
    pub fn endpoint(&self) -> Endpoint {
        match self {
            Request::Root => Endpoint::Root,
            Request::Varz => Endpoint::Varz,
            Request::Connz(_) => Endpoint::Connz,
            Request::Routez(_) => Endpoint::Routez,
            Request::Gatewayz(_) => Endpoint::Gatewayz,
            Request::Subsz(_) => Endpoint::Subsz,
            Request::Healthz(_) => Endpoint::Healthz,
            Request::Reloadz(_) => Endpoint::Reloadz,
            Request::Stacksz => Endpoint::Stacksz,
            Request::Vars => Endpoint::Vars,
        }
    }
}

/// A request that is answered at once, with nothing gathered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The answer: 307, 400 or 404.
    pub response: Response,
    /// The endpoint to count in `http_req_stats`; the reference counts a bad query to `/connz`
    /// and `/routez` only once its values could be read, elsewhere always.
    pub counts: Option<Endpoint>,
}

/// Reads a request: the configured base path, the path as it was sent, and the query behind its
/// question mark (empty for none). The method does not matter to the reference.
pub fn request(base_path: &str, path: &str, query: &str) -> Result<Request, Refused> {
    if let Some(clean) = redirect(path) {
        return Err(Refused {
            response: Response::moved(&clean, query),
            counts: None,
        });
    }
    let Some(endpoint) = route(base_path, path) else {
        let response = match unbuilt(base_path, path) {
            Some((page, part)) => Response::unbuilt(page, part),
            None => Response::not_found(),
        };
        return Err(Refused {
            response,
            counts: None,
        });
    };
    let query = Query::parse(query);
    let bad = |counts: Option<Endpoint>| {
        move |value: BadValue| Refused {
            response: Response::bad_request(value.0),
            counts,
        }
    };
    let counted = Some(endpoint);
    Ok(match endpoint {
        Endpoint::Root => Request::Root,
        Endpoint::Varz => Request::Varz,
        Endpoint::Connz => {
            let read = connz::Unchecked::parse(&query).map_err(bad(None))?;
            Request::Connz(read.check().map_err(bad(counted))?)
        }
        Endpoint::Routez => Request::Routez(routez::Options::parse(&query).map_err(bad(None))?),
        Endpoint::Gatewayz => {
            Request::Gatewayz(gatewayz::Options::parse(&query).map_err(bad(counted))?)
        }
        Endpoint::Subsz => Request::Subsz(subsz::Options::parse(&query).map_err(bad(counted))?),
        Endpoint::Healthz => {
            Request::Healthz(healthz::Options::parse(&query).map_err(bad(counted))?)
        }
        Endpoint::Reloadz => {
            Request::Reloadz(reloadz::Options::parse(&query).map_err(bad(counted))?)
        }
        Endpoint::Stacksz => Request::Stacksz,
        Endpoint::Vars => Request::Vars,
    })
}
