//! One server that we are connected to, and which of the connections to it stand.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};

use gannet_units::Moment;
use gannet_wire::server_info::ServerInfo;

use crate::route::{Place, RemoteServer, RouteId};

/// Places of a pool, whatever a peer says.
pub(super) const MOST_PLACES: u32 = 1024;

/// By what our interest is shared out to the connections to one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shares {
    /// Size of the pool.
    pub(super) size: Option<u32>,
    /// Accounts whose interest is not told over the pool, but over their own connections.
    pub(super) own: BTreeSet<String>,
}

/// One server that we are connected to.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) info: ServerInfo,
    /// Its size of the pool; `None` if one of the two knows no pools.
    pub(super) pool_size: Option<u32>,
    /// Connections by their place; just 0 without a pool.
    pub(super) pool: BTreeMap<u32, RouteId>,
    /// Connections of single accounts.
    pub(super) accounts: BTreeMap<String, RouteId>,
    /// It will shut down soon.
    pub(super) is_lame: bool,
    /// By what our interest is told.
    pub(super) shares: Shares,
    /// Accounts with connections of their own that are told over the pool until those stand.
    pub(super) pooled: BTreeSet<String>,
    /// Accounts for which it has asked for connections of their own: we take those, pinned here or not.
    pub(super) granted: BTreeSet<String>,
    /// Interest is on its way from one connection to another, in the move with this number.
    pub(super) moving: Option<u64>,
    /// A new connection may still lose its place to one that the other server dialled at the same time:
    /// nothing moves before.
    pub(super) settled_at: Moment,
    /// Something waits for that.
    pub(super) is_waiting: bool,
    /// Places that there ever were: a server that is none of ours keeps them.
    most: u32,
    /// It has made one of the connections.
    pub(super) has_dialled: bool,
    /// It has shown that it means to stay: it dialled us, or answered a PING.
    pub(super) is_proved: bool,
    /// It is about to make the missing connections itself; we don't before.
    pub(super) fill_after: Moment,
}

impl Peer {
    pub(super) fn new(remote: &RemoteServer, shares: Shares, now: Moment) -> Peer {
        Peer {
            info: remote.info.clone(),
            pool_size: remote.pool_size,
            pool: BTreeMap::new(),
            accounts: BTreeMap::new(),
            is_lame: false,
            shares,
            pooled: BTreeSet::new(),
            granted: BTreeSet::new(),
            moving: None,
            settled_at: now,
            is_waiting: false,
            most: 0,
            has_dialled: false,
            is_proved: false,
            fill_after: now,
        }
    }

    /// Whether it is connected, not only for single accounts.
    pub(super) fn is_up(&self) -> bool {
        !self.pool.is_empty()
    }

    /// The connection for what concerns the whole server.
    pub(super) fn first(&self) -> Option<RouteId> {
        self.pool.values().next().copied()
    }

    /// All its connections.
    pub(super) fn connections(&self) -> impl Iterator<Item = RouteId> {
        self.pool.values().chain(self.accounts.values()).copied()
    }

    /// The connection at a place.
    pub(super) fn holder(&self, place: &Place) -> Option<RouteId> {
        match place {
            Place::Only => self.first(),
            Place::Pooled(index) => self.pool.get(index).copied(),
            Place::Account(name) => self.accounts.get(name).copied(),
        }
    }

    /// Places that may be taken, if our pool has `own` and its one `theirs`: those that are wanted, and
    /// those that a server which is none of ours may still believe in.
    pub(super) fn places(&self, own: Option<u32>, theirs: Option<u32>) -> u32 {
        places(own, theirs).max(self.most)
    }

    /// Places that need not be given up, if our pool has `own`: who dials us for those of a larger pool
    /// would do it again for ever.
    pub(super) fn kept(&self, own: Option<u32>) -> u32 {
        let wanted = places(own, self.pool_size);
        match self.has_dialled {
            true => wanted.max(self.most),
            false => wanted,
        }
    }

    /// Whether it is one of ours.
    pub(super) fn is_gannet(&self) -> bool {
        !self.info.gannet.is_empty()
    }

    /// The lowest place that is free.
    pub(super) fn free_place(&self, own: Option<u32>) -> Option<u32> {
        (0..places(own, self.pool_size)).find(|index| !self.pool.contains_key(index))
    }

    pub(super) fn put(&mut self, place: &Place, id: RouteId) {
        if let (Place::Pooled(index), false) = (place, self.is_gannet()) {
            self.most = self.most.max(index.saturating_add(1)).min(MOST_PLACES);
        }
        match place {
            Place::Only => self.pool.insert(0, id),
            Place::Pooled(index) => self.pool.insert(*index, id),
            Place::Account(name) => self.accounts.insert(name.to_string(), id),
        };
    }

    /// Takes the connection from its place, if it has it.
    pub(super) fn take(&mut self, place: &Place, id: RouteId) {
        if self.holder(place) != Some(id) {
            return;
        }
        match place {
            Place::Only => self.pool.remove(&0),
            Place::Pooled(index) => self.pool.remove(index),
            Place::Account(name) => self.accounts.remove(name),
        };
    }
}

/// Places of a pool between servers with these sizes.
pub(super) fn places(own: Option<u32>, theirs: Option<u32>) -> u32 {
    match (own, theirs) {
        (Some(own), Some(theirs)) => own.max(theirs).min(MOST_PLACES),
        _ => 1,
    }
}
