//! Accounts that move from one connection to another one to the same server: what each side does, step by
//! step. Who is asked for messages ([`Ways`]) keeps to one connection per server and account, however
//! many carry interest, and changes it when the other server says so. Not here: when that is, and in which
//! order (`gannet_node`, `docs/routes.md`).

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use gannet_wire::gateway::encode;
use gannet_wire::reply_prefix::Hash;
use gannet_wire::server_info::ServerInfo;

use crate::account::Account;
use crate::broker::Broker;
use crate::listing::Listing;
use crate::peer::Peer;
use crate::routes::RouteLink;

/// Bytes of names in one line.
const NAMES: usize = 2048;

/// By which connection the messages of one account go to each other server of the cluster.
#[derive(Debug, Default)]
pub(crate) struct Ways(Vec<Arc<Peer>>);

impl Ways {
    /// Interest came over this connection: it is the way, unless there is one.
    pub(crate) fn learn(&mut self, peer: &Arc<Peer>) {
        if !peer.is_gone() && self.to(peer).is_none() {
            self.0.push(peer.clone());
        }
    }

    /// The way to the server of `peer`.
    fn to(&self, peer: &Peer) -> Option<&Arc<Peer>> {
        self.0.iter().find(|way| way.is_same_server(peer))
    }

    /// The way to the server with this mark.
    pub(crate) fn to_marked(&self, mark: &Hash) -> Option<&Arc<Peer>> {
        self.0.iter().find(|way| way.is_of(mark))
    }

    /// Whether this connection is the way to its server.
    pub(crate) fn has(&self, peer: &Arc<Peer>) -> bool {
        self.0.iter().any(|way| Arc::ptr_eq(way, peer))
    }

    /// This connection is the way from now on.
    fn turn(&mut self, peer: &Arc<Peer>) {
        self.0.retain(|way| !way.is_same_server(peer));
        self.0.push(peer.clone());
    }

    pub(crate) fn remove(&mut self, peer: &Arc<Peer>) {
        self.0.retain(|way| !Arc::ptr_eq(way, peer));
    }
}

/// Accounts whose local interest is told over another connection to the same server from now on. What
/// was told stays told until it is taken back.
#[derive(Debug, Default)]
pub struct Moving {
    gained: Vec<(Arc<RouteLink>, Vec<Arc<Account>>)>,
    lost: Vec<(Arc<RouteLink>, Vec<Arc<Account>>)>,
}

impl Moving {
    /// Whether nothing moves.
    pub fn is_empty(&self) -> bool {
        self.gained.is_empty() && self.lost.is_empty()
    }

    /// Tells all that moves over its new connections. With `turns`, the other server is asked behind it to
    /// send its messages there from now on.
    pub fn tell(&self, turns: bool) -> Vec<Listing> {
        let tell = |(link, accounts): &(Arc<RouteLink>, Vec<Arc<Account>>)| {
            for account in accounts {
                account.tell(link);
            }
            let mut listing = Listing::for_route(link, accounts.clone());
            if turns {
                for names in lines(accounts) {
                    let mut line = Vec::new();
                    encode::info(&mut line, &ServerInfo::turn(names));
                    listing.push_text(line);
                }
            }
            listing
        };
        self.gained.iter().map(tell).collect()
    }

    /// Takes back what was told over the old connections.
    pub fn take_back(&self) -> Vec<Listing> {
        let lost = self.lost.iter();
        lost.map(|(link, accounts)| Listing::for_retraction(link, accounts.clone()))
            .collect()
    }

    /// Connections that gain accounts.
    pub fn to(&self) -> impl Iterator<Item = &Arc<Peer>> {
        self.gained.iter().map(|(link, _)| link.peer())
    }

    /// Connections that lose accounts.
    pub fn from(&self) -> impl Iterator<Item = &Arc<Peer>> {
        self.lost.iter().map(|(link, _)| link.peer())
    }
}

/// The names, in portions for one line each.
fn lines(accounts: &[Arc<Account>]) -> Vec<Vec<String>> {
    let mut lines: Vec<Vec<String>> = Vec::new();
    let mut len = NAMES;
    for account in accounts {
        len += account.name().len();
        if len > NAMES {
            lines.push(Vec::new());
            len = account.name().len();
        }
        if let Some(line) = lines.last_mut() {
            line.push(account.name().to_string());
        }
    }
    lines
}

impl Broker {
    /// Connections to one server carry something else from now on, each pair what its second one says,
    /// which has the same peer. Accounts that are new begin there; those that there are move as the answer
    /// says.
    pub fn replace_routes(&self, pairs: &[(Arc<RouteLink>, Arc<RouteLink>)]) -> Moving {
        let accounts = self.accounts.read();
        for link in self.routes.lock().iter_mut() {
            if let Some((_, new)) = pairs.iter().find(|(old, _)| Arc::ptr_eq(old, link)) {
                *link = new.clone();
            }
        }
        let mut moving = Moving::default();
        for (old, new) in pairs {
            let (mut gained, mut lost) = (Vec::new(), Vec::new());
            for account in accounts.values() {
                let carries = |link: &RouteLink| link.carries().carries(account.name());
                match (carries(old), carries(new)) {
                    (false, true) => gained.push(account.clone()),
                    (true, false) => lost.push(account.clone()),
                    (true, true) | (false, false) => {}
                }
            }
            for (list, accounts) in [(&mut moving.gained, gained), (&mut moving.lost, lost)] {
                if !accounts.is_empty() {
                    list.push((new.clone(), accounts));
                }
            }
        }
        moving
    }

    /// The other connections by which messages of these accounts go to the server of `link` now.
    pub fn ways_before(&self, link: &RouteLink, names: &[String]) -> Vec<Arc<Peer>> {
        let mut before: BTreeMap<u64, Arc<Peer>> = BTreeMap::new();
        for account in names.iter().filter_map(|name| self.account(name)) {
            let interest = account.interest().read();
            if let Some(way) = interest.ways.to(link.peer())
                && !Arc::ptr_eq(way, link.peer())
                && !way.is_gone()
            {
                before.insert(way.id().0, way.clone());
            }
        }
        before.into_values().collect()
    }

    /// Messages of these accounts go to the server of `link` by this connection from now on.
    pub fn turn_ways(&self, link: &RouteLink, names: &[String]) {
        for account in names.iter().filter_map(|name| self.account(name)) {
            account.interest().write().ways.turn(link.peer());
            account.touch();
        }
    }
}
