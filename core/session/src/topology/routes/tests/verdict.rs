//! Whether a cluster in memory is what it should be.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::network::{End, Network};
use crate::route::Place;

impl Network {
    /// The places of the connections that stand between two servers, as the first sees them; an error if
    /// the other sees them otherwise, or one is not registered at both ends.
    pub(super) fn places(&self, a: usize, b: usize) -> Result<Vec<Place>, String> {
        let mut places = Vec::new();
        for p in self.open() {
            let [x, y] = &self.pipes[p].ends;
            if [x.server, y.server] != [a, b] && [x.server, y.server] != [b, a] {
                continue;
            }
            let place = |end: &End| end.link.remote().map(|remote| remote.place.clone());
            // Attempts do not count, nor those for an account that only one side has pinned, which are
            // refused again and again.
            let expected = self.expected(a, b);
            let is_refused = |place: &Option<Place>| {
                let account = place.as_ref().filter(|p| matches!(p, Place::Account(_)));
                account.is_some_and(|place| !expected.contains(place))
            };
            let found = (place(x), place(y));
            if found == (None, None) || is_refused(&found.0) || is_refused(&found.1) {
                continue;
            }
            if self.pipes[p].is_dead || x.is_closed || y.is_closed {
                return Err(format!("half open between {a} and {b}: {found:?}"));
            }
            match found {
                (Some(one), Some(other)) if one == other => places.push(one),
                other => return Err(format!("between {a} and {b}: {other:?}")),
            }
        }
        places.sort();
        Ok(places)
    }

    /// What should stand between two servers.
    pub(super) fn expected(&self, a: usize, b: usize) -> Vec<Place> {
        let (a, b) = (&self.servers[a].config, &self.servers[b].config);
        let (Some(x), Some(y)) = (a.pool_size, b.pool_size) else {
            return [Place::Only].into();
        };
        let mut places: Vec<Place> = (0..x.max(y)).map(Place::Pooled).collect();
        let both = a.pinned.iter().filter(|name| b.pinned.contains(name));
        places.extend(both.map(|name| Place::Account(name.to_string())));
        places.push(Place::Account("$SYS".to_string()));
        places.sort();
        places
    }

    /// Whether every pair is connected as it should be; else what is wrong.
    pub(super) fn is_mesh(&self) -> Result<(), String> {
        for b in 0..self.servers.len() {
            for a in 0..b {
                let (found, wanted) = (self.places(a, b)?, self.expected(a, b));
                if found != wanted {
                    return Err(format!("between {a} and {b}: {found:?}, not {wanted:?}"));
                }
            }
        }
        for (n, server) in self.servers.iter().enumerate() {
            let others = (0..self.servers.len()).filter(|other| *other != n);
            let clients: Vec<String> = others.map(|other| format!("c{other}:4222")).collect();
            let known: Vec<&str> = server.routes.client_urls().collect();
            if known != clients {
                return Err(format!("clients of {n} are told of {known:?}"));
            }
            let gateways = server.routes.gateway_urls().count();
            if gateways != clients.len() || server.routes.peers().count() != clients.len() {
                return Err(format!("{n} has forgotten or kept somebody"));
            }
        }
        Ok(())
    }
}
